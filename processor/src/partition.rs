//! One partition of the log as its cursor holds it.

use footfall_log::Committed;

use crate::{
    assign::Assigner,
    build::Home,
    decode::ReadAhead,
    progress::Stored,
    range::{MAX_BYTES, MAX_ROWS},
};

/// Ranges read ahead, of all partitions together: the next one, and where there are several partitions one more, as nobody can choose of
/// which partition the log tells next. The one whose rows are made already is not counted.
const RANGES_AHEAD: usize = 2;

/// A partition that this cursor reads.
pub struct Partition {
    /// Which one.
    pub home: Home,
    /// Everything below `next` is settled.
    pub committed: Committed,
    /// Everything appended up to this time is settled, UTC milliseconds.
    pub until_ms: i64,
    /// Visits, ids and clock after the last range that was made.
    pub assigner: Assigner,
    /// What was read and not made into rows yet.
    pub ahead: ReadAhead,
}

impl Partition {
    /// How far it is.
    #[must_use]
    pub fn stored(&self) -> Stored {
        Stored {
            generation: self.home.generation,
            next: self.committed.next,
            rebuild_from: self.committed.rebuild_from,
            until_ms: self.until_ms,
        }
    }
}

/// Whether more may be read ahead.
pub fn has_room<'a>(partitions: impl Iterator<Item = &'a Partition>) -> bool {
    let (mut count, mut entries, mut bytes) = (0, 0, 0);
    for partition in partitions {
        count += 1;
        entries += partition.ahead.len();
        bytes += partition.ahead.bytes();
    }
    let ranges = count.clamp(1, RANGES_AHEAD);
    entries < ranges * MAX_ROWS && bytes < ranges * MAX_BYTES
}
