//! The full language of questions: any metrics, by any dimensions, under any conditions, in any order. `POST /api/v2/query` is made of it.
//!
//! [`statement()`] makes one statement of a question. It is a union of *blocks*, one per way of looking at the data (events, visits, entries,
//! engagements), each grouped by the same keys and adding its own sums; the outer select adds them up, orders and cuts out the page of rows. So
//! figures of several families are one answer of one moment, and can order it. [`Metric::figure`] makes figures of the sums, in whole
//! numbers; the order is made of the same [`metric::Formula`].
//!
//! Questions that all of a domain's dashboards ask may be answered from figures of whole days instead: see [`days`].
//!
//! How conditions become SQL depends on what a block looks at: see [`condition`].

mod blocks;
pub mod channel;
pub mod condition;
mod contrast;
mod corrected;
pub mod days;
pub mod dimension;
pub mod explain;
pub mod goal;
pub mod metric;
pub mod route;
mod statement;

pub use channel::ChannelRule;
pub use condition::{Condition, Leaf, Op};
pub use contrast::{Contrast, contrast};
pub use days::RolledDay;
pub use dimension::{Dimension, Place};
pub use goal::Goal;
pub use metric::{Metric, Sum};
pub use statement::{Statement, statement};

use crate::Range;

/// What rows are grouped by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Buckets of time: their starts in ascending order. The label is the start in milliseconds.
    Time(Vec<i64>),
    /// A dimension. The label is the value as reports show it.
    By(Dimension),
    /// Goals, those alone that are completed. An event that completes several is in each of their rows. The label is the name.
    Goal(Vec<Goal>),
    /// Names of properties. An event is in the row of each that it has.
    PropName,
}

/// What rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// A metric of the question; rows without a figure come last.
    Metric(Metric),
    /// The key with this index.
    Key(usize),
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Least first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// Which rows are answered, by the label of the first key. Figures of those that are do not change, nor what shares are of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Labels {
    /// All.
    #[default]
    All,
    /// These.
    Among(Vec<String>),
    /// Those that hold the text, whatever its case.
    Holding(String),
}

/// A question about one domain. Its scope is given apart, when it is turned into SQL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// At least one.
    pub metrics: Vec<Metric>,
    /// When.
    pub range: Range,
    /// What to group by; none for one row.
    pub keys: Vec<Key>,
    /// What events and visits must be like.
    pub condition: Condition,
    /// Which rows are answered.
    pub labels: Labels,
    /// Rows of equal rank come in the order of their keys.
    pub order: Vec<(Order, Direction)>,
    /// Rows at most.
    pub limit: u64,
    /// Rows to skip.
    pub offset: u64,
    /// ISO 4217: the currency of the revenue that counts; by goals it is theirs.
    pub currency: Option<String>,
    /// Count visitors approximately: for domains with more than 5 million events in the range.
    pub approximate: bool,
    /// Leave out pageviews at and after this instant (UTC ms), which live state counts. Nothing else is cut.
    pub cut: Option<i64>,
    /// Days that are not read row by row: see [`Question::over_days`].
    pub rolled: Vec<RolledDay>,
    /// The visitors that shares are of are asked for by [`Question::whole`], and told the [`Statement`] by `of_whole`.
    pub is_beside_its_whole: bool,
}

impl Question {
    /// Metrics of a range: one row of everything, exact.
    #[must_use]
    pub fn totals(metrics: impl Into<Vec<Metric>>, range: Range) -> Self {
        Self {
            metrics: metrics.into(),
            range,
            keys: Vec::new(),
            condition: Condition::none(),
            labels: Labels::All,
            order: Vec::new(),
            limit: 1,
            offset: 0,
            currency: None,
            approximate: false,
            cut: None,
            rolled: Vec::new(),
            is_beside_its_whole: false,
        }
    }

    /// The question for the visitors that its shares are of, if it has any. All panels of a page have it in common.
    #[must_use]
    pub fn whole(&self) -> Option<Self> {
        self.sums()
            .any(|sum| sum == Sum::AllVisitors)
            .then(|| Self { condition: self.condition.clone(), ..Self::totals([Metric::Visitors], self.range) })
    }

    /// What its figures, and the order of its rows, are made of.
    fn sums(&self) -> impl Iterator<Item = Sum> {
        let ordering = self.order.iter().filter_map(|(what, _)| if let Order::Metric(metric) = what { Some(metric) } else { None });
        self.metrics.iter().chain(ordering).flat_map(|metric| metric.formula(self.is_about_pages()).sums())
    }

    /// Grouped by one key; rows by the first metric, greatest first, and buckets of time in their order.
    #[must_use]
    pub fn by(mut self, key: Key, limit: u64, offset: u64) -> Self {
        self.order = match (&key, self.metrics.first()) {
            (Key::By(_) | Key::Goal(_) | Key::PropName, Some(metric)) => vec![(Order::Metric(*metric), Direction::Descending)],
            _ => vec![(Order::Key(0), Direction::Ascending)],
        };
        Self { keys: vec![key], limit, offset, ..self }
    }

    /// The codes of the places that the visits with an event in the range came from, those with the most visits first.
    #[must_use]
    pub fn places(place: Place, range: Range, limit: u64) -> Self {
        let begun = Range::new(range.from - condition::AFTER_MS, range.to + condition::BEFORE_MS);
        Self::totals([Metric::Visits], begun).by(Key::By(Dimension::Visit(place.code())), limit, 0)
    }

    /// The dimensions of keys and condition.
    #[must_use]
    pub fn dimensions_mut(&mut self) -> Vec<&mut Dimension> {
        let keys = self.keys.iter_mut().filter_map(|key| if let Key::By(dimension) = key { Some(dimension) } else { None });
        keys.chain(self.condition.dimensions_mut()).collect()
    }

    /// Whether the rules of pages hold (`docs/definitions.md`, Pages): a page is asked for or filtered by.
    #[must_use]
    pub fn is_about_pages(&self) -> bool {
        self.keys.iter().any(|key| matches!(key, Key::By(dimension) if dimension.is_of_page()))
            || self.condition.is_about(&Dimension::is_of_page)
    }

    /// Whether a key is known to events alone.
    #[must_use]
    pub fn is_by_event(&self) -> bool {
        self.keys.iter().any(|key| match key {
            Key::Time(_) => false,
            Key::By(dimension) => dimension.is_of_event(),
            Key::Goal(_) | Key::PropName => true,
        })
    }
}
