//! What the parts of a stored cursor share: the seams, how a call is repeated, how a stop or a fault travels.

use std::{fmt::Display, future::Future, pin::pin, sync::Arc, time::Duration};

use footfall_log::{Assignment, EventLog, Hold, Holder, LogError};
use footfall_meta::Meta;
use footfall_model::{LogName, Offset};
use footfall_store::{Packed, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{
    build::Home,
    memory::Memory,
    metrics::Name,
    pace::Pace,
    progress::Reports,
    steps::{Step, Watcher},
};

/// Waits between tries of a call that failed: the first and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A call under way when the process goes down may take this long: an insert that ends well spares the next start a replay.
const GRACE: Duration = Duration::from_secs(2);

/// Why a session of a cursor ends.
#[derive(Debug)]
pub enum Halt {
    /// The process is going down, or a test stopped it.
    Stopped,
    /// The partition belongs to another processor now: let go of it, everything durable is right.
    Lost(u32),
    /// The log or a decision failed: begin again from what is durable.
    Fault(String),
}

impl std::fmt::Display for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Lost(partition) => write!(f, "partition {partition} belongs to another processor now"),
            Self::Fault(fault) => f.write_str(fault),
        }
    }
}

impl From<LogError> for Halt {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Lost(partition) => Self::Lost(partition),
            LogError::Fault(_) => Self::Fault(error.to_string()),
        }
    }
}

/// The seams and switches of one stored cursor.
#[derive(Clone)]
pub struct Tools {
    /// The log it reads.
    pub log: Arc<dyn EventLog>,
    /// Which of the two.
    pub name: LogName,
    /// Where it writes.
    pub store: Store,
    /// Salts and generations.
    pub meta: Meta,
    /// When it may insert.
    pub pace: Pace,
    /// Where it tells.
    pub reports: Reports,
    /// Set when the process goes down.
    pub stop: CancellationToken,
    /// Listens to the steps; tests only.
    pub watcher: Option<Watcher>,
    /// How much each partition remembers; its share ([`Memory::share`]) if none.
    pub memory: Option<Memory>,
    /// Rows of one insert at most.
    pub range_rows: usize,
}

impl Tools {
    /// How much a partition remembers.
    #[must_use]
    pub fn memory(&self, assignment: &Assignment) -> Memory {
        self.memory.unwrap_or_else(|| Memory::share(assignment.partitions))
    }

    /// A step was reached.
    pub fn step(&self, step: Step) -> Result<(), Halt> {
        match &self.watcher {
            Some(watcher) if !watcher(step) => Err(Halt::Stopped),
            _ => Ok(()),
        }
    }

    /// Repeats a call until it succeeds or the process goes down.
    pub async fn until_done<T, E, F>(&self, what: &str, mut call: impl FnMut() -> F) -> Result<T, Halt>
    where
        E: Display,
        F: Future<Output = Result<T, E>>,
    {
        let mut wait = RETRY.0;
        loop {
            let outcome = {
                let mut call = pin!(call());
                tokio::select! {
                    biased;
                    outcome = &mut call => outcome,
                    () = self.stop.cancelled() => tokio::time::timeout(GRACE, call).await.map_err(|_| Halt::Stopped)?,
                }
            };
            match outcome {
                Ok(value) => {
                    if wait > RETRY.0 {
                        self.reports.health.well();
                    }
                    return Ok(value);
                }
                Err(error) => {
                    tracing::warn!(log = self.name.topic(), %error, retry_ms = wait.as_millis() as u64, "{what} failed; trying again");
                    self.reports.health.ill(format!("{what}: {error}"));
                }
            }
            self.pause(wait).await?;
            wait = (wait * 2).min(RETRY.1);
        }
    }

    /// Waits, unless the process goes down.
    pub async fn pause(&self, wait: Duration) -> Result<(), Halt> {
        tokio::select! {
            () = self.stop.cancelled() => Err(Halt::Stopped),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Inserts rows; tries for ever, except where the rows themselves are at fault. Nothing is sent while the partition is not surely held, and it
    /// ends once that is lost.
    ///
    /// A try that was not acknowledged may have stored the rows, may still do so, or may have left their token only: the store notes a token before
    /// the rows are in place, and a crash may come between. So from the second try on positions are read before, and again after, the same
    /// rows are sent under the same token, which keeps a try in flight from storing them twice.
    pub async fn insert(&self, batch: &Batch<'_>, held: &Holder) -> Result<Written, Halt> {
        if batch.rows.rows() == 0 {
            return Ok(Written::Stored);
        }
        let mut tried = false;
        let written = self.until_done("writing events to the store", || {
            let again = std::mem::replace(&mut tried, true);
            async move {
                match held() {
                    Hold::Held => {}
                    Hold::Unsure => {
                        return Err(StoreError::away("not asked: the event log has not confirmed lately that the partition is still held"));
                    }
                    Hold::Lost => return Ok(Err(Halt::Lost(batch.home.partition))),
                }
                if again && let Some(written) = self.found(batch).await? {
                    return Ok(Ok(written));
                }
                let started = std::time::Instant::now();
                self.pace.start();
                let outcome = self.store.insert(batch.rows, batch.token).await;
                self.pace.end();
                match outcome {
                    Ok(()) => {
                        Name::InsertSeconds.time(self.name, started.elapsed());
                        Name::Inserts.add(self.name, 1);
                        Name::Rows.add(self.name, batch.rows.rows() as u64);
                        let written = if again { self.found(batch).await?.unwrap_or(Written::Unsettled) } else { Written::Stored };
                        Ok(Ok(written))
                    }
                    Err(error) if error.is_data() => Ok(Ok(Written::Refused(error))),
                    Err(error) => {
                        Name::InsertRetries.add(self.name, 1);
                        Err(error)
                    }
                }
            }
        });
        written.await?
    }

    /// What positions say of an insert; nothing if none of its rows are stored.
    async fn found(&self, batch: &Batch<'_>) -> Result<Option<Written>, StoreError> {
        let (shard, first, last) = (batch.home.shard(), batch.first, batch.last);
        let stored = self.store.stored_offsets(shard, first, last).await?.len();
        if stored == batch.before {
            return Ok(None);
        }
        if stored != batch.before + batch.rows.rows() {
            return Ok(Some(Written::Unsettled));
        }
        // The visits of a try that was cut off may be missing.
        self.store.repush_sessions(shard, first, last).await?;
        Ok(Some(Written::Stored))
    }
}

/// Rows for the records `first..=last` of a partition.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// The partition.
    pub home: Home,
    /// First offset.
    pub first: Offset,
    /// Last offset.
    pub last: Offset,
    /// What is sent.
    pub rows: &'a Packed,
    /// Under which token.
    pub token: &'a str,
    /// How many other rows of these records are stored already.
    pub before: usize,
}

/// How an insert ended.
#[derive(Debug)]
pub enum Written {
    /// All rows are stored.
    Stored,
    /// The store refuses the rows.
    Refused(StoreError),
    /// Some rows are stored, or none though the store knows their token: what is missing needs another one.
    Unsettled,
}

/// Now, UTC milliseconds.
#[must_use]
pub fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
