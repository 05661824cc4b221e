//! How much of its past a partition remembers.
//!
//! It is a rule about records, so it must be the same for every processor that may hold the partition: it follows from the settings and
//! from the number of partitions, never from what a process happens to hold. With the shares below a process that holds all partitions of
//! a log at once still fits its limit; `docs/operate/scale.md` has the figures.

/// Visits of a log that one process can hold.
const VISITS_OF_A_LOG: usize = 500_000;
/// Visits of a partition are at most these: about 4,000 new ones a minute, hour after hour.
const VISITS_OF_A_PARTITION: usize = 250_000;
/// Records in which a visit's ids are looked for, per visit: visits have 3 to 4 events on most domains, and ids outlive visits.
const RECORDS_PER_VISIT: u64 = 16;

/// How much a partition remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Visits; the oldest are cut short where there are more.
    pub visits: usize,
}

impl Memory {
    /// What each of so many partitions has unless configured.
    #[must_use]
    pub fn share(partitions: usize) -> Self {
        Self { visits: (VISITS_OF_A_LOG / partitions.max(1)).clamp(1, VISITS_OF_A_PARTITION) }
    }

    /// An id is remembered for at most so many records.
    #[must_use]
    pub fn records(self) -> u64 {
        self.visits as u64 * RECORDS_PER_VISIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_one_partition_has_four_million_ids_and_one_of_many_shares() {
        assert_eq!(Memory::share(1), Memory { visits: 250_000 });
        assert_eq!(Memory::share(1).records(), 4_000_000);
        assert_eq!(Memory::share(0), Memory::share(1));
        assert!((1..100).all(|partitions| Memory::share(partitions).visits * partitions <= VISITS_OF_A_LOG));
        assert_eq!(Memory::share(usize::MAX).visits, 1);
    }
}
