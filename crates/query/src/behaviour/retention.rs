//! Retention: who comes back.

use crate::{
    Range, Scope,
    question::{Condition, condition::Predicates},
    sql::{Builder, Param, Sql},
};

/// By what a person is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By the user id that the site declares.
    User,
    /// By the visitor id, which lives for a UTC day: who comes back within it.
    Visitor,
}

/// Retention of one domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// When the events lie that are looked at.
    pub range: Range,
    /// Starts of the periods, in ascending order; the first is that of the range.
    pub starts: Vec<i64>,
    /// By what people are known again.
    pub identity: Identity,
    /// What events must be like.
    pub condition: Condition,
}

/// Makes the statement.
///
/// By user: a row has the number of a period (from 0) and of a later one counted from it (0 is itself), and how many of those whose first event in
/// the range lies in the period have one in the later. By visitor: a row has the number of a period, and how many visitors had an event in it, and how many of
/// them more than one visit.
#[must_use]
pub fn statement(scope: Scope, retention: &Retention) -> Sql {
    let mut b = Builder::default();
    let events = Predicates { scope, range: retention.range }.events(&mut b, &retention.condition);
    let starts = b.bind(Param::Ints(retention.starts.clone()));
    let period = format!("arrayCount(start -> start <= toUnixTimestamp64Milli(ts), {starts}) - 1");
    let head = "toUInt64(count() OVER ()) AS total, emptyArrayInt64() AS whole";
    let text = match retention.identity {
        Identity::User => format!(
            "SELECT [toString(cohort), toString(later)] AS labels, [toInt64(count())] AS sums, {head}\nFROM (\n  \
             SELECT arrayMin(seen) AS cohort, arrayJoin(seen) - cohort AS later\n  FROM (\n    SELECT groupUniqArray({period}) AS seen FROM events\n    \
             WHERE {events} AND user_id != 0\n    GROUP BY user_id\n  )\n)\nGROUP BY cohort, later\nORDER BY cohort, later"
        ),
        Identity::Visitor => format!(
            "SELECT [toString(period)] AS labels, [toInt64(count()), toInt64(countIf(visits > 1))] AS sums, {head}\nFROM (\n  \
             SELECT {period} AS period, visitor_id, uniqExact(session_id) AS visits FROM events\n  WHERE {events}\n  GROUP BY period, visitor_id\n)\n\
             GROUP BY period\nORDER BY period"
        ),
    };
    b.finish(text)
}

/// Whether anybody has a user id in the range: one row with 1 or 0.
#[must_use]
pub fn has_users(scope: Scope, range: Range, condition: &Condition) -> Sql {
    let mut b = Builder::default();
    let events = Predicates { scope, range }.events(&mut b, condition);
    b.finish(format!(
        "SELECT emptyArrayString() AS labels, [toInt64(count())] AS sums, toUInt64(1) AS total, emptyArrayInt64() AS whole\n\
         FROM (SELECT 1 FROM events WHERE {events} AND user_id != 0 LIMIT 1)"
    ))
}
