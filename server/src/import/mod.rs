//! Imports: files of events, and made-up demo data, into one domain.
//!
//! 1. *Reading*: every line is enriched (address and user agent become country, visitor id and so on; neither reaches the
//!    disk) and sorted by time, on disk where it does not fit into memory.
//! 2. *Appending*: the records go to the import log in the order of their times, so that visits come out as they were.
//! 3. *Storing*: the import is done when the processor has everything in the store, so that it can be queried.
//!
//! A job is one row of the accounts database with a lease and a random salt of its own. A line without an id gets
//! hash(job, line number). So an import that was cut off goes on where it stopped when the same file is given again, and nothing
//! counts twice: what was appended but not noted has ids that the import cursor already knows.

pub mod routes;
mod sort;
pub mod traffic;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use chrono::Utc;
use footfall_log::{AppendError, Entry, EventLog};
use footfall_meta::{ImportJob, ImportStart, ImportState, Meta, NewImport};
use footfall_model::{LogName, Record, SiteId};
use footfall_processor::Told;
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use self::{
    sort::{Sortable, Sorted, Sorter},
    traffic::Traffic,
};
use crate::{
    collect::{Collector, ImportKeys},
    services::SharedProcessor,
};

/// Entries per append: few fsyncs, and a job that can be stopped between two of them.
const APPEND: usize = 4_000;
/// A job whose process died can be taken over after this.
const LEASE: Duration = Duration::from_secs(30);
/// Refused lines that the report names; the rest is counted.
const NAMED_REFUSALS: usize = 20;
/// A line may be this long: an event of 64 KB and some white space.
const LINE_BYTES: usize = 80 << 10;
/// The name by which the import of demo data is known.
pub const DEMO: &str = "demo";

/// How far an import is. Numbers only grow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// `reading`, `appending`, `storing` or `done`.
    pub phase: Phase,
    /// `import_id` of the rows.
    pub import: Uuid,
    /// Lines read.
    pub lines: u64,
    /// Lines refused.
    pub refused: u64,
    /// Records in the log.
    pub appended: u64,
    /// Records settled in the store.
    pub stored: u64,
    /// The first refused lines.
    pub refusals: Vec<Refusal>,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A step of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Lines are read, enriched and sorted.
    #[default]
    Reading,
    /// Records go to the log.
    Appending,
    /// The processor stores them.
    Storing,
    /// Everything can be queried.
    Done,
}

/// A line that was not taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// Its number, from 1.
    pub line: u64,
    /// What was wrong and what was wanted.
    pub reason: String,
}

impl crate::control::Line for Progress {
    fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    fn is_done(&self) -> bool {
        self.phase == Phase::Done && self.failed.is_none()
    }
}

/// Where records come from.
pub enum Source<S> {
    /// One event of the protocol a line.
    Lines(S),
    /// Made up.
    Traffic(Traffic),
}

/// A partition of the import log, and the offset after the last record that must be settled there.
type End = (u32, u64);

/// A source without lines.
pub type NoLines = futures::stream::Empty<std::io::Result<Bytes>>;

/// Runs imports.
pub struct Imports {
    /// Accounts: jobs and leases.
    pub meta: Meta,
    /// The import log.
    pub log: Arc<dyn EventLog>,
    /// Enriches lines.
    pub collector: Arc<Collector>,
    /// How far the import log is settled in the store.
    pub told: Arc<Told>,
    /// The processor that has to store what is imported, where no other can.
    pub local: Option<SharedProcessor>,
    /// Where runs are sorted.
    pub spool: PathBuf,
    /// Who this installation is, for leases: the same after a restart, so that a job which was cut off can go on at once.
    pub owner: Uuid,
    /// Domains that this process imports into now.
    pub running: Mutex<HashSet<SiteId>>,
}

/// Marks a domain as imported into, as long as it lives.
struct Turn<'a> {
    running: &'a Mutex<HashSet<SiteId>>,
    site: SiteId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.site);
    }
}

/// The id under which this data folder takes leases, made on first use.
///
/// # Errors
/// When the folder cannot be written.
pub fn owner_of(spool: &Path) -> std::io::Result<Uuid> {
    let file = spool.join("owner");
    if let Some(known) = std::fs::read_to_string(&file).ok().and_then(|text| Uuid::parse_str(text.trim()).ok()) {
        return Ok(known);
    }
    std::fs::create_dir_all(spool)?;
    let owner = Uuid::new_v4();
    std::fs::write(file, owner.to_string())?;
    Ok(owner)
}

impl Imports {
    /// Imports a source to its end and tells `progress` on the way.
    ///
    /// # Errors
    /// When another import into the domain is running, this one was done before, or something it needs is away; the job can be resumed.
    pub async fn run<S>(
        &self,
        site: SiteId,
        fingerprint: String,
        source: Source<S>,
        progress: &watch::Sender<Progress>,
    ) -> anyhow::Result<()>
    where
        S: Stream<Item = std::io::Result<Bytes>> + Unpin + Send,
    {
        if !self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(site) {
            bail!("another import into this domain is running; wait for its end");
        }
        let _turn = Turn { running: &self.running, site };
        if self.local.as_ref().is_some_and(|processor| processor.running().is_none()) {
            bail!("nothing is stored here any more: this installation is being promoted, or was; give the file to the cluster");
        }
        let new = NewImport { site, fingerprint, lease_owner: self.owner, lease: lease()? };
        let job = match self.meta.start_import(new, Utc::now()).await? {
            ImportStart::New(job) | ImportStart::Resumed(job) => job,
            ImportStart::Busy(_) => bail!("another import into this domain is running; wait for its end"),
            ImportStart::AlreadyDone(job) => {
                bail!("this was imported before, on {}; nothing was added", job.created_at.format("%Y-%m-%d %H:%M UTC"))
            }
        };
        progress.send_modify(|p| p.import = job.id);
        let mut sorter = Sorter::new(&self.spool.join(job.id.to_string())).context("the import cannot be sorted on disk")?;
        match source {
            Source::Lines(lines) => self.read_lines(&job, lines, &mut sorter, progress).await?,
            Source::Traffic(traffic) => self.read_traffic(&job, traffic, &mut sorter, progress).await?,
        }
        let sorted = tokio::task::block_in_place(|| sorter.finish()).context("the import cannot be sorted on disk")?;
        let end = self.append(&job, sorted, progress).await?;
        self.wait_until_stored(end, &job, progress).await?;
        self.meta.end_import(job.id, ImportState::Done, Utc::now()).await?;
        let _ = tokio::fs::remove_dir_all(self.spool.join(job.id.to_string())).await;
        progress.send_modify(|p| p.phase = Phase::Done);
        Ok(())
    }

    async fn read_lines<S>(
        &self,
        job: &ImportJob,
        mut lines: S,
        sorter: &mut Sorter,
        progress: &watch::Sender<Progress>,
    ) -> anyhow::Result<()>
    where
        S: Stream<Item = std::io::Result<Bytes>> + Unpin + Send,
    {
        let keys = ImportKeys::new(job.id, job.site, job.salt.context("the import's salt is gone; start it anew with another file")?);
        let mut reader = Lines::default();
        let mut renewed = tokio::time::Instant::now();
        loop {
            let piece = lines.next().await.transpose().context("the file could not be read to its end; run the command again")?;
            let is_last = piece.is_none();
            for (number, line) in reader.push(piece) {
                let taken = match line {
                    Err(reason) => Err(reason),
                    Ok(line) if line.iter().all(u8::is_ascii_whitespace) => continue,
                    Ok(line) => self.collector.import_line(&keys, number, &line),
                };
                match taken {
                    Ok(record) => sorter.push(sortable(&record, number)?)?,
                    Err(reason) => progress.send_modify(|p| {
                        p.refused += 1;
                        if p.refusals.len() < NAMED_REFUSALS {
                            p.refusals.push(Refusal { line: number, reason });
                        }
                    }),
                }
            }
            progress.send_modify(|p| p.lines = reader.number);
            if is_last {
                return Ok(());
            }
            if renewed.elapsed() > LEASE / 3 {
                renewed = tokio::time::Instant::now();
                self.renew(job, job.lines_done, progress).await?;
            }
        }
    }

    async fn read_traffic(
        &self,
        job: &ImportJob,
        mut traffic: Traffic,
        sorter: &mut Sorter,
        progress: &watch::Sender<Progress>,
    ) -> anyhow::Result<()> {
        // The same records again when the job is resumed later.
        traffic.until_ms = job.created_at.timestamp_millis();
        // Making records is pure computing: it has a thread of its own, and the lease is renewed beside it.
        let (sender, mut records) = mpsc::channel::<Vec<Record>>(4);
        let maker = tokio::task::spawn_blocking(move || {
            let mut batch = Vec::with_capacity(1_000);
            for record in traffic.records() {
                batch.push(record);
                if batch.len() == 1_000 && sender.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(1_000))).is_err() {
                    return;
                }
            }
            let _ = sender.blocking_send(batch);
        });
        let mut number = 0;
        let mut renewed = tokio::time::Instant::now();
        while let Some(batch) = records.recv().await {
            for mut record in batch {
                number += 1;
                record.import = Some(job.id);
                sorter.push(sortable(&record, number)?)?;
            }
            progress.send_modify(|p| p.lines = number);
            if renewed.elapsed() > LEASE / 3 {
                renewed = tokio::time::Instant::now();
                self.renew(job, job.lines_done, progress).await?;
            }
        }
        maker.await?;
        Ok(())
    }

    /// Appends what was not appended before; where the partitions end that hold it.
    async fn append(&self, job: &ImportJob, mut sorted: Sorted, progress: &watch::Sender<Progress>) -> anyhow::Result<Vec<End>> {
        progress.send_modify(|p| p.phase = Phase::Appending);
        let mut done = 0;
        while done < job.lines_done && sorted.next_record()?.is_some() {
            done += 1;
        }
        let mut end = None;
        loop {
            let mut entries = Vec::with_capacity(APPEND);
            while entries.len() < APPEND {
                let Some(record) = sorted.next_record()? else { break };
                entries.push(Entry { key: job.site, payload: record.payload });
            }
            if entries.is_empty() {
                break;
            }
            done += entries.len() as u64;
            end = Some(self.append_all(entries).await?);
            self.renew(job, done, progress).await?;
            progress.send_modify(|p| p.appended = done);
        }
        progress.send_modify(|p| p.appended = done);
        match end {
            Some(end) => Ok(vec![end]),
            // A resumed job may have appended everything before it was cut off: then all there is must be settled.
            None if done > 0 => Ok(self.log.status().await.partitions.iter().map(|(number, _, _, end)| (*number, *end)).collect()),
            None => Ok(Vec::new()),
        }
    }

    /// Appends entries, waiting while the log is busy; where they end. All are of one domain, so in one partition.
    async fn append_all(&self, entries: Vec<Entry>) -> anyhow::Result<End> {
        let mut open = entries;
        let mut end = (0, 0);
        for attempt in 0..600_u32 {
            let mut refused = Vec::new();
            let mut reason = None;
            for (entry, result) in open.clone().into_iter().zip(self.log.append(open).await) {
                match result {
                    Ok(position) => end = (position.partition, end.1.max(position.offset + 1)),
                    Err(error @ AppendError::Full(_)) => bail!(error),
                    Err(error) => {
                        refused.push(entry);
                        reason = Some(error);
                    }
                }
            }
            open = refused;
            let Some(reason) = reason else { return Ok(end) };
            if attempt % 50 == 0 {
                tracing::warn!(%reason, "the import waits for the event log");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the event log did not take the import for a minute; run the command again, it goes on where it stopped")
    }

    async fn wait_until_stored(&self, ends: Vec<End>, job: &ImportJob, progress: &watch::Sender<Progress>) -> anyhow::Result<()> {
        progress.send_modify(|p| p.phase = Phase::Storing);
        let appended = progress.borrow().appended;
        let mut settled = self.told.progress(LogName::Import);
        loop {
            let open: u64 = {
                let now = settled.borrow_and_update();
                let next = |partition: u32| now.partitions.get(&partition).map_or(0, |stored| stored.next);
                ends.iter().map(|(partition, end)| end.saturating_sub(next(*partition))).sum()
            };
            progress.send_modify(|p| p.stored = appended.saturating_sub(open));
            if open == 0 {
                return Ok(());
            }
            if tokio::time::timeout(LEASE / 3, settled.changed()).await.is_ok_and(|changed| changed.is_err()) {
                bail!("the processor has stopped; run the command again, it goes on where it stopped");
            }
            self.renew(job, appended, progress).await?;
        }
    }

    async fn renew(&self, job: &ImportJob, done: u64, progress: &watch::Sender<Progress>) -> anyhow::Result<()> {
        let refused = progress.borrow().refused;
        let until = Utc::now() + lease()?;
        if self.meta.renew_import(job.id, self.owner, until, done, refused).await? {
            return Ok(());
        }
        bail!("the import was taken over by another process")
    }
}

fn lease() -> anyhow::Result<chrono::Duration> {
    Ok(chrono::Duration::from_std(LEASE)?)
}

fn sortable(record: &Record, line: u64) -> anyhow::Result<Sortable> {
    Ok(Sortable { ts: record.ts, line, payload: serde_json::to_vec(record)?.into() })
}

/// Cuts pieces of a file into numbered lines.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
    number: u64,
    too_long: bool,
}

impl Lines {
    /// Takes the next piece (none: the end) and gives back the lines that are whole now.
    fn push(&mut self, piece: Option<Bytes>) -> Vec<(u64, Result<Vec<u8>, String>)> {
        let mut lines = Vec::new();
        match piece {
            Some(piece) => {
                let mut parts = piece.split(|byte| *byte == b'\n').peekable();
                while let Some(part) = parts.next() {
                    self.extend(part);
                    if parts.peek().is_some() {
                        lines.push(self.take());
                    }
                }
            }
            None if !self.rest.is_empty() || self.too_long => lines.push(self.take()),
            None => {}
        }
        lines
    }

    fn extend(&mut self, part: &[u8]) {
        if self.rest.len() + part.len() > LINE_BYTES {
            self.too_long = true;
            self.rest = Vec::new();
        }
        if !self.too_long {
            self.rest.extend_from_slice(part);
        }
    }

    fn take(&mut self) -> (u64, Result<Vec<u8>, String>) {
        self.number += 1;
        let line = std::mem::take(&mut self.rest);
        if std::mem::take(&mut self.too_long) {
            return (self.number, Err(format!("the line is longer than {LINE_BYTES} bytes; an event has at most 64 KB")));
        }
        (self.number, Ok(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_file_is_cut(text in "[ab\n]{0,60}", cuts in prop::collection::vec(1_usize..10, 0..30)) {
            let mut reader = Lines::default();
            let mut found = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (piece, left) = rest.split_at(cut.min(rest.len()));
                found.extend(reader.push(Some(Bytes::copy_from_slice(piece))));
                rest = left;
            }
            found.extend(reader.push(Some(Bytes::copy_from_slice(rest))));
            found.extend(reader.push(None));
            let found: Vec<String> = found.into_iter().map(|(_, line)| String::from_utf8(line.unwrap()).unwrap()).collect();
            let expected: Vec<String> = text.lines().map(str::to_owned).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_line_without_end_is_refused_and_does_not_fill_memory() {
        let mut reader = Lines::default();
        for _ in 0..1_000 {
            assert!(reader.push(Some(Bytes::from(vec![b'x'; 10_000]))).is_empty());
            assert!(reader.rest.len() <= LINE_BYTES);
        }
        let lines = reader.push(Some(Bytes::from_static(b"\n{}\n")));
        assert!(lines[0].1.is_err());
        assert_eq!(lines[1], (2, Ok(b"{}".to_vec())));
    }
}
