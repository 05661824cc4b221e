//! What was dropped before it became durable, per domain and reason: for the site owner. The processor counts what is dropped after.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use footfall_model::{DropReason, SiteId};

/// Counts since the start of the process. Only known domains are counted, so its size is bounded by their number.
#[derive(Debug)]
pub struct DropTally {
    counts: Mutex<HashMap<(SiteId, DropReason), Dropped>>,
    since_ms: i64,
}

/// What was dropped for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Events.
    pub events: u64,
    /// When the last one came, UTC milliseconds.
    pub last_ms: i64,
    /// The field at fault in the last one, if it was one.
    pub field: Option<&'static str>,
}

impl Default for DropTally {
    fn default() -> Self {
        Self { counts: Mutex::default(), since_ms: chrono::Utc::now().timestamp_millis() }
    }
}

impl DropTally {
    pub(super) fn count(&self, site: SiteId, reason: DropReason, field: Option<&'static str>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = counts.entry((site, reason)).or_default();
        dropped.events += 1;
        dropped.last_ms = chrono::Utc::now().timestamp_millis();
        dropped.field = field;
    }

    /// Since when it counts, UTC milliseconds.
    #[must_use]
    pub const fn since_ms(&self) -> i64 {
        self.since_ms
    }

    /// What was dropped of a domain, in the order of the reasons.
    #[must_use]
    pub fn of(&self, site: SiteId) -> Vec<(DropReason, Dropped)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        DropReason::ALL.iter().filter_map(|reason| Some((*reason, *counts.get(&(site, *reason))?))).collect()
    }

    /// All counts, in the order of domain and reason.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(SiteId, DropReason, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = counts.iter().map(|((site, reason), dropped)| (*site, *reason, dropped.events)).collect();
        drop(counts);
        all.sort_unstable();
        all
    }
}
