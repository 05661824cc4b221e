//! Event figures from `events`.

use crate::{
    Group, Query, Scope, channel,
    dimension::{Stored, stored},
    sql::{Builder, Sql, distinct, grouped, label, predicate},
};

/// Sums: visitors, pageviews, events.
pub(super) fn statement(scope: Scope, query: &Query) -> Sql {
    let mut b = Builder::default();
    let condition = predicate::events(&mut b, scope, query);
    let pageviews = match query.cut {
        Some(cut) => format!("countIf(name = 'pageview' AND ts < {})", b.instant(cut)),
        None => "countIf(name = 'pageview')".to_owned(),
    };
    if let [Group::By(dimension)] = query.groups.as_slice()
        && stored(*dimension) == Stored::Channel
    {
        let (state, merge) = (distinct(query.approximate, "State"), distinct(query.approximate, "Merge"));
        let rows = format!("SELECT {}, visitor_id, name, ts FROM events\n  WHERE {condition}", channel::COMBINATION);
        let sums = format!("{state}(visitor_id) AS visitors, {pageviews} AS pageviews, count() AS events");
        let from = channel::combinations(&mut b, &sums, &rows);
        let label = channel::expression(&mut b, channel::Over::Combinations);
        let sums = [format!("{merge}(visitors)"), "sum(pageviews)".to_owned(), "sum(events)".to_owned()];
        let text = grouped(&mut b, query, &[label], &sums, &from);
        return b.finish(text);
    }
    let labels: Vec<String> = query.groups.iter().map(|group| label(&mut b, group, "ts")).collect();
    let sums = [format!("{}(visitor_id)", distinct(query.approximate, "")), pageviews, "count()".to_owned()];
    let text = grouped(&mut b, query, &labels, &sums, &format!("FROM events\nWHERE {condition}"));
    b.finish(text)
}

/// Pageviews and custom events in the range.
pub(super) fn count(scope: Scope, query: &Query) -> Sql {
    let mut b = Builder::default();
    let condition = predicate::events_in(&mut b, scope, query.range);
    b.finish(format!("SELECT count() FROM events\nWHERE {condition} AND name != 'engagement'"))
}

/// When the first event happened.
pub(super) fn first(scope: Scope) -> Sql {
    let mut b = Builder::default();
    let site = b.bind(crate::sql::Param::Site(scope.site().0));
    // In the order of the key, so that the first granule of each part is all that is read.
    b.finish(format!("SELECT toUnixTimestamp64Milli(session_start) FROM sessions\nWHERE site_id = {site}\nORDER BY session_start LIMIT 1"))
}
