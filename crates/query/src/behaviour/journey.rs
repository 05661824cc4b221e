//! Journeys: what visits do next after something, or did before it.

use crate::{
    Range, Scope,
    question::{Condition, condition::Predicates},
    sql::{Builder, Param, Sql},
};

/// Things of a journey at most, its start included.
pub const MOST_STEPS: u64 = 20;

/// Where journeys start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the visit's first thing.
    Entry,
    /// At its last thing, which makes sense backwards.
    Exit,
    /// At its first thing that is like this; its last one backwards.
    At(Condition),
}

/// Journeys of visits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// Where they start.
    pub start: Start,
    /// What came before, instead of what came next.
    pub backward: bool,
    /// Things after the start, 1 to [`MOST_STEPS`] - 1.
    pub steps: u64,
    /// What all events must be like.
    pub condition: Condition,
    /// Branches at most of each length, those with the most visits first.
    pub limit: u64,
}

/// Makes the statement for the events of a range. Each row is a branch: its labels are the things from the start on, and its sums how many visits went so far, and how many of
/// them went no further; the whole is how many visits were at the start.
///
/// A thing is a page (its label begins with `/`, as its path does) or an event (`!` and its name). The same thing several times in a row is one.
#[must_use]
pub fn statement(scope: Scope, range: Range, journey: &Journey) -> Sql {
    let mut b = Builder::default();
    let predicates = Predicates { scope, range };
    let events = predicates.events(&mut b, &journey.condition);
    let starts = match &journey.start {
        Start::Entry | Start::Exit => "1".to_owned(),
        Start::At(condition) => predicates.event(&mut b, condition),
    };
    let order = if journey.backward { "arrayReverse" } else { "" };
    let from = match (&journey.start, journey.backward) {
        (Start::Entry, false) | (Start::Exit, true) => "1",
        // From the other end there is nothing more to see.
        (Start::Entry, true) | (Start::Exit, false) => "length(things)",
        (Start::At(_), _) => "indexOf(starts, 1)",
    };
    let length = b.bind(Param::Int(i64::try_from(journey.steps).unwrap_or(0) + 1));
    let limit = b.bind(Param::Int(i64::try_from(journey.limit).unwrap_or(i64::MAX)));
    b.finish(format!(
        "SELECT labels, [visits, ended] AS sums, toUInt64(count() OVER ()) AS total, \
         [toInt64(sum(if(length(labels) = 1, visits, 0)) OVER ())] AS whole\nFROM (\n  \
         SELECT arraySlice(path, 1, far) AS labels, toInt64(count()) AS visits, toInt64(countIf(far = length(path) AND far < {length})) AS ended\n  FROM (\n    \
         SELECT arraySlice(arrayCompact(arraySlice(things, from)), 1, {length}) AS path, arrayJoin(range(1, length(path) + 1)) AS far\n    FROM (\n      \
         SELECT {order}(arraySort(groupArray((ts, offset, thing, is_start)))) AS sorted, sorted.3 AS things, sorted.4 AS starts, {from} AS from\n      FROM (\n        \
         SELECT session_id, ts, offset, if(name = 'pageview', toString(path), concat('!', toString(name))) AS thing, toUInt8({starts}) AS is_start\n        \
         FROM events WHERE {events}\n      )\n      GROUP BY session_id\n    )\n    WHERE from > 0\n  )\n  GROUP BY labels\n)\n\
         ORDER BY length(labels), visits DESC, labels\nLIMIT {limit} BY length(labels)"
    ))
}
