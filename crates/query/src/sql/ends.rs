//! Event figures by the ends of visits: `entry_page`, `exit_page`.
//!
//! A visit inside the range gives its visitor and all its pageviews. A visit that crosses an edge gives its visitor if at least one of its
//! events lies inside, and the pageviews that do: these few are read from `events`, within a visit's greatest length of the edge.

use crate::{
    Group, Query, Range, Scope,
    dimension::{Stored, stored},
    range::{DAY_MS, HOUR_MS},
    sql::{Builder, Param, Sql, Unsupported, distinct, end_page, grouped, predicate},
};

/// A visit lasts at most 24 h after its start, and may hold events up to 30 minutes before it; rounded up.
const REACH_MS: i64 = DAY_MS + HOUR_MS;

/// Sums: visitors, pageviews, and pageviews again in the place of events.
pub(super) fn statement(scope: Scope, query: &Query) -> Result<Sql, Unsupported> {
    let [Group::By(dimension)] = query.groups.as_slice() else {
        return Err(Unsupported("entry and exit pages do not go with other groups yet".to_owned()));
    };
    let Stored::End(end) = stored(*dimension) else {
        return Err(Unsupported("not an end of a visit".to_owned()));
    };
    if let Some(what) = predicate::mixes(query) {
        return Err(Unsupported(format!("entry and exit pages do not go with {what} yet")));
    }
    let mut b = Builder::default();
    let Range { from, to } = query.range;
    let (from_ms, to_ms) = (b.bind(Param::Int(from)), b.bind(Param::Int(to)));
    let began = predicate::visits(&mut b, scope, query, Range::new(from - REACH_MS, to + REACH_MS));
    let (near_from, near_to) = (b.instant(from + REACH_MS), b.instant(to - REACH_MS));
    let page = end_page(end);
    let columns = format!(
        "session_id, visitor_id, {page} AS label, pageviews, toUnixTimestamp64Milli(session_start) + first AS begins, toUnixTimestamp64Milli(session_start) + last AS ends"
    );
    let inside = format!(
        "SELECT label, visitor_id, toUInt64(pageviews) AS pageviews FROM (\n  SELECT {columns} FROM sessions FINAL WHERE {began}\n) WHERE begins >= {from_ms} AND ends < {to_ms}"
    );
    let crossing = format!(
        "SELECT session_id, label FROM (\n  SELECT {columns} FROM sessions FINAL WHERE {began} AND (session_start < {near_from} OR session_start >= {near_to})\n) WHERE (begins < {from_ms} AND ends >= {from_ms}) OR (begins < {to_ms} AND ends >= {to_ms})"
    );
    let events = predicate::events(&mut b, scope, query);
    let cut = format!(
        "SELECT crossing.label AS label, inside.visitor_id AS visitor_id, inside.pageviews AS pageviews FROM (\n  SELECT session_id, any(visitor_id) AS visitor_id, countIf(name = 'pageview') AS pageviews FROM events\n  WHERE {events} AND (ts < {near_from} OR ts >= {near_to}) AND session_id IN (SELECT session_id FROM ({crossing}))\n  GROUP BY session_id\n) AS inside INNER JOIN ({crossing}) AS crossing ON inside.session_id = crossing.session_id"
    );
    let visitors = distinct(query.approximate);
    let sums = [format!("{visitors}(visitor_id)"), "sum(pageviews)".to_owned(), "sum(pageviews)".to_owned()];
    let text = grouped(&mut b, query, &["label".to_owned()], &sums, &format!("FROM (\n{inside}\nUNION ALL\n{cut}\n)"));
    Ok(b.finish(text))
}
