//! Appends numbered entries to a Kafka log with a spill, then stays until it is killed. Tests start it:
//! `footfall-log-spill <brokers> <topic> <spill folder> <first> <count>`
//!
//! Says `spilled` when all are answered `Ok`, and `up` whenever the brokers take entries again.
#![allow(clippy::print_stdout, reason = "its output is what the test reads")]

use std::{env::args, time::Duration};

use bytes::Bytes;
use footfall_log::{
    Entry, EventLog,
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
    let [brokers, topic, folder, first, count] = words.as_slice() else { return Err("five words are needed".into()) };
    let (first, count): (u64, u64) = (first.parse()?, count.parse()?);
    let mut options = KafkaLogOptions::new(brokers.as_str(), topic.as_str(), LogName::Live);
    (options.partitions, options.replication) = (2, 1);
    options.spill = Some(KafkaSpill::new(folder.as_str()));
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
