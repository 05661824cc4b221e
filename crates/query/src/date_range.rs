//! `date_range` of `POST /api/v2/query`: these ranges hold full days, so `7d` ends yesterday.

use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;
use serde_json::Value;

use crate::range::{DAY_MS, MINUTE_MS, Range, day_of, day_start, days_before, minute_of, month_start};

/// The value is no date range; the text is the one that clients of the protocol know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("Invalid date_range {0}")]
pub struct NotADateRange(pub String);

/// Cuts a `date_range` in the domain's zone. `first_event` is where `all` begins; without one it is today.
///
/// # Errors
/// When it is none.
pub fn resolve(value: &Value, zone: Tz, now: i64, first_event: Option<i64>) -> Result<Range, NotADateRange> {
    let refuse = || NotADateRange(value.to_string());
    match value {
        Value::String(name) => named(name, zone, now, first_event).ok_or_else(refuse),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(from), Value::String(to)] => between(from, to, zone).ok_or_else(refuse),
            _ => Err(refuse()),
        },
        _ => Err(refuse()),
    }
}

fn named(name: &str, zone: Tz, now: i64, first_event: Option<i64>) -> Option<Range> {
    let end = minute_of(now) + MINUTE_MS;
    let today = day_of(now, zone);
    let days = |from: NaiveDate, after: NaiveDate| Range::new(day_start(from, zone), day_start(after, zone));
    let tomorrow = today.succ_opt()?;
    Some(match name {
        "realtime" => Range::new(end - 5 * MINUTE_MS, end),
        "30m" => Range::new(end - 30 * MINUTE_MS, end),
        "24h" => Range::new(end - DAY_MS, end),
        "day" => days(today, tomorrow),
        "month" => days(month_start(today, 0), tomorrow),
        "year" => days(month_start(today, today.month0()), tomorrow),
        "all" => days(first_event.map_or(today, |first| day_of(first, zone)), tomorrow),
        other => {
            if let Some(count) = other.strip_suffix("mo").and_then(count) {
                let this = month_start(today, 0);
                days(month_start(this, count), this)
            } else {
                days(days_before(today, other.strip_suffix('d').and_then(count)?), today)
            }
        }
    })
}

/// A count of days or months: 1 to 10,000, digits only.
fn count(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|count| plain && (1..=10_000).contains(count))
}

fn between(from: &str, to: &str, zone: Tz) -> Option<Range> {
    if let (Ok(from), Ok(to)) = (from.parse::<NaiveDate>(), to.parse::<NaiveDate>()) {
        return (from <= to && from.year() >= 1970 && to.year() < 10_000)
            .then_some(())
            .and_then(|()| to.succ_opt())
            .map(|after| Range::new(day_start(from, zone), day_start(after, zone)));
    }
    let instant = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis());
    let (from, to) = (instant(from)?, instant(to)?);
    // The second instant belongs to the range, to the second.
    (0 <= from && from <= to).then(|| Range::new(from, to - to.rem_euclid(1_000) + 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::{instant, local};
    use serde_json::json;

    #[test]
    fn named_ranges_hold_full_days() {
        let zone: Tz = "America/New_York".parse().unwrap();
        let now = instant("2026-11-21T14:05:30".parse().unwrap(), zone);
        let first = Some(instant("2026-08-03T09:00:00".parse().unwrap(), zone));
        let shown: Vec<String> = [
            json!("realtime"),
            json!("30m"),
            json!("24h"),
            json!("day"),
            json!("7d"),
            json!("28d"),
            json!("30d"),
            json!("91d"),
            json!("month"),
            json!("6mo"),
            json!("12mo"),
            json!("year"),
            json!("all"),
            json!(["2026-11-01", "2026-11-01"]),
            json!(["2026-11-01T00:00:00-05:00", "2026-11-01T12:00:00-05:00"]),
        ]
        .iter()
        .map(|value| {
            let range = resolve(value, zone, now, first).unwrap();
            format!("{value}: {} .. {}", local(range.from, zone), local(range.to, zone))
        })
        .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn refuses_what_is_none() {
        for value in [
            json!("x"),
            json!(""),
            json!("d"),
            json!("0d"),
            json!("-1d"),
            json!("+7d"),
            json!("99999999999d"),
            json!("mo"),
            json!(7),
            json!(null),
            json!([]),
            json!(["2026-01-02"]),
            json!(["2026-01-02", "2026-01-01"]),
            json!(["2026-01-01", 7]),
            json!(["2026-02-30", "2026-03-01"]),
            json!(["2026-01-01T00:00:00", "2026-01-02T00:00:00"]),
            json!({"from": 1}),
            json!(["0001-01-01", "0001-01-02"]),
            json!("é7d"),
        ] {
            let error = resolve(&value, Tz::UTC, 1_800_000_000_000, None).unwrap_err();
            assert_eq!(error.to_string(), format!("Invalid date_range {value}"));
        }
    }
}
