//! The one place where SQL text of reports is made.
//!
//! Every statement answers rows of one shape, [`Row`]. Visitor ids are counted over the events or visits that pass, bots and events with a
//! drop reason never do.
//!
//! **Which table answers.** Figures of visits come from `sessions FINAL`: one row per visit whatever the merges have done. `FINAL` is
//! cheap there, because the key begins with the start of the visit and parts hardly overlap in it. Event figures in total, by time and by page
//! come from `events`; by what a visit is, and in the overview, they come from `sessions` too, which has a fraction of the rows, corrected
//! by the events near the edges of the range (`by_visit`).

pub(crate) mod by_visit;
mod events;
mod predicate;
mod row;
mod visits;

use footfall_model::report::Dimension;
use uuid::Uuid;

pub use row::Row;

use crate::{
    Group, Query, Scope, channel,
    dimension::{Stored, stored},
};

/// A statement with its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sql {
    /// Text with `{name:Type}` for each value.
    pub text: String,
    /// Values by name.
    pub params: Vec<(String, Param)>,
}

/// A value from outside, sent beside the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// A domain.
    Site(Uuid),
    /// Counts, and milliseconds that are calculated with.
    Int(i64),
    /// A time to compare with, UTC milliseconds.
    Instant(i64),
    /// Text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of numbers.
    Ints(Vec<i64>),
}

impl Param {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Site(_) => "UUID",
            Self::Int(_) => "Int64",
            Self::Instant(_) => "DateTime64(3, 'UTC')",
            Self::Text(_) => "String",
            Self::Texts(_) => "Array(String)",
            Self::Ints(_) => "Array(Int64)",
        }
    }
}

/// Why a question has no statement yet.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}; ask for one of them at a time")]
pub struct Unsupported(pub String);

/// Collects values while text is made.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    params: Vec<(String, Param)>,
}

impl Builder {
    /// Adds a value (once) and answers its place in the text.
    pub(crate) fn bind(&mut self, value: Param) -> String {
        let kind = value.kind();
        if let Some((name, _)) = self.params.iter().find(|(_, known)| *known == value) {
            return format!("{{{name}:{kind}}}");
        }
        let name = format!("p{}", self.params.len());
        self.params.push((name.clone(), value));
        format!("{{{name}:{kind}}}")
    }

    /// An instant.
    pub(crate) fn instant(&mut self, ms: i64) -> String {
        self.bind(Param::Instant(ms))
    }

    pub(crate) fn finish(self, text: String) -> Sql {
        Sql { text, params: self.params }
    }
}

/// Event figures: sums are visitors, pageviews, events. By attributes of the visit the third repeats the second.
///
/// # Errors
/// When the grouping is not offered for event figures.
pub fn events(scope: Scope, query: &Query) -> Result<Sql, Unsupported> {
    if let Some(dimension) = by_visit::dimension(query) {
        return by_visit::statement(scope, query, dimension);
    }
    let ends = query.groups.iter().any(|group| matches!(group, Group::By(d) if matches!(stored(*d), Stored::End(_))));
    if ends {
        return Err(Unsupported("entry and exit pages do not go with other groups or a page filter yet".to_owned()));
    }
    Ok(events::statement(scope, query))
}

/// Visit figures: sums are visits, bounces, milliseconds, pageviews of those visits.
///
/// # Errors
/// With a page as group or filter, where other rules hold.
pub fn visits(scope: Scope, query: &Query) -> Result<Sql, Unsupported> {
    visits::statement(scope, query)
}

/// The figures of the strip in one statement: sums are visitors and pageviews of the events, then visits, bounces, milliseconds, pageviews
/// of the visits.
///
/// # Errors
/// With groups, or with filters that visits alone cannot answer.
pub fn overview(scope: Scope, query: &Query) -> Result<Sql, Unsupported> {
    by_visit::overview(scope, query)
}

/// Rows in the range: decides whether visitors are counted exactly. Text and values; answers one `UInt64`.
#[must_use]
pub fn event_count(scope: Scope, query: &Query) -> Sql {
    events::count(scope, query)
}

/// The time of the first event that counts, in milliseconds. Answers one `Int64`, or no row without such an event.
#[must_use]
pub fn first_event(scope: Scope) -> Sql {
    events::first(scope)
}

/// The select list `labels, sums, total, whole` and what follows the source, shared by all families.
///
/// By a dimension the sums over all rows come along: `ROLLUP` adds up the states of the rows, so visitors who are in several rows count
/// once in the whole, without a second look at the table.
fn grouped(b: &mut Builder, query: &Query, labels: &[String], sums: &[String], from: &str) -> String {
    let sums = sums.iter().map(|sum| format!("toInt64({sum})")).collect::<Vec<_>>().join(", ");
    if labels.is_empty() {
        return format!("SELECT emptyArrayString() AS labels, [{sums}] AS sums, toUInt64(1) AS total, emptyArrayInt64() AS whole\n{from}");
    }
    let keys: Vec<String> = (0..labels.len()).map(|i| format!("k{i}")).collect();
    let named: Vec<String> = labels.iter().zip(&keys).map(|(label, key)| format!("{label} AS {key}")).collect();
    let shown: Vec<String> = keys.iter().map(|key| format!("toString({key})")).collect();
    let (keys, named, shown) = (keys.join(", "), named.join(", "), shown.join(", "));
    let limit = b.bind(Param::Int(i64::try_from(query.limit).unwrap_or(i64::MAX)));
    let offset = b.bind(Param::Int(i64::try_from(query.offset).unwrap_or(i64::MAX)));
    match query.groups.as_slice() {
        [Group::By(_)] => format!(
            "SELECT labels, sums, toUInt64(rows - 1) AS total, whole\nFROM (\n  SELECT {named}, [{shown}] AS labels, [{sums}] AS sums, \
             grouping({keys}) AS is_whole, count() OVER () AS rows, argMax(sums, is_whole) OVER () AS whole\n  {from}\n  GROUP BY ROLLUP({keys})\n)\n\
             WHERE is_whole = 0\nORDER BY sums[1] DESC, {keys}\nLIMIT {limit} OFFSET {offset}"
        ),
        groups => {
            let order = if matches!(groups.first(), Some(Group::Time(_))) { keys.clone() } else { format!("sums[1] DESC, {keys}") };
            format!(
                "SELECT [{shown}] AS labels, [{sums}] AS sums, toUInt64(count() OVER ()) AS total, emptyArrayInt64() AS whole, {named}\n{from}\n\
                 GROUP BY {keys}\nORDER BY {order}\nLIMIT {limit} OFFSET {offset}"
            )
        }
    }
}

/// The label expression of a group over a table with the time column `time`.
fn label(b: &mut Builder, group: &Group, time: &str) -> String {
    match group {
        Group::Time(starts) => {
            let starts = b.bind(Param::Ints(starts.clone()));
            format!("roundDown(toUnixTimestamp64Milli({time}), {starts})")
        }
        Group::By(dimension) => column(b, *dimension),
    }
}

fn column(b: &mut Builder, dimension: Dimension) -> String {
    match stored(dimension) {
        Stored::Event(column) | Stored::Visit(column) => column.to_owned(),
        Stored::End(end) => self::end(end, "path"),
        Stored::Channel => channel::expression(b, channel::Over::Rows),
    }
}

/// A part of `entry` or `exit`. The whole tuple must be read, as `FINAL` merges what is read: a part of it alone (which the store would
/// choose for `entry.path`) is not the part of the least tuple.
pub(crate) fn end(tuple: &str, part: &str) -> String {
    format!("tupleElement(materialize({tuple}), '{part}')")
}

/// The function that counts distinct visitors, with a combinator such as `State` or none. A sketch of 2^15 cells errs by 0.6 % (one
/// standard deviation, 1.04 / √cells) and stays in the processor's cache; `uniq` errs by 0.4 % and takes twice the time in a breakdown.
pub(crate) fn distinct(approximate: bool, combinator: &str) -> String {
    if approximate { format!("uniqCombined{combinator}(15)") } else { format!("uniqExact{combinator}") }
}
