//! The periods and intervals that the page and `/api/analytics` offer. Ranges are cut in the domain's time zone by the server.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A period as the page and `/api/analytics/*` know it; today counts in and the range ends now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Period {
    /// The last 30 minutes.
    Last30Minutes,
    /// The last 24 hours, to the minute.
    Last24Hours,
    /// Today.
    Today,
    /// The last 7 days, today included.
    Last7Days,
    /// The last 30 days, today included.
    Last30Days,
    /// This month to date.
    Month,
    /// The last 6 months, this one included.
    Last6Months,
    /// The last 12 months, this one included.
    Last12Months,
    /// This year to date.
    Year,
    /// Since the first event.
    All,
    /// Dates `YYYY-MM-DD`, both inclusive.
    Custom {
        /// First day.
        from: String,
        /// Last day.
        to: String,
    },
}

/// A text is not a period.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a period; use 30m, 24h, day, 7d, 30d, month, 6mo, 12mo, year, all or custom with from and to as YYYY-MM-DD")]
pub struct NotAPeriod(pub String);

impl Period {
    /// The named periods, in the order of the picker.
    pub const NAMED: &'static [Self] = &[
        Self::Last30Minutes,
        Self::Last24Hours,
        Self::Today,
        Self::Last7Days,
        Self::Last30Days,
        Self::Month,
        Self::Last6Months,
        Self::Last12Months,
        Self::Year,
        Self::All,
    ];

    /// The value of the `period` parameter.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Last30Minutes => "30m",
            Self::Last24Hours => "24h",
            Self::Today => "day",
            Self::Last7Days => "7d",
            Self::Last30Days => "30d",
            Self::Month => "month",
            Self::Last6Months => "6mo",
            Self::Last12Months => "12mo",
            Self::Year => "year",
            Self::All => "all",
            Self::Custom { .. } => "custom",
        }
    }

    /// From the three parameters of a URL.
    ///
    /// # Errors
    /// When the code is unknown, or `custom` lacks a well-formed date.
    pub fn from_parts(code: &str, from: Option<&str>, to: Option<&str>) -> Result<Self, NotAPeriod> {
        if code == "custom" {
            return match (from, to) {
                (Some(from), Some(to)) if is_date(from) && is_date(to) && from <= to => {
                    Ok(Self::Custom { from: from.to_owned(), to: to.to_owned() })
                }
                _ => Err(NotAPeriod(format!("custom from={} to={}", from.unwrap_or(""), to.unwrap_or("")))),
            };
        }
        Self::NAMED.iter().find(|period| period.code() == code).cloned().ok_or_else(|| NotAPeriod(code.chars().take(50).collect()))
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() })
        && ("01"..="12").contains(&&text[5..7])
        && ("01"..="31").contains(&&text[8..10])
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom { from, to } => write!(f, "custom:{from}:{to}"),
            named => f.write_str(named.code()),
        }
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    /// Reads what `Display` writes: a code, or `custom:FROM:TO`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        Self::from_parts(parts.next().unwrap_or(""), parts.next(), parts.next())
    }
}

impl TryFrom<String> for Period {
    type Error = NotAPeriod;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// The width of a bucket of a time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// One minute.
    Minute,
    /// One hour of the domain's clock.
    Hour,
    /// One calendar day.
    Day,
    /// One week, from Monday.
    Week,
    /// One calendar month.
    Month,
}

impl Interval {
    /// The value of the `interval` parameter.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month]
            .into_iter()
            .find(|interval| interval.code() == text)
            .ok_or_else(|| format!("`{text}` is not an interval; use minute, hour, day, week or month"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_period_reads_back() {
        let custom = Period::Custom { from: "2026-01-31".into(), to: "2026-02-01".into() };
        for period in Period::NAMED.iter().chain([&custom]) {
            assert_eq!(&period.to_string().parse::<Period>().unwrap(), period);
        }
    }

    #[test]
    fn refuses_odd_periods() {
        for text in [
            "",
            "7",
            "custom",
            "custom:2026-01-01",
            "custom:2026-02-01:2026-01-01",
            "custom:2026-13-01:2026-13-02",
            "custom:é026-01-01:2026-01-02",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text} was accepted");
        }
    }
}
