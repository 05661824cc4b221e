//! Event ids that were seen lately, so that a retry counts once.
//!
//! An id repeats an earlier one if the same (domain, id) was appended within the last 60 minutes, and within as many of the partition's
//! records as it remembers ([`Memory::records`](crate::memory::Memory::records)). Time is the [`Clock`](crate::clock::Clock) of the partition, so the answer depends on the sequence of records
//! only. Every occurrence counts as seen, the repetitions too. Ids that a sender did not give cannot repeat and are not kept.

use std::hash::Hasher;

use footfall_model::{Offset, SiteId};
use hashbrown::{HashTable, hash_table::Entry};
use siphasher::sip::SipHasher13;

/// An id is remembered for this long.
pub const WINDOW_SECONDS: i64 = 3_600;

/// The ids of one partition: 13 bytes for each place of the table, as there may be millions.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    seen: HashTable<Seen>,
    sweep_at: usize,
    swept: Offset,
}

/// An id, and the last record with it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// High and low half of the hash of (domain, id).
    hash: [u32; 2],
    /// The low half of the offset.
    offset: u32,
}

/// At the latest after so many records old entries are removed, so that the low half of an offset is enough.
const SWEEP_EVERY: u64 = 1 << 31;

impl Seen {
    fn new(hash: u64, offset: Offset) -> Self {
        Self { hash: [(hash >> 32) as u32, hash as u32], offset: offset as u32 }
    }

    fn hash(&self) -> u64 {
        u64::from(self.hash[0]) << 32 | u64::from(self.hash[1])
    }

    /// Its offset, as seen from a later one.
    fn before(&self, now: Offset) -> Offset {
        now.saturating_sub(u64::from((now as u32).wrapping_sub(self.offset)))
    }
}

impl Ids {
    /// Notes an id that the sender of the record at `offset` gave, as [`footfall_store::event_id`]; true if it repeats one at or
    /// after `window`, the oldest offset that counts. Offsets ascend.
    pub fn note(&mut self, site: SiteId, id: u64, offset: Offset, window: Offset) -> bool {
        self.sweep(offset, window);
        let hash = hash_of_id(site, id);
        match self.seen.entry(hash, |seen| seen.hash() == hash, Seen::hash) {
            Entry::Vacant(place) => {
                place.insert(Seen::new(hash, offset));
                false
            }
            Entry::Occupied(mut place) => {
                let before = std::mem::replace(place.get_mut(), Seen::new(hash, offset)).before(offset);
                (window..offset).contains(&before)
            }
        }
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
    fn sweep(&mut self, now: Offset, window: Offset) {
        if self.seen.len() < self.sweep_at.max(65_536) && now - self.swept.min(now) < SWEEP_EVERY {
            return;
        }
        self.seen.retain(|seen| seen.before(now) >= window);
        self.swept = now;
        self.sweep_at = self.seen.len() + self.seen.len() / 4;
    }
}

fn hash_of_id(site: SiteId, id: u64) -> u64 {
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
    fn an_id_seen_four_billion_records_ago_does_not_come_back() {
        let mut ids = Ids::default();
        let turn = 1_u64 << 32;
        ids.note(site(1), 7, 100, 0);
        for offset in (1..=8).map(|eighth| 100 + eighth * turn / 8) {
            assert!(!ids.note(site(1), offset, offset, offset - 1_000));
        }
        assert!(!ids.note(site(1), 7, 101 + turn, turn - 1_000));
        assert!(ids.note(site(1), 7, 102 + turn, turn - 1_000));
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
