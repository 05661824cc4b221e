//! How long a statement may run, and how much it may take.

use std::time::Duration;

/// Limits of one kind of statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Seconds in the store.
    pub seconds: u64,
    /// Bytes.
    pub memory: u64,
    /// Rows that it may read, if there is a limit.
    pub rows: Option<u64>,
    /// Threads that it may have at most.
    pub threads: Option<u64>,
}

/// A report: longer than a person waits, and small enough that several fit beside inserts.
pub(crate) const REPORT: Bounds = Bounds { seconds: 10, memory: 1_500_000_000, rows: Some(1_000_000_000), threads: Some(8) };
/// An insert of at most [`crate::MAX_RANGE_RECORDS`] rows.
pub(crate) const INSERT: Bounds = Bounds::new(60, 2_000_000_000);
/// Reading state back, recomputing hours.
pub(crate) const RECOVERY: Bounds = Bounds::new(300, 2_000_000_000);
/// Changes of tables, deletions.
pub(crate) const UPKEEP: Bounds = Bounds::new(3_600, 2_000_000_000);

/// What grouping may hold in memory before it goes on on disk.
const GROUP_IN_MEMORY: u64 = 600_000_000;

impl Bounds {
    /// Of time and memory alone.
    pub(crate) const fn new(seconds: u64, memory: u64) -> Self {
        Self { seconds, memory, rows: None, threads: None }
    }

    /// As settings of a statement.
    pub(crate) fn settings(self) -> impl Iterator<Item = (&'static str, String)> {
        let always = [
            ("max_execution_time", self.seconds),
            ("max_memory_usage", self.memory),
            ("max_bytes_before_external_group_by", GROUP_IN_MEMORY),
        ];
        let perhaps = [self.rows.map(|rows| ("max_rows_to_read", rows)), self.threads.map(|threads| ("max_threads", threads))];
        always.into_iter().chain(perhaps.into_iter().flatten()).map(|(name, value)| (name, value.to_string()))
    }

    /// When the client stops to wait: a little after the store should have given up by itself.
    pub(crate) const fn patience(self) -> Duration {
        Duration::from_secs(self.seconds + 3)
    }
}
