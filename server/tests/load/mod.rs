//! Load that keeps a ledger of what was acknowledged, and the check that nothing of it was lost or doubled.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use footfall_testkit::{App, eventually};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use serde_json::json;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Domains enough that every partition has some.
pub const DOMAINS: [&str; 4] = ["one.example", "two.example", "three.example", "four.example"];
/// How long anything may take to come right again.
pub const SETTLED: Duration = Duration::from_secs(120);

/// What the senders know: ids that were acknowledged, and ids that may or may not have been taken.
#[derive(Default)]
pub struct Ledger {
    pub acknowledged: Mutex<HashSet<Uuid>>,
    pub sent: Mutex<HashSet<Uuid>>,
    pub batches: AtomicU64,
    pub refused: AtomicU64,
}

/// Senders under way.
pub struct Load {
    pub ledger: Arc<Ledger>,
    /// Where to send to; may change.
    pub bases: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    /// Three senders of single events and batches, some of them twice.
    pub fn start(bases: Vec<String>, rng: &mut StdRng) -> Self {
        let bases = Arc::new(Mutex::new(bases));
        let (ledger, stop) = (Arc::new(Ledger::default()), Arc::new(AtomicBool::new(false)));
        let senders = (0..3)
            .map(|_| tokio::spawn(send(bases.clone(), ledger.clone(), stop.clone(), StdRng::seed_from_u64(rng.next_u64()))))
            .collect();
        Self { ledger, bases, stop, senders }
    }

    /// Waits until more was acknowledged: a fault without load proves nothing.
    pub async fn flows(&self) -> bool {
        let before = self.ledger.batches.load(Ordering::Relaxed);
        eventually(SETTLED, async || (self.ledger.batches.load(Ordering::Relaxed) > before + 3).then_some(())).await.is_some()
    }

    /// Waits until something was refused.
    pub async fn is_refused(&self) -> bool {
        let before = self.ledger.refused.load(Ordering::Relaxed);
        eventually(SETTLED, async || (self.ledger.refused.load(Ordering::Relaxed) > before).then_some(())).await.is_some()
    }

    /// Ends the senders; what they know.
    pub async fn stop(self) -> Arc<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.await.unwrap();
        }
        self.ledger
    }
}

async fn send(bases: Arc<Mutex<Vec<String>>>, ledger: Arc<Ledger>, stop: Arc<AtomicBool>, mut rng: StdRng) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(8)).build().unwrap();
    while !stop.load(Ordering::Relaxed) {
        let url = {
            let bases = bases.lock().unwrap();
            format!("{}/api/events", bases[rng.random_range(0..bases.len())])
        };
        let domain = DOMAINS[rng.random_range(0..DOMAINS.len())];
        let count = if rng.random_bool(0.5) { 1 } else { rng.random_range(2..60) };
        let mut ids: Vec<Uuid> = (0..count).map(|_| Uuid::from_u128(rng.random())).collect();
        if count > 3 && rng.random_bool(0.2) {
            ids[1] = ids[0];
        }
        let events: Vec<_> =
            ids.iter().map(|id| json!({ "domain": domain, "path": format!("/{}", rng.random_range(0..40)), "id": id })).collect();
        let body = if events.len() == 1 { events[0].to_string() } else { serde_json::to_string(&events).unwrap() };
        ledger.sent.lock().unwrap().extend(&ids);
        let visitor = rng.next_u32() % 200;
        let times = if rng.random_bool(0.1) { 2 } else { 1 };
        for _ in 0..times {
            let request = http
                .post(&url)
                .header("user-agent", footfall_testkit::FIREFOX)
                .header("x-forwarded-for", format!("10.0.{}.{}", visitor / 100, visitor % 100))
                .body(body.clone());
            match request.send().await {
                Ok(answer) if answer.status() == 202 => {
                    ledger.acknowledged.lock().unwrap().extend(&ids);
                    ledger.batches.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => {
                    assert_eq!(
                        answer.status(),
                        503,
                        "only 202 and 503 are answers of a server under fire: {}",
                        answer.text().await.unwrap()
                    );
                    ledger.refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

/// Every domain of the load.
pub async fn add_domains(app: &App) {
    for domain in DOMAINS {
        app.site(domain, "UTC").await.unwrap();
    }
}

/// What the check needs to know of an installation.
pub struct Places<'a> {
    /// Every record of the log of what happens now, as (partition, offset); `None`: a local log, which has no gaps.
    pub records: Option<HashSet<(u32, u64)>>,
    /// What processes wrote, for the message of a failure.
    pub logs: Box<dyn Fn() -> String + 'a>,
}

/// Sends a last record per domain and waits until it is stored: then so is everything before it.
pub async fn settle(app: &App, collector: &App, log: &dyn Fn() -> String) {
    for domain in DOMAINS {
        let last = Uuid::new_v4();
        let accepted = eventually(SETTLED, async || {
            let answer = collector.post(&json!({ "domain": domain, "path": "/last", "id": last })).await.ok()?;
            (answer.status() == 202).then_some(())
        })
        .await;
        assert!(accepted.is_some(), "events are not accepted after the faults; logs:\n{}", log());
        let stored = eventually(SETTLED, async || {
            let sql = format!("SELECT count() FROM footfall.events WHERE path = '/last' AND event_id = {}", footfall_store::event_id(last));
            (app.sql(&sql).await.ok()? != "0").then_some(())
        })
        .await;
        assert!(stored.is_some(), "the processor does not catch up; logs:\n{}", log());
    }
}

/// Every record of a topic, as (partition, offset).
pub async fn records(brokers: &str, topic: &str) -> HashSet<(u32, u64)> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", "check")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        let patience = Duration::from_secs(10);
        let mut records = HashSet::new();
        let metadata = consumer.fetch_metadata(Some(&topic), patience).unwrap();
        for partition in metadata.topics()[0].partitions() {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&topic, partition.id(), Offset::Beginning).unwrap();
            consumer.assign(&list).unwrap();
            loop {
                match consumer.poll(patience).expect("a record, or the end") {
                    Ok(message) => drop(records.insert((message.partition().unsigned_abs(), message.offset().unsigned_abs()))),
                    Err(KafkaError::PartitionEOF(_)) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        records
    });
    read.await.unwrap()
}

/// Each record in one place, each id once, the same pageviews by every way to them.
pub async fn check(app: &App, ledger: &Ledger, places: &Places<'_>) {
    let log = &places.logs;
    let number = async |sql: &str| -> u64 {
        let text = app.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        text.parse().unwrap_or_else(|_| panic!("{sql}: {text}"))
    };
    let stored_in = "(SELECT generation, partition, offset FROM footfall.events WHERE log = 0 UNION ALL SELECT generation, partition, offset FROM footfall.dead_letters FINAL WHERE log = 0)";
    let rows = number(&format!("SELECT count() FROM {stored_in}")).await;
    let distinct = number(&format!("SELECT uniqExact(generation, partition, offset) FROM {stored_in}")).await;
    assert_eq!(rows, distinct, "records are in more than one place; logs:\n{}", log());
    match &places.records {
        None => {
            let end = number(&format!("SELECT max(offset) + 1 FROM {stored_in}")).await;
            assert_eq!(rows, end, "records are in no place; logs:\n{}", log());
        }
        Some(records) => {
            let newest = number(&format!("SELECT max(generation) FROM {stored_in}")).await;
            let text = app.sql(&format!("SELECT partition, offset FROM {stored_in} WHERE generation = {newest}")).await.unwrap();
            let stored: HashSet<(u32, u64)> = text
                .lines()
                .map(|line| {
                    let (partition, offset) = line.split_once('\t').unwrap();
                    (partition.parse().unwrap(), offset.parse().unwrap())
                })
                .collect();
            let mut lost: Vec<_> = records.difference(&stored).collect();
            lost.sort();
            assert!(
                lost.is_empty(),
                "{} of {} records are in no place, the first {:?}; logs:\n{}",
                lost.len(),
                records.len(),
                lost.first(),
                log()
            );
            let made_up = stored.difference(records).count();
            assert_eq!(made_up, 0, "rows whose record is not in the log; logs:\n{}", log());
        }
    }
    assert_eq!(number("SELECT count() FROM footfall.dead_letters FINAL").await, 0, "nothing here is a reason for a dead letter");

    // Every acknowledged id exactly once, and no id twice, acknowledged or not.
    let acknowledged = ledger.acknowledged.lock().unwrap().clone();
    let counted = number("SELECT uniqExact(event_id) FROM footfall.events WHERE drop_reason = '' AND path != '/last'").await;
    let total = number("SELECT count() FROM footfall.events WHERE drop_reason = '' AND path != '/last'").await;
    assert_eq!(counted, total, "an id is counted more than once; logs:\n{}", log());
    let stored: HashSet<String> = app
        .sql("SELECT DISTINCT toString(event_id) FROM footfall.events WHERE drop_reason = ''")
        .await
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let missing = acknowledged.iter().filter(|id| !stored.contains(&footfall_store::event_id(**id).to_string())).count();
    assert_eq!(missing, 0, "of {} acknowledged ids {missing} are not stored; logs:\n{}", acknowledged.len(), log());
    let sent = ledger.sent.lock().unwrap().len() as u64;
    assert!(total <= sent, "{total} events are counted, {sent} were sent");

    // The same pageviews by every way to them.
    let raw = number("SELECT countIf(name = 'pageview') FROM footfall.events WHERE drop_reason = '' AND bot = ''").await;
    let sessions =
        number("SELECT sum(p) FROM (SELECT max(pageviews) AS p FROM footfall.sessions GROUP BY site_id, session_start, session_id)").await;
    assert_eq!(sessions, raw, "pageviews of sessions and of raw events differ; logs:\n{}", log());
    let meta = footfall_meta::Meta::open(&app.accounts_url()).await.unwrap();
    let mut seen = 0;
    let hourly = eventually(SETTLED, async || {
        seen = 0;
        for site in meta.sites().await.ok()? {
            seen += meta.hourly_totals(site.id, 0, i64::MAX).await.ok()?.iter().map(|(_, figures)| figures.pageviews).sum::<u64>();
        }
        (seen == raw).then_some(())
    })
    .await;
    assert!(hourly.is_some(), "the hourly aggregates come to {seen}, not to {raw} pageviews; logs:\n{}", log());
}
