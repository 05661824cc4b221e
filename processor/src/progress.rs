//! How far a stored cursor is, for everybody else: analytics (watermark), the live cursor (where to begin), the roll-up (what was
//! touched), metrics and readiness.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use footfall_model::{LogName, Offset, SiteId};
use tokio::sync::{broadcast, watch};

/// One partition of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Generation of the log.
    pub generation: u32,
    /// Everything below is settled.
    pub next: Offset,
    /// Lowest offset that the state at `next` rests on.
    pub rebuild_from: Offset,
    /// Everything appended up to this time is settled, UTC milliseconds.
    pub until_ms: i64,
}

/// All assigned partitions of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// By number.
    pub partitions: BTreeMap<u32, Stored>,
}

impl Progress {
    /// The least settled time over the partitions, UTC milliseconds; none before the first assignment.
    #[must_use]
    pub fn watermark_ms(&self) -> Option<i64> {
        self.partitions.values().map(|stored| stored.until_ms).min()
    }

    /// The least settled offset over the partitions; 0 before the first assignment.
    #[must_use]
    pub fn settled(&self) -> Offset {
        self.partitions.values().map(|stored| stored.next).min().unwrap_or(0)
    }
}

/// What one insert changed.
#[derive(Clone, Debug)]
pub struct Touched {
    /// Through which log.
    pub log: LogName,
    /// Partition, its generation, and the offset after the range.
    pub partition: u32,
    /// Generation of the log.
    pub generation: u32,
    /// Everything below is settled.
    pub next: Offset,
    /// Domains with new rows, and the start of each hour (UTC ms) with rows that count.
    pub hours: HashMap<SiteId, HashSet<i64>>,
    /// Greatest time of a row that counts, UTC milliseconds.
    pub newest_ms: i64,
}

/// Versions of the domains' data: the key of a query cache moves with every insert that touches the domain.
#[derive(Debug, Default)]
pub struct DataVersions {
    versions: RwLock<HashMap<SiteId, u64>>,
}

impl DataVersions {
    /// The version of a domain's data in this process; 0 before its first change.
    #[must_use]
    pub fn of(&self, site: SiteId) -> u64 {
        self.versions.read().unwrap_or_else(PoisonError::into_inner).get(&site).copied().unwrap_or(0)
    }

    /// Raises the version of these domains.
    pub fn raise(&self, sites: impl IntoIterator<Item = SiteId>) {
        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        for site in sites {
            *versions.entry(site).or_default() += 1;
        }
    }
}

/// What a part of the processor is suffering from, for readiness.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Option<String>>>);

impl Health {
    /// It works.
    pub fn well(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// It does not, and why.
    pub fn ill(&self, fault: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.into());
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where a stored cursor tells what it did.
#[derive(Clone, Debug)]
pub struct Reports {
    /// How far it is.
    pub progress: watch::Sender<Progress>,
    /// Least settled offset over the partitions: on one machine, everything below is stored.
    pub settled: watch::Sender<Offset>,
    /// What each insert changed. Slow receivers lose the oldest.
    pub touched: broadcast::Sender<Arc<Touched>>,
    /// Versions of the domains' data.
    pub versions: Arc<DataVersions>,
    /// How it feels.
    pub health: Health,
}

impl Reports {
    /// Nothing told yet.
    #[must_use]
    pub fn new(touched: broadcast::Sender<Arc<Touched>>, versions: Arc<DataVersions>) -> Self {
        Self { progress: watch::Sender::default(), settled: watch::Sender::default(), touched, versions, health: Health::default() }
    }
}
