//! Metrics, the sums that they are made of, and the formula of each, evaluated here for figures and in SQL for the order of rows.

/// A figure (`docs/definitions.md`, Figures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Distinct visitor ids.
    Visitors,
    /// Visits.
    Visits,
    /// Pageviews.
    Pageviews,
    /// Pageviews and custom events.
    Events,
    /// Pageviews of those visits / visits.
    ViewsPerVisit,
    /// Percent of visits that bounced.
    BounceRate,
    /// Mean duration in seconds.
    VisitDuration,
    /// Visitors in percent of all.
    Percentage,
    /// Mean of the greatest depth that visits reached on pages, percent.
    ScrollDepth,
    /// Mean of the engaged time of visits on pages, seconds.
    TimeOnPage,
    /// Percent of a page's pageviews that ended the visit.
    ExitRate,
    /// Visitors who completed a goal in percent of all under the same conditions without it.
    ConversionRate,
    /// The same within the other keys of the row.
    GroupConversionRate,
    /// Mean of the revenue of events that have any.
    AverageRevenue,
    /// Revenue.
    TotalRevenue,
}

/// What statements add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sum {
    /// Distinct visitor ids.
    Visitors,
    /// Pageviews.
    Pageviews,
    /// Pageviews and custom events.
    Events,
    /// Visits that are counted.
    Visits,
    /// Visits that means and rates are made over: under the rules of pages those that entered on them.
    Based,
    /// Of these, those that bounced.
    Bounces,
    /// Their durations, milliseconds.
    Duration,
    /// Their pageviews.
    Views,
    /// Visitors of the whole question.
    AllVisitors,
    /// Pairs of visit and page with engaged time.
    EngagedPairs,
    /// Their engaged time, milliseconds.
    Engaged,
    /// Pairs of visit and page with a scroll depth.
    ScrolledPairs,
    /// Their greatest depths.
    Scrolled,
    /// Visits that ended on the page.
    Exits,
    /// Pageviews of the page.
    PageViews,
    /// Visitors of the whole question without its goals.
    BaseVisitors,
    /// The same within the other keys of the row.
    GroupVisitors,
    /// Revenue, thousandths.
    Revenue,
    /// Events with revenue.
    Paid,
}

/// How a figure follows from sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// The sum itself.
    Count(Sum),
    /// A thousandth of the sum.
    Thousandths(Sum),
    /// `times × over / (per × under)`, rounded half up.
    Ratio {
        /// Upper sum.
        over: Sum,
        /// Lower sum.
        under: Sum,
        /// Factor of the upper sum, decimals included.
        times: i64,
        /// Factor of the lower sum.
        per: i64,
        /// Digits after the point.
        decimals: u8,
        /// Whether there is no figure where the lower sum is 0; else it is 0 then.
        may_be_none: bool,
    },
}

const NAMES: [(Metric, &str); 15] = [
    (Metric::Visitors, "visitors"),
    (Metric::Visits, "visits"),
    (Metric::Pageviews, "pageviews"),
    (Metric::Events, "events"),
    (Metric::ViewsPerVisit, "views_per_visit"),
    (Metric::BounceRate, "bounce_rate"),
    (Metric::VisitDuration, "visit_duration"),
    (Metric::Percentage, "percentage"),
    (Metric::ScrollDepth, "scroll_depth"),
    (Metric::TimeOnPage, "time_on_page"),
    (Metric::ExitRate, "exit_rate"),
    (Metric::ConversionRate, "conversion_rate"),
    (Metric::GroupConversionRate, "group_conversion_rate"),
    (Metric::AverageRevenue, "average_revenue"),
    (Metric::TotalRevenue, "total_revenue"),
];

impl Metric {
    /// All metrics.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(metric, _)| *metric)
    }

    /// Its name in `POST /api/v2/query`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(metric, _)| *metric == self).map_or("", |(_, name)| name)
    }

    /// The metric of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(metric, _)| *metric)
    }

    /// Whether it is a mean or a rate over visits, which may have entered on a page.
    #[must_use]
    pub const fn is_over_visits(self) -> bool {
        matches!(self, Self::ViewsPerVisit | Self::BounceRate | Self::VisitDuration)
    }

    /// Whether it is about goals.
    #[must_use]
    pub const fn is_of_goals(self) -> bool {
        matches!(self, Self::ConversionRate | Self::GroupConversionRate)
    }

    /// Whether it is an amount of money.
    #[must_use]
    pub const fn is_revenue(self) -> bool {
        matches!(self, Self::AverageRevenue | Self::TotalRevenue)
    }

    /// How it follows from sums; `of_pages`: under the rules of pages.
    #[must_use]
    pub fn formula(self, of_pages: bool) -> Formula {
        let over_visits =
            |over, times, per, decimals| Formula::Ratio { over, under: Sum::Based, times, per, decimals, may_be_none: of_pages };
        match self {
            Self::Visitors => Formula::Count(Sum::Visitors),
            Self::Visits => Formula::Count(Sum::Visits),
            Self::Pageviews => Formula::Count(Sum::Pageviews),
            Self::Events => Formula::Count(Sum::Events),
            Self::ViewsPerVisit => over_visits(Sum::Views, 100, 1, 2),
            Self::BounceRate => over_visits(Sum::Bounces, 100, 1, 0),
            Self::VisitDuration => over_visits(Sum::Duration, 1, 1_000, 0),
            Self::Percentage => {
                Formula::Ratio { over: Sum::Visitors, under: Sum::AllVisitors, times: 1_000, per: 1, decimals: 1, may_be_none: false }
            }
            Self::ScrollDepth => {
                Formula::Ratio { over: Sum::Scrolled, under: Sum::ScrolledPairs, times: 1, per: 1, decimals: 0, may_be_none: true }
            }
            Self::TimeOnPage => {
                Formula::Ratio { over: Sum::Engaged, under: Sum::EngagedPairs, times: 1, per: 1_000, decimals: 0, may_be_none: true }
            }
            Self::ExitRate => {
                Formula::Ratio { over: Sum::Exits, under: Sum::PageViews, times: 1_000, per: 1, decimals: 1, may_be_none: true }
            }
            Self::ConversionRate => {
                Formula::Ratio { over: Sum::Visitors, under: Sum::BaseVisitors, times: 10_000, per: 1, decimals: 2, may_be_none: false }
            }
            Self::GroupConversionRate => {
                Formula::Ratio { over: Sum::Visitors, under: Sum::GroupVisitors, times: 10_000, per: 1, decimals: 2, may_be_none: false }
            }
            Self::AverageRevenue => {
                Formula::Ratio { over: Sum::Revenue, under: Sum::Paid, times: 1, per: 1, decimals: 3, may_be_none: false }
            }
            Self::TotalRevenue => Formula::Thousandths(Sum::Revenue),
        }
    }

    /// The figure; none where nothing was reported.
    #[must_use]
    pub fn figure(self, of_pages: bool, sum: impl Fn(Sum) -> i64) -> Option<f64> {
        self.formula(of_pages).value(sum)
    }
}

impl Formula {
    /// The sums that it needs.
    #[must_use]
    pub fn sums(self) -> Vec<Sum> {
        match self {
            Self::Count(sum) | Self::Thousandths(sum) => vec![sum],
            Self::Ratio { over, under, .. } => vec![over, under],
        }
    }

    /// The parts of a ratio: the upper sum, and the lower.
    #[must_use]
    pub fn parts(self, sum: impl Fn(Sum) -> i64) -> Option<(i64, i64)> {
        match self {
            Self::Ratio { over, under, .. } => Some((sum(over), sum(under))),
            Self::Count(_) | Self::Thousandths(_) => None,
        }
    }

    /// The figure of these sums.
    #[must_use]
    pub fn value(self, sum: impl Fn(Sum) -> i64) -> Option<f64> {
        match self {
            Self::Count(of) => Some(sum(of) as f64),
            Self::Thousandths(of) => Some(sum(of) as f64 / 1_000.0),
            Self::Ratio { over, under, times, per, decimals, may_be_none } => {
                let (over, under) = (i128::from(sum(over)) * i128::from(times), i128::from(sum(under)) * i128::from(per));
                if under <= 0 {
                    return (!may_be_none).then_some(0.0);
                }
                let rounded = (2 * over + under).div_euclid(2 * under);
                Some(rounded as f64 / 10_f64.powi(i32::from(decimals)))
            }
        }
    }

    /// The same as SQL over columns; without decimals, as only its order matters.
    pub(super) fn order(self, column: impl Fn(Sum) -> &'static str) -> String {
        match self {
            Self::Count(sum) | Self::Thousandths(sum) => column(sum).to_owned(),
            Self::Ratio { over, under, times, per, may_be_none, .. } => {
                let (over, under) = (column(over), column(under));
                let none = if may_be_none { "NULL" } else { "0" };
                format!(
                    "if({under} <= 0, {none}, intDiv(toInt128(2) * {times} * {over} + toInt128({per}) * {under}, toInt128(2) * {per} * {under}))"
                )
            }
        }
    }
}

impl Sum {
    /// Its column.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Visitors => "s_visitors",
            Self::Pageviews => "s_pageviews",
            Self::Events => "s_events",
            Self::Visits => "s_visits",
            Self::Based => "s_based",
            Self::Bounces => "s_bounces",
            Self::Duration => "s_duration",
            Self::Views => "s_views",
            Self::AllVisitors => "s_all_visitors",
            Self::EngagedPairs => "s_engaged_pairs",
            Self::Engaged => "s_engaged",
            Self::ScrolledPairs => "s_scrolled_pairs",
            Self::Scrolled => "s_scrolled",
            Self::Exits => "s_exits",
            Self::PageViews => "s_page_views",
            Self::BaseVisitors => "s_base_visitors",
            Self::GroupVisitors => "s_group_visitors",
            Self::Revenue => "s_revenue",
            Self::Paid => "s_paid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up_and_knows_none() {
        let sums = |sum: Sum| match sum {
            Sum::Based => 8,
            Sum::Bounces => 1,
            Sum::Duration => 12_000,
            Sum::Views => 13,
            Sum::Visitors => 1,
            Sum::AllVisitors => 16,
            _ => 0,
        };
        let figure = |metric: Metric| metric.figure(false, sums);
        assert_eq!(figure(Metric::BounceRate), Some(13.0));
        assert_eq!(figure(Metric::VisitDuration), Some(2.0));
        assert_eq!(figure(Metric::ViewsPerVisit), Some(1.63));
        assert_eq!(figure(Metric::Percentage), Some(6.3));
        assert_eq!(figure(Metric::ScrollDepth), None);
        let none = |_: Sum| 0;
        assert_eq!((Metric::BounceRate.figure(false, none), Metric::BounceRate.figure(true, none)), (Some(0.0), None));
        assert_eq!(Metric::Percentage.figure(true, none), Some(0.0));
    }

    #[test]
    fn names_lead_back() {
        assert!(Metric::all().all(|metric| Metric::named(metric.name()) == Some(metric)));
        assert_eq!(Metric::named("x"), None);
    }
}
