//! The periods of the page and of `/api/analytics/*`: today counts in and the range ends with the running minute.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use footfall_model::{Interval, Period};

use crate::range::{DAY_MS, MINUTE_MS, Range, day_of, day_start, days_before, minute_of, month_start, shift_days, year_before};

/// What a period is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// The period of equal length before it.
    Previous {
        /// Move by whole weeks, so that weekdays match.
        match_weekdays: bool,
    },
    /// The same dates a year earlier.
    Year,
    /// Other dates, both inclusive.
    Custom {
        /// First day.
        from: NaiveDate,
        /// Last day.
        to: NaiveDate,
    },
}

/// Cuts a period in the domain's zone. `first_event` is where `all` begins; without one it is today.
#[must_use]
pub fn resolve(period: &Period, zone: Tz, now: i64, first_event: Option<i64>) -> Range {
    let end = minute_of(now) + MINUTE_MS;
    let today = day_of(now, zone);
    let since = |day: NaiveDate| Range::new(day_start(day, zone).min(end), end);
    match period {
        Period::Last30Minutes => Range::new(end - 30 * MINUTE_MS, end),
        Period::Last24Hours => Range::new(end - DAY_MS, end),
        Period::Today => since(today),
        Period::Last7Days => since(days_before(today, 6)),
        Period::Last30Days => since(days_before(today, 29)),
        Period::Month => since(month_start(today, 0)),
        Period::Last6Months => since(month_start(today, 5)),
        Period::Last12Months => since(month_start(today, 11)),
        Period::Year => since(month_start(today, today.month0())),
        Period::All => since(first_event.map_or(today, |first| day_of(first, zone))),
        Period::Custom { from, to } => {
            let (Some(from), Some(to)) = (date(from), date(to)) else {
                return since(today);
            };
            dates(from, to, zone, end)
        }
    }
}

/// Dates, both inclusive, cut off where the future begins.
fn dates(from: NaiveDate, to: NaiveDate, zone: Tz, end: i64) -> Range {
    let start = day_start(from, zone);
    let after = to.succ_opt().map_or(start, |day| day_start(day, zone));
    Range::new(start, after.min(end.max(start)))
}

/// A date of a URL. The form was checked by [`Period`]; days that no month has become its last.
#[must_use]
pub fn date(text: &str) -> Option<NaiveDate> {
    text.parse().ok().or_else(|| {
        let first: NaiveDate = format!("{}-01", text.get(..7)?).parse().ok()?;
        first.checked_add_months(chrono::Months::new(1))?.pred_opt()
    })
}

/// The range to compare with, if the period has one before it.
#[must_use]
pub fn compared(period: &Period, range: Range, compare: &Compare, zone: Tz) -> Option<Range> {
    match (period, compare) {
        (_, Compare::Custom { from, to }) => Some(dates(*from, *to, zone, i64::MAX)),
        (Period::All, _) => None,
        (_, Compare::Year) => Some(Range::new(year_before(range.from, zone), year_before(range.to, zone))),
        (Period::Last30Minutes, Compare::Previous { .. }) => Some(before(range)),
        (Period::Last24Hours, Compare::Previous { match_weekdays: false }) => Some(before(range)),
        (_, Compare::Previous { match_weekdays }) => Some(days_earlier(range, *match_weekdays, zone)),
    }
}

/// As many calendar days earlier as the range has, or whole weeks.
#[must_use]
pub fn days_earlier(range: Range, match_weekdays: bool, zone: Tz) -> Range {
    let (first, last) = (day_of(range.from, zone), day_of(range.to - 1, zone));
    let days = (last - first).num_days() + 1;
    let days = if match_weekdays { (days + 6) / 7 * 7 } else { days };
    Range::new(shift_days(range.from, -days, zone), shift_days(range.to, -days, zone))
}

const fn before(range: Range) -> Range {
    Range::new(range.from - range.length(), range.from)
}

/// The width of buckets that suits a period unless another is asked for.
#[must_use]
pub fn default_interval(period: &Period, range: Range) -> Interval {
    match period {
        Period::Last30Minutes => Interval::Minute,
        Period::Last24Hours | Period::Today => Interval::Hour,
        Period::Last7Days | Period::Last30Days | Period::Month => Interval::Day,
        Period::Last6Months | Period::Last12Months | Period::Year => Interval::Month,
        Period::All | Period::Custom { .. } => match range.length() / DAY_MS {
            0..=2 => Interval::Hour,
            3..=100 => Interval::Day,
            101..=400 => Interval::Week,
            _ => Interval::Month,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::{instant, local};

    const ZONE: &str = "Europe/Berlin";

    fn at(text: &str) -> i64 {
        instant(text.parse().unwrap(), ZONE.parse().unwrap())
    }

    fn show(range: Range) -> String {
        let zone: Tz = ZONE.parse().unwrap();
        format!("{} .. {}", local(range.from, zone), local(range.to, zone))
    }

    #[test]
    fn periods_of_the_page_end_with_the_running_minute() {
        let zone: Tz = ZONE.parse().unwrap();
        let now = at("2026-11-21T14:05:30");
        let first = Some(at("2026-08-03T09:00:00"));
        let shown: Vec<String> = Period::NAMED
            .iter()
            .cloned()
            .chain([
                Period::Custom { from: "2026-10-24".into(), to: "2026-10-25".into() },
                Period::Custom { from: "2026-11-20".into(), to: "2026-11-30".into() },
                Period::Custom { from: "2027-01-01".into(), to: "2027-01-02".into() },
                Period::Custom { from: "2026-02-01".into(), to: "2026-02-31".into() },
            ])
            .map(|period| {
                let range = resolve(&period, zone, now, first);
                let previous = compared(&period, range, &Compare::Previous { match_weekdays: false }, zone);
                let weekdays = compared(&period, range, &Compare::Previous { match_weekdays: true }, zone);
                let year = compared(&period, range, &Compare::Year, zone);
                let or_none = |range: Option<Range>| range.map_or("none".to_owned(), show);
                format!(
                    "{period}: {}, by {}\n  previous {}\n  weekdays {}\n  year     {}",
                    show(range),
                    default_interval(&period, range).code(),
                    or_none(previous),
                    or_none(weekdays),
                    or_none(year)
                )
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn today_compares_to_the_same_hours_across_a_change_of_clocks() {
        let zone: Tz = ZONE.parse().unwrap();
        let range = resolve(&Period::Today, zone, at("2026-10-25T14:05:30"), None);
        let then = compared(&Period::Today, range, &Compare::Previous { match_weekdays: false }, zone).unwrap();
        assert_eq!(show(then), "2026-10-24 00:00:00 .. 2026-10-24 14:06:00");
    }
}
