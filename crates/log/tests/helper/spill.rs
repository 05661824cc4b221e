//! A process that uses a Kafka log until it is killed, for tests that kill or stop it. It tells what happens on standard output.
//!
//! - `spill BROKERS TOPIC FOLDER FIRST COUNT`: appends numbered entries to a log with a spill: `spilled` when all were answered `Ok`,
//!   `up` whenever the brokers take entries again.
//! - `hold BROKERS TOPIC`: a member of the group `stored` with partition 0: `held` and `let go` whenever that changes, `woke held` or
//!   `woke without` after it did not run for a while.
#![allow(clippy::print_stdout, reason = "its output is what the test reads")]

use std::{
    env::args,
    time::{Duration, Instant},
};

use bytes::Bytes;
use footfall_log::{
    Entry, EventLog, FetchLimit, Hold, Polled, StartAt,
    kafka::{KafkaLog, KafkaLogOptions, KafkaSpill},
};
use footfall_model::{LogName, SiteId};
use uuid::Uuid;

/// Entries of one call.
const CALL: u64 = 100;

type Failed = Box<dyn std::error::Error>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failed> {
    let words: Vec<String> = args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["spill", brokers, topic, folder, first, count] => {
            let mut options = options(brokers, topic);
            options.spill = Some(KafkaSpill::new(folder));
            spill(options, first.parse()?, count.parse()?).await
        }
        ["hold", brokers, topic] => {
            let mut options = options(brokers, topic);
            options.session_timeout = Duration::from_secs(3);
            hold(options).await
        }
        _ => Err("spill BROKERS TOPIC FOLDER FIRST COUNT | hold BROKERS TOPIC".into()),
    }
}

fn options(brokers: &str, topic: &str) -> KafkaLogOptions {
    let mut options = KafkaLogOptions::new(brokers, topic, LogName::Live);
    (options.partitions, options.replication) = (2, 1);
    options
}

async fn spill(options: KafkaLogOptions, first: u64, count: u64) -> Result<(), Failed> {
    let log = KafkaLog::open(options).await?;
    for begin in (first..first + count).step_by(usize::try_from(CALL)?) {
        let entries = (begin..(begin + CALL).min(first + count)).map(|number| Entry {
            key: SiteId(Uuid::from_u128(u128::from(number % 7))),
            payload: Bytes::from(format!("{}/{number}", number % 7)),
        });
        for answer in log.append(entries.collect()).await {
            answer?;
        }
    }
    println!("spilled");
    let mut up = false;
    loop {
        let now_up = log.status().await.fault.is_none();
        if now_up && !up {
            println!("up");
        }
        up = now_up;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn hold(options: KafkaLogOptions) -> Result<(), Failed> {
    const LIMIT: FetchLimit = FetchLimit { entries: 10, bytes: 1_000 };
    const GAP: Duration = Duration::from_secs(1);
    let log = KafkaLog::open(options).await?;
    let mut sub = log.subscribe("stored", StartAt::Committed).await?;
    while !matches!(sub.poll(GAP, LIMIT).await?, Polled::Assigned(_)) {}
    let holds = sub.holder(0);
    std::thread::spawn(move || {
        let (mut held, mut before) = (false, Instant::now());
        loop {
            std::thread::park_timeout(Duration::from_millis(1));
            let (now_held, now) = (holds() == Hold::Held, Instant::now());
            if now.duration_since(before) > GAP {
                println!("woke {}", if now_held { "held" } else { "without" });
            } else if now_held != held {
                println!("{}", if now_held { "held" } else { "let go" });
            }
            (held, before) = (now_held, now);
        }
    });
    loop {
        if let Polled::Revoked(lost) = sub.poll(GAP, LIMIT).await? {
            sub.release(&lost).await;
        }
    }
}
