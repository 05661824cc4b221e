//! The append clock of a partition: the greatest append time so far, in whole seconds. It runs by the records alone, so a replay
//! sees the same times as the first run, and stored rows are enough to set it again.

use std::collections::VecDeque;

use footfall_model::Offset;

/// Where each second of the last hours began.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// (second, first offset at which the clock showed it or more), both ascending.
    steps: VecDeque<(i64, Offset)>,
    /// What came before is unknown, and older than anything looks back.
    base: Offset,
}

/// Steps older than this are forgotten: more than anything looks back.
const KEEP_SECONDS: i64 = 2 * 3_600;

impl Clock {
    /// A clock that is set again from rows at and after `base`.
    #[must_use]
    pub fn from(base: Offset) -> Self {
        Self { steps: VecDeque::new(), base }
    }

    /// Sees the record at `offset`, appended at `appended_ms`; answers the time it is now, in seconds.
    pub fn advance(&mut self, offset: Offset, appended_ms: i64) -> i64 {
        let second = appended_ms.div_euclid(1_000);
        match self.steps.back() {
            Some((now, _)) if *now >= second => *now,
            _ => {
                self.steps.push_back((second, offset));
                while self.steps.len() > 1 && second - self.steps[1].0 > KEEP_SECONDS {
                    self.steps.pop_front();
                }
                second
            }
        }
    }

    /// The time now, if any record was seen.
    #[must_use]
    pub fn now(&self) -> Option<i64> {
        self.steps.back().map(|(second, _)| *second)
    }

    /// The first offset at which the clock was later than `seconds` ago; the base if all that is known is.
    #[must_use]
    pub fn since(&self, seconds: i64) -> Offset {
        let Some(now) = self.now() else { return self.base };
        let index = self.steps.partition_point(|(second, _)| *second <= now - seconds);
        if index == 0 { self.base } else { self.steps.get(index).map_or(self.base, |(_, offset)| *offset) }
    }

    /// The time that the clock showed at this offset.
    #[must_use]
    pub fn at(&self, offset: Offset) -> i64 {
        let index = self.steps.partition_point(|(_, first)| *first <= offset);
        index.checked_sub(1).and_then(|before| self.steps.get(before)).or(self.steps.front()).map_or(0, |(second, _)| *second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back_and_knows_where_a_second_began() {
        let mut clock = Clock::default();
        assert_eq!(clock.since(10), 0);
        for (offset, appended) in [(0, 1_000), (1, 500), (2, 3_999), (3, 2_000), (4, 9_000)] {
            clock.advance(offset, appended);
        }
        assert_eq!(clock.now(), Some(9));
        assert_eq!((clock.at(0), clock.at(1), clock.at(2), clock.at(3), clock.at(4)), (1, 1, 3, 3, 9));
        assert_eq!((clock.since(1), clock.since(6), clock.since(7), clock.since(100)), (4, 4, 2, 0));

        let mut later = Clock::from(2);
        assert_eq!(later.since(5), 2);
        later.advance(2, 3_999);
        later.advance(4, 9_000);
        assert_eq!((later.since(6), later.since(7), later.at(3)), (4, 2, 3));
    }
}
