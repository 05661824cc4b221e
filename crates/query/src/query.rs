//! The question as a value.

use crate::{Filter, Group, Range};

/// A figure (`docs/definitions.md`, Figures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Distinct visitor ids.
    Visitors,
    /// Visits that began in the range.
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
}

/// Which rows a metric looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Events inside the range.
    Event,
    /// Visits whose first event lies inside the range.
    Visit,
}

impl Metric {
    /// All metrics.
    pub const ALL: &'static [Self] =
        &[Self::Visitors, Self::Visits, Self::Pageviews, Self::Events, Self::ViewsPerVisit, Self::BounceRate, Self::VisitDuration];

    /// Its name in `POST /api/v2/query`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visitors => "visitors",
            Self::Visits => "visits",
            Self::Pageviews => "pageviews",
            Self::Events => "events",
            Self::ViewsPerVisit => "views_per_visit",
            Self::BounceRate => "bounce_rate",
            Self::VisitDuration => "visit_duration",
        }
    }

    /// The metric of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }

    /// Which rows it looks at.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Visitors | Self::Pageviews | Self::Events => Family::Event,
            Self::Visits | Self::ViewsPerVisit | Self::BounceRate | Self::VisitDuration => Family::Visit,
        }
    }
}

/// A question about one domain. Its scope is given apart, when it is turned into SQL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// When.
    pub range: Range,
    /// What to group by; none for one row.
    pub groups: Vec<Group>,
    /// Conditions; all must hold.
    pub filters: Vec<Filter>,
    /// Rows at most; by time, or else by the first sum, greatest first, then by label.
    pub limit: u64,
    /// Rows to skip.
    pub offset: u64,
    /// Count visitors approximately: for domains with more than 5 million events in the range.
    pub approximate: bool,
    /// Leave out pageviews at and after this instant (UTC ms), which live state counts. Nothing else is cut.
    pub cut: Option<i64>,
}

impl Query {
    /// The totals of a range.
    #[must_use]
    pub const fn totals(range: Range) -> Self {
        Self { range, groups: Vec::new(), filters: Vec::new(), limit: 1, offset: 0, approximate: false, cut: None }
    }

    /// Grouped.
    #[must_use]
    pub fn by(mut self, group: Group, limit: u64, offset: u64) -> Self {
        self.groups = vec![group];
        self.limit = limit;
        self.offset = offset;
        self
    }

    /// Only what passes.
    #[must_use]
    pub fn only(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Rewrite: filters in one order, so that equal questions are equal values.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.filters.sort_by(|a, b| format!("{a:?}").cmp(&format!("{b:?}")));
        self.filters.dedup();
        self
    }
}
