//! Where a range ends, and its token. Pure: what is decided here depends on the records only, never on time or on the store.
//!
//! One range is one INSERT and one part per month in ClickHouse. It is never split by size or month afterwards (a materialised view
//! would drop the second part under the same token), so it ends early instead.

use std::hash::Hasher;

use footfall_model::{LogName, Offset};
use sha2::{Digest, Sha256};
use siphasher::sip128::{Hasher128, SipHasher13};

/// Rows in one insert: where throughput stops growing (210,000 rows/s; 10,000 rows reach 140,000).
pub const MAX_ROWS: usize = footfall_store::MAX_RANGE_RECORDS;
/// Bytes of raw records in one insert: bounds memory where records are large.
pub const MAX_BYTES: usize = 16 << 20;
/// Months in one insert: half of ClickHouse's `max_partitions_per_insert_block`.
pub const MAX_MONTHS: usize = 50;

/// Decides record by record whether the next one still fits.
#[derive(Clone, Debug)]
pub struct Filling {
    rows: usize,
    bytes: usize,
    months: Vec<i32>,
    max_rows: usize,
}

impl Default for Filling {
    fn default() -> Self {
        Self::up_to(MAX_ROWS)
    }
}

impl Filling {
    /// A range of at most this many rows (and never more than [`MAX_ROWS`]).
    #[must_use]
    pub fn up_to(max_rows: usize) -> Self {
        Self { rows: 0, bytes: 0, months: Vec::new(), max_rows: max_rows.clamp(1, MAX_ROWS) }
    }

    /// Takes a record of `bytes` in `month` (none for one that becomes a dead letter), unless the range ends before it. A range
    /// takes at least one record.
    pub fn take(&mut self, bytes: usize, month: Option<i32>) -> bool {
        let new_month = month.filter(|month| !self.months.contains(month));
        let full =
            self.rows + 1 > self.max_rows || self.bytes + bytes > MAX_BYTES || (new_month.is_some() && self.months.len() + 1 > MAX_MONTHS);
        if full && self.rows > 0 {
            return false;
        }
        self.rows += 1;
        self.bytes += bytes;
        self.months.extend(new_month);
        true
    }

    /// Whether there is no point in waiting for more records.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.rows >= self.max_rows || self.bytes >= MAX_BYTES / 8 * 7 || self.months.len() >= MAX_MONTHS
    }
}

/// The month of a time, counted from year 0: the partition that ClickHouse puts it into.
#[must_use]
pub fn month_of(ts: i64) -> i32 {
    use chrono::Datelike;
    chrono::DateTime::from_timestamp_millis(ts).map_or(0, |time| time.year() * 12 + time.month0() as i32)
}

/// Hash of raw records, part of the token: another content under the same offsets is another insert.
#[must_use]
pub fn content_hash<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hasher = SipHasher13::new();
    for payload in payloads {
        hasher.write_u64(payload.len() as u64);
        hasher.write(payload);
    }
    format!("{:032x}", hasher.finish128().as_u128())
}

/// What a token stands for.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The log.
    pub log: LogName,
    /// Its generation.
    pub generation: u32,
    /// The partition.
    pub partition: u32,
    /// First offset.
    pub first: Offset,
    /// Last offset, inclusive.
    pub last: Offset,
    /// [`content_hash`] of the records.
    pub content: &'a str,
    /// Offsets left out: dead letters, and rows that were stored before. Empty for a first try.
    pub without: &'a [Offset],
    /// How often the same rows were acknowledged and are not stored, see [`crate::tools::Tools::insert`].
    pub again: u32,
}

/// `insert_deduplication_token` of a block.
#[must_use]
pub fn token(block: &Block<'_>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"footfall range 1\0");
    hasher.update([block.log.code()]);
    hasher.update(block.generation.to_be_bytes());
    hasher.update(block.partition.to_be_bytes());
    hasher.update(block.first.to_be_bytes());
    hasher.update(block.last.to_be_bytes());
    hasher.update(block.content.as_bytes());
    for offset in block.without {
        hasher.update(offset.to_be_bytes());
    }
    if block.again > 0 {
        hasher.update(b"again\0");
        hasher.update(block.again.to_be_bytes());
    }
    hex(hasher)
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().take(20).fold(String::with_capacity(40), |mut text, byte| {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(items: &[(usize, Option<i32>)]) -> usize {
        let mut filling = Filling::default();
        items.iter().take_while(|(bytes, month)| filling.take(*bytes, *month)).count()
    }

    #[test]
    fn a_range_ends_at_each_limit() {
        assert_eq!(fill(&vec![(10, Some(1)); MAX_ROWS + 5]), MAX_ROWS);
        assert_eq!(fill(&[(MAX_BYTES / 2, Some(1)), (MAX_BYTES / 2, Some(1)), (1, Some(1))]), 2);
        let months: Vec<_> = (0..60).map(|month| (10, Some(month))).collect();
        assert_eq!(fill(&months), MAX_MONTHS);
    }

    #[test]
    fn one_record_always_fits() {
        assert_eq!(fill(&[(MAX_BYTES * 2, Some(1)), (1, Some(1))]), 1);
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let day = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis();
        assert_eq!(month_of(day("2024-02-29T23:59:59.999Z")) + 1, month_of(day("2024-03-01T00:00:00Z")));
        assert_eq!(month_of(day("2023-12-31T00:00:00Z")) + 1, month_of(day("2024-01-01T00:00:00Z")));
    }

    #[test]
    fn the_token_names_place_content_and_what_is_left_out() {
        let block = Block { log: LogName::Live, generation: 1, partition: 2, first: 3, last: 4, content: "ab", without: &[], again: 0 };
        let others = [
            Block { log: LogName::Import, ..block },
            Block { generation: 2, ..block },
            Block { partition: 3, ..block },
            Block { first: 4, ..block },
            Block { last: 5, ..block },
            Block { content: "ac", ..block },
            Block { without: &[3], ..block },
            Block { again: 1, ..block },
        ];
        assert_eq!(token(&block), token(&block.clone()));
        for other in others {
            assert_ne!(token(&block), token(&other), "{other:?}");
        }
        assert_ne!(content_hash([b"ab".as_slice(), b"c"].into_iter()), content_hash([b"a".as_slice(), b"bc"].into_iter()));
    }

    proptest! {
        #[test]
        fn ranges_cover_everything_once_and_keep_the_limits(items in proptest::collection::vec((0..MAX_BYTES / 4, proptest::option::of(0..70)), 1..300)) {
            let mut rest = items.as_slice();
            while !rest.is_empty() {
                let count = fill(rest);
                prop_assert!(count >= 1);
                let (range, after) = rest.split_at(count);
                let bytes: usize = range.iter().map(|item| item.0).sum();
                let months: std::collections::HashSet<_> = range.iter().filter_map(|item| item.1).collect();
                prop_assert!(count == 1 || bytes <= MAX_BYTES);
                prop_assert!(months.len() <= MAX_MONTHS);
                rest = after;
            }
        }
    }
}
