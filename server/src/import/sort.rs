//! Sorting more records by time than fit into memory: sorted runs on disk, merged at the end.
//!
//! What is written is already enriched, so no address reaches the disk. Records of one time keep the order of their lines.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;

/// A run is written when the records held are larger than this.
const RUN_BYTES: usize = 64 << 20;
/// What a held record costs beside its payload.
const RECORD_OVERHEAD: usize = 64;

/// One record with what it is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sortable {
    /// UTC milliseconds.
    pub ts: i64,
    /// Number of its line.
    pub line: u64,
    /// The record as JSON.
    pub payload: Bytes,
}

/// Takes records in any order.
pub struct Sorter {
    folder: PathBuf,
    held: Vec<Sortable>,
    held_bytes: usize,
    run_bytes: usize,
    runs: Vec<PathBuf>,
}

impl Sorter {
    /// Spills into a folder, which is emptied.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: &Path) -> io::Result<Self> {
        Self::with_run_bytes(folder, RUN_BYTES)
    }

    fn with_run_bytes(folder: &Path, run_bytes: usize) -> io::Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), held: Vec::new(), held_bytes: 0, run_bytes, runs: Vec::new() })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When a run cannot be written, for example because the disk is full.
    pub fn push(&mut self, record: Sortable) -> io::Result<()> {
        self.held_bytes += record.payload.len() + RECORD_OVERHEAD;
        self.held.push(record);
        if self.held_bytes >= self.run_bytes { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.held.sort_unstable();
        let path = self.folder.join(format!("run-{:05}", self.runs.len()));
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        for record in self.held.drain(..) {
            file.write_all(&record.ts.to_le_bytes())?;
            file.write_all(&record.line.to_le_bytes())?;
            let length = u32::try_from(record.payload.len()).map_err(io::Error::other)?;
            file.write_all(&length.to_le_bytes())?;
            file.write_all(&record.payload)?;
        }
        file.flush()?;
        self.held_bytes = 0;
        self.runs.push(path);
        Ok(())
    }

    /// All records by time.
    ///
    /// # Errors
    /// When a run cannot be written or read.
    pub fn finish(mut self) -> io::Result<Sorted> {
        if self.runs.is_empty() {
            self.held.sort_unstable();
            return Ok(Sorted::Memory(self.held.into_iter()));
        }
        self.spill()?;
        let mut sources = Vec::with_capacity(self.runs.len());
        let mut heads = BinaryHeap::with_capacity(self.runs.len());
        for path in &self.runs {
            let mut source = BufReader::with_capacity(1 << 18, File::open(path)?);
            if let Some(first) = read_record(&mut source)? {
                heads.push(Reverse((first, sources.len())));
            }
            sources.push(source);
        }
        Ok(Sorted::Runs { heads, sources })
    }
}

/// Records in order.
pub enum Sorted {
    /// They fitted into memory.
    Memory(std::vec::IntoIter<Sortable>),
    /// A merge of runs.
    Runs {
        /// The least record of each run.
        heads: BinaryHeap<Reverse<(Sortable, usize)>>,
        /// The runs.
        sources: Vec<BufReader<File>>,
    },
}

impl Sorted {
    /// The next record.
    ///
    /// # Errors
    /// When a run cannot be read.
    pub fn next_record(&mut self) -> io::Result<Option<Sortable>> {
        match self {
            Self::Memory(records) => Ok(records.next()),
            Self::Runs { heads, sources } => {
                let Some(Reverse((record, run))) = heads.pop() else { return Ok(None) };
                if let Some(next) = read_record(&mut sources[run])? {
                    heads.push(Reverse((next, run)));
                }
                Ok(Some(record))
            }
        }
    }
}

fn read_record(source: &mut impl Read) -> io::Result<Option<Sortable>> {
    let mut head = [0; 20];
    match source.read_exact(&mut head[..1]) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    source.read_exact(&mut head[1..])?;
    let (ts, rest) = head.split_at(8);
    let (line, length) = rest.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let mut payload = vec![0; usize::try_from(number(length)).map_err(io::Error::other)?];
    source.read_exact(&mut payload)?;
    Ok(Some(Sortable { ts: number(ts).cast_signed(), line: number(line), payload: payload.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gives_back_every_record_in_order(times in prop::collection::vec(-5_i64..2_000_000_000_000, 0..300), run_bytes in 1_usize..5_000) {
            let folder = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::with_run_bytes(&folder.path().join("spool"), run_bytes).unwrap();
            let mut expected = Vec::new();
            for (line, ts) in (0_u64..).zip(times) {
                let record = Sortable { ts, line, payload: Bytes::from(format!("{ts}/{line}")) };
                expected.push(record.clone());
                sorter.push(record).unwrap();
            }
            expected.sort();
            let mut sorted = sorter.finish().unwrap();
            let mut found = Vec::new();
            while let Some(record) = sorted.next_record().unwrap() {
                found.push(record);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
