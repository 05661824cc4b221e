//! Which days dragging over the chart chooses.

use chrono::{Days, Months, NaiveDate};
use footfall_model::Interval;

use crate::types::Series;

/// First and last day of each bucket, `YYYY-MM-DD`. Empty where all lie on one day: a period has whole days.
#[must_use]
pub fn days(series: &Series) -> Vec<[String; 2]> {
    let starts = series.now.points.iter().map(|point| point.time.get(..10)?.parse().ok());
    let Some(starts) = starts.collect::<Option<Vec<NaiveDate>>>() else { return Vec::new() };
    if starts.first() == starts.last() {
        return Vec::new();
    }
    let last = |at: usize, start: NaiveDate| match starts.get(at + 1) {
        Some(next) => next.checked_sub_days(Days::new(1)).filter(|before| *before > start),
        None => end(start, series.now.interval),
    };
    let of = |(at, start): (usize, &NaiveDate)| [start.to_string(), last(at, *start).unwrap_or(*start).to_string()];
    starts.iter().enumerate().map(of).collect()
}

/// The last day of the last bucket, that no other follows.
fn end(start: NaiveDate, interval: Interval) -> Option<NaiveDate> {
    let next = match interval {
        Interval::Minute | Interval::Hour | Interval::Day => return Some(start),
        Interval::Week => start.checked_add_days(Days::new(7)),
        Interval::Month => start.checked_add_months(Months::new(1)),
    };
    next?.checked_sub_days(Days::new(1))
}

#[cfg(test)]
mod tests {
    use footfall_model::report::{Meta, Point, Timeseries};

    use super::*;

    fn of(interval: Interval, times: &[&str]) -> Vec<String> {
        let points = times.iter().map(|time| Point { time: (*time).to_owned(), ..Point::default() }).collect();
        let series = Series { now: Timeseries { interval, points, meta: Meta::default() }, then: None };
        days(&series).into_iter().map(|[first, last]| format!("{first} {last}")).collect()
    }

    #[test]
    fn a_bucket_ends_where_the_next_begins() {
        assert_eq!(of(Interval::Day, &["2026-02-28", "2026-03-01"]), ["2026-02-28 2026-02-28", "2026-03-01 2026-03-01"]);
        // The first week of a period may be a part of one.
        assert_eq!(of(Interval::Week, &["2026-03-04", "2026-03-09"]), ["2026-03-04 2026-03-08", "2026-03-09 2026-03-15"]);
        assert_eq!(of(Interval::Month, &["2026-01-01", "2026-02-01"]), ["2026-01-01 2026-01-31", "2026-02-01 2026-02-28"]);
        let hours = ["2026-03-01 23:00:00", "2026-03-02 00:00:00", "2026-03-02 01:00:00"];
        assert_eq!(of(Interval::Hour, &hours), ["2026-03-01 2026-03-01", "2026-03-02 2026-03-02", "2026-03-02 2026-03-02"]);
    }

    #[test]
    fn within_a_day_there_is_nothing_to_choose() {
        assert!(of(Interval::Hour, &["2026-03-01 00:00:00", "2026-03-01 01:00:00"]).is_empty());
        assert!(of(Interval::Day, &["2026-03-01"]).is_empty() && of(Interval::Day, &[]).is_empty());
    }
}
