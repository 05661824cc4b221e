//! The period before and the one after: as long, and as calendars have them.

use chrono::{Datelike, Days, Months, NaiveDate};
use footfall_model::Period;

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Earlier.
    Back,
    /// Later.
    On,
}

/// The period beside this one. None for what has no days of its own, and for what begins after today.
pub(super) fn beside(period: &Period, way: Way, today: &str) -> Option<Period> {
    let today = today.parse().ok()?;
    let (from, to) = days(period, today)?;
    let (from, to) = moved(period, (from, to), way)?;
    (from <= today).then(|| named(from, to.min(today), today))
}

/// First and last day, as far as the whole period reaches.
fn days(period: &Period, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let month = today.with_day(1)?;
    Some(match period {
        Period::Last30Minutes | Period::All => return None,
        Period::Last24Hours | Period::Today => (today, today),
        Period::Last7Days => (today - Days::new(6), today),
        Period::Last30Days => (today - Days::new(29), today),
        Period::Month => (month, last_of_month(month)?),
        Period::Last6Months => (month - Months::new(5), last_of_month(month)?),
        Period::Last12Months => (month - Months::new(11), last_of_month(month)?),
        Period::Year => (NaiveDate::from_ymd_opt(today.year(), 1, 1)?, NaiveDate::from_ymd_opt(today.year(), 12, 31)?),
        Period::Custom { from, to } => (from.parse().ok()?, to.parse().ok()?),
    })
}

fn last_of_month(first: NaiveDate) -> Option<NaiveDate> {
    first.checked_add_months(Months::new(1))?.pred_opt()
}

/// Whole months move by months, everything else by its days.
fn moved(period: &Period, (from, to): (NaiveDate, NaiveDate), way: Way) -> Option<(NaiveDate, NaiveDate)> {
    let months = (to.year() - from.year()) * 12 + to.month().cast_signed() - from.month().cast_signed() + 1;
    let are_whole = from.day() == 1 && last_of_month(to.with_day(1)?)? == to || matches!(period, Period::Month | Period::Year);
    if are_whole {
        let by = Months::new(u32::try_from(months).ok()?);
        let from = if way == Way::Back { from.checked_sub_months(by)? } else { from.checked_add_months(by)? };
        return Some((from, from.checked_add_months(by)?.pred_opt()?));
    }
    let by = Days::new(u64::try_from((to - from).num_days() + 1).ok()?);
    match way {
        Way::Back => Some((from.checked_sub_days(by)?, to.checked_sub_days(by)?)),
        Way::On => Some((from.checked_add_days(by)?, to.checked_add_days(by)?)),
    }
}

/// Days that are a named period are called so.
fn named(from: NaiveDate, to: NaiveDate, today: NaiveDate) -> Period {
    let of_today = [Period::Today, Period::Last7Days, Period::Last30Days, Period::Month, Period::Year];
    let is_it = |period: &Period| days(period, today).is_some_and(|(first, last)| first == from && last.min(today) == to);
    of_today.into_iter().find(is_it).unwrap_or_else(|| Period::Custom { from: from.to_string(), to: to.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: &str = "2026-11-22";

    fn step(period: &Period, way: Way) -> String {
        match beside(period, way, TODAY) {
            Some(Period::Custom { from, to }) => format!("{from} {to}"),
            Some(named) => named.code().to_owned(),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn steps_are_as_long_or_as_calendars_have_them() {
        for (period, back) in [
            (Period::Today, "2026-11-21 2026-11-21"),
            (Period::Last7Days, "2026-11-09 2026-11-15"),
            (Period::Last30Days, "2026-09-24 2026-10-23"),
            (Period::Month, "2026-10-01 2026-10-31"),
            (Period::Year, "2025-01-01 2025-12-31"),
            (Period::Last12Months, "2024-12-01 2025-11-30"),
            (Period::All, "none"),
            (Period::Last30Minutes, "none"),
        ] {
            assert_eq!(step(&period, Way::Back), back, "{period:?}");
            assert_eq!(step(&period, Way::On), "none", "{period:?}");
        }
    }

    #[test]
    fn a_step_back_and_on_leads_to_the_same() {
        for period in [Period::Today, Period::Last7Days, Period::Last30Days, Period::Month, Period::Year] {
            let before = beside(&period, Way::Back, TODAY).unwrap();
            assert_eq!(beside(&before, Way::On, TODAY), Some(period));
        }
        let february = Period::Custom { from: "2024-02-01".to_owned(), to: "2024-02-29".to_owned() };
        assert_eq!(step(&february, Way::On), "2024-03-01 2024-03-31");
        let odd = Period::Custom { from: "9999-01-01".to_owned(), to: "0001-01-01".to_owned() };
        assert_eq!((step(&odd, Way::Back).as_str(), step(&odd, Way::On).as_str()), ("none", "none"));
    }
}
