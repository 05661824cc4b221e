//! Acknowledged appends per second of the Kafka engine on one broker of this machine: `cargo bench -p footfall-log --bench kafka`,
//! after `scripts/setup.sh tests`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures and may panic")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use footfall_log::{
    Entry, EventLog,
    kafka::{KafkaLog, KafkaLogOptions},
};
use footfall_model::{LogName, SiteId};
use footfall_testkit::kafka::Kafka;
use uuid::Uuid;

/// About what a record has.
const PAYLOAD_BYTES: usize = 450;
/// A fresh broker is slow at first.
const WARM: Duration = Duration::from_secs(2);
const RUN: Duration = Duration::from_secs(5);

fn main() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores for clients and broker together, {PAYLOAD_BYTES} B per entry, one entry per call, 12 partitions");
    println!("{:>8} {:>12} {:>9} {:>9} {:>9}", "callers", "appends/s", "p50 ms", "p99 ms", "max ms");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let kafka = Kafka::start(1).await.unwrap();
        for callers in [1, 64, 256, 1_024] {
            let mut options = KafkaLogOptions::new(kafka.bootstrap(), format!("bench{callers}"), LogName::Live);
            options.replication = 1;
            run(KafkaLog::open(options).await.unwrap(), callers).await;
        }
    });
}

async fn run(log: Arc<KafkaLog>, callers: u128) {
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers).map(|caller| tokio::spawn(append(Arc::clone(&log), caller, began))).collect();
    let mut waits: Vec<u32> = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    waits.sort_unstable();
    let ms = |share: f64| f64::from(waits[((waits.len() - 1) as f64 * share) as usize]) / 1_000.0;
    let rate = waits.len() as f64 / RUN.as_secs_f64();
    println!("{callers:>8} {rate:>12.0} {:>9.2} {:>9.2} {:>9.2}", ms(0.5), ms(0.99), ms(1.0));
}

async fn append(log: Arc<KafkaLog>, caller: u128, began: Instant) -> Vec<u32> {
    let payload = Bytes::from(vec![b'x'; PAYLOAD_BYTES]);
    let mut waits = Vec::new();
    while began.elapsed() < WARM + RUN {
        let asked = Instant::now();
        log.append(vec![Entry { key: SiteId(Uuid::from_u128(caller)), payload: payload.clone() }]).await.remove(0).unwrap();
        if began.elapsed() > WARM {
            waits.push(asked.elapsed().as_micros() as u32);
        }
    }
    waits
}
