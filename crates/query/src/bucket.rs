//! Buckets of a time series: cut by the clock of the domain's zone, clipped to the range, empty ones included.
//!
//! Their bounds are computed here and handed to the store as a list, so that the store's own idea of time zones never matters.
//! Where the clock is put back, the hour that happens twice is one bucket of two hours (its label exists once); minutes of it appear
//! twice, in order of time.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, Timelike};
use chrono_tz::Tz;
use footfall_model::Interval;

use crate::range::{HOUR_MS, MINUTE_MS, Range, day_of, day_start, local, month_start};

/// A series may have this many points: ten thousand are more than a screen has columns.
pub const MOST_BUCKETS: usize = 10_000;

/// One bucket, `[from, to)` in UTC milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// First millisecond inside the range.
    pub from: i64,
    /// First millisecond after it.
    pub to: i64,
    /// `YYYY-MM-DD HH:MM:SS` for minutes and hours, `YYYY-MM-DD` for the rest.
    pub label: String,
}

/// A series would have more than [`MOST_BUCKETS`] points.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the period has more than 10000 intervals of one {0}; ask for a longer interval or a shorter period")]
pub struct TooManyBuckets(pub &'static str);

/// Cuts a range.
///
/// # Errors
/// When there would be too many.
pub fn buckets(range: Range, interval: Interval, zone: Tz) -> Result<Vec<Bucket>, TooManyBuckets> {
    let mut found = Vec::new();
    let mut at = range.from;
    while at < range.to {
        let end = end_of(at, interval, zone).min(range.to);
        found.push(Bucket { from: at, to: end, label: label(at, range.from, interval, zone) });
        if found.len() > MOST_BUCKETS {
            return Err(TooManyBuckets(interval.code()));
        }
        at = end;
    }
    Ok(found)
}

/// The first instant after `at` that belongs to another bucket.
fn end_of(at: i64, interval: Interval, zone: Tz) -> i64 {
    let next_day = |days: u64| day_of(at, zone).checked_add_days(Days::new(days));
    let next = match interval {
        Interval::Minute => return at - at.rem_euclid(MINUTE_MS) + MINUTE_MS,
        Interval::Hour => return hour_end(at, zone),
        Interval::Day => next_day(1),
        Interval::Week => next_day(7 - u64::from(local(at, zone).weekday().num_days_from_monday())),
        Interval::Month => Some(month_start(day_of(at, zone), 0)).and_then(|first| first.checked_add_months(chrono::Months::new(1))),
    };
    let mut next = next.unwrap_or(NaiveDate::MAX);
    // A day that the zone never had is empty: go on to the next.
    loop {
        let end = day_start(next, zone);
        if end > at {
            return end;
        }
        next = match next.succ_opt() {
            Some(day) => day,
            None => return i64::MAX,
        };
    }
}

/// The end of the hour that the clock shows: clocks change at multiples of 15 minutes.
fn hour_end(at: i64, zone: Tz) -> i64 {
    const STEP: i64 = HOUR_MS / 4;
    let hour = |ms: i64| {
        let clock = local(ms, zone);
        (clock.date(), clock.hour())
    };
    let mut end = at - at.rem_euclid(STEP) + STEP;
    while hour(end) == hour(at) {
        end += STEP;
    }
    end
}

fn label(at: i64, first: i64, interval: Interval, zone: Tz) -> String {
    let clock = local(at, zone);
    let day = clock.date();
    match interval {
        Interval::Minute => minute_label(clock),
        Interval::Hour => format!("{} {:02}:00:00", day, clock.hour()),
        Interval::Day => day.to_string(),
        Interval::Week => {
            let monday = day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))).unwrap_or(day);
            monday.max(day_of(first, zone)).to_string()
        }
        Interval::Month => month_start(day, 0).to_string(),
    }
}

fn minute_label(clock: NaiveDateTime) -> String {
    format!("{} {:02}:{:02}:00", clock.date(), clock.hour(), clock.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(from: &str, to: &str, interval: Interval, zone: &str) -> Vec<(String, i64)> {
        let zone: Tz = zone.parse().unwrap();
        let range = Range::new(day_start(from.parse().unwrap(), zone), day_start(to.parse().unwrap(), zone));
        buckets(range, interval, zone).unwrap().into_iter().map(|b| (b.label, (b.to - b.from) / MINUTE_MS)).collect()
    }

    #[test]
    fn hours_follow_the_clock_of_the_zone() {
        let spring = cut("2026-03-29", "2026-03-30", Interval::Hour, "Europe/Berlin");
        assert_eq!(spring.len(), 23);
        assert_eq!(spring[2].0, "2026-03-29 03:00:00");
        let autumn = cut("2026-10-25", "2026-10-26", Interval::Hour, "Europe/Berlin");
        assert_eq!(autumn.len(), 24);
        assert_eq!(autumn[2], ("2026-10-25 02:00:00".to_owned(), 120));
        let india = cut("2026-10-25", "2026-10-26", Interval::Hour, "Asia/Kolkata");
        assert!(india.len() == 24 && india.iter().all(|(_, minutes)| *minutes == 60));
        let lord_howe = cut("2026-04-05", "2026-04-06", Interval::Hour, "Australia/Lord_Howe");
        assert_eq!(lord_howe.iter().map(|(_, minutes)| minutes).sum::<i64>(), 24 * 60 + 30);
    }

    #[test]
    fn weeks_begin_on_monday_or_with_the_range() {
        // 2026-10-01 is a Thursday.
        let weeks = cut("2026-10-01", "2026-10-14", Interval::Week, "Europe/Berlin");
        let labels: Vec<_> = weeks.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["2026-10-01", "2026-10-05", "2026-10-12"]);
        assert_eq!(weeks[2].1, 2 * 24 * 60, "the last one is clipped");
    }

    #[test]
    fn months_are_labelled_by_their_first() {
        let months = cut("2026-01-15", "2026-03-02", Interval::Month, "America/New_York");
        let labels: Vec<_> = months.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["2026-01-01", "2026-02-01", "2026-03-01"]);
    }

    #[test]
    fn a_day_that_never_was_is_left_out() {
        let days = cut("2011-12-29", "2012-01-01", Interval::Day, "Pacific/Apia");
        let labels: Vec<_> = days.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["2011-12-29", "2011-12-31"]);
    }

    #[test]
    fn a_flood_of_points_is_refused() {
        let range = Range::new(0, 400 * 24 * HOUR_MS);
        assert!(buckets(range, Interval::Minute, Tz::UTC).unwrap_err().to_string().contains("10000 intervals of one minute"));
    }

    proptest::proptest! {
        #[test]
        fn buckets_tile_the_range(from in 0i64..2_000_000_000_000, length in 1i64..(20 * 24 * HOUR_MS), zone in 0usize..6, interval in 1usize..5) {
            let zone: Tz = ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"][zone].parse().unwrap();
            let interval = [Interval::Minute, Interval::Hour, Interval::Day, Interval::Week, Interval::Month][interval];
            let range = Range::new(from, from + length);
            let cut = buckets(range, interval, zone).unwrap();
            proptest::prop_assert_eq!(cut[0].from, range.from);
            proptest::prop_assert_eq!(cut[cut.len() - 1].to, range.to);
            for pair in cut.windows(2) {
                proptest::prop_assert_eq!(pair[0].to, pair[1].from);
                proptest::prop_assert!(pair[0].label < pair[1].label, "{} {}", pair[0].label, pair[1].label);
            }
        }
    }
}
