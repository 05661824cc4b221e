//! As many engines as a store of this binary has shards (`crate::SHARDS`), each in a process of its own, for all tests.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use footfall_engine::{Endpoint as EngineEndpoint, EngineOptions};
use footfall_store::{Endpoint, Replica, ShardOptions, Store, StoreOptions};
use tokio::sync::OnceCell;

static ENGINES: [OnceCell<EngineEndpoint>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
/// Names the folder of the engine to its process.
const DATA: &str = "FOOTFALL_STORE_TEST_ENGINE";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A migrated store with a database of its own, in which parts are never merged: what is stored twice stays visible twice.
pub async fn store() -> Store {
    let store = empty_store().await;
    store.migrate().await.unwrap();
    for table in ["events", "sessions", "dead_letters"] {
        run(&store, &format!("SYSTEM STOP MERGES {table}")).await;
    }
    store
}

/// A store without a database yet.
pub async fn empty_store() -> Store {
    Store::connect(options().await)
}

/// A new database, on as many shards as this binary says.
pub async fn options() -> StoreOptions {
    let database = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut shards = Vec::new();
    for number in 0..crate::SHARDS {
        let engine = engine(number).await;
        let replica = Replica { url: engine.url.clone(), user: engine.user.clone(), password: engine.password.clone() };
        shards.push(ShardOptions { replicas: vec![replica] });
    }
    StoreOptions { shards, database, ..StoreOptions::default() }
}

/// The address of a new database on the first engine.
#[allow(dead_code, reason = "not every binary asks for it")]
pub async fn endpoint() -> Endpoint {
    let StoreOptions { mut shards, database, .. } = options().await;
    let Replica { url, user, password } = shards.swap_remove(0).replicas.swap_remove(0);
    Endpoint { url, user, password, database, cluster: None }
}

async fn engine(number: usize) -> &'static EngineEndpoint {
    ENGINES[number].get_or_init(|| start(number)).await
}

/// Runs a statement that answers nothing, on all shards.
pub async fn run(store: &Store, text: &str) {
    for shard in store.shards() {
        shard.raw(text).execute().await.unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
}

/// A number, summed over all shards.
pub async fn number(store: &Store, text: &str) -> u64 {
    let mut sum = 0_u64;
    for shard in store.shards() {
        sum = sum.wrapping_add(shard.raw(text).fetch_one::<u64>().await.unwrap_or_else(|error| panic!("{error}\n{text}")));
    }
    sum
}

/// The engine is this very program, started again to run [`child`] alone.
#[allow(clippy::zombie_processes, reason = "it outlives this function and ends with this process")]
async fn start(number: usize) -> EngineEndpoint {
    let folders = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engines");
    remove_old(&folders);
    let data = folders.join(format!("{}.{number}", std::process::id()));
    std::fs::create_dir_all(&data).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "engine::child", "--nocapture"])
        .env(DATA, &data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The engine lives as long as its input is open: until this process ends.
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "password of a test").unwrap();
    std::mem::forget(input);
    for _ in 0..1_200 {
        if let Some(endpoint) = EngineEndpoint::discover(&data).await {
            return endpoint;
        }
        assert!(child.try_wait().unwrap().is_none(), "the engine ended; see stderr");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the engine did not start; see stderr");
}

/// Nothing by itself; the engine where [`start`] asks for it.
#[tokio::test]
async fn child() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let options = EngineOptions { memory_cap: Some(3_000_000_000), supervised: true, ..EngineOptions::new(PathBuf::from(data)) };
    footfall_engine::run(options).await.unwrap();
}

/// Folders of processes that are gone.
fn remove_old(folders: &Path) {
    let Ok(found) = std::fs::read_dir(folders) else { return };
    for folder in found.flatten() {
        let lives =
            folder.file_name().to_str().and_then(|name| name.split('.').next()).is_some_and(|id| PathBuf::from("/proc").join(id).exists());
        if !lives {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}
