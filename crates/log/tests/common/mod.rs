//! What the tests of the log share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{path::Path, sync::OnceLock, time::Duration};

use bytes::Bytes;
use footfall_log::file::{FileLog, FileLogOptions};
use footfall_log::kafka::KafkaLogOptions;
use footfall_log::{Assignment, Entry, EventLog, FetchLimit, Intent, Polled, StartAt, StoredEntry, Subscription};
use footfall_model::{LogName, SiteId};
use footfall_testkit::kafka::{Kafka, KafkaOptions};
use uuid::Uuid;

/// Longer than any test should take: a wait that ends by itself is a failure.
pub const LONG: Duration = Duration::from_secs(60);

pub fn entry(text: &str) -> Entry {
    Entry { key: SiteId(Uuid::nil()), payload: Bytes::copy_from_slice(text.as_bytes()) }
}

pub fn text(entry: &StoredEntry) -> String {
    String::from_utf8(entry.payload.to_vec()).unwrap()
}

pub fn limit(entries: usize) -> FetchLimit {
    FetchLimit { entries, bytes: 1 << 20 }
}

pub fn intent(first: u64, last: u64) -> Intent {
    Intent { first, last, rebuild_from: first, content: "abc".into(), splits: Vec::new(), dead: Vec::new() }
}

/// A subscription that has seen its assignment.
pub struct Reader {
    pub sub: Box<dyn Subscription>,
    pub assignment: Assignment,
}

impl Reader {
    pub async fn open(log: &dyn EventLog, group: &str, start: StartAt) -> Self {
        let mut sub = log.subscribe(group, start).await.unwrap();
        if start != StartAt::Committed {
            sub.follow(&[0].into()).await.unwrap();
        }
        match sub.poll(LONG, limit(1)).await.unwrap() {
            Polled::Assigned(mut assigned) if assigned.len() == 1 => Self { sub, assignment: assigned.remove(0) },
            other => panic!("one assignment expected, not {other:?}"),
        }
    }

    /// Polls until this many entries came.
    pub async fn take(&mut self, count: usize) -> Vec<StoredEntry> {
        let mut taken = Vec::new();
        while taken.len() < count {
            match self.sub.poll(LONG, limit(count - taken.len())).await.unwrap() {
                Polled::Entries { partition: 0, entries } => taken.extend(entries),
                other => panic!("entries expected, not {other:?}"),
            }
        }
        taken
    }

    pub async fn texts(&mut self, count: usize) -> Vec<String> {
        self.take(count).await.iter().map(text).collect()
    }
}

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

pub fn options(dir: &Path) -> FileLogOptions {
    FileLogOptions::new(dir, LogName::Live)
}

pub async fn append_each(log: &FileLog, count: usize) {
    for n in 0..count {
        log.append(vec![entry(&n.to_string())]).await.remove(0).unwrap();
    }
}

/// One broker for all tests of a binary; it ends with the process.
pub fn shared_kafka() -> &'static Kafka {
    static SHARED: OnceLock<Kafka> = OnceLock::new();
    SHARED.get_or_init(|| {
        // The first test that needs it is on a runtime already.
        let start = || tokio::runtime::Runtime::new().unwrap().block_on(Kafka::start(1)).unwrap();
        std::thread::spawn(start).join().unwrap()
    })
}

/// As [`shared_kafka`], with the listeners that want to know who asks.
pub fn secured_kafka() -> &'static Kafka {
    static SHARED: OnceLock<Kafka> = OnceLock::new();
    SHARED.get_or_init(|| {
        let options = KafkaOptions { brokers: 1, advertised: Vec::new(), secured: true };
        let start = || tokio::runtime::Runtime::new().unwrap().block_on(Kafka::start_with(options)).unwrap();
        std::thread::spawn(start).join().unwrap()
    })
}

/// A topic's name that nobody used.
pub fn topic() -> String {
    format!("t{}", Uuid::new_v4().simple())
}

/// One partition on one broker.
pub fn kafka_options(kafka: &Kafka, topic: &str) -> KafkaLogOptions {
    let mut options = KafkaLogOptions::new(kafka.bootstrap(), topic, LogName::Live);
    (options.partitions, options.replication) = (1, 1);
    options.session_timeout = Duration::from_secs(6);
    options
}
