//! The question as a value.

use crate::{Filter, Group, Range};

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
