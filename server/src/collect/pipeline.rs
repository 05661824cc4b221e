//! From wire event to record: **the list of steps**, in order. The first step that faults ends the event; each is timed and counted under its
//! name. A step is a small function over a [`Draft`]; it does no I/O and never waits.
//!
//! The order is part of the protocol: who may ask comes before what is asked, so an event with several faults is refused for the first.

use std::{borrow::Cow, net::IpAddr, sync::Arc, time::Instant};

use footfall_enrich::{
    Agent, Enricher,
    url::Campaign,
    visitor::{Salt, UserKey, day_of},
};
use footfall_model::{Hash64, Record, SiteId};
use uuid::Uuid;

use super::{domains::CollectSite, fault::Fault, keys::WriteKey, metrics::Metrics, salts::Salts3, steps, wire::WireEvent};

type Step = fn(&mut Draft<'_>) -> Result<(), Fault>;

/// The steps of an event.
pub const STEPS: &[(&str, Step)] = &[
    ("domain", steps::domain),
    ("permission", steps::permission),
    ("time", steps::time),
    ("page", steps::page),
    ("source", steps::source),
    ("agent", steps::agent),
    ("bot", steps::bot),
    ("place", steps::place),
    ("shields", steps::shields),
    ("properties", steps::properties),
    ("visitor", steps::visitor),
    ("validate", steps::validate),
];

/// An event that is older when it comes goes to the import log: the live one is about now.
pub const BACKDATED_MS: i64 = 30 * 60_000;

/// Who sends, and what all events of a request share.
pub struct Sender<'a> {
    /// When the request came, UTC milliseconds.
    pub now_ms: i64,
    /// The client's address.
    pub address: IpAddr,
    /// Its `User-Agent`.
    pub user_agent: &'a [u8],
    /// Its key, if it sent a good one.
    pub key: Option<&'a WriteKey>,
    /// How visitors are told apart.
    pub keying: Keying<'a>,
    /// Lists and databases.
    pub enricher: &'a Enricher,
    /// Keys user ids.
    pub user_key: &'a UserKey,
    /// For an import: the job.
    pub import: Option<Uuid>,
}

/// Under which salts an event's sender is hashed.
pub enum Keying<'a> {
    /// The daily ones.
    Daily(&'a Salts3),
    /// An import's own.
    Import(Salt),
}

/// The salts of one event.
pub struct EventSalts {
    /// Of its own hashes.
    pub own: Salt,
    /// Of the hashes that its sender had the day before.
    pub previous: Option<Salt>,
    /// Under which the latter are sealed.
    pub seal: Salt,
}

impl Keying<'_> {
    /// See `footfall_enrich::visitor` for the rules.
    pub fn of_event(&self, ts: i64, now_ms: i64) -> EventSalts {
        let day = day_of(ts);
        match self {
            Self::Import(job) => EventSalts { own: job.on_day(day), previous: Some(job.on_day(day - 1)), seal: *job },
            Self::Daily(salts) if is_backdated(ts, now_ms) => {
                let own = if day == salts.day { salts.today } else { salts.today.on_day(day) };
                EventSalts { own, previous: Some(salts.today.on_day(day - 1)), seal: salts.today }
            }
            Self::Daily(salts) => EventSalts { own: salts.of(day).unwrap_or(salts.today), previous: salts.of(day - 1), seal: salts.today },
        }
    }
}

/// Whether an event belongs into the import log.
pub const fn is_backdated(ts: i64, now_ms: i64) -> bool {
    now_ms - ts > BACKDATED_MS
}

/// An event on its way.
pub struct Draft<'a> {
    /// What was sent.
    pub wire: &'a WireEvent<'a>,
    /// Who sent it.
    pub sender: &'a Sender<'a>,
    /// The domain, if it is measured here.
    pub site: Option<&'a CollectSite>,
    /// The visitor's address: the sender's, or the one given.
    pub address: IpAddr,
    /// The visitor's user agent: the sender's, or the one given.
    pub user_agent: Cow<'a, [u8]>,
    /// What the user agent says.
    pub agent: Arc<Agent>,
    /// What the page's query string says, until it is part of the record.
    pub campaign: Campaign,
    /// What becomes of it.
    pub record: Record,
}

impl<'a> Draft<'a> {
    pub fn new(wire: &'a WireEvent<'a>, sender: &'a Sender<'a>, site: Option<&'a CollectSite>) -> Self {
        let id = site.map_or(SiteId(Uuid::nil()), |site| site.id);
        let mut record = Record::pageview(id, Hash64(0), sender.now_ms, "");
        record.import = sender.import;
        Self {
            wire,
            sender,
            site,
            address: sender.address,
            user_agent: Cow::Borrowed(sender.user_agent),
            agent: Arc::default(),
            campaign: Campaign::default(),
            record,
        }
    }

    /// Whether the sender may speak for others: it has a key of the domain, or is an import.
    pub fn is_trusted(&self) -> bool {
        self.sender.import.is_some() || self.sender.key.is_some_and(|key| key.opens(self.record.site))
    }

    /// The domain's name.
    pub fn domain(&self) -> &'a str {
        self.site.map_or("", |site| site.domain.as_str())
    }
}

/// Takes an event through all steps.
pub fn run(mut draft: Draft<'_>, metrics: &Metrics) -> Result<Record, Fault> {
    let mut before = Instant::now();
    for (at, (_, step)) in STEPS.iter().enumerate() {
        let result = step(&mut draft);
        let after = Instant::now();
        metrics.step(at, after - before);
        before = after;
        result?;
    }
    Ok(draft.record)
}
