//! What was dropped before it became durable, per domain and reason: for the site owner. The processor counts what is dropped after.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use footfall_model::{DropReason, SiteId};

/// Counts since the start of the process. Only known domains are counted, so its size is bounded by their number.
#[derive(Debug, Default)]
pub struct DropTally {
    counts: Mutex<HashMap<(SiteId, DropReason), u64>>,
}

impl DropTally {
    pub(super) fn count(&self, site: SiteId, reason: DropReason, events: u64) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry((site, reason)).or_default() += events;
    }

    /// All counts, in the order of domain and reason.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(SiteId, DropReason, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = counts.iter().map(|((site, reason), count)| (*site, *reason, *count)).collect();
        drop(counts);
        all.sort_unstable();
        all
    }
}
