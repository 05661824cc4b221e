//! Streamed pieces repeat their format's prologue (column names and types); after the first piece it is dropped.

/// Formats whose pieces may simply follow one another. Others (JSON, Parquet, Arrow …) have a frame around all rows and are made whole.
const STREAMED: [&str; 25] = [
    "RowBinary",
    "RowBinaryWithNames",
    "RowBinaryWithNamesAndTypes",
    "Native",
    "TabSeparated",
    "TSV",
    "TabSeparatedRaw",
    "TSVRaw",
    "TabSeparatedWithNames",
    "TSVWithNames",
    "TabSeparatedWithNamesAndTypes",
    "TSVWithNamesAndTypes",
    "CSV",
    "CSVWithNames",
    "CSVWithNamesAndTypes",
    "JSONEachRow",
    "JSONLines",
    "NDJSON",
    "JSONStringsEachRow",
    "JSONCompactEachRow",
    "JSONCompactStringsEachRow",
    "JSONCompactEachRowWithNames",
    "JSONCompactEachRowWithNamesAndTypes",
    "TSKV",
    "LineAsString",
];

/// Whether results in this format can be sent piece by piece.
pub(crate) fn is_streamed(format: &str) -> bool {
    STREAMED.iter().any(|name| name.eq_ignore_ascii_case(format))
}

/// Drops the repeated prologue of one result's pieces.
#[derive(Debug)]
pub(crate) struct Prologue {
    format: String,
    /// The first piece's prologue; `None` until that piece has passed.
    first: Option<Vec<u8>>,
}

impl Prologue {
    pub(crate) fn new(format: &str) -> Self {
        Self { format: format.to_ascii_lowercase(), first: None }
    }

    /// What of `piece` belongs into the answer.
    pub(crate) fn strip<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        match &self.first {
            None => {
                self.first = Some(piece[..self.length(piece)].to_vec());
                piece
            }
            Some(prologue) => piece.strip_prefix(prologue.as_slice()).unwrap_or(piece),
        }
    }

    fn length(&self, piece: &[u8]) -> usize {
        let types = self.format.ends_with("withnamesandtypes");
        if !types && !self.format.ends_with("withnames") {
            return 0;
        }
        let length = if self.format.starts_with("rowbinary") {
            binary(piece, types)
        } else {
            lines(piece, if types { 2 } else { 1 }, self.format.starts_with("csv"))
        };
        length.unwrap_or(0)
    }
}

/// Column count, then the names and, with `types`, the types, each with its length in front.
fn binary(piece: &[u8], types: bool) -> Option<usize> {
    let mut at = 0;
    let columns = variable_length(piece, &mut at)?;
    for _ in 0..if types { columns.checked_mul(2)? } else { columns } {
        let length = variable_length(piece, &mut at)?;
        at = at.checked_add(length)?;
    }
    (at <= piece.len()).then_some(at)
}

fn variable_length(piece: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *piece.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Only CSV has line breaks inside quotes; the other text formats escape them.
fn lines(piece: &[u8], count: usize, csv: bool) -> Option<usize> {
    let mut quoted = false;
    let mut seen = 0;
    for (at, byte) in piece.iter().enumerate() {
        match byte {
            b'"' if csv => quoted = !quoted,
            b'\n' if !quoted => {
                seen += 1;
                if seen == count {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(format: &str, pieces: &[&[u8]]) -> Vec<u8> {
        let mut prologue = Prologue::new(format);
        pieces.iter().flat_map(|piece| prologue.strip(piece).to_vec()).collect()
    }

    #[test]
    fn prologues_appear_once() {
        assert_eq!(
            join("RowBinaryWithNamesAndTypes", &[b"\x01\x01a\x05UInt8\x01", b"\x01\x01a\x05UInt8\x02"]),
            b"\x01\x01a\x05UInt8\x01\x02"
        );
        assert_eq!(join("CSVWithNames", &[b"\"a\nb\"\n1\n", b"\"a\nb\"\n2\n"]), b"\"a\nb\"\n1\n2\n");
        assert_eq!(join("TSVWithNamesAndTypes", &[b"a\nString\nx\n", b"a\nString\ny\n"]), b"a\nString\nx\ny\n");
    }

    #[test]
    fn rows_that_look_alike_stay() {
        assert_eq!(join("TSV", &[b"a\n", b"a\n"]), b"a\na\n");
        assert_eq!(join("RowBinary", &[b"\x01\x01", b"\x01\x01"]), b"\x01\x01\x01\x01");
    }

    #[test]
    fn only_row_wise_formats_are_streamed() {
        assert!(is_streamed("RowBinaryWithNamesAndTypes") && is_streamed("tsv"));
        for format in ["JSON", "JSONCompact", "Parquet", "Arrow", "ArrowStream", "Pretty", "Vertical", "Values"] {
            assert!(!is_streamed(format), "{format}");
        }
    }
}
