//! Rates and means from sums, rounded half up in whole numbers; and the change against an earlier period.

use footfall_model::report::{Changes, Figures};

/// Sums over visits, in the order in which [`crate::sql::visits`] selects them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VisitSums {
    /// Visits.
    pub visits: u64,
    /// Visits that bounced.
    pub bounces: u64,
    /// Their durations, milliseconds.
    pub duration_ms: u64,
    /// Their pageviews.
    pub pageviews: u64,
}

/// Sums over events, in the order in which [`crate::sql::events`] selects them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSums {
    /// Distinct visitors.
    pub visitors: u64,
    /// Pageviews.
    pub pageviews: u64,
    /// Pageviews and custom events.
    pub events: u64,
}

fn part(sums: &[i64], index: usize) -> u64 {
    sums.get(index).copied().unwrap_or(0).max(0).unsigned_abs()
}

impl VisitSums {
    /// From a row.
    #[must_use]
    pub fn of(sums: &[i64]) -> Self {
        Self { visits: part(sums, 0), bounces: part(sums, 1), duration_ms: part(sums, 2), pageviews: part(sums, 3) }
    }

    /// 100 × bounces / visits, whole percent; 0 without visits.
    #[must_use]
    pub fn bounce_rate(self) -> u64 {
        half_up(u128::from(self.bounces) * 100, self.visits)
    }

    /// Mean duration in whole seconds; 0 without visits.
    #[must_use]
    pub fn duration_s(self) -> u64 {
        half_up(u128::from(self.duration_ms), self.visits.saturating_mul(1_000))
    }

    /// Pageviews per visit, 2 decimals; 0 without visits.
    #[must_use]
    pub fn views_per_visit(self) -> f64 {
        half_up(u128::from(self.pageviews) * 100, self.visits) as f64 / 100.0
    }
}

impl EventSums {
    /// From a row.
    #[must_use]
    pub fn of(sums: &[i64]) -> Self {
        Self { visitors: part(sums, 0), pageviews: part(sums, 1), events: part(sums, 2) }
    }
}

/// Both families, in the order in which [`crate::sql::overview`] selects them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Distinct visitors.
    pub visitors: u64,
    /// Pageviews.
    pub pageviews: u64,
    /// Of the visits.
    pub visits: VisitSums,
}

impl Overview {
    /// From a row.
    #[must_use]
    pub fn of(sums: &[i64]) -> Self {
        Self { visitors: part(sums, 0), pageviews: part(sums, 1), visits: VisitSums::of(sums.get(2..).unwrap_or_default()) }
    }
}

/// `a / b`, rounded half up; 0 where `b` is.
fn half_up(a: u128, b: u64) -> u64 {
    if b == 0 {
        return 0;
    }
    let b = u128::from(b);
    u64::try_from((2 * a + b) / (2 * b)).unwrap_or(u64::MAX)
}

/// The six figures of the strip.
#[must_use]
pub fn figures(overview: &Overview) -> Figures {
    let visits = overview.visits;
    Figures {
        visitors: overview.visitors,
        visits: visits.visits,
        pageviews: overview.pageviews,
        views_per_visit: visits.views_per_visit(),
        bounce_rate: visits.bounce_rate(),
        visit_duration: visits.duration_s(),
    }
}

/// Visitors of a row in percent of all, 1 decimal, half up.
#[must_use]
pub fn share(visitors: u64, all: u64) -> f64 {
    half_up(u128::from(visitors) * 1_000, all) as f64 / 10.0
}

/// 100 × (now − then) / then in whole percent; both 0 → 0; then = 0 → none.
#[must_use]
pub fn change(now: f64, then: f64) -> Option<i64> {
    if then == 0.0 {
        return (now == 0.0).then_some(0);
    }
    Some((100.0 * (now - then) / then).round() as i64)
}

/// The change of each figure.
#[must_use]
pub fn changes(now: &Figures, then: &Figures) -> Changes {
    let whole = |now: u64, then: u64| change(now as f64, then as f64);
    Changes {
        visitors: whole(now.visitors, then.visitors),
        visits: whole(now.visits, then.visits),
        pageviews: whole(now.pageviews, then.pageviews),
        views_per_visit: change(now.views_per_visit, then.views_per_visit),
        bounce_rate: whole(now.bounce_rate, then.bounce_rate),
        visit_duration: whole(now.visit_duration, then.visit_duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up() {
        let sums = VisitSums { visits: 8, bounces: 1, duration_ms: 12_000, pageviews: 13 };
        assert_eq!((sums.bounce_rate(), sums.duration_s(), sums.views_per_visit()), (13, 2, 1.63));
        let thirds = VisitSums { visits: 3, bounces: 1, duration_ms: 1_499, pageviews: 4 };
        assert_eq!((thirds.bounce_rate(), thirds.duration_s(), thirds.views_per_visit()), (33, 0, 1.33));
        let none = VisitSums::default();
        assert_eq!((none.bounce_rate(), none.duration_s(), none.views_per_visit()), (0, 0, 0.0));
        assert_eq!((share(1, 3), share(2, 3), share(1, 16), share(0, 0)), (33.3, 66.7, 6.3, 0.0));
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
