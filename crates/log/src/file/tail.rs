//! The newest chunks in memory, shared by all subscriptions.

use std::{collections::VecDeque, sync::Arc};

use footfall_model::Offset;

use super::chunk::Chunk;

/// A contiguous run of the newest chunks, bounded by bytes.
pub(super) struct Tail {
    chunks: VecDeque<Arc<Chunk>>,
    bytes: usize,
    limit: usize,
}

impl Tail {
    pub fn new(limit: usize) -> Self {
        Self { chunks: VecDeque::new(), bytes: 0, limit }
    }

    /// Adds the chunk after the last one; lets go of the oldest ones beyond the limit (never of the newest).
    pub fn push(&mut self, chunk: Arc<Chunk>) {
        self.bytes += chunk.bytes;
        self.chunks.push_back(chunk);
        while self.bytes > self.limit && self.chunks.len() > 1 {
            if let Some(oldest) = self.chunks.pop_front() {
                self.bytes -= oldest.bytes;
            }
        }
    }

    /// The chunk that holds an offset, if it is still here.
    pub fn get(&self, offset: Offset) -> Option<Arc<Chunk>> {
        let nth = self.chunks.partition_point(|chunk| chunk.end() <= offset);
        self.chunks.get(nth).filter(|chunk| chunk.first <= offset).cloned()
    }

    /// Forgets all: what follows may not be contiguous.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn chunk(first: Offset, count: usize) -> Arc<Chunk> {
        Arc::new(Chunk::seal(first, 0, vec![Bytes::from_static(b"x"); count].iter()).chunk)
    }

    #[test]
    fn finds_the_chunk_of_an_offset_and_stays_within_its_limit() {
        let mut tail = Tail::new(chunk(0, 3).bytes + chunk(0, 2).bytes);
        tail.push(chunk(10, 3));
        tail.push(chunk(13, 2));
        assert!(tail.get(9).is_none());
        assert_eq!(tail.get(12).unwrap().first, 10);
        assert_eq!(tail.get(13).unwrap().first, 13);
        assert!(tail.get(15).is_none());
        tail.push(chunk(15, 1));
        assert!(tail.get(12).is_none(), "the oldest had to go");
        assert_eq!(tail.get(14).unwrap().first, 13);
        tail.push(chunk(16, 1_000));
        assert_eq!(tail.get(1_015).unwrap().first, 16, "the newest stays, however large");
        assert!(tail.get(15).is_none());
    }
}
