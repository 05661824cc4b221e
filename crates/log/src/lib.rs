//! The event log: the first durable place of an event.
//!
//! An engine promises:
//! - [`EventLog::append`] answers `Ok` for an entry only when it would survive the loss of the process and of the machine's
//!   power. Anything else is an error; an error may still have stored the entry (retries carry ids).
//! - Entries of one call keep their order within a partition; all entries with one key are in one partition.
//! - A reader sees entries in offset order, each exactly once per subscription, and never one that is not durable.
//! - Memory is bounded: what does not fit is refused at once, never queued without end.
//!
//! An engine must not look into a payload, drop an entry that was not consumed and acknowledged (unless it says so in
//! [`LogStatus::expired_unread`]), or retry an append by itself in a way that could double it.

pub mod file;
pub mod intent;
pub mod kafka;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use footfall_model::{LogName, Offset, Position, SiteId};

pub use intent::{Committed, Intent};

/// One record to append.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The domain: decides the partition.
    pub key: SiteId,
    /// The record as JSON.
    pub payload: Bytes,
}

/// One record read back.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// Its offset in the partition.
    pub offset: Offset,
    /// When the log took it, UTC milliseconds.
    pub appended_ms: i64,
    /// The record as it was appended.
    pub payload: Bytes,
}

/// Why an append was refused. All of them mean 503 for the sender.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk, or the space set aside for the log, is full.
    #[error("the event log is full ({0}); free disk space or let the processor catch up")]
    Full(String),
    /// Too much is waiting to become durable.
    #[error("the event log is overloaded; retry in a moment")]
    Busy,
    /// The engine cannot promise durability now.
    #[error("the event log is unavailable: {0}")]
    Unavailable(String),
}

/// A fault of the log outside of appending.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// It does not work now: begin again from what is durable.
    #[error("event log: {0}")]
    Fault(String),
    /// The partition belongs to another reader of the group by now: let go of it, nothing was written.
    #[error("event log: partition {0} belongs to another reader of the group")]
    Lost(u32),
}

impl LogError {
    /// A fault with this text.
    pub fn fault(text: impl Into<String>) -> Self {
        Self::Fault(text.into())
    }

    /// The same, with the file that it is about.
    pub(crate) fn about(self, file: &std::path::Path) -> Self {
        Self::Fault(format!("{}: {}", file.display(), self.text()))
    }

    /// What is wrong, without saying that it is the event log's.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Fault(text) => text,
            Self::Lost(_) => self.to_string(),
        }
    }
}

/// How a subscription reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// As a member of the group: the partitions are shared among its members, each read from what the group committed.
    Committed,
    /// Alone: the partitions that [`Subscription::follow`] names, from this offset until a [`Subscription::seek`]. Commits are not used.
    Offset(Offset),
}

/// A record that cannot become a row, for the log's own dead letters where it keeps some.
#[derive(Clone, Debug)]
pub struct DeadEntry {
    /// Where it was read.
    pub position: Position,
    /// The domain, if it could be read.
    pub key: Option<SiteId>,
    /// Why.
    pub reason: String,
    /// The record as it was appended.
    pub payload: Bytes,
}

/// How much one poll may return.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimit {
    /// Greatest number of entries.
    pub entries: usize,
    /// Greatest sum of payload bytes (at least one entry is returned).
    pub bytes: usize,
}

/// A partition that this subscription now reads.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The partition.
    pub partition: u32,
    /// How many the log has.
    pub partitions: usize,
    /// Raised when the log was replaced by a new one of the same name.
    pub generation: u32,
    /// What the group committed last.
    pub committed: Option<Committed>,
    /// A range that was fixed but not committed before the last stop.
    pub intent: Option<Intent>,
    /// Oldest offset still kept.
    pub start: Offset,
    /// Offset that the next append gets.
    pub end: Offset,
}

/// What a poll found.
#[derive(Clone, Debug)]
pub enum Polled {
    /// Partitions to begin with, each at most once until it is revoked.
    Assigned(Vec<Assignment>),
    /// Partitions to let go of: finish or abandon, commit, forget, then [`Subscription::release`].
    Revoked(Vec<u32>),
    /// Entries of one partition, in offset order.
    Entries {
        /// The partition.
        partition: u32,
        /// The entries.
        entries: Vec<StoredEntry>,
    },
    /// Nothing came within the wait.
    Idle {
        /// Everything that is durable in the assigned partitions was returned.
        at_end: bool,
    },
}

/// State of the log for readiness and metrics.
#[derive(Clone, Debug, Default)]
pub struct LogStatus {
    /// Appends are accepted.
    pub accepting: bool,
    /// Why not, for a person.
    pub fault: Option<String>,
    /// Bytes on disk (0 where the engine cannot know).
    pub bytes: u64,
    /// Greatest number of bytes it may use (0: no bound of its own).
    pub bytes_limit: u64,
    /// Per partition: (partition, generation, oldest offset, next offset).
    pub partitions: Vec<(u32, u32, Offset, Offset)>,
    /// Entries that were removed before the group had read them.
    pub expired_unread: u64,
}

/// One event log.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Which of the two logs this is.
    fn name(&self) -> LogName;

    /// Makes entries durable. One result per entry, in order.
    async fn append(&self, entries: Vec<Entry>) -> Vec<Result<Position, AppendError>>;

    /// Begins to read as a member of `group`.
    async fn subscribe(&self, group: &str, start: StartAt) -> Result<Box<dyn Subscription>, LogError>;

    /// How it is doing.
    async fn status(&self) -> LogStatus;

    /// Hands on records that became dead letters, for consumers of the log; the analytics store has them already. May come twice.
    async fn bury(&self, _entries: Vec<DeadEntry>) -> Result<(), LogError> {
        Ok(())
    }
}

/// What a reader knows of its hold on a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is this reader's, and the log was heard of recently enough to know.
    Held,
    /// The log was not heard of lately: it may be another reader's by now, or still this one's.
    Unsure,
    /// It is not this reader's any more, and will not be again under the same assignment.
    Lost,
}

/// Tells how a partition is held: see [`Subscription::holder`].
pub type Holder = Arc<dyn Fn() -> Hold + Send + Sync>;

/// One reader of a log.
#[async_trait]
pub trait Subscription: Send {
    /// Waits up to `wait` for something to do. Returns as soon as there is anything: a lone entry is not held back.
    async fn poll(&mut self, wait: Duration, limit: FetchLimit) -> Result<Polled, LogError>;

    /// Persists the range that is about to be inserted. No insert may be sent before this succeeded.
    async fn intend(&mut self, partition: u32, intent: &Intent) -> Result<(), LogError>;

    /// Moves the group past a range and forgets its intent, in one step.
    async fn commit(&mut self, partition: u32, committed: &Committed) -> Result<(), LogError>;

    /// Reads entries again, `first` to `last` inclusive, without moving the subscription: for replaying an intent.
    async fn reread(&mut self, partition: u32, first: Offset, last: Offset) -> Result<Vec<StoredEntry>, LogError>;

    /// Nothing of these partitions, which were revoked, is under way any more: another reader may have them.
    async fn release(&mut self, _partitions: &[u32]) {}

    /// Reads exactly these partitions from now on (only for who reads alone): new ones are told by [`Polled::Assigned`], the others just end.
    async fn follow(&mut self, partitions: &BTreeSet<u32>) -> Result<(), LogError>;

    /// Answers at any time whether an insert may be sent for a partition: only where it is [`Hold::Held`]. Asked just before each insert,
    /// from wherever that is sent.
    fn holder(&self, _partition: u32) -> Holder {
        Arc::new(|| Hold::Held)
    }

    /// The partitions of which everything durable was returned.
    fn at_end(&self) -> BTreeSet<u32>;

    /// Goes on reading a partition at this offset.
    async fn seek(&mut self, partition: u32, next: Offset) -> Result<(), LogError>;
}
