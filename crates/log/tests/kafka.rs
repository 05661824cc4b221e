//! What a log in Kafka promises beyond the contract: members of a group, failures of brokers and of the network.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;
#[path = "kafka/failures.rs"]
mod failures;
#[path = "kafka/groups.rs"]
mod groups;
#[path = "kafka/secured.rs"]
mod secured;
#[path = "kafka/spill.rs"]
mod spill;
#[path = "kafka/topics.rs"]
mod topics;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use common::{LONG, limit, text};
use footfall_log::{
    Assignment, Entry, EventLog, Polled, StartAt, StoredEntry, Subscription,
    kafka::{KafkaLog, KafkaLogOptions},
};
use footfall_model::SiteId;
use uuid::Uuid;

/// The nth domain.
fn site(nth: u64) -> SiteId {
    SiteId(Uuid::from_u128(u128::from(nth)))
}

/// An entry of a domain that says whose and which it is.
fn numbered(domain: u64, number: u64) -> Entry {
    Entry { key: site(domain), payload: Bytes::from(format!("{domain}/{number}")) }
}

/// Reads every partition to its end.
async fn read_all(log: &KafkaLog, partitions: u32) -> BTreeMap<u32, Vec<StoredEntry>> {
    let mut reader = log.subscribe("all", StartAt::Offset(0)).await.unwrap();
    reader.follow(&(0..partitions).collect()).await.unwrap();
    let mut found: BTreeMap<u32, Vec<StoredEntry>> = BTreeMap::new();
    let mut assigned = 0;
    loop {
        match reader.poll(Duration::from_millis(300), limit(10_000)).await.unwrap() {
            Polled::Assigned(new) => assigned += new.len(),
            Polled::Entries { partition, entries } => found.entry(partition).or_default().extend(entries),
            Polled::Idle { at_end: true } if assigned == partitions as usize => return found,
            Polled::Idle { .. } => {}
            Polled::Revoked(_) => panic!("who reads alone loses nothing"),
        }
    }
}

/// The numbers of each domain, in log order; a domain's entries must be in one partition.
fn numbers(found: &BTreeMap<u32, Vec<StoredEntry>>) -> BTreeMap<u64, Vec<u64>> {
    let mut by_domain: BTreeMap<u64, (u32, Vec<u64>)> = BTreeMap::new();
    for (partition, entries) in found {
        assert!(entries.is_sorted_by(|a, b| a.offset < b.offset));
        for entry in entries {
            let text = text(entry);
            let (domain, number) = text.split_once('/').unwrap();
            let known = by_domain.entry(domain.parse().unwrap()).or_insert((*partition, Vec::new()));
            assert_eq!(known.0, *partition, "a domain lives in one partition");
            known.1.push(number.parse().unwrap());
        }
    }
    by_domain.into_iter().map(|(domain, (_, numbers))| (domain, numbers)).collect()
}

/// Polls until these many partitions were assigned.
async fn assigned(sub: &mut Box<dyn Subscription>, count: usize) -> Vec<Assignment> {
    let mut all = Vec::new();
    while all.len() < count {
        match sub.poll(LONG, limit(100)).await.unwrap() {
            Polled::Assigned(new) => all.extend(new),
            Polled::Entries { .. } | Polled::Idle { .. } => {}
            Polled::Revoked(lost) => panic!("an assignment was expected, not the loss of {lost:?}"),
        }
    }
    all
}

/// Polls until partitions are to be let go of.
async fn revoked(sub: &mut Box<dyn Subscription>) -> Vec<u32> {
    loop {
        if let Polled::Revoked(lost) = sub.poll(LONG, limit(100)).await.unwrap() {
            return lost;
        }
    }
}

async fn open(options: KafkaLogOptions) -> std::sync::Arc<KafkaLog> {
    KafkaLog::open(options).await.unwrap()
}

/// The helper process, killed when dropped.
struct Helper {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Helper {
    fn start(words: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_footfall-log-spill")).args(words).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// What it says next.
    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended by itself");
        line.trim().to_owned()
    }

    /// Waits until it says this.
    fn says(&mut self, word: &str) {
        while self.line() != word {}
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
