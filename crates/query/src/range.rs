//! Ranges of time, and calendar arithmetic in a domain's time zone.
//!
//! A range is half open and in UTC milliseconds. Calendar days begin at the first instant that exists on them: where the clock is put
//! forward at midnight that is 01:00, where it is put back over midnight it is the earlier of the two.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// One day of 24 hours in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// `[from, to)` in UTC milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// First millisecond.
    pub from: i64,
    /// First millisecond after it.
    pub to: i64,
}

impl Range {
    /// A range; never negative.
    #[must_use]
    pub const fn new(from: i64, to: i64) -> Self {
        Self { from, to: if to < from { from } else { to } }
    }

    /// Milliseconds.
    #[must_use]
    pub const fn length(self) -> i64 {
        self.to - self.from
    }

    /// Whether it crosses a UTC midnight, at which visitor ids change.
    #[must_use]
    pub const fn crosses_days(self) -> bool {
        self.from.div_euclid(DAY_MS) != (self.to - 1).div_euclid(DAY_MS) && self.to > self.from
    }
}

/// The start of the minute of an instant.
#[must_use]
pub const fn minute_of(ms: i64) -> i64 {
    ms - ms.rem_euclid(MINUTE_MS)
}

/// The instant as RFC 3339 in UTC.
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    utc(ms).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

pub(crate) fn utc(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

/// What a clock in the zone shows.
#[must_use]
pub fn local(ms: i64, zone: Tz) -> NaiveDateTime {
    utc(ms).with_timezone(&zone).naive_local()
}

/// The instant at which a clock of the zone shows this: the earlier one where it does so twice, the end of the gap where never.
#[must_use]
pub fn instant(clock: NaiveDateTime, zone: Tz) -> i64 {
    let mut probe = clock;
    // The longest gap ever was a whole day (a date line moved); zones change in multiples of 15 minutes.
    for _ in 0..(26 * 4) {
        if let Some(found) = zone.from_local_datetime(&probe).earliest() {
            if probe == clock {
                return found.timestamp_millis();
            }
            return gap_end(found.timestamp_millis(), zone);
        }
        probe += chrono::Duration::minutes(15);
    }
    Utc.from_utc_datetime(&clock).timestamp_millis()
}

/// `after` lies at most 15 minutes behind a jump of the clock: the instant of the jump.
fn gap_end(after: i64, zone: Tz) -> i64 {
    let offset = |ms: i64| local(ms, zone).signed_duration_since(utc(ms).naive_utc());
    let mut at = minute_of(after);
    while offset(at - MINUTE_MS) == offset(after) && after - at < 16 * MINUTE_MS {
        at -= MINUTE_MS;
    }
    at
}

/// The first instant of a calendar day.
#[must_use]
pub fn day_start(day: NaiveDate, zone: Tz) -> i64 {
    instant(day.and_time(NaiveTime::MIN), zone)
}

/// The calendar day of an instant.
#[must_use]
pub fn day_of(ms: i64, zone: Tz) -> NaiveDate {
    local(ms, zone).date()
}

/// Moves an instant by whole calendar days, keeping the clock.
#[must_use]
pub fn shift_days(ms: i64, days: i64, zone: Tz) -> i64 {
    let clock = local(ms, zone);
    let moved = match u64::try_from(days) {
        Ok(forward) => clock.checked_add_days(Days::new(forward)),
        Err(_) => clock.checked_sub_days(Days::new(days.unsigned_abs())),
    };
    moved.map_or(ms, |moved| instant(moved, zone))
}

/// Moves an instant back by a year, keeping the clock; 29 February becomes the 28th.
#[must_use]
pub fn year_before(ms: i64, zone: Tz) -> i64 {
    local(ms, zone).checked_sub_months(Months::new(12)).map_or(ms, |moved| instant(moved, zone))
}

/// The first day of the month `back` months before the month of `day`.
#[must_use]
pub fn month_start(day: NaiveDate, back: u32) -> NaiveDate {
    let first = day.with_day(1).unwrap_or(day);
    first.checked_sub_months(Months::new(back)).unwrap_or(first)
}

/// The day `back` days earlier.
#[must_use]
pub fn days_before(day: NaiveDate, back: u32) -> NaiveDate {
    day.checked_sub_days(Days::new(u64::from(back))).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_of_odd_length() {
        for (zone, day, hours) in [
            ("Europe/Berlin", "2026-03-29", 23.0),
            ("Europe/Berlin", "2026-10-25", 25.0),
            ("America/New_York", "2026-03-08", 23.0),
            ("America/New_York", "2026-11-01", 25.0),
            ("Asia/Kolkata", "2026-06-01", 24.0),
            ("Australia/Lord_Howe", "2026-04-05", 24.5),
            ("Asia/Beirut", "2026-03-29", 23.0),
            ("Africa/Cairo", "2026-04-24", 23.0),
            ("Pacific/Apia", "2011-12-30", 0.0),
        ] {
            let zone: Tz = zone.parse().unwrap();
            let length = day_start(date(day).succ_opt().unwrap(), zone) - day_start(date(day), zone);
            assert_eq!(length as f64 / HOUR_MS as f64, hours, "{zone} {day}");
        }
    }

    #[test]
    fn a_missing_midnight_is_the_jump_itself() {
        let zone: Tz = "Asia/Beirut".parse().unwrap();
        let start = day_start(date("2026-03-29"), zone);
        assert_eq!(local(start, zone).to_string(), "2026-03-29 01:00:00");
        assert_eq!(local(start - 1, zone).date(), date("2026-03-28"));
    }

    #[test]
    fn crossing_days_is_about_utc() {
        assert!(!Range::new(0, DAY_MS).crosses_days());
        assert!(Range::new(0, DAY_MS + 1).crosses_days());
        assert!(!Range::new(5, 5).crosses_days());
    }
}
