//! Log entries → records. Runs beside everything else: JSON is the dearest step of the processor that is not ClickHouse's.

use std::{collections::VecDeque, ops::RangeInclusive};

use bytes::Bytes;
use footfall_log::StoredEntry;
use footfall_model::{Offset, RECORD_VERSION, Record};
use tokio::{task::JoinHandle, time::Instant};

use crate::range::{MAX_BYTES, month_of};

/// Times that the store takes: years 2000 to 2149. The edge is stricter.
const TIMES: RangeInclusive<i64> = 946_684_800_000..=5_680_281_599_999;
/// Below this many entries another thread costs more than it saves.
const INLINE: usize = 64;
/// Entries decoded by one thread at a time.
const PIECE: usize = 4_096;

/// An entry and what it says.
#[derive(Debug)]
pub struct Decoded {
    /// Offset.
    pub offset: Offset,
    /// When the log took it, UTC milliseconds.
    pub appended_ms: i64,
    /// As it stands in the log.
    pub payload: Bytes,
    /// The record, or why it cannot be read.
    pub outcome: Result<Box<Record>, String>,
}

impl Decoded {
    /// Reads an entry.
    #[must_use]
    pub fn read(entry: StoredEntry) -> Self {
        let outcome = read_record(&entry.payload);
        Self { offset: entry.offset, appended_ms: entry.appended_ms, payload: entry.payload, outcome }
    }

    /// The month that its row goes into; none for a dead letter.
    #[must_use]
    pub fn month(&self) -> Option<i32> {
        self.outcome.as_ref().ok().map(|record| month_of(record.ts))
    }
}

fn read_record(payload: &[u8]) -> Result<Box<Record>, String> {
    let record: Box<Record> = serde_json::from_slice(payload).map_err(|error| format!("not a record of footfall: {error}"))?;
    if record.v > RECORD_VERSION {
        return Err(format!("record version {} is newer than {RECORD_VERSION}; run a newer footfall", record.v));
    }
    if !TIMES.contains(&record.ts) {
        return Err(format!("{} ms is outside of the years 2000 to 2149", record.ts));
    }
    Ok(record)
}

enum Piece {
    Ready(Vec<Decoded>),
    Decoding(JoinHandle<Vec<Decoded>>),
}

/// Entries read ahead of one partition, in offset order, decoded in the background.
pub struct ReadAhead {
    /// Rows of a full range.
    range_rows: usize,
    ready: VecDeque<Decoded>,
    coming: VecDeque<Piece>,
    /// Entries and payload bytes in both.
    entries: usize,
    bytes: usize,
    /// When the oldest of them came, nearly.
    since: Option<Instant>,
}

impl ReadAhead {
    /// Nothing yet, of ranges with at most so many rows.
    #[must_use]
    pub const fn new(range_rows: usize) -> Self {
        Self { range_rows, ready: VecDeque::new(), coming: VecDeque::new(), entries: 0, bytes: 0, since: None }
    }

    /// Takes entries that come next.
    pub fn push(&mut self, entries: Vec<StoredEntry>) {
        self.since.get_or_insert_with(Instant::now);
        self.entries += entries.len();
        self.bytes += entries.iter().map(|entry| entry.payload.len()).sum::<usize>();
        if entries.len() < INLINE {
            self.coming.push_back(Piece::Ready(entries.into_iter().map(Decoded::read).collect()));
            return;
        }
        let mut rest = entries;
        while !rest.is_empty() {
            let after = rest.split_off(PIECE.min(rest.len()));
            let piece = std::mem::replace(&mut rest, after);
            let decoding = tokio::task::spawn_blocking(move || piece.into_iter().map(Decoded::read).collect());
            self.coming.push_back(Piece::Decoding(decoding));
        }
    }

    /// Whether nothing is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Records that are waiting.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Bytes of the records that are waiting.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Since when something has been waiting.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.since.unwrap_or_else(Instant::now)
    }

    /// Whether the next range cannot grow by reading more.
    #[must_use]
    pub fn fills_a_range(&self) -> bool {
        self.entries >= self.range_rows || self.bytes >= MAX_BYTES
    }

    /// The append time of the oldest entry that is waiting and decoded.
    #[must_use]
    pub fn oldest_ms(&self) -> Option<i64> {
        self.ready.front().map(|entry| entry.appended_ms).or_else(|| match self.coming.front() {
            Some(Piece::Ready(entries)) => entries.first().map(|entry| entry.appended_ms),
            _ => None,
        })
    }

    /// Takes the next range: as many entries as `fits` accepts, one by one; at least one if there is any.
    ///
    /// # Errors
    /// A decoding thread died.
    pub async fn take(&mut self, mut fits: impl FnMut(&Decoded) -> bool) -> Result<Vec<Decoded>, String> {
        let mut range = Vec::new();
        self.since = None;
        loop {
            while let Some(next) = self.ready.front() {
                if !fits(next) {
                    self.since = Some(Instant::now());
                    return Ok(range);
                }
                self.entries -= 1;
                self.bytes -= next.payload.len();
                range.extend(self.ready.pop_front());
            }
            match self.coming.pop_front() {
                None => return Ok(range),
                Some(Piece::Ready(entries)) => self.ready.extend(entries),
                Some(Piece::Decoding(task)) => self.ready.extend(task.await.map_err(|error| format!("decoding failed: {error}"))?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use footfall_model::{Hash64, SiteId};

    use super::*;

    fn entry(offset: Offset, payload: &str) -> StoredEntry {
        StoredEntry { offset, appended_ms: 5, payload: Bytes::from(payload.to_owned()) }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let record = Record::pageview(SiteId(uuid::Uuid::nil()), Hash64(1), 1_700_000_000_000, "/");
        let good = serde_json::to_string(&record).unwrap();
        assert_eq!(*Decoded::read(entry(1, &good)).outcome.unwrap(), record);
        for (payload, reason) in [
            ("{", "not a record"),
            ("[]", "not a record"),
            (&good.replace("\"v\":1", "\"v\":9"), "version 9 is newer"),
            (&good.replace("1700000000000", "1"), "outside of the years"),
        ] {
            let error = Decoded::read(entry(1, payload)).outcome.unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[tokio::test]
    async fn entries_come_back_in_order_across_threads() {
        let mut ahead = ReadAhead::new(7_000);
        ahead.push((0..10).map(|offset| entry(offset, "{}")).collect());
        ahead.push((10..20_000).map(|offset| entry(offset, "{}")).collect());
        ahead.push(vec![entry(20_000, "{}")]);
        let mut seen = Vec::new();
        while !ahead.is_empty() {
            let mut room = 7_000;
            let range = ahead
                .take(|_| {
                    room -= 1;
                    room >= 0
                })
                .await
                .unwrap();
            assert!(range.len() <= 7_000);
            seen.extend(range.iter().map(|decoded| decoded.offset));
        }
        assert_eq!(seen, (0..=20_000).collect::<Vec<_>>());
        assert_eq!((ahead.entries, ahead.bytes), (0, 0));
    }
}
