//! Event figures by what a visit is: its first-touch attributes, its channel, its entry and exit page.
//!
//! There are several times as many events as visits, so the visits answer, and the events near the edges of the range correct them. Let a visit
//! *belong* if it began in the range. All visitors and pageviews of the visits that belong are counted first. Then each event
//! - inside the range, of a visit that does not belong, adds its visitor and its pageview;
//! - outside the range, of a visit that belongs, takes its pageview away again (its visitor has another event inside: the first one).
//!
//! A visit reaches from a little before its start to a day after it, so such events lie near an edge, and no other part of `events` is
//! read. Where pageviews end earlier than the range ([`Query::cut`]), that is one more edge.

use footfall_model::report::Dimension;

use crate::{
    Group, Query, Range, Scope, channel,
    dimension::{Stored, stored},
    range::{DAY_MS, HOUR_MS},
    sql::{Builder, Sql, Unsupported, distinct, end, grouped, predicate, visits},
};

/// A visit lasts at most 24 h after its start; rounded up.
pub(crate) const AFTER_MS: i64 = DAY_MS + HOUR_MS;
/// A visit may hold events up to 30 minutes before its start; rounded up.
pub(crate) const BEFORE_MS: i64 = HOUR_MS;

/// The dimension of a question that visits can answer.
pub(super) fn dimension(query: &Query) -> Option<Dimension> {
    let [Group::By(dimension)] = query.groups.as_slice() else { return None };
    let of_events = matches!(stored(*dimension), Stored::Event(_)) || predicate::mixes(query).is_some();
    (!of_events).then_some(*dimension)
}

/// What rows of visits and of events are selected by.
struct Columns {
    /// From `sessions`.
    of_visits: String,
    /// From `events`; none where only the visit knows.
    of_events: Option<String>,
}

fn columns(dimension: Dimension) -> Result<Columns, Unsupported> {
    Ok(match stored(dimension) {
        Stored::Visit(column) => {
            let label = format!("{column} AS label");
            Columns { of_visits: label.clone(), of_events: Some(label) }
        }
        Stored::End(tuple) => Columns { of_visits: format!("{} AS label", end(tuple, "path")), of_events: None },
        Stored::Channel => Columns { of_visits: channel::COMBINATION.to_owned(), of_events: Some(channel::COMBINATION.to_owned()) },
        Stored::Event(_) => return Err(Unsupported("a page is no attribute of a visit".to_owned())),
    })
}

/// Sums: visitors, pageviews, and pageviews again in the place of events.
pub(super) fn statement(scope: Scope, query: &Query, dimension: Dimension) -> Result<Sql, Unsupported> {
    let columns = columns(dimension)?;
    let mut b = Builder::default();
    let belonging = predicate::visits(&mut b, scope, query, query.range);
    let of_visits =
        format!("SELECT {}, visitor_id, toInt64(pageviews) AS pageviews FROM sessions FINAL\n  WHERE {belonging}", columns.of_visits);
    let of_events = match &columns.of_events {
        Some(of_events) => near(&mut b, scope, query, of_events),
        None => joined(&mut b, scope, query, &columns.of_visits),
    };
    let rows = format!("\n  {of_visits}\n  UNION ALL\n  {of_events}\n");
    if stored(dimension) == Stored::Channel {
        let (state, merge) = (distinct(query.approximate, "State"), distinct(query.approximate, "Merge"));
        let sums = format!("{state}(visitor_id) AS visitors, sum(pageviews) AS pageviews");
        let combined = channel::combinations(&mut b, &sums, &rows);
        let label = channel::expression(&mut b, channel::Over::Combinations);
        let sums = [format!("{merge}(visitors)"), "sum(pageviews)".to_owned(), "sum(pageviews)".to_owned()];
        let text = grouped(&mut b, query, &[label], &sums, &combined);
        return Ok(b.finish(text));
    }
    let sums = [format!("{}(visitor_id)", distinct(query.approximate, "")), "sum(pageviews)".to_owned(), "sum(pageviews)".to_owned()];
    let text = grouped(&mut b, query, &["label".to_owned()], &sums, &format!("FROM ({rows})"));
    Ok(b.finish(text))
}

/// Figures of events and of visits without groups, from one look at the visits.
pub(super) fn overview(scope: Scope, query: &Query) -> Result<Sql, Unsupported> {
    if !query.groups.is_empty() {
        return Err(Unsupported("the overview has no groups".to_owned()));
    }
    if let Some(what) = predicate::mixes(query) {
        return Err(Unsupported(format!("the overview does not go with {what}")));
    }
    let mut b = Builder::default();
    let belonging = predicate::visits(&mut b, scope, query, query.range);
    let of_visits = format!(
        "SELECT {}, visitor_id, toInt64(pageviews) AS pageviews FROM sessions FINAL\n  WHERE {belonging}",
        [visits::COUNT, visits::BOUNCED, visits::DURATION, visits::PAGEVIEWS]
            .iter()
            .zip(["visits", "bounces", "duration", "of_visits"])
            .map(|(sum, name)| format!("{sum} AS {name}"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let of_events = near(&mut b, scope, query, "0 AS visits, 0 AS bounces, 0 AS duration, 0 AS of_visits");
    let rows = format!("FROM (\n  {of_visits}\n  UNION ALL\n  {of_events}\n)");
    let sums = [
        format!("{}(visitor_id)", distinct(query.approximate, "")),
        "sum(pageviews)".to_owned(),
        "sum(visits)".to_owned(),
        "sum(bounces)".to_owned(),
        "sum(duration)".to_owned(),
        "sum(of_visits)".to_owned(),
    ];
    let text = grouped(&mut b, query, &[], &sums, &rows);
    Ok(b.finish(text))
}

/// The events that correct, with what they are worth.
fn near(b: &mut Builder, scope: Scope, query: &Query, columns: &str) -> String {
    let Range { from, to } = query.range;
    let cut = query.cut.unwrap_or(to).clamp(from, to);
    let counted = predicate::counted_events(b, scope, query);
    let (first, end, last) = (b.instant(from), b.instant(to), b.instant(cut));
    let (near_first, past_first) = (b.instant(from - BEFORE_MS), b.instant(from + AFTER_MS));
    let (near_last, past_end) = (b.instant(cut - BEFORE_MS), b.instant(to + AFTER_MS));
    let belongs = format!("(session_start >= {first} AND session_start < {end})");
    let viewed = format!("(ts >= {first} AND ts < {last})");
    format!(
        "SELECT {columns}, visitor_id, if(name = 'pageview', toInt64({viewed}) - toInt64({belongs}), 0) AS pageviews FROM events\n  \
         WHERE {counted} AND ((ts >= {near_first} AND ts < {past_first}) OR (ts >= {near_last} AND ts < {past_end}))\n    \
         AND ({belongs} OR (ts >= {first} AND ts < {end})) AND NOT ({belongs} AND {viewed})"
    )
}

/// The same where the label is known to `sessions` only: those near the edges.
fn joined(b: &mut Builder, scope: Scope, query: &Query, label: &str) -> String {
    let Range { from, to } = query.range;
    let cut = query.cut.unwrap_or(to).clamp(from, to);
    let events = near(b, scope, query, "session_id");
    let visits = predicate::visits(b, scope, query, Range::new(from - AFTER_MS, to + AFTER_MS));
    let (past_first, near_last) = (b.instant(from + AFTER_MS), b.instant(cut - AFTER_MS));
    format!(
        "SELECT known.label AS label, near.visitor_id AS visitor_id, near.pageviews AS pageviews FROM (\n    {events}\n  ) AS near INNER JOIN (\n    \
         SELECT session_id, {label} FROM sessions FINAL\n    WHERE {visits} AND (session_start < {past_first} OR session_start >= {near_last})\n  \
         ) AS known ON near.session_id = known.session_id"
    )
}
