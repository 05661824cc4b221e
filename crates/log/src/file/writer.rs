//! The writer: takes what is queued, makes it durable as one transaction, answers; and recovers from write errors.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use footfall_model::Offset;
use sea_orm::sqlx::{self, Connection, sqlite::SqliteConnection};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    chunk::{Chunk, MAX_BYTES, MAX_ENTRIES, Sealed},
    keeper,
    shared::{Fault, Reserved, Shared, lock, now_ms},
    storage,
};
use crate::{AppendError, Committed, LogError};

/// While appends are refused, a write is tried this often.
pub(super) const PROBE_EVERY: Duration = Duration::from_millis(250);
/// Longest wait for a lock of the file; only a foreign program (a backup, `sqlite3`) can hold one.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Pages beyond the limit for consumers' lines: they must get through when appends are refused, or nothing would ever be removed.
const RESERVE_PAGES: u64 = 1_024;
/// What a probe writes: as much as the group that failed, within these bounds.
const PROBE_BYTES: std::ops::RangeInclusive<usize> = 256 << 10..=4 << 20;
/// The write-ahead file is emptied by the writer itself from this many times its limit on …
const WAL_HELP: u64 = 2;
/// … and appends are refused from this many times on: something holds a read open.
const WAL_REFUSE: u64 = 8;

/// What the writer is asked.
pub(super) enum Request {
    /// Make these durable. The answer is the first one's offset.
    Append(Append),
    /// Write a line for a consumer group.
    Book { group: String, entry: BookEntry, reply: oneshot::Sender<Result<(), LogError>> },
    /// Finish what came before, then end.
    Close,
}

/// Payloads that wait for their offset.
pub(super) struct Append {
    pub payloads: Vec<Bytes>,
    pub reserved: Reserved,
    pub reply: oneshot::Sender<Result<Offset, AppendError>>,
}

/// A line for a consumer group.
#[derive(Clone, Debug)]
pub(super) enum BookEntry {
    /// The group exists.
    Join,
    /// It is about to insert a range (JSON of an [`Intent`](crate::Intent)).
    Intend(String),
    /// It has settled everything below.
    Commit(Committed),
}

/// What goes into one transaction.
#[derive(Default)]
struct Group {
    appends: Vec<Append>,
    books: Vec<(String, BookEntry)>,
    book_replies: Vec<oneshot::Sender<Result<(), LogError>>>,
    entries: usize,
    bytes: usize,
}

/// The task's state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    requests: mpsc::UnboundedReceiver<Request>,
    /// A request that did not fit the last group.
    held: Option<Request>,
    /// Time of the last chunk.
    last_ms: i64,
    /// The last group had more than one caller: others are likely about to queue.
    crowded: bool,
    next_probe: Instant,
    probe_bytes: usize,
    /// Device and inode of the file, to notice that it was removed or replaced under us.
    file: Option<(u64, u64)>,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, requests: mpsc::UnboundedReceiver<Request>, last_ms: i64) -> Self {
        Self {
            file: file_number(&shared.path),
            shared,
            requests,
            held: None,
            last_ms,
            crowded: false,
            next_probe: Instant::now(),
            probe_bytes: *PROBE_BYTES.start(),
        }
    }

    /// Runs until [`Request::Close`]. `_lock` keeps other processes out until the end.
    pub async fn run(mut self, _lock: Arc<File>) {
        while let Some(first) = self.next().await {
            if self.crowded {
                // Lets the callers just answered queue again before the group is closed.
                tokio::task::yield_now().await;
            }
            let (group, close) = self.gather(first);
            self.crowded = group.appends.len() > 1;
            if !group.appends.is_empty() || !group.books.is_empty() {
                self.commit(group).await;
            }
            if close {
                break;
            }
        }
        self.requests.close();
        while self.requests.try_recv().is_ok() {}
        self.shared.tip.send_modify(|tip| tip.closed = true);
        let conn = self.shared.write.lock().await.take();
        if let Some(conn) = conn
            && let Err(error) = conn.close().await
        {
            tracing::warn!(log = self.shared.topic(), %error, "the event log's file did not close cleanly");
        }
    }

    /// The next request; meanwhile probes while appends are refused.
    async fn next(&mut self) -> Option<Request> {
        if let Some(request) = self.held.take() {
            return Some(request);
        }
        loop {
            tokio::select! {
                request = self.requests.recv() => return request,
                () = probe_due(&self.shared, self.next_probe) => self.probe().await,
            }
        }
    }

    /// Everything queued that fits one transaction.
    fn gather(&mut self, first: Request) -> (Group, bool) {
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Append(append) => {
                    let (entries, bytes) = (append.payloads.len(), append.payloads.iter().map(Bytes::len).sum::<usize>());
                    if group.entries > 0 && (group.entries + entries > MAX_ENTRIES || group.bytes + bytes > MAX_BYTES) {
                        self.held = Some(Request::Append(append));
                        break;
                    }
                    group.entries += entries;
                    group.bytes += bytes;
                    group.appends.push(append);
                }
                Request::Book { group: name, entry, reply } => {
                    group.books.push((name, entry));
                    group.book_replies.push(reply);
                }
                Request::Close => return (group, true),
            }
            next = self.requests.try_recv().ok();
        }
        (group, false)
    }

    async fn commit(&mut self, group: Group) {
        let shared = Arc::clone(&self.shared);
        let mut write = shared.write.lock().await;
        let first = shared.tip.borrow().end;
        let appended_ms = now_ms().max(self.last_ms);
        let sealed =
            (!group.appends.is_empty()).then(|| Chunk::seal(first, appended_ms, group.appends.iter().flat_map(|append| &append.payloads)));
        let began = Instant::now();
        match self.store(&mut write, sealed.as_ref(), &group.books).await {
            Ok(()) => {
                if let Some(sealed) = sealed {
                    self.last_ms = appended_ms;
                    self.publish(sealed, began.elapsed());
                }
                let mut offset = first;
                for append in group.appends {
                    drop(append.reserved);
                    let _ = append.reply.send(Ok(offset));
                    offset += append.payloads.len() as u64;
                }
                for reply in group.book_replies {
                    let _ = reply.send(Ok(()));
                }
            }
            Err(fault) => {
                for append in group.appends {
                    drop(append.reserved);
                    let _ = append.reply.send(Err(fault.clone().into()));
                }
                let (Fault::Full(why) | Fault::Down(why)) = &fault;
                let mut answer = Err(shared.about(LogError::fault(why.clone())));
                if matches!(fault, Fault::Full(_)) && !group.books.is_empty() {
                    answer = self.store_beyond_limit(&mut write, &group.books).await.map_err(|error| shared.about(storage::plain(error)));
                }
                for reply in group.book_replies {
                    let _ = reply.send(answer.clone());
                }
                self.next_probe = Instant::now() + PROBE_EVERY;
                self.probe_bytes = group.bytes.clamp(*PROBE_BYTES.start(), *PROBE_BYTES.end());
                shared.set_fault(Some(fault));
                shared.keeper_wake.notify_one();
            }
        }
        let wal_bytes = shared.wal_bytes.load(Ordering::Acquire);
        if wal_bytes >= shared.wal_limit {
            shared.keeper_wake.notify_one();
        }
        if wal_bytes >= shared.wal_limit * WAL_HELP
            && let Some(conn) = write.as_mut()
        {
            keeper::help_checkpoint(&shared, conn).await;
        }
    }

    /// One transaction; consumed entries make room for it if need be.
    async fn store(
        &self,
        write: &mut Option<SqliteConnection>,
        sealed: Option<&Sealed>,
        books: &[(String, BookEntry)],
    ) -> Result<(), Fault> {
        let shared = &self.shared;
        if sealed.is_some() && shared.wal_bytes.load(Ordering::Acquire) >= shared.wal_limit * WAL_REFUSE {
            return Err(Fault::Full("the write-ahead file cannot be emptied; end what keeps the file open for reading".into()));
        }
        let conn = match self.connected(write).await {
            Ok(conn) => conn,
            Err(error) => {
                *write = None;
                return Err(Fault::Down(error.text()));
            }
        };
        let mut outcome = storage::store(conn, sealed, books).await;
        if let (Err(error), Some(sealed)) = (&outcome, sealed)
            && storage::is_full(error)
            && keeper::make_room(shared, conn, sealed.blob.len() as u64).await
        {
            outcome = storage::store(conn, Some(sealed), books).await;
        }
        let outcome = outcome.map_err(fault_of);
        if matches!(outcome, Err(Fault::Down(_))) {
            // The state of the connection is not to be trusted.
            *write = None;
        }
        outcome
    }

    async fn store_beyond_limit(&self, write: &mut Option<SqliteConnection>, books: &[(String, BookEntry)]) -> Result<(), sqlx::Error> {
        let Some(conn) = write.as_mut() else {
            return Err(sqlx::Error::WorkerCrashed);
        };
        storage::limit_pages(conn, self.shared.page_limit() + RESERVE_PAGES).await?;
        let outcome = storage::store(conn, None, books).await;
        storage::limit_pages(conn, self.shared.page_limit()).await?;
        outcome
    }

    /// Makes a durable chunk visible.
    fn publish(&self, sealed: Sealed, took: Duration) {
        let shared = &self.shared;
        let pages = sealed.blob.len() as u64 / storage::PAGE_BYTES + 4;
        shared.wal_bytes.fetch_add(pages * storage::FRAME_BYTES, Ordering::AcqRel);
        let topic = shared.topic();
        metrics::counter!("footfall_log_entries_total", "log" => topic).increment(sealed.chunk.payloads.len() as u64);
        metrics::counter!("footfall_log_bytes_total", "log" => topic).increment(sealed.blob.len() as u64);
        metrics::histogram!("footfall_log_commit_seconds", "log" => topic).record(took.as_secs_f64());
        let end = sealed.chunk.end();
        lock(&shared.tail).push(Arc::new(sealed.chunk));
        shared.tip.send_modify(|tip| tip.end = end);
    }

    /// The connection: the one at hand if its file is still there, else a new one to the same file.
    async fn connected<'a>(&self, write: &'a mut Option<SqliteConnection>) -> Result<&'a mut SqliteConnection, LogError> {
        let shared = &self.shared;
        if file_number(&shared.path) != self.file {
            // SQLite would go on writing into the removed file, durable for nobody.
            return Err(LogError::fault("the file was removed or replaced while in use; restart"));
        }
        let conn = match write.take() {
            Some(conn) => conn,
            None => self.reconnect().await?,
        };
        Ok(write.insert(conn))
    }

    async fn reconnect(&self) -> Result<SqliteConnection, LogError> {
        let shared = &self.shared;
        let mut conn = storage::connect(&shared.path, false, BUSY).await.map_err(storage::plain)?;
        storage::limit_pages(&mut conn, shared.page_limit()).await.map_err(storage::plain)?;
        if storage::identity(&mut conn).await.map_err(storage::plain)? != shared.identity {
            return Err(LogError::fault("the file was replaced by another log while in use; restart"));
        }
        let ends = storage::ends(&mut conn).await.map_err(storage::plain)?;
        let end = shared.tip.borrow().end;
        if ends.end < end {
            return Err(LogError::fault(format!(
                "entries {} to {} were durable and are gone; check the disk, then restart",
                ends.end,
                end - 1
            )));
        }
        if ends.end > end {
            // A commit that was answered with an error had become durable after all.
            lock(&shared.tail).clear();
            shared.tip.send_modify(|tip| tip.end = ends.end);
        }
        Ok(conn)
    }

    /// Tries to write; on success appends are accepted again.
    async fn probe(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut write = shared.write.lock().await;
        let outcome = match self.connected(&mut write).await {
            Ok(conn) => {
                keeper::help_checkpoint(&shared, conn).await;
                let mut outcome = storage::probe(conn, self.probe_bytes).await;
                if outcome.as_ref().is_err_and(storage::is_full) && keeper::make_room(&shared, conn, self.probe_bytes as u64).await {
                    outcome = storage::probe(conn, self.probe_bytes).await;
                }
                outcome.map_err(fault_of)
            }
            Err(error) => Err(Fault::Down(error.text())),
        };
        if matches!(outcome, Err(Fault::Down(_))) {
            *write = None;
        }
        self.next_probe = Instant::now() + PROBE_EVERY;
        let stuck = shared.wal_bytes.load(Ordering::Acquire) >= shared.wal_limit * WAL_REFUSE;
        match outcome {
            Ok(()) if stuck => {}
            Ok(()) => shared.set_fault(None),
            Err(fault) => shared.set_fault(Some(fault)),
        }
    }
}

fn fault_of(error: sqlx::Error) -> Fault {
    let full = storage::is_full(&error);
    let why = storage::plain(error).text();
    if full { Fault::Full(why) } else { Fault::Down(why) }
}

/// Waits for the next probe; for ever while nothing is wrong.
async fn probe_due(shared: &Shared, at: Instant) {
    while shared.fault().is_none() {
        shared.faulted.notified().await;
    }
    tokio::time::sleep_until(at).await;
}

#[cfg(unix)]
fn file_number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn file_number(_: &Path) -> Option<(u64, u64)> {
    None
}
