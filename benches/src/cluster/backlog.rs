//! Records as collectors would have left them in the topic during two hours without a processor, written there directly.
//!
//! Each partition has its people on the way at any moment: one of them does something next, at an even pace; who leaves is replaced by
//! somebody else, on a domain by Zipf's law. The domains are dealt so that both partitions have about the same to do.

use std::time::Duration;

use anyhow::{Context, ensure};
use footfall_model::{Hash64, Record, SiteId};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rdkafka::{
    ClientConfig, ClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::DeliveryResult,
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};
use uuid::Uuid;

/// The topic's partitions.
pub const PARTITIONS: usize = 2;
const HOURS: i64 = 2;
/// At 700 events a second each of so many does something every 40 s.
const PEOPLE: usize = 14_000;
const PAGES: u32 = 300;
const SOURCES: [(&str, &str); 6] = [
    ("", ""),
    ("", ""),
    ("Google", "google.com/"),
    ("Google", "google.com/"),
    ("Hacker News", "news.ycombinator.com/item"),
    ("GitHub", "github.com/"),
];
const COUNTRIES: [&str; 8] = ["US", "US", "DE", "DE", "GB", "FR", "IN", "NL"];
const AGENTS: [[&str; 6]; 5] = [
    ["Chrome", "141", "Windows", "10", "Desktop", "1920x1080"],
    ["Chrome", "141", "Android", "16", "Mobile", "412x915"],
    ["Safari", "26", "iOS", "26", "Mobile", "390x844"],
    ["Safari", "26", "macOS", "10.15", "Desktop", "1440x900"],
    ["Firefox", "144", "GNU/Linux", "", "Desktop", "2560x1440"],
];

/// Domains with their shares, by partition.
pub fn deal(sites: &[(SiteId, String)]) -> [Vec<(SiteId, String, f64)>; PARTITIONS] {
    let mut dealt: [Vec<(SiteId, String, f64)>; PARTITIONS] = Default::default();
    for (rank, (site, host)) in sites.iter().enumerate() {
        let lighter = dealt.iter_mut().min_by(|one, other| sum(one).total_cmp(&sum(other)));
        if let Some(partition) = lighter {
            partition.push((*site, host.clone(), 1.0 / (rank + 1) as f64));
        }
    }
    dealt
}

fn sum(partition: &[(SiteId, String, f64)]) -> f64 {
    partition.iter().map(|(.., share)| share).sum()
}

/// Fills the topic.
pub async fn produce(brokers: &str, topic: &str, sites: &[(SiteId, String)], events: u64) -> anyhow::Result<()> {
    let tasks: Vec<_> = deal(sites)
        .into_iter()
        .zip(0_u32..)
        .map(|(sites, partition)| {
            let (brokers, topic, events) = (brokers.to_owned(), topic.to_owned(), events / PARTITIONS as u64);
            tokio::task::spawn_blocking(move || fill(&brokers, &topic, partition, &sites, events))
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// A refused record ends the measurement.
struct Reports;
impl ClientContext for Reports {}
impl ProducerContext for Reports {
    type DeliveryOpaque = ();
    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, record)) = result {
            crate::figure("a record was not taken", &format!("{error}, {} bytes", record.payload_len()), "");
        }
    }
}

fn fill(brokers: &str, topic: &str, partition: u32, sites: &[(SiteId, String, f64)], events: u64) -> anyhow::Result<()> {
    let producer: ThreadedProducer<Reports> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "20")
        .set("queue.buffering.max.kbytes", "65536")
        .create_with_context(Reports)?;
    let mut crowd = Crowd::new(partition, sites, events);
    for nth in 0..events {
        let record = crowd.next(nth)?;
        let (key, payload) = (record.site.0.into_bytes(), serde_json::to_vec(&record)?);
        let mut message = BaseRecord::to(topic).partition(partition.cast_signed()).key(&key).payload(&payload);
        loop {
            match producer.send(message) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => message = again,
                Err((error, _)) => return Err(error.into()),
            }
            producer.poll(Duration::from_millis(5));
        }
    }
    producer.flush(Duration::from_secs(60))?;
    ensure!(producer.in_flight_count() == 0, "records are still under way");
    Ok(())
}

struct Crowd<'a> {
    rng: StdRng,
    sites: &'a [(SiteId, String, f64)],
    people: Vec<Person>,
    begin_ms: i64,
    span_ms: i64,
    events: u64,
}

struct Person {
    site: usize,
    visitor: Hash64,
    agent: usize,
    country: usize,
    source: usize,
    views_left: u32,
    /// Viewed last, and whether that was reported.
    page: Option<u32>,
}

impl<'a> Crowd<'a> {
    fn new(partition: u32, sites: &'a [(SiteId, String, f64)], events: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(7 + u64::from(partition));
        let people = (0..PEOPLE).map(|_| Person::arrive(&mut rng, sites)).collect();
        let span_ms = HOURS * 3_600_000;
        Self { rng, sites, people, begin_ms: chrono::Utc::now().timestamp_millis() - span_ms, span_ms, events }
    }

    fn next(&mut self, nth: u64) -> anyhow::Result<Record> {
        let ts = self.begin_ms + i64::try_from(nth)? * self.span_ms / i64::try_from(self.events)?;
        let Self { rng, sites, people, .. } = self;
        let at = rng.random_range(0..people.len());
        let person = &mut people[at];
        let (site, host, _) = sites.get(person.site).context("a person is somewhere")?;
        let (name, page) = match person.page.take() {
            Some(page) if rng.random_bool(0.5) => ("engagement", page),
            _ => {
                // Half of all views are of a tenth of the pages.
                let page = (rng.random::<f64>().powi(3) * f64::from(PAGES)) as u32;
                (person.views_left, person.page) = (person.views_left - 1, Some(page));
                ("pageview", page)
            }
        };
        let report = name == "engagement";
        let [browser, version, os, os_version, device, screen] = AGENTS[person.agent].map(str::to_owned);
        let (source, referrer) = SOURCES[person.source];
        let record = Record {
            id: Uuid::from_u128(rng.random()),
            id_given: true,
            name: name.to_owned(),
            hostname: host.clone(),
            title: if report { String::new() } else { format!("Page {page} of {host}") },
            source: source.to_owned(),
            referrer: referrer.to_owned(),
            browser,
            browser_version: version,
            os,
            os_version,
            device,
            screen,
            country: COUNTRIES[person.country].to_owned(),
            engagement_ms: if report { rng.random_range(1_000..60_000) } else { 0 },
            scroll_depth: if report { rng.random_range(10..=100) } else { footfall_model::NO_SCROLL_DEPTH },
            ..Record::pageview(*site, person.visitor, ts, &format!("/section-{}/page-{page}", page % 12))
        };
        if person.views_left == 0 {
            *person = Person::arrive(rng, sites);
        }
        Ok(record)
    }
}

impl Person {
    fn arrive(rng: &mut StdRng, sites: &[(SiteId, String, f64)]) -> Self {
        let mut at = rng.random::<f64>() * sum(sites);
        let site = sites.iter().position(|(.., share)| {
            at -= share;
            at <= 0.0
        });
        Self {
            site: site.unwrap_or(0),
            visitor: Hash64(rng.random()),
            agent: rng.random_range(0..AGENTS.len()),
            country: rng.random_range(0..COUNTRIES.len()),
            source: rng.random_range(0..SOURCES.len()),
            views_left: [1, 1, 1, 2, 2, 3, 4, 9][rng.random_range(0..8)],
            page: None,
        }
    }
}
