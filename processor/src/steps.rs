//! Where a crash may strike. The exactly-once promise is about what happens *between* these steps, so tests stop the processor
//! at each of them and start it again. In production nobody listens.

use std::sync::Arc;

/// A boundary that the stored cursor has just reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A range is decided; nothing is written.
    Planned,
    /// The intent is durable.
    Intended,
    /// Dead letters of undecodable records are written.
    DeadLettersWritten,
    /// The insert has ended well; the commit has not begun.
    Inserted,
    /// One part of a range that the store refused was inserted or buried.
    PartSettled,
    /// The commit is durable; nobody was told.
    Committed,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Planned, Self::Intended, Self::DeadLettersWritten, Self::Inserted, Self::PartSettled, Self::Committed];
}

/// Told of each step; answering false stops the cursor there as a crash would.
pub type Watcher = Arc<dyn Fn(Step) -> bool + Send + Sync>;
