//! One engine for all tests of this binary, in a process of its own.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use footfall_engine::{Endpoint as EngineEndpoint, EngineOptions};
use footfall_store::{Endpoint, Store};
use tokio::sync::OnceCell;

static ENGINE: OnceCell<EngineEndpoint> = OnceCell::const_new();
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
    Store::connect(&endpoint().await)
}

/// The address of a new database.
pub async fn endpoint() -> Endpoint {
    let engine = ENGINE.get_or_init(start).await;
    Endpoint {
        url: engine.url.clone(),
        user: engine.user.clone(),
        password: engine.password.clone(),
        database: format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        cluster: None,
    }
}

/// Runs a statement that answers nothing.
pub async fn run(store: &Store, text: &str) {
    store.raw(text).execute().await.unwrap_or_else(|error| panic!("{error}\n{text}"));
}

/// A number.
pub async fn number(store: &Store, text: &str) -> u64 {
    store.raw(text).fetch_one::<u64>().await.unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The engine is this very program, started again to run [`child`] alone.
#[allow(clippy::zombie_processes, reason = "it outlives this function and ends with this process")]
async fn start() -> EngineEndpoint {
    let folders = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engines");
    remove_old(&folders);
    let data = folders.join(std::process::id().to_string());
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
        let gone = !PathBuf::from("/proc").join(folder.file_name()).exists();
        if gone {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}
