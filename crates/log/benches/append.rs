//! Durable appends per second of the file engine: `cargo bench -p footfall-log`. `FOOTFALL_BENCH_DIR` chooses the disk.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures and may panic")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use footfall_log::{
    Committed, Entry, EventLog, FetchLimit, Polled, StartAt,
    file::{FileLog, FileLogOptions},
};
use footfall_model::{LogName, SiteId};
use uuid::Uuid;

/// About what a record has.
const PAYLOAD_BYTES: usize = 450;
const RUN: Duration = Duration::from_secs(5);

fn main() {
    let folder = match std::env::var_os("FOOTFALL_BENCH_DIR") {
        Some(dir) => tempfile::tempdir_in(dir).unwrap(),
        None => tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("{model}, {cores} cores, {build} build, {PAYLOAD_BYTES} B per entry, one entry per call, every call synced");
    println!("{:>8} {:>12} {:>9} {:>9} {:>9} {:>10}", "callers", "appends/s", "p50 ms", "p99 ms", "max ms", "per commit");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for callers in [1, 64, 256, 1_024] {
        let mut options = FileLogOptions::new(folder.path().join(callers.to_string()), LogName::Live);
        options.retention = Duration::from_secs(7 * 24 * 3_600);
        runtime.block_on(run(options, callers));
    }
}

async fn run(options: FileLogOptions, callers: usize) {
    let log = FileLog::open(options).await.unwrap();
    // A consumer as the processor is one: reads, intends, commits.
    let consumer = tokio::spawn(consume(Arc::clone(&log)));
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(append(Arc::clone(&log), began))).collect();
    let mut waits: Vec<u32> = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    let seconds = began.elapsed().as_secs_f64();
    log.close().await;
    let chunks = consumer.await.unwrap();
    waits.sort_unstable();
    let ms = |share: f64| f64::from(waits[((waits.len() - 1) as f64 * share) as usize]) / 1_000.0;
    let (count, per_commit) = (waits.len() as f64, waits.len() as f64 / chunks.max(1) as f64);
    println!("{callers:>8} {:>12.0} {:>9.2} {:>9.2} {:>9.2} {per_commit:>10.1}", count / seconds, ms(0.5), ms(0.99), ms(1.0));
}

async fn append(log: Arc<FileLog>, began: Instant) -> Vec<u32> {
    let payload = Bytes::from(vec![b'x'; PAYLOAD_BYTES]);
    let mut waits = Vec::new();
    while began.elapsed() < RUN {
        let asked = Instant::now();
        let entry = Entry { key: SiteId(Uuid::nil()), payload: payload.clone() };
        log.append(vec![entry]).await.remove(0).unwrap();
        waits.push(asked.elapsed().as_micros() as u32);
    }
    waits
}

/// Answers how many polls it took: close to the number of group commits while it keeps up.
async fn consume(log: Arc<FileLog>) -> usize {
    let mut sub = log.subscribe("stored", StartAt::Committed).await.unwrap();
    drop(log);
    let mut polls = 0;
    let mut next = 0;
    let mut committed = Instant::now();
    while let Ok(polled) = sub.poll(Duration::from_secs(1), FetchLimit { entries: 50_000, bytes: 16 << 20 }).await {
        if let Polled::Entries { entries, .. } = polled {
            polls += 1;
            next += entries.len() as u64;
            if committed.elapsed() > Duration::from_millis(250) {
                if sub.commit(0, &Committed { next, rebuild_from: next }).await.is_err() {
                    break;
                }
                committed = Instant::now();
            }
        }
    }
    polls
}
