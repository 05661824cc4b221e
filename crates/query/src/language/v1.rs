//! What Stats API v1 says differently: periods that end at a `date`, and filters in one line. The rest is the language of v2.

use chrono::{Datelike, Months, NaiveDate};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::shortened;
use crate::range::{Range, day_of, day_start, days_before, month_start};

/// Cuts a period. `date` is the day that counts as today; with `custom` two days joined by a comma, both inclusive.
///
/// # Errors
/// The text of the refusal.
pub fn range(period: &str, date: Option<&str>, zone: Tz, now: i64) -> Result<Range, String> {
    let days = |from: NaiveDate, after: NaiveDate| Range::new(day_start(from, zone), day_start(after, zone));
    if period == "custom" {
        let text = date.ok_or("The `date` parameter is required when using a custom period.")?;
        let parsed = text.split_once(',').and_then(|(from, to)| Some((day(from)?, day(to)?)));
        let Some((from, to)) = parsed.filter(|(from, to)| from <= to) else {
            return Err("Invalid format for `date` parameter. When using a custom period, please include two ISO-8601 formatted dates \
                        joined by a comma, the earlier one first."
                .to_owned());
        };
        return Ok(days(from, to.succ_opt().unwrap_or(to)));
    }
    let today = match date {
        None | Some("today") => day_of(now, zone),
        Some(text) => day(text).ok_or_else(|| {
            format!("Error parsing `date` parameter: `{}` is no date. Please specify a valid date in ISO-8601 format.", shortened(text))
        })?,
    };
    let this_month = month_start(today, 0);
    Ok(match period {
        "day" => days(today, today.succ_opt().unwrap_or(today)),
        "7d" => days(days_before(today, 7), today),
        "30d" => days(days_before(today, 30), today),
        "month" => days(this_month, this_month.checked_add_months(Months::new(1)).unwrap_or(today)),
        "6mo" => days(month_start(this_month, 6), this_month),
        "12mo" => days(month_start(this_month, 12), this_month),
        other => {
            return Err(format!(
                "Error parsing `period` parameter: invalid period `{}`. It is one of day, 7d, 30d, month, 6mo, 12mo, custom.",
                shortened(other)
            ));
        }
    })
}

fn day(text: &str) -> Option<NaiveDate> {
    text.trim().parse::<NaiveDate>().ok().filter(|day| (1970..10_000).contains(&day.year()))
}

/// `property==value;property!=a|b*` as filters of v2: `;` is "and", `|` is "or" (`\|` the character), `*` is anything.
///
/// # Errors
/// The text of the refusal.
pub fn filters(text: &str) -> Result<Vec<Value>, String> {
    text.split(';').filter(|one| !one.trim().is_empty()).map(filter).collect()
}

fn filter(text: &str) -> Result<Value, String> {
    let parts = [("==", ""), ("!=", "_not")].into_iter().filter_map(|(operator, not)| Some((text.split_once(operator)?, not)));
    let Some(((name, values), not)) = parts.min_by_key(|((name, _), _)| name.len()) else {
        return Err(format!("Invalid filter '{}'. A filter is `property==value` or `property!=value`.", shortened(text)));
    };
    let values: Vec<String> = members(values.trim());
    let name = name.trim();
    if values.iter().any(|value| value.contains('*')) {
        let pattern = |value: &String| format!("^{}$", value.split('*').map(regex_syntax::escape).collect::<Vec<_>>().join(".*"));
        let patterns: Vec<String> = values.iter().map(pattern).collect();
        return Ok(json!([format!("matches{not}"), name, patterns]));
    }
    Ok(json!([format!("is{not}"), name, values]))
}

/// Splits at `|` that no `\` precedes.
fn members(text: &str) -> Vec<String> {
    let (mut members, mut member, mut escaped) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        match character {
            '|' if escaped => {
                member.pop();
                member.push('|');
            }
            '|' => members.push(std::mem::take(&mut member)),
            other => member.push(other),
        }
        escaped = character == '\\';
    }
    members.push(member);
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::{instant, local};

    #[test]
    fn periods_end_at_their_date() {
        let zone: Tz = "America/New_York".parse().unwrap();
        let now = instant("2026-11-21T14:05:30".parse().unwrap(), zone);
        let mut shown = Vec::new();
        for (period, date) in [
            ("day", None),
            ("day", Some("2026-11-01")),
            ("7d", None),
            ("7d", Some("2026-03-10")),
            ("30d", Some("today")),
            ("month", None),
            ("month", Some("2024-02-11")),
            ("6mo", None),
            ("12mo", Some("2026-01-31")),
            ("custom", Some("2026-01-01, 2026-01-31")),
            ("custom", Some("2026-01-31,2026-01-01")),
            ("custom", Some("2026-01-31")),
            ("custom", None),
            ("year", None),
            ("day", Some("2026-02-30")),
            ("day", Some("0001-01-01")),
        ] {
            let answer = match range(period, date, zone, now) {
                Ok(range) => format!("{} .. {}", local(range.from, zone), local(range.to, zone)),
                Err(text) => text,
            };
            shown.push(format!("{period} {}: {answer}", date.unwrap_or("-")));
        }
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn filters_in_one_line() {
        let read = |text: &str| filters(text).map(Value::Array);
        assert_eq!(read(""), Ok(json!([])));
        assert_eq!(
            read("visit:browser==Firefox;event:page!=/a"),
            Ok(json!([["is", "visit:browser", ["Firefox"]], ["is_not", "event:page", ["/a"]]]))
        );
        assert_eq!(read(" visit:os == GNU/Linux|mac\\|OS "), Ok(json!([["is", "visit:os", ["GNU/Linux", "mac|OS"]]])));
        assert_eq!(read("event:page==/blog/**|/a.b*"), Ok(json!([["matches", "event:page", ["^/blog/.*.*$", "^/a\\.b.*$"]]])));
        assert_eq!(read("event:page!=*x"), Ok(json!([["matches_not", "event:page", ["^.*x$"]]])));
        assert_eq!(read("event:props:a==b==c!=d"), Ok(json!([["is", "event:props:a", ["b==c!=d"]]])));
        assert_eq!(read("x"), Err("Invalid filter 'x'. A filter is `property==value` or `property!=value`.".to_owned()));
    }
}
