//! A chunk: the entries of one group commit, as one row.
//!
//! The blob is, per entry: length (u32, little endian), payload. The checksum (CRC-32) covers first offset, count, time and blob.

use bytes::{BufMut, Bytes, BytesMut};
use footfall_model::Offset;

use crate::{Entry, StoredEntry};

/// Greatest size of a chunk in bytes; a larger single entry has a chunk of its own. Same as the processor's range of raw records.
pub(super) const MAX_BYTES: usize = 16 << 20;
/// Greatest number of entries of a chunk: keeps one commit, and so the wait for the next, to some milliseconds.
pub(super) const MAX_ENTRIES: usize = 8_192;
/// What an entry costs beside its payload: the length in the blob and the slice in memory, rounded up.
pub(super) const ENTRY_OVERHEAD: usize = 48;

/// Entries that became durable together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Offset of the first entry.
    pub first: Offset,
    /// When they were appended, UTC ms.
    pub appended_ms: i64,
    /// The payloads: slices of one blob.
    pub payloads: Vec<Bytes>,
    /// Memory held.
    pub bytes: usize,
}

/// A chunk with what is stored of it.
pub(super) struct Sealed {
    pub chunk: Chunk,
    pub blob: Bytes,
    pub checksum: u32,
}

impl Chunk {
    /// The offset after the last entry.
    pub fn end(&self) -> Offset {
        self.first + self.payloads.len() as u64
    }

    /// The entry at an offset, if it is in this chunk.
    pub fn entry(&self, offset: Offset) -> Option<StoredEntry> {
        let nth = usize::try_from(offset.checked_sub(self.first)?).ok()?;
        let payload = self.payloads.get(nth)?;
        Some(StoredEntry { offset, appended_ms: self.appended_ms, payload: payload.clone() })
    }

    /// Writes payloads into one blob. `first` and the time are known only now, in the writer.
    pub fn seal<'a>(first: Offset, appended_ms: i64, payloads: impl Iterator<Item = &'a Bytes> + Clone) -> Sealed {
        let size = payloads.clone().map(|payload| payload.len() + 4).sum();
        let mut blob = BytesMut::with_capacity(size);
        let mut ends = Vec::new();
        for payload in payloads {
            blob.put_u32_le(payload.len() as u32);
            blob.put_slice(payload);
            ends.push((blob.len() - payload.len(), blob.len()));
        }
        let blob = blob.freeze();
        // Slices of the blob, not the callers' buffers: what the tail holds is then exactly what it counts.
        let payloads: Vec<Bytes> = ends.into_iter().map(|(from, to)| blob.slice(from..to)).collect();
        let checksum = checksum(first, payloads.len() as u64, appended_ms, &blob);
        let bytes = blob.len() + payloads.len() * ENTRY_OVERHEAD;
        Sealed { chunk: Self { first, appended_ms, payloads, bytes }, blob, checksum }
    }

    /// Reads a stored row back. `None` when it is not what was written.
    pub fn open(first: Offset, count: u64, appended_ms: i64, stored_checksum: u32, blob: Bytes) -> Option<Self> {
        if checksum(first, count, appended_ms, &blob) != stored_checksum {
            return None;
        }
        let mut payloads = Vec::new();
        let mut at = 0_usize;
        while at < blob.len() {
            let length: [u8; 4] = blob.get(at..at.checked_add(4)?)?.try_into().ok()?;
            let from = at + 4;
            let to = from.checked_add(usize::try_from(u32::from_le_bytes(length)).ok()?)?;
            if to > blob.len() {
                return None;
            }
            payloads.push(blob.slice(from..to));
            at = to;
        }
        if payloads.len() as u64 != count {
            return None;
        }
        let bytes = blob.len() + payloads.len() * ENTRY_OVERHEAD;
        Some(Self { first, appended_ms, payloads, bytes })
    }
}

fn checksum(first: Offset, count: u64, appended_ms: i64, blob: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&first.to_le_bytes());
    hasher.update(&count.to_le_bytes());
    hasher.update(&appended_ms.to_le_bytes());
    hasher.update(blob);
    hasher.finalize()
}

/// Cuts the entries of one call into parts that fit a chunk each, in order. One part in practice.
pub(super) fn split(entries: Vec<Entry>) -> Vec<Vec<Bytes>> {
    let mut parts = Vec::with_capacity(1);
    let mut part: Vec<Bytes> = Vec::with_capacity(entries.len().min(MAX_ENTRIES));
    let mut bytes = 0;
    for entry in entries {
        let cost = entry.payload.len() + ENTRY_OVERHEAD;
        if !part.is_empty() && (part.len() == MAX_ENTRIES || bytes + cost > MAX_BYTES) {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += cost;
        part.push(entry.payload);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_model::SiteId;
    use proptest::prelude::*;

    fn payloads() -> impl Strategy<Value = Vec<Bytes>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from), 1..20)
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(first in 0_u64..1_000, ms in any::<i64>(), payloads in payloads()) {
            let sealed = Chunk::seal(first, ms, payloads.iter());
            let opened = Chunk::open(first, payloads.len() as u64, ms, sealed.checksum, sealed.blob.clone()).unwrap();
            prop_assert_eq!(&opened, &sealed.chunk);
            prop_assert_eq!(&opened.payloads, &payloads);
        }

        #[test]
        fn any_changed_bit_or_cut_is_noticed(payloads in payloads(), at in any::<prop::sample::Index>(), bit in 0_u32..8, cut in any::<bool>()) {
            let sealed = Chunk::seal(7, 8, payloads.iter());
            let mut blob = sealed.blob.to_vec();
            let at = at.index(blob.len());
            if cut { blob.truncate(at) } else { blob[at] ^= 1_u8 << bit }
            prop_assert!(Chunk::open(7, payloads.len() as u64, 8, sealed.checksum, blob.into()).is_none());
            prop_assert!(Chunk::open(8, payloads.len() as u64, 8, sealed.checksum, sealed.blob.clone()).is_none());
        }
    }

    #[test]
    fn a_large_call_is_cut_in_order() {
        let entry = |n: usize| Entry { key: SiteId(uuid::Uuid::nil()), payload: Bytes::from(n.to_string()) };
        let parts = split((0..MAX_ENTRIES * 2 + 1).map(entry).collect());
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [MAX_ENTRIES, MAX_ENTRIES, 1]);
        assert_eq!(parts[1][0], Bytes::from(MAX_ENTRIES.to_string()));
        assert_eq!(split(Vec::new()), Vec::<Vec<Bytes>>::new());
    }
}
