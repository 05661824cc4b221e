//! What callers, the writer, the keeper and subscriptions of one file share.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use footfall_model::Offset;
use sea_orm::sqlx::sqlite::SqliteConnection;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::{FileLogOptions, storage, storage::Identity, tail::Tail, writer::BookEntry, writer::Request};
use crate::{AppendError, LogError, LogStatus};

/// The end of the log as subscriptions see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tip {
    /// The next offset: everything below is durable and readable.
    pub end: Offset,
    /// Nothing will be added any more.
    pub closed: bool,
}

/// Why appends are refused just now.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Space is needed.
    Full(String),
    /// The file cannot be written.
    Down(String),
}

impl From<Fault> for AppendError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full(why) => Self::Full(why),
            Fault::Down(why) => Self::Unavailable(why),
        }
    }
}

/// State of one open log.
pub(super) struct Shared {
    pub options: FileLogOptions,
    pub identity: Identity,
    /// `<dir>/<topic>.db`
    pub path: PathBuf,
    /// Wakes subscriptions.
    pub tip: watch::Sender<Tip>,
    /// Oldest offset kept.
    pub start: AtomicU64,
    /// Newest chunks.
    pub tail: Mutex<Tail>,
    /// The one connection that writes; none after a write error until the next try. The lock is fair, so the keeper gets its turn.
    pub write: tokio::sync::Mutex<Option<SqliteConnection>>,
    /// The keeper's connection.
    pub keep: tokio::sync::Mutex<Option<SqliteConnection>>,
    /// Bytes of the write-ahead file that are in use, as far as known.
    pub wal_bytes: AtomicU64,
    /// From here on the keeper checkpoints.
    pub wal_limit: u64,
    /// Tells the keeper that the write-ahead file has grown.
    pub keeper_wake: Notify,
    /// Tells the writer to begin probing.
    pub faulted: Notify,
    fault: Mutex<Option<Fault>>,
    /// Bytes queued and not yet durable.
    pending: AtomicUsize,
    queue: mpsc::UnboundedSender<Request>,
}

/// Space in the pending queue, given back when dropped.
pub(super) struct Reserved {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.shared.pending.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl Shared {
    pub fn new(
        options: FileLogOptions,
        path: PathBuf,
        identity: Identity,
        ends: storage::Ends,
        write: SqliteConnection,
        queue: mpsc::UnboundedSender<Request>,
    ) -> Self {
        Self {
            identity,
            path,
            tip: watch::Sender::new(Tip { end: ends.end, closed: false }),
            start: AtomicU64::new(ends.start),
            tail: Mutex::new(Tail::new(options.tail_bytes)),
            write: tokio::sync::Mutex::new(Some(write)),
            keep: tokio::sync::Mutex::new(None),
            wal_bytes: AtomicU64::new(0),
            wal_limit: wal_limit(options.max_bytes),
            keeper_wake: Notify::new(),
            faulted: Notify::new(),
            fault: Mutex::new(None),
            pending: AtomicUsize::new(0),
            queue,
            options,
        }
    }

    pub fn topic(&self) -> &'static str {
        self.options.name.topic()
    }

    /// Greatest number of pages of the file, so that it stays within the bound together with the write-ahead file.
    pub fn page_limit(&self) -> u64 {
        /// The tables themselves and a few rows: below this nothing works.
        const LEAST_PAGES: u64 = 64;
        /// The writer lets the write-ahead file grow to twice its limit; then one more group.
        const WAL_SHARES: u64 = 3;
        (self.options.max_bytes.saturating_sub(self.wal_limit * WAL_SHARES) / storage::PAGE_BYTES).max(LEAST_PAGES)
    }

    pub fn send(&self, request: Request) {
        // The receiver is gone only after close; the request's reply channel then tells its caller.
        let _ = self.queue.send(request);
    }

    /// Takes room in the pending queue. A call larger than the whole queue passes when nothing else waits.
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Result<Reserved, AppendError> {
        let most = self.options.max_pending_bytes;
        self.pending
            .try_update(Ordering::AcqRel, Ordering::Acquire, |now| (now == 0 || now + bytes <= most).then_some(now + bytes))
            .map_err(|_| AppendError::Busy)?;
        Ok(Reserved { shared: Arc::clone(self), bytes })
    }

    /// Writes a line for a group, durable when it returns.
    pub async fn book(&self, group: &str, entry: BookEntry) -> Result<(), LogError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Book { group: group.to_owned(), entry, reply });
        answer.await.unwrap_or_else(|_| Err(LogError::fault("the log is closed")))
    }

    pub fn fault(&self) -> Option<Fault> {
        lock(&self.fault).clone()
    }

    /// Begins, changes or ends (`None`) the state in which appends are refused.
    pub fn set_fault(&self, fault: Option<Fault>) {
        let before = std::mem::replace(&mut *lock(&self.fault), fault.clone());
        match (&before, &fault) {
            (None, Some(Fault::Full(why) | Fault::Down(why))) => {
                tracing::error!(log = self.topic(), why, "the event log refuses appends until it can write again");
                self.faulted.notify_one();
            }
            (Some(_), None) => {
                tracing::info!(log = self.topic(), "the event log accepts appends again")
            }
            _ => {}
        }
    }

    pub fn status(&self) -> LogStatus {
        let tip = *self.tip.borrow();
        let fault = if tip.closed { Some(Fault::Down("the log is closed".into())) } else { self.fault() };
        LogStatus {
            accepting: fault.is_none(),
            fault: fault.map(|(Fault::Full(why) | Fault::Down(why))| why),
            bytes: file_bytes(&self.path) + file_bytes(&beside(&self.path, "-wal")),
            bytes_limit: self.options.max_bytes,
            partitions: vec![(0, self.identity.generation, self.start.load(Ordering::Acquire), tip.end)],
            expired_unread: 0,
        }
    }

    /// An error with the file it is about.
    pub fn about(&self, error: LogError) -> LogError {
        error.about(&self.path)
    }
}

/// The write-ahead file may grow to this before a checkpoint: large enough that checkpoints are rare, small against the whole bound.
fn wal_limit(max_bytes: u64) -> u64 {
    (max_bytes / 16).clamp(128 << 10, 32 << 20)
}

/// Locks; a holder that panicked left nothing half done that matters here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn closed() -> AppendError {
    AppendError::Unavailable("the log is closed".into())
}

pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// SQLite puts its companions beside the file.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map(|meta| meta.len()).unwrap_or_default()
}
