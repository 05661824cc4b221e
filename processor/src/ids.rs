//! Event ids that were seen lately, so that a retry counts once.
//!
//! An id repeats an earlier one if the same (domain, id) was appended within the last 60 minutes, and within the last 4 million
//! records of the partition. Time is the [`Clock`](crate::clock::Clock) of the partition, so the answer depends on the sequence of records
//! only. Every occurrence counts as seen, the repetitions too. Ids that a sender did not give cannot repeat and are not kept.

use std::hash::Hasher;

use footfall_model::{Offset, SiteId};
use siphasher::sip::SipHasher13;

use crate::hash::HashedMap;

/// An id is remembered for this long.
pub const WINDOW_SECONDS: i64 = 3_600;
/// An id is remembered for at most this many records of its partition.
pub const WINDOW_RECORDS: u64 = 4_000_000;

/// The ids of one partition.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    /// Hash of (domain, id) → offset of the last record with it.
    seen: HashedMap<u64, Offset>,
    sweep_at: usize,
}

impl Ids {
    /// Notes an id that the sender of the record at `offset` gave, as [`footfall_store::event_id`]; true if it repeats one at or
    /// after `window`, the oldest offset that counts.
    pub fn note(&mut self, site: SiteId, id: u64, offset: Offset, window: Offset) -> bool {
        self.sweep(window);
        let before = self.seen.insert(entry(site, id), offset);
        before.is_some_and(|seen| seen >= window && seen < offset)
    }

    /// Number of ids held, some of which may be past the window.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.seen.clear();
    }

    /// Old entries are answered right without being removed; removing them now and then bounds the memory.
    fn sweep(&mut self, window: Offset) {
        if self.seen.len() < self.sweep_at.max(65_536) {
            return;
        }
        self.seen.retain(|_, offset| *offset >= window);
        self.sweep_at = self.seen.len() + self.seen.len() / 4;
    }
}

fn entry(site: SiteId, id: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(id, 0);
    hasher.write(site.0.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn site(n: u128) -> SiteId {
        SiteId(Uuid::from_u128(n))
    }

    #[test]
    fn an_id_repeats_within_its_domain_and_window_only() {
        let mut ids = Ids::default();
        assert!(!ids.note(site(1), 7, 10, 0));
        assert!(!ids.note(site(2), 7, 11, 0), "another domain");
        assert!(ids.note(site(1), 7, 12, 10));
        assert!(ids.note(site(1), 7, 20, 12), "a repetition counts as seen");
        assert!(!ids.note(site(1), 7, 40, 21), "past the window");
    }

    #[test]
    fn memory_follows_the_window() {
        let mut ids = Ids::default();
        for offset in 0..400_000_u64 {
            ids.note(site(1), offset, offset, offset.saturating_sub(1_000));
        }
        assert!(ids.len() <= 65_536 + 1_000, "{} ids held", ids.len());
    }
}
