//! How long a statement may run and how much memory it may take.

use std::time::Duration;

/// Limits of one kind of statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Seconds in the store.
    pub seconds: u64,
    /// Bytes.
    pub memory: u64,
}

/// A report: longer than a person waits, and small enough that several fit beside inserts.
pub(crate) const REPORT: Bounds = Bounds { seconds: 10, memory: 1_500_000_000 };
/// An insert of at most [`crate::MAX_RANGE_RECORDS`] rows.
pub(crate) const INSERT: Bounds = Bounds { seconds: 60, memory: 2_000_000_000 };
/// Reading state back, recomputing hours.
pub(crate) const RECOVERY: Bounds = Bounds { seconds: 300, memory: 2_000_000_000 };
/// Changes of tables, deletions.
pub(crate) const UPKEEP: Bounds = Bounds { seconds: 3_600, memory: 2_000_000_000 };

/// What grouping may hold in memory before it goes on on disk.
const GROUP_IN_MEMORY: u64 = 600_000_000;

impl Bounds {
    /// As settings of a statement.
    pub(crate) fn settings(self) -> [(&'static str, String); 3] {
        [
            ("max_execution_time", self.seconds.to_string()),
            ("max_memory_usage", self.memory.to_string()),
            ("max_bytes_before_external_group_by", GROUP_IN_MEMORY.to_string()),
        ]
    }

    /// When the client stops to wait: a little after the store should have given up by itself.
    pub(crate) const fn patience(self) -> Duration {
        Duration::from_secs(self.seconds + 3)
    }
}
