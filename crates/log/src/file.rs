//! The one-machine event log: one SQLite file per log, one writer, group commit.
//!
//! # Shape
//! ```text
//! append ─▶ pending queue (bounded by bytes) ─▶ writer ─ one row per group commit, fsync ─▶ answers
//!                                                │
//!                                                ├─▶ tail: the newest chunks in memory ─┐
//!                                                └─▶ tip: wakes every subscription      ├─▶ poll
//!                                   chunks table (what the tail no longer holds) ───────┘
//! keeper: checkpoints, removal of consumed chunks, giving back free pages
//! ```
//!
//! # Constraints
//! - An append is answered `Ok` only after its transaction is in the write-ahead file and that file is synced
//!   (`journal_mode=WAL`, `synchronous=FULL`).
//! - A lone append commits at once. What queues up during a commit goes into the next one, up to `chunk::MAX_BYTES` and
//!   `chunk::MAX_ENTRIES`: load makes groups larger, never the wait of a single caller longer than two commits.
//! - Intents and commits of consumers ride in the writer's next transaction, so they cost no sync of their own under load.
//! - Checkpoints run on the keeper's connection while appends go on; only the last few pages are copied with the writer held
//!   back. After that the write-ahead file is written from its start again. It is not truncated: space once taken stays usable
//!   for commits and removals on a full disk, and overwriting needs no change of file metadata at each sync.
//!   (Concurrent checkpoints need SQLite ≥ 3.51.3, which this build links.)
//!
//! # Invariants
//! - Offsets have no gaps: a row holds `first .. first + count`, the next row begins where it ends.
//! - The newest row is never removed, so the next offset survives the removal of everything that was consumed.
//! - A row is removed only when *every* known group has committed past it, and it is older than the retention or space is
//!   needed. What was not consumed is never removed: then appends are refused with [`AppendError::Full`].
//! - One process per file: a lock on `<topic>.lock`, held until both tasks have ended.
//! - `appended_ms` never goes back, even when the clock does.
//!
//! # Recovery
//! - After a crash SQLite replays the write-ahead file. An append whose answer was lost may be there; one that was
//!   acknowledged is.
//! - Full disk or limit: appends are refused at once, a small write probes every `writer::PROBE_EVERY` and ends the state.
//!   Any other write error does the same with [`AppendError::Unavailable`] and also opens the file anew.
//! - Every row carries a checksum. A row that does not match, or a gap, is a [`LogError`] that names the offsets.
//! - A file that was deleted between two runs begins again at offset 0. [`FileLog::id`] tells that it is another file and
//!   [`FileLogOptions::first_generation`] lets the caller number it apart from the old one; a processor that finds positions
//!   in the store beyond [`Assignment::end`](crate::Assignment::end) of the same generation sees it too.

mod chunk;
mod keeper;
mod open;
mod reader;
mod shared;
mod storage;
mod tail;
mod writer;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use footfall_model::{LogName, Position};
use tokio::{sync::Mutex, sync::oneshot, task::JoinHandle};
use uuid::Uuid;

use crate::{AppendError, Entry, EventLog, LogError, LogStatus, StartAt, Subscription};
use chunk::ENTRY_OVERHEAD;
use reader::FileSubscription;
use shared::Shared;
pub(crate) use shared::lock;
use writer::{Append, BookEntry, Request};

/// How a [`FileLog`] is set up.
#[derive(Clone, Debug)]
pub struct FileLogOptions {
    /// The folder of the file, its lock and its write-ahead file; made if it is not there.
    pub dir: PathBuf,
    /// Which log: names the file (`page_views.db`).
    pub name: LogName,
    /// Greatest size of the file with its write-ahead file. Default 10 GiB. Consumed entries make room before appends are refused.
    pub max_bytes: u64,
    /// Consumed entries are kept this long after their append. Default 7 days.
    pub retention: Duration,
    /// Greatest sum of bytes that may wait to become durable; beyond it appends are answered [`AppendError::Busy`]. Default 64 MiB.
    pub max_pending_bytes: usize,
    /// Bytes of newest entries kept in memory, so that consumers that keep up never read the disk. Default 32 MiB.
    pub tail_bytes: usize,
    /// Groups that must exist from the start: nothing is removed before each of them has consumed it, even if it never came yet.
    pub groups: Vec<String>,
    /// Generation of a file that has to be created. Default 0; one more than the last known when the accounts know an earlier file.
    pub first_generation: u32,
}

impl FileLogOptions {
    /// Defaults for a log in a folder.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, name: LogName) -> Self {
        Self {
            dir: dir.into(),
            name,
            max_bytes: 10 << 30,
            retention: Duration::from_secs(7 * 24 * 3_600),
            max_pending_bytes: 64 << 20,
            tail_bytes: 32 << 20,
            groups: Vec::new(),
            first_generation: 0,
        }
    }
}

/// The one-machine event log.
pub struct FileLog {
    shared: Arc<Shared>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl FileLog {
    /// Opens or creates the log and starts its two tasks on the current runtime.
    ///
    /// # Errors
    /// The folder cannot be written, another process has it open, or the file is damaged or of another version.
    pub async fn open(options: FileLogOptions) -> Result<Arc<Self>, LogError> {
        let (shared, tasks) = open::start(options).await?;
        Ok(Arc::new(Self { shared, tasks: Mutex::new(tasks) }))
    }

    /// Made with the file: another id means another file.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.shared.identity.id
    }

    /// The generation written into the file when it was made.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.shared.identity.generation
    }

    /// Makes everything queued durable, ends both tasks and releases the folder. Later appends are refused.
    pub async fn close(&self) {
        self.shared.send(Request::Close);
        for task in self.tasks.lock().await.drain(..) {
            if let Err(error) = task.await {
                tracing::error!(log = self.shared.topic(), %error, "a task of the event log ended badly");
            }
        }
    }

    /// Does the keeper's work now: removes consumed entries beyond the retention, checkpoints, gives back free pages.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub async fn tidy(&self) -> Result<(), LogError> {
        keeper::tidy(&self.shared).await
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        self.shared.send(Request::Close);
    }
}

#[async_trait]
impl EventLog for FileLog {
    fn name(&self) -> LogName {
        self.shared.options.name
    }

    async fn append(&self, entries: Vec<Entry>) -> Vec<Result<Position, AppendError>> {
        let mut answers = Vec::with_capacity(entries.len());
        let mut parts = Vec::with_capacity(1);
        // All parts are queued before the first answer is awaited, so that they share group commits.
        for payloads in chunk::split(entries) {
            parts.push((payloads.len(), self.enqueue(payloads)));
        }
        for (count, queued) in parts {
            let first = match queued {
                Ok(answer) => answer.await.unwrap_or_else(|_| Err(shared::closed())),
                Err(error) => Err(error),
            };
            answers.extend((0..count as u64).map(|nth| {
                first.clone().map(|offset| Position {
                    log: self.shared.options.name,
                    generation: self.shared.identity.generation,
                    partition: 0,
                    offset: offset + nth,
                })
            }));
        }
        answers
    }

    async fn subscribe(&self, group: &str, start: StartAt) -> Result<Box<dyn Subscription>, LogError> {
        if start == StartAt::Committed {
            self.shared.book(group, BookEntry::Join).await?;
        }
        Ok(Box::new(FileSubscription::open(Arc::clone(&self.shared), group, start).await?))
    }

    async fn status(&self) -> LogStatus {
        self.shared.status()
    }
}

impl FileLog {
    /// Puts one part into the queue, or refuses it at once.
    fn enqueue(&self, payloads: Vec<bytes::Bytes>) -> Result<oneshot::Receiver<Result<footfall_model::Offset, AppendError>>, AppendError> {
        if let Some(fault) = self.shared.fault() {
            return Err(fault.into());
        }
        let bytes = payloads.iter().map(|payload| payload.len() + ENTRY_OVERHEAD).sum();
        let reserved = self.shared.reserve(bytes)?;
        let (reply, answer) = oneshot::channel();
        self.shared.send(Request::Append(Append { payloads, reserved, reply }));
        Ok(answer)
    }
}
