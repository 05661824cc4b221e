//! A subscription: memory while it keeps up, the file when it does not.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use footfall_model::Offset;
use sea_orm::sqlx::sqlite::SqliteConnection;
use tokio::{sync::watch, time::timeout};

use super::{
    chunk::{Chunk, MAX_BYTES},
    shared::{Shared, Tip, lock},
    storage::{self, Place},
    writer::BookEntry,
};
use crate::{Assignment, Committed, FetchLimit, Intent, LogError, Polled, StartAt, StoredEntry, Subscription};

/// Longest wait for the file; see the writer's.
const BUSY: Duration = Duration::from_secs(5);

/// One reader of the file. It moves on by what it returned, so a poll that is dropped half way loses nothing.
pub(super) struct FileSubscription {
    shared: Arc<Shared>,
    group: String,
    /// Next offset to return.
    next: Offset,
    tip: watch::Receiver<Tip>,
    /// Handed out by the first poll, to who reads alone by the first after it named the partition.
    assignment: Option<Assignment>,
    /// Whether the one partition is read.
    follows: bool,
    /// Opened when the memory does not reach back far enough.
    conn: Option<SqliteConnection>,
    /// Chunks read from the file and not used up.
    loaded: Vec<Arc<Chunk>>,
}

impl FileSubscription {
    pub async fn open(shared: Arc<Shared>, group: &str, start: StartAt) -> Result<Self, LogError> {
        let tip = shared.tip.subscribe();
        let mut this = Self {
            group: group.to_owned(),
            next: 0,
            tip,
            assignment: None,
            follows: start == StartAt::Committed,
            conn: None,
            loaded: Vec::new(),
            shared,
        };
        let Place { committed, intent } = storage::place(this.connected().await?, group).await.map_err(|error| this.shared.about(error))?;
        let (oldest, end) = (this.shared.start.load(Ordering::Acquire), this.tip.borrow().end);
        this.next = match start {
            StartAt::Committed => committed.map_or(oldest, |committed| committed.next),
            StartAt::Offset(offset) => offset,
        };
        let generation = this.shared.identity.generation;
        this.assignment = Some(Assignment { partition: 0, partitions: 1, generation, committed, intent, start: oldest, end });
        Ok(this)
    }

    async fn connected(&mut self) -> Result<&mut SqliteConnection, LogError> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => storage::connect(&self.shared.path, false, BUSY).await.map_err(|error| self.shared.about(storage::plain(error)))?,
        };
        Ok(self.conn.insert(conn))
    }

    /// The chunk at an offset: from memory, from what was read last, or from the file. Where entries were removed, the next chunk.
    async fn chunk(&mut self, offset: Offset, bytes: usize) -> Result<Option<Arc<Chunk>>, LogError> {
        // What was removed may still be in memory, but is no more there for anybody.
        let kept = offset >= self.shared.start.load(Ordering::Acquire);
        if let Some(chunk) = lock(&self.shared.tail).get(offset).filter(|_| kept) {
            self.loaded.clear();
            return Ok(Some(chunk));
        }
        if let Some(chunk) = self.loaded.iter().find(|chunk| chunk.entry(offset).is_some()) {
            return Ok(Some(Arc::clone(chunk)));
        }
        let bytes = bytes.min(MAX_BYTES) as u64;
        let outcome = storage::load(self.connected().await?, offset, bytes).await;
        self.loaded = outcome.map_err(|error| self.shared.about(error))?.into_iter().map(Arc::new).collect();
        Ok(self.loaded.iter().find(|chunk| chunk.end() > offset).cloned())
    }

    /// Entries from an offset on, below `end`, within the limit and at least one if there is any.
    async fn read(&mut self, from: Offset, end: Offset, limit: FetchLimit) -> Result<Vec<StoredEntry>, LogError> {
        let mut entries: Vec<StoredEntry> = Vec::new();
        let (mut at, mut bytes) = (from, 0);
        while at < end {
            let Some(chunk) = self.chunk(at, limit.bytes.saturating_sub(bytes)).await? else {
                break;
            };
            if chunk.first > at {
                self.removed_up_to(at, chunk.first).await?;
                at = chunk.first;
            }
            while let Some(entry) = chunk.entry(at).filter(|_| at < end) {
                bytes += entry.payload.len();
                if !entries.is_empty() && (entries.len() >= limit.entries || bytes > limit.bytes) {
                    return Ok(entries);
                }
                entries.push(entry);
                at += 1;
            }
        }
        Ok(entries)
    }

    /// A jump is right only where everything older was removed.
    async fn removed_up_to(&mut self, from: Offset, to: Offset) -> Result<(), LogError> {
        let oldest = storage::ends(self.connected().await?).await.map_err(|error| self.shared.about(storage::plain(error)))?.start;
        if oldest >= to {
            return Ok(());
        }
        Err(self.shared.about(LogError::fault(format!("entries {from} to {} are missing; restore the file from a backup", to - 1))))
    }

    fn only(&self, partition: u32) -> Result<(), LogError> {
        if partition == 0 {
            Ok(())
        } else {
            Err(LogError::fault(format!("partition {partition} does not exist; this log has only partition 0")))
        }
    }
}

#[async_trait]
impl Subscription for FileSubscription {
    async fn poll(&mut self, wait: Duration, limit: FetchLimit) -> Result<Polled, LogError> {
        if !self.follows {
            tokio::time::sleep(wait).await;
            return Ok(Polled::Idle { at_end: true });
        }
        if let Some(assignment) = self.assignment.take() {
            return Ok(Polled::Assigned(vec![assignment]));
        }
        let next = self.next;
        let arrived = timeout(wait, self.tip.wait_for(|tip| tip.end > next || tip.closed)).await.map(|tip| tip.map(|tip| *tip));
        let tip = match arrived {
            Err(_) => return Ok(Polled::Idle { at_end: true }),
            Ok(Ok(tip)) => tip,
            Ok(Err(_)) => return Err(LogError::fault("the log is closed")),
        };
        if tip.end <= next {
            return Err(LogError::fault("the log is closed"));
        }
        let entries = self.read(next, tip.end, limit).await?;
        match entries.last() {
            Some(last) => self.next = last.offset + 1,
            None => {
                let lost = LogError::fault(format!("entries from {next} on cannot be found; restore the file from a backup"));
                return Err(self.shared.about(lost));
            }
        }
        Ok(Polled::Entries { partition: 0, entries })
    }

    async fn intend(&mut self, partition: u32, intent: &Intent) -> Result<(), LogError> {
        self.only(partition)?;
        let text = serde_json::to_string(intent).map_err(|error| LogError::fault(format!("the intent cannot be written: {error}")))?;
        self.shared.book(&self.group, BookEntry::Intend(text)).await
    }

    async fn commit(&mut self, partition: u32, committed: &Committed) -> Result<(), LogError> {
        self.only(partition)?;
        self.shared.book(&self.group, BookEntry::Commit(*committed)).await
    }

    async fn reread(&mut self, partition: u32, first: Offset, last: Offset) -> Result<Vec<StoredEntry>, LogError> {
        self.only(partition)?;
        let end = self.tip.borrow().end;
        let whole = FetchLimit { entries: usize::MAX, bytes: usize::MAX };
        let entries = if first <= last && last < end { self.read(first, last + 1, whole).await? } else { Vec::new() };
        if entries.first().map(|entry| entry.offset) != Some(first) {
            let kept = self.shared.start.load(Ordering::Acquire);
            return Err(self
                .shared
                .about(LogError::fault(format!("entries {first} to {last} are not there; {kept} to {end} (exclusive) are"))));
        }
        Ok(entries)
    }

    async fn follow(&mut self, partitions: &BTreeSet<u32>) -> Result<(), LogError> {
        partitions.iter().try_for_each(|partition| self.only(*partition))?;
        self.follows = partitions.contains(&0);
        Ok(())
    }

    fn at_end(&self) -> BTreeSet<u32> {
        let is_at_end = self.follows && self.assignment.is_none() && self.tip.borrow().end <= self.next;
        is_at_end.then_some(0).into_iter().collect()
    }

    async fn seek(&mut self, partition: u32, next: Offset) -> Result<(), LogError> {
        self.only(partition)?;
        self.next = next;
        Ok(())
    }
}
