//! When the next insert may start: at once for a lone event, few and large parts for a flood.
//!
//! One pace for the whole process, however many logs and partitions it reads: ClickHouse pays per part.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Quiet time after which a new event is inserted at once.
pub const QUIET: Duration = Duration::from_millis(250);
/// Least time from one start to the next where ranges are full: 8 inserts a second.
pub const LEAST: Duration = Duration::from_millis(125);

/// When the last insert of the process started and ended.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    started: Option<Instant>,
    ended: Option<Instant>,
}

/// The pace of a process.
#[derive(Clone, Debug, Default)]
pub struct Pace(Arc<Mutex<Last>>);

impl Pace {
    /// The time from which an insert may start of what waits since `since`; `full`: the range cannot grow any more.
    #[must_use]
    pub fn due(&self, full: bool, since: Instant) -> Instant {
        due(*self.0.lock().unwrap_or_else(PoisonError::into_inner), full, since, Instant::now())
    }

    /// An insert starts now.
    pub fn start(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).started = Some(Instant::now());
    }

    /// An insert has ended.
    pub fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ended = Some(Instant::now());
    }
}

fn due(last: Last, full: bool, since: Instant, now: Instant) -> Instant {
    let by_start = last.started.map_or(now, |started| started + LEAST);
    // Another cursor's flood of full ranges must not hold back what waits here: the end of its last insert keeps moving.
    let by_end = if full { now } else { last.ended.map_or(now, |ended| ended.min(since) + QUIET) };
    by_start.max(by_end).max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_event_does_not_wait() {
        let now = Instant::now();
        assert_eq!(due(Last::default(), false, now, now), now);
        let last = Last { started: Some(now - Duration::from_millis(300)), ended: Some(now - Duration::from_millis(260)) };
        assert_eq!(due(last, false, now, now), now);
    }

    #[test]
    fn a_flood_makes_at_most_eight_inserts_a_second() {
        let now = Instant::now();
        let last = Last { started: Some(now - Duration::from_millis(50)), ended: Some(now - Duration::from_millis(10)) };
        assert_eq!(due(last, false, now, now), now + Duration::from_millis(240));
        assert_eq!(due(last, true, now, now), now + Duration::from_millis(75));
    }

    #[test]
    fn a_flood_elsewhere_does_not_hold_back_what_waits() {
        let now = Instant::now();
        let last = Last { started: Some(now - Duration::from_millis(400)), ended: Some(now) };
        assert_eq!(due(last, false, now - Duration::from_millis(300), now), now);
    }
}
