//! What every test starts: log, engine, accounts, live state, processor.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use footfall_engine::{Endpoint as EngineEndpoint, EngineOptions};
use footfall_live::{
    Live,
    memory::{MemoryLive, MemoryLiveOptions},
};
use footfall_log::{
    Entry, EventLog,
    file::{FileLog, FileLogOptions},
};
use footfall_meta::Meta;
use footfall_model::{Hash64, LogName, Offset, Record, SiteId};
use footfall_processor::{Options, Processor, ProcessorDeps, Progress, Running};
use footfall_store::{Endpoint, Store};
use footfall_testkit::proxy::Proxy;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Long enough for the slowest machine; nothing waits for it to pass.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const MINUTE: i64 = 60_000;

static ENGINE: OnceCell<EngineEndpoint> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

pub fn site(n: u128) -> SiteId {
    SiteId(Uuid::from_u128(n))
}

pub fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// A pageview of `person` now.
pub fn pageview(person: u64, path: &str) -> Record {
    Record::pageview(site(1), Hash64(person), now(), path)
}

/// The same with an id that the sender gave.
pub fn with_id(mut record: Record, id: u128) -> Record {
    record.id = Uuid::from_u128(id);
    record.id_given = true;
    record
}

/// The least settled offset of the partitions that are told of; 0 before the first.
pub fn settled(progress: &Progress) -> Offset {
    progress.partitions.values().map(|stored| stored.next).min().unwrap_or(0)
}

pub struct World {
    pub dir: TempDir,
    pub store: Store,
    /// The same database, perhaps by another way.
    pub processor_store: Store,
    pub meta: Meta,
    pub live: Arc<dyn Live>,
    pub log: Arc<FileLog>,
    pub import: Arc<FileLog>,
    pub running: Option<Running>,
}

impl World {
    /// Everything but the processor.
    pub async fn new() -> Self {
        Self::with_store(&endpoint().await).await
    }

    /// The same, with a proxy between processor and store.
    pub async fn behind(proxy: &Proxy) -> Self {
        let direct = endpoint().await;
        proxy.set_target(direct.url.rsplit_once(':').unwrap().1.parse().unwrap());
        let mut world = Self::with_store(&direct).await;
        let through = Endpoint { url: format!("http://127.0.0.1:{}", proxy.port()), ..direct };
        world.processor_store = Store::connect(&through);
        world
    }

    async fn with_store(endpoint: &Endpoint) -> Self {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
        let store = Store::connect(endpoint);
        store.migrate().await.unwrap();
        for table in ["events", "sessions", "dead_letters"] {
            // What is stored twice stays visible twice.
            store.raw(&format!("SYSTEM STOP MERGES {table}")).execute().await.unwrap();
        }
        let dir = TempDir::new().unwrap();
        let meta = Meta::open(&format!("sqlite:{}", dir.path().join("meta.db").display())).await.unwrap();
        let (log, import) = open_logs(dir.path()).await;
        Self {
            dir,
            processor_store: store.clone(),
            store,
            meta,
            live: MemoryLive::new(MemoryLiveOptions::default()),
            log,
            import,
            running: None,
        }
    }

    pub fn start(&mut self) {
        self.start_with(Options::default());
    }

    pub fn start_with(&mut self, options: Options) {
        self.running = Some(Processor::spawn(ProcessorDeps {
            live_log: Arc::clone(&self.log) as Arc<dyn EventLog>,
            import_log: Arc::clone(&self.import) as Arc<dyn EventLog>,
            store: self.processor_store.clone(),
            live: Arc::clone(&self.live),
            meta: self.meta.clone(),
            options,
        }));
    }

    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    pub async fn append(&self, records: &[Record]) -> Offset {
        append(&*self.log, records).await
    }

    /// Waits until everything below `next` is stored.
    pub async fn settled(&self, log: LogName, next: Offset) {
        let mut progress = self.running.as_ref().unwrap().progress(log);
        let waiting = progress.wait_for(|progress| !progress.partitions.is_empty() && settled(progress) >= next);
        tokio::time::timeout(PATIENCE, waiting).await.expect("the processor does not get there").unwrap();
    }

    pub async fn number(&self, text: &str) -> u64 {
        self.store.raw(text).fetch_one::<u64>().await.unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// Removes rows; waits until they are gone.
    pub async fn delete(&self, table: &str, condition: &str) {
        let run = async |text: String| self.store.raw(&text).execute().await.unwrap();
        run(format!("SYSTEM START MERGES {table}")).await;
        run(format!("ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 2")).await;
        run(format!("SYSTEM STOP MERGES {table}")).await;
    }

    /// Each of `records` log records is in exactly one place, and `sessions` says the same as `events`.
    pub async fn check_each_once(&self, log: LogName, records: u64) {
        let log = log.code();
        let rows = self.number(&format!("SELECT count() FROM events WHERE log = {log}")).await;
        let positions = self.number(&format!("SELECT uniqExact(generation, partition, offset) FROM events WHERE log = {log}")).await;
        let dead = self.number(&format!("SELECT uniqExact(generation, partition, offset) FROM dead_letters WHERE log = {log}")).await;
        let both = self
            .number(&format!(
                "SELECT count() FROM events WHERE log = {log} AND (generation, partition, offset) IN \
                 (SELECT generation, partition, offset FROM dead_letters WHERE log = {log})"
            ))
            .await;
        assert_eq!(rows, positions, "a record is stored twice");
        assert_eq!(both, 0, "a record is stored and a dead letter");
        assert_eq!(rows + dead, records, "{rows} rows, {dead} dead letters");
        let twice = self
            .number("SELECT count() FROM (SELECT site_id, event_id FROM events WHERE id_given = 1 AND drop_reason = '' GROUP BY 1, 2 HAVING count() > 1)")
            .await;
        assert_eq!(twice, 0, "an id counts twice");
        let raw = self.number("SELECT countIf(name = 'pageview') FROM events WHERE drop_reason = ''").await;
        let visits = self.number("SELECT sum(pageviews) FROM sessions FINAL").await;
        assert_eq!(raw, visits, "pageviews of events and sessions");
        let raw = self.number("SELECT uniqExact(site_id, session_start, session_id) FROM events WHERE drop_reason = ''").await;
        assert_eq!(raw, self.number("SELECT count() FROM sessions FINAL").await, "visits of events and sessions");
    }
}

pub async fn append(log: &dyn EventLog, records: &[Record]) -> Offset {
    let entries =
        records.iter().map(|record| Entry { key: record.site, payload: Bytes::from(serde_json::to_vec(record).unwrap()) }).collect();
    append_entries(log, entries).await
}

/// Appends and answers the offset after the last.
pub async fn append_entries(log: &dyn EventLog, entries: Vec<Entry>) -> Offset {
    log.append(entries).await.into_iter().map(|position| position.unwrap().offset + 1).max().unwrap()
}

pub async fn open_logs(dir: &Path) -> (Arc<FileLog>, Arc<FileLog>) {
    let open = |name| {
        let options = FileLogOptions { groups: vec!["processor".to_owned()], ..FileLogOptions::new(dir.join("log"), name) };
        FileLog::open(options)
    };
    (open(LogName::Live).await.unwrap(), open(LogName::Import).await.unwrap())
}

/// A database of its own in the one engine of this process.
pub async fn endpoint() -> Endpoint {
    let engine = ENGINE.get_or_init(start_engine).await;
    Endpoint {
        url: engine.url.clone(),
        user: engine.user.clone(),
        password: engine.password.clone(),
        database: format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        cluster: None,
    }
}

/// Set in the process that is the engine.
const ENGINE_DATA: &str = "FOOTFALL_TEST_ENGINE_DATA";

/// The engine of this test run: this very program, started again to run only this test. It ends when its stdin closes.
#[test]
fn engine_process() {
    let Some(data) = std::env::var_os(ENGINE_DATA) else { return };
    let options = EngineOptions { memory_cap: Some(3_000_000_000), supervised: true, ..EngineOptions::new(PathBuf::from(data)) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(footfall_engine::run(options)).unwrap();
}

async fn start_engine() -> EngineEndpoint {
    let folders = Path::new(env!("CARGO_TARGET_TMPDIR")).join("processor-engines");
    remove_old(&folders);
    let data = folders.join(std::process::id().to_string());
    std::fs::create_dir_all(&data).unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["world::engine_process", "--exact", "--nocapture"])
        .env(ENGINE_DATA, &data)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // The password of a supervised engine comes first. Its stdin stays open as long as this process lives.
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"only for tests\n").unwrap();
    std::mem::forget(child);
    for _ in 0..600 {
        if let Some(endpoint) = EngineEndpoint::discover(&data).await {
            return endpoint;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the engine did not start; see stderr");
}

/// Folders of processes that are gone.
fn remove_old(folders: &Path) {
    let Ok(found) = std::fs::read_dir(folders) else { return };
    for folder in found.flatten() {
        if !PathBuf::from("/proc").join(folder.file_name()).exists() {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}

/// Spreads small numbers as keyed hashes are spread: ids of visits are made of them by XOR.
const fn hash(n: u64) -> u64 {
    let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// Small, repeatable randomness.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// Mixed traffic: a few people, two domains, engagements, custom events, retries.
    pub fn records(&mut self, count: usize) -> Vec<Record> {
        (0..count).map(|_| self.record()).collect()
    }

    fn record(&mut self) -> Record {
        let ts = now() - i64::try_from(self.roll(4)).unwrap() * 7 * MINUTE;
        let person = 1 + self.roll(40);
        let mut record = Record::pageview(site(1 + u128::from(self.roll(2))), Hash64(hash(person)), ts, &format!("/{}", self.roll(9)));
        match self.roll(8) {
            0 => record.name = "engagement".to_owned(),
            1 => record.name = "signup".to_owned(),
            _ => {}
        }
        if self.roll(4) == 0 {
            record.session = Some(Hash64(hash(1_000 + self.roll(20))));
        }
        if self.roll(3) == 0 {
            record.id = Uuid::from_u128(u128::from(self.roll(300)));
            record.id_given = true;
        }
        if self.roll(10) == 0 {
            record.bot = "crawler".to_owned();
        }
        record.source = ["", "Google", "news.example"][usize::try_from(self.roll(3)).unwrap()].to_owned();
        record
    }
}
