//! What figures mean, in words, and how sure shares are.

use super::Metric;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What it counts in.
    pub unit: &'static str,
    /// One sentence; `docs/definitions.md` has all of it.
    pub definition: &'static str,
    /// What a question must have for it; empty for nothing.
    pub needs: &'static str,
}

impl Metric {
    /// What it is.
    #[must_use]
    pub const fn meaning(self) -> Meaning {
        let (unit, definition, needs) = match self {
            Self::Visitors => (
                "visitors",
                "Distinct visitor ids of the events that pass. Ids change with the UTC day, so one person on three days is three.",
                "",
            ),
            Self::Visits => (
                "visits",
                "Visits that began in the range and hold an event that passes; with a page, visits with such an event in the range.",
                "",
            ),
            Self::Pageviews => ("pageviews", "Pageviews in the range that pass.", ""),
            Self::Events => (
                "events",
                "Pageviews and custom events in the range that pass; reports of engagement count for goals of scrolling alone.",
                "",
            ),
            Self::ViewsPerVisit => (
                "pageviews per visit",
                "Pageviews of the visits divided by the visits, 2 decimals.",
                "no dimensions of events but event:page and event:hostname",
            ),
            Self::BounceRate => (
                "percent",
                "Visits with at most one pageview and no interactive custom event, in percent of the visits; with a page, of those that entered on it.",
                "no dimensions of events but event:page and event:hostname",
            ),
            Self::VisitDuration => (
                "seconds",
                "Mean time from the first to the last event of the visits that is no report of engagement.",
                "no dimensions of events but event:page and event:hostname",
            ),
            Self::Percentage => ("percent", "Visitors of the row in percent of those of the whole question, 1 decimal.", "a dimension"),
            Self::ScrollDepth => (
                "percent",
                "Mean, over visits and pages, of the greatest depth that was reported.",
                "event:page as dimension or filter of the top level",
            ),
            Self::TimeOnPage => (
                "seconds",
                "Mean, over visits and pages with any, of the time in which the page was visible and focused.",
                "event:page as dimension or filter",
            ),
            Self::ExitRate => (
                "percent",
                "Visits that end on the page in percent of its pageviews, 1 decimal.",
                "visit:exit_page as the only dimension, no filters on events",
            ),
            Self::ConversionRate => (
                "percent",
                "Visitors who completed the goals in percent of all visitors under the same filters without goals, 2 decimals.",
                "event:goal as dimension or filter",
            ),
            Self::GroupConversionRate => (
                "percent",
                "Visitors who completed the goals in percent of the visitors of the row's other dimensions without goals, 2 decimals.",
                "event:goal as dimension or filter",
            ),
            Self::AverageRevenue => {
                ("money", "Mean revenue of the events that have any in the goals' currency; nothing is converted.", "goals of one currency")
            }
            Self::TotalRevenue => ("money", "Revenue of the events in the goals' currency; nothing is converted.", "goals of one currency"),
        };
        Meaning { unit, definition, needs }
    }

    /// Whether it is a share of things that each are in it or not.
    #[must_use]
    pub const fn is_share(self) -> bool {
        matches!(self, Self::BounceRate | Self::Percentage | Self::ExitRate | Self::ConversionRate | Self::GroupConversionRate)
    }

    /// Whether it counts visitors, which are estimated where they are many.
    #[must_use]
    pub const fn counts_visitors(self) -> bool {
        matches!(self, Self::Visitors | Self::Percentage | Self::ConversionRate | Self::GroupConversionRate)
    }
}

/// The 95 % confidence interval of a share, in percent, by Wilson's score (Wilson 1927): what the share may be of which `part` in `of` were seen.
/// None without anything seen.
#[must_use]
pub fn confidence(part: i64, of: i64) -> Option<(f64, f64)> {
    /// The quantile of the normal distribution that leaves 2.5 % on each side.
    const Z: f64 = 1.959_963_984_540_054;
    if of <= 0 {
        return None;
    }
    let (n, share) = (of as f64, (part as f64 / of as f64).clamp(0.0, 1.0));
    let middle = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let bound = |value: f64| ((value / (1.0 + Z * Z / n)).clamp(0.0, 1.0) * 10_000.0).round() / 100.0;
    Some((bound(middle - spread), bound(middle + spread)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        assert_eq!(confidence(81, 263), Some((25.53, 36.62)));
        assert_eq!(confidence(15, 148), Some((6.24, 16.05)));
        assert_eq!(confidence(0, 20), Some((0.0, 16.11)));
        assert_eq!(confidence(1, 29), Some((0.61, 17.18)));
        assert_eq!((confidence(0, 0), confidence(5, 5).map(|bounds| bounds.1)), (None, Some(100.0)));
    }

    #[test]
    fn every_metric_says_what_it_is() {
        assert!(Metric::all().all(|metric| metric.meaning().definition.ends_with('.') && !metric.meaning().unit.is_empty()));
    }
}
