//! Figures and dates as text in the language of the page, the same on the server and in the browser, without asking either for its locale.
//! Examples are English.

use std::fmt::Display;

use crate::i18n::{Key, Lang, fill, lang};

/// `12345` → `12,345`.
#[must_use]
pub fn number(n: u64) -> String {
    let (digits, lang) = (n.to_string(), lang());
    if lang == Lang::Es && digits.len() < 5 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(lang.group_sign());
        }
        text.push(digit);
    }
    text
}

/// At most four characters and a unit: `950`, `12.3k`, `456k`, `7.8M`.
#[must_use]
pub fn compact(n: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    for (size, unit) in UNITS {
        if n >= size {
            let tenths = n / (size / 10);
            return if tenths >= 1_000 || tenths.is_multiple_of(10) {
                format!("{}{unit}", tenths / 10)
            } else {
                format!("{}{}{}{unit}", tenths / 10, lang().decimal_sign(), tenths % 10)
            };
        }
    }
    n.to_string()
}

/// Whole numbers in full up to a million, then compact: what fits a figure of the strip.
#[must_use]
pub fn figure(n: u64) -> String {
    if n < 1_000_000 { number(n) } else { compact(n) }
}

/// Seconds as `45s`, `3m 20s`, `1h 05m`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m {s:02}s"),
        (h, m, _) => format!("{h}h {m:02}m"),
    }
}

/// Two decimals at most, none that say nothing: `2.5`, `3`, `1.25`.
#[must_use]
pub fn ratio(value: f64) -> String {
    let text = format!("{value:.2}");
    decimal(text.trim_end_matches('0').trim_end_matches('.'))
}

/// An amount with two decimals: `1,234.50`.
#[must_use]
pub fn money(amount: f64) -> String {
    let text = format!("{:.2}", amount.abs());
    let (units, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let sign = if amount <= -0.005 { "-" } else { "" };
    format!("{sign}{}{}{cents}", units.parse().map_or_else(|_| units.to_owned(), number), lang().decimal_sign())
}

/// A share in percent, one decimal below ten: `4.2%`, `37%`.
#[must_use]
pub fn share(percent: f64) -> String {
    let text = if percent >= 9.95 || percent <= 0.0 { format!("{percent:.0}") } else { format!("{percent:.1}") };
    self::percent(decimal(&text))
}

/// A figure in percent: `37%`.
#[must_use]
pub fn percent(figure: impl Display) -> String {
    format!("{figure}{}", lang().percent_sign())
}

/// Decimals behind the sign of the page's language.
fn decimal(text: &str) -> String {
    text.chars().map(|letter| if letter == '.' { lang().decimal_sign() } else { letter }).collect()
}

/// A part in percent of all, one decimal. Neither a few nor all but a few are rounded away.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a rounded percentage")]
pub fn part(part: u64, all: u64) -> String {
    let of_all = 100.0 * part as f64 / all.max(1) as f64;
    let text = match part {
        0 => "0".to_owned(),
        _ if part == all => "100".to_owned(),
        _ if of_all < 0.05 => "< 0.1".to_owned(),
        _ if of_all >= 99.95 => "> 99.9".to_owned(),
        _ => format!("{of_all:.1}"),
    };
    percent(decimal(&text))
}

/// A label of a time series, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    year: u32,
    month: u32,
    day: u32,
    clock: Option<&'a str>,
}

impl<'a> Label<'a> {
    /// Reads `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (date, clock) = match text.split_once(' ') {
            Some((date, clock)) => (date, Some(clock.get(..5)?)),
            None => (text, None),
        };
        let mut parts = date.splitn(3, '-');
        let mut next = || parts.next().and_then(|part| part.parse::<u32>().ok());
        let label = Self { year: next()?, month: next()?, day: next()?, clock };
        ((1..=12).contains(&label.month) && (1..=31).contains(&label.day)).then_some(label)
    }

    /// `3 Mar`
    #[must_use]
    pub fn day(&self) -> String {
        let (day, month) = (self.day, self.month_name());
        match lang() {
            Lang::De => format!("{day}. {month}"),
            Lang::Ja => format!("{month}{day}日"),
            _ => format!("{day} {month}"),
        }
    }

    /// `3 Mar 2026`
    #[must_use]
    pub fn date(&self) -> String {
        match lang() {
            Lang::Ja => format!("{}年{}", self.year, self.day()),
            _ => format!("{} {}", self.day(), self.year),
        }
    }

    /// `Tue 3 Mar 2026`
    #[must_use]
    pub fn long_day(&self) -> String {
        let weekday = lang().weekdays()[self.weekday()];
        match lang() {
            Lang::Ja => format!("{}({weekday})", self.date()),
            _ => format!("{weekday} {}", self.date()),
        }
    }

    /// `Mar 2026`
    #[must_use]
    pub fn month(&self) -> String {
        match lang() {
            Lang::Ja => format!("{}年{}", self.year, self.month_name()),
            _ => format!("{} {}", self.month_name(), self.year),
        }
    }

    /// `14:05`, nothing for a date alone.
    #[must_use]
    pub const fn clock(&self) -> Option<&'a str> {
        self.clock
    }

    /// `Week of 3 Mar 2026`
    #[must_use]
    pub fn week(&self) -> String {
        fill(Key::WeekOf, &[("day", &self.date())])
    }

    fn month_name(&self) -> &'static str {
        lang().months()[(self.month as usize).saturating_sub(1).min(11)]
    }

    /// 0 is Monday (Sakamoto's method).
    fn weekday(&self) -> usize {
        const SHIFT: [u32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 { self.year.saturating_sub(1) } else { self.year };
        let sunday_first = (year + year / 4 - year / 100 + year / 400 + SHIFT[self.month as usize - 1] + self.day) % 7;
        ((sunday_first + 6) % 7) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shortened() {
        let cases = [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1,000", "1k"),
            (12_345, "12,345", "12.3k"),
            (999_999, "999,999", "999k"),
            (7_812_000, "7,812,000", "7.8M"),
        ];
        for (n, grouped, short) in cases {
            assert_eq!((number(n).as_str(), compact(n).as_str()), (grouped, short));
        }
    }

    #[test]
    fn durations_and_ratios_read_well() {
        assert_eq!([duration(9), duration(200), duration(3_900)], ["9s", "3m 20s", "1h 05m"]);
        assert_eq!([ratio(2.5), ratio(3.0), ratio(1.25), ratio(0.0)], ["2.5", "3", "1.25", "0"]);
        assert_eq!([money(0.0), money(1_234.5), money(-0.999)], ["0.00", "1,234.50", "-1.00"]);
        assert_eq!([share(0.0), share(4.24), share(9.96), share(100.0)], ["0%", "4.2%", "10%", "100%"]);
        assert_eq!([part(99_990, 100_000), part(9, 100_000), part(0, 0), part(7, 7)], ["> 99.9%", "< 0.1%", "0%", "100%"]);
    }

    fn in_language<T>(lang: Lang, write: impl FnOnce() -> T) -> T {
        leptos::prelude::Owner::new().with(|| {
            leptos::prelude::provide_context(lang);
            write()
        })
    }

    #[test]
    fn figures_are_written_as_the_language_does() {
        let write =
            || [number(1_234), number(1_234_567), compact(12_345), ratio(2.5), money(1_234.5), share(4.2), part(9, 100_000)].join(" | ");
        let written = [Lang::De, Lang::Fr, Lang::Es, Lang::Ja, Lang::Ar].map(|lang| in_language(lang, write));
        assert_eq!(
            written,
            [
                "1.234 | 1.234.567 | 12,3k | 2,5 | 1.234,50 | 4,2\u{a0}% | < 0,1\u{a0}%",
                "1\u{202f}234 | 1\u{202f}234\u{202f}567 | 12,3k | 2,5 | 1\u{202f}234,50 | 4,2\u{202f}% | < 0,1\u{202f}%",
                "1234 | 1.234.567 | 12,3k | 2,5 | 1234,50 | 4,2\u{a0}% | < 0,1\u{a0}%",
                "1,234 | 1,234,567 | 12.3k | 2.5 | 1,234.50 | 4.2% | < 0.1%",
                "1,234 | 1,234,567 | 12.3k | 2.5 | 1,234.50 | 4.2% | < 0.1%",
            ]
        );
    }

    #[test]
    fn dates_are_written_as_the_language_does() {
        let write = || {
            let label = Label::parse("2026-11-21").unwrap();
            [label.day(), label.long_day(), label.month(), label.week()].join(" | ")
        };
        let written = [Lang::De, Lang::Fr, Lang::Es, Lang::Ja, Lang::Ar].map(|lang| in_language(lang, write));
        assert_eq!(
            written,
            [
                "21. Nov. | Sa 21. Nov. 2026 | Nov. 2026 | Woche vom 21. Nov. 2026",
                "21 nov. | sam. 21 nov. 2026 | nov. 2026 | Semaine du 21 nov. 2026",
                "21 nov | sáb 21 nov 2026 | nov 2026 | Semana del 21 nov 2026",
                "11月21日 | 2026年11月21日(土) | 2026年11月 | 2026年11月21日の週",
                "21 نوفمبر | السبت 21 نوفمبر 2026 | نوفمبر 2026 | أسبوع 21 نوفمبر 2026",
            ]
        );
    }

    #[test]
    fn labels_know_their_weekday() {
        let label = Label::parse("2026-11-21 14:05:00").unwrap();
        assert_eq!((label.long_day().as_str(), label.clock()), ("Sat 21 Nov 2026", Some("14:05")));
        assert_eq!(Label::parse("2024-02-29").unwrap().long_day(), "Thu 29 Feb 2024");
        assert_eq!(Label::parse("2026-13-01"), None);
    }
}
