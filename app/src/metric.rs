//! The figures that pages show, by the names of the query language (`docs/definitions.md`, Figures).

use crate::{format, i18n::Key};

/// A figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// Distinct visitors.
    #[default]
    Visitors,
    /// Pageviews.
    Pageviews,
    /// Visits.
    Visits,
    /// Pageviews per visit.
    ViewsPerVisit,
    /// Percent of visits that bounced.
    BounceRate,
    /// Mean duration of visits, seconds.
    VisitDuration,
    /// Visitors in percent of all.
    Share,
    /// Pageviews and custom events; of goals, how often they were completed.
    Events,
    /// Percent of visitors that completed a goal.
    ConversionRate,
    /// Revenue, in the currency of the goal.
    Revenue,
    /// Mean engaged time of visits on a page, seconds.
    TimeOnPage,
    /// Mean of the greatest depth to which visits scrolled a page, percent.
    ScrollDepth,
    /// Percent of a page's pageviews that ended the visit.
    ExitRate,
}

/// How a figure is written.
enum Unit {
    Count,
    Ratio,
    Percent,
    Seconds,
    Money,
}

impl Metric {
    /// Those of the strip, each of which the chart can show.
    pub const STRIP: [Self; 6] =
        [Self::Visitors, Self::Pageviews, Self::Visits, Self::ViewsPerVisit, Self::BounceRate, Self::VisitDuration];

    /// All.
    pub const ALL: [Self; 13] = [
        Self::Visitors,
        Self::Pageviews,
        Self::Visits,
        Self::ViewsPerVisit,
        Self::BounceRate,
        Self::VisitDuration,
        Self::Share,
        Self::Events,
        Self::ConversionRate,
        Self::Revenue,
        Self::TimeOnPage,
        Self::ScrollDepth,
        Self::ExitRate,
    ];

    /// The one of this name.
    #[must_use]
    pub fn named(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.code() == code)
    }

    /// Its name in addresses and in the query language.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Visitors => "visitors",
            Self::Pageviews => "pageviews",
            Self::Visits => "visits",
            Self::ViewsPerVisit => "views_per_visit",
            Self::BounceRate => "bounce_rate",
            Self::VisitDuration => "visit_duration",
            Self::Share => "percentage",
            Self::Events => "events",
            Self::ConversionRate => "conversion_rate",
            Self::Revenue => "total_revenue",
            Self::TimeOnPage => "time_on_page",
            Self::ScrollDepth => "scroll_depth",
            Self::ExitRate => "exit_rate",
        }
    }

    /// The figure of the strip of this name.
    #[must_use]
    pub fn of_strip(code: &str) -> Option<Self> {
        Self::STRIP.into_iter().find(|metric| metric.code() == code)
    }

    /// As pages call it.
    #[must_use]
    pub const fn name(self) -> Key {
        match self {
            Self::Visitors => Key::Visitors,
            Self::Pageviews => Key::Pageviews,
            Self::Visits => Key::Visits,
            Self::ViewsPerVisit => Key::ViewsPerVisit,
            Self::BounceRate => Key::BounceRate,
            Self::VisitDuration => Key::VisitDuration,
            Self::Share => Key::Share,
            Self::Events => Key::Events,
            Self::ConversionRate => Key::ConversionRate,
            Self::Revenue => Key::Revenue,
            Self::TimeOnPage => Key::TimeOnPage,
            Self::ScrollDepth => Key::ScrollDepth,
            Self::ExitRate => Key::ExitRate,
        }
    }

    /// More is worse.
    #[must_use]
    pub const fn is_better_low(self) -> bool {
        matches!(self, Self::BounceRate | Self::ExitRate)
    }

    /// Whether figures of parts add up to that of the whole.
    #[must_use]
    pub const fn adds_up(self) -> bool {
        matches!(self.unit(), Unit::Count | Unit::Money)
    }

    /// Whether it is a time.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self.unit(), Unit::Seconds)
    }

    const fn unit(self) -> Unit {
        match self {
            Self::Visitors | Self::Pageviews | Self::Visits | Self::Events => Unit::Count,
            Self::ViewsPerVisit => Unit::Ratio,
            Self::BounceRate | Self::Share | Self::ConversionRate | Self::ScrollDepth | Self::ExitRate => Unit::Percent,
            Self::VisitDuration | Self::TimeOnPage => Unit::Seconds,
            Self::Revenue => Unit::Money,
        }
    }

    /// The figure in full.
    #[must_use]
    pub fn text(self, figure: f64) -> String {
        match self.unit() {
            Unit::Count => format::number(whole(figure)),
            Unit::Ratio => format::ratio(figure),
            Unit::Percent => format::share(figure),
            Unit::Seconds => format::duration(whole(figure)),
            Unit::Money => format::money(figure),
        }
    }

    /// The figure in few letters, for a scale.
    #[must_use]
    pub fn short_text(self, figure: f64) -> String {
        match self.unit() {
            Unit::Count | Unit::Money => format::compact(whole(figure)),
            Unit::Seconds => self.text(figure).replace(" 00s", "").replace(" 00m", ""),
            _ => self.text(figure),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are neither negative nor beyond 2^53")]
fn whole(figure: f64) -> u64 {
    figure.round().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_in_their_unit() {
        let text = |metric: Metric| metric.text(1_234.5);
        assert_eq!(text(Metric::Events), "1,235");
        assert_eq!(text(Metric::VisitDuration), "20m 35s");
        assert_eq!(text(Metric::Revenue), "1,234.50");
        assert_eq!((Metric::BounceRate.text(4.2), Metric::ViewsPerVisit.text(2.5)), ("4.2%".to_owned(), "2.5".to_owned()));
        assert_eq!((Metric::Pageviews.short_text(12_000.0), Metric::TimeOnPage.short_text(120.0)), ("12k".to_owned(), "2m".to_owned()));
    }
}
