//! The first record of a time in a partition, by halves. Decides only; who uses it reads.
//!
//! Not every offset has a record: marks of transactions and what was aborted take offsets too. So where nothing is at the middle the next record counts.

use footfall_model::Offset;

/// Offsets read at the middle first, and how many times as many follow where they hold no record.
const SPAN: Offset = 8;

/// A search under way.
pub(super) struct Search {
    /// Records from this time on are wanted, UTC milliseconds.
    since: i64,
    /// Every record below is older.
    low: Offset,
    /// No record from here on is older.
    high: Offset,
    middle: Offset,
    /// Nothing is from the middle up to here.
    from: Offset,
    span: Offset,
}

impl Search {
    /// Among the records `start..end`.
    pub(super) const fn new(start: Offset, end: Offset, since: i64) -> Self {
        let mut search = Self { since, low: start, high: end, middle: start, from: start, span: SPAN };
        search.halve();
        search
    }

    const fn halve(&mut self) {
        self.middle = self.low + self.high.saturating_sub(self.low) / 2;
        self.from = self.middle;
        self.span = SPAN;
    }

    /// The offsets, both inclusive, of which the first record is wanted; none once the place is found.
    pub(super) fn wanted(&self) -> Option<(Offset, Offset)> {
        (self.low < self.high).then(|| (self.from, (self.from + self.span).min(self.high) - 1))
    }

    /// Takes the first record (offset, time) of what was read up to `last`.
    pub(super) fn found(&mut self, last: Offset, first: Option<(Offset, i64)>) {
        match first {
            Some((offset, at)) if at < self.since => self.low = offset + 1,
            None if last + 1 < self.high => {
                self.from = last + 1;
                self.span = self.span.saturating_mul(SPAN);
                return;
            }
            _ => self.high = self.middle,
        }
        self.halve();
    }

    /// Where to begin to read.
    pub(super) const fn place(&self) -> Offset {
        self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches among records (offset, time); answers the place and the number of reads.
    fn search(records: &[(Offset, i64)], start: Offset, end: Offset, since: i64) -> (Offset, usize) {
        let mut search = Search::new(start, end, since);
        let mut reads = 0;
        while let Some((first, last)) = search.wanted() {
            assert!(start <= first && first <= last && last < end, "{first} to {last}");
            let found = records.iter().copied().find(|(offset, _)| (first..=last).contains(offset));
            search.found(last, found);
            reads += 1;
        }
        (search.place(), reads)
    }

    #[test]
    fn it_begins_with_the_first_record_of_the_time_whatever_the_holes() {
        let holes: [fn(Offset) -> bool; 5] =
            [|_| false, |offset| offset % 2 == 0, |offset| offset % 100 > 2, |offset| (300..900).contains(&offset), |_| true];
        for is_hole in holes {
            let records: Vec<(Offset, i64)> =
                (50..1_000).filter(|offset| !is_hole(*offset)).map(|offset| (offset, offset as i64)).collect();
            for since in 0..1_100 {
                let (place, reads) = search(&records, 50, 1_000, since);
                let kept = |from: Offset| records.iter().filter(|(offset, _)| *offset >= from).count();
                let wanted = records.iter().filter(|(_, at)| *at >= since).count();
                assert_eq!(kept(place), wanted, "records of {since} and later, from {place}");
                assert!(reads < 40, "{reads} reads");
            }
        }
    }

    #[test]
    fn nothing_is_read_of_an_empty_partition() {
        assert_eq!(search(&[], 7, 7, 0), (7, 0));
    }
}
