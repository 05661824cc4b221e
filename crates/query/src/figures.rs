//! Shares, rounded half up in whole numbers; and the change against an earlier period.

pub use footfall_model::report::change;
use footfall_model::report::{Changes, Figures};

/// `a / b`, rounded half up; 0 where `b` is.
fn half_up(a: u128, b: u64) -> u64 {
    if b == 0 {
        return 0;
    }
    let b = u128::from(b);
    u64::try_from((2 * a + b) / (2 * b)).unwrap_or(u64::MAX)
}

/// A part in percent of all, 1 decimal, half up; 0 of nothing.
#[must_use]
pub fn share(part: u64, all: u64) -> f64 {
    half_up(u128::from(part) * 1_000, all) as f64 / 10.0
}

/// The same with 2 decimals.
#[must_use]
pub fn percent(part: u64, all: u64) -> f64 {
    half_up(u128::from(part) * 10_000, all) as f64 / 100.0
}

/// The change of each figure.
#[must_use]
pub fn changes(now: &Figures, then: &Figures) -> Changes {
    let whole = |now: u64, then: u64| change(now as f64, then as f64);
    let rate = |now: Option<u64>, then: Option<u64>| now.zip(then).and_then(|(now, then)| whole(now, then));
    Changes {
        visitors: whole(now.visitors, then.visitors),
        visits: whole(now.visits, then.visits),
        pageviews: whole(now.pageviews, then.pageviews),
        views_per_visit: now.views_per_visit.zip(then.views_per_visit).and_then(|(now, then)| change(now, then)),
        bounce_rate: rate(now.bounce_rate, then.bounce_rate),
        visit_duration: rate(now.visit_duration, then.visit_duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up() {
        assert_eq!((share(1, 3), share(2, 3), share(1, 16), share(0, 0)), (33.3, 66.7, 6.3, 0.0));
        assert_eq!((percent(1, 3), percent(2, 3), percent(3, 200), percent(0, 0)), (33.33, 66.67, 1.5, 0.0));
    }

    #[test]
    fn changes_as_defined() {
        assert_eq!(change(150.0, 100.0), Some(50));
        assert_eq!(change(0.0, 0.0), Some(0));
        assert_eq!(change(3.0, 0.0), None);
        assert_eq!(change(0.0, 3.0), Some(-100));
        assert_eq!(change(2.0, 3.0), Some(-33));
    }
}
