//! Conditions on rows.

use crate::{
    Query, Range, Scope,
    dimension::{Stored, stored},
    filter::{Filter, Op},
    sql::{Builder, Param, column},
};

/// Events that count, inside the range.
pub(super) fn events(b: &mut Builder, scope: Scope, query: &Query) -> String {
    let counted = counted_events(b, scope, query);
    let (from, to) = (b.instant(query.range.from), b.instant(query.range.to));
    format!("{counted} AND ts >= {from} AND ts < {to}")
}

/// Events that count, whenever they happened.
pub(super) fn counted_events(b: &mut Builder, scope: Scope, query: &Query) -> String {
    let site = b.bind(Param::Site(scope.site().0));
    let mut text = format!("site_id = {site} AND name != 'engagement' AND drop_reason = '' AND bot = ''");
    for filter in &query.filters {
        text.push_str(" AND ");
        text.push_str(&on(b, filter));
    }
    text
}

/// All rows of `events` inside a range.
pub(super) fn events_in(b: &mut Builder, scope: Scope, range: Range) -> String {
    let site = b.bind(Param::Site(scope.site().0));
    let (from, to) = (b.instant(range.from), b.instant(range.to));
    format!("site_id = {site} AND ts >= {from} AND ts < {to}")
}

/// Visits that count, begun inside a range.
pub(super) fn visits(b: &mut Builder, scope: Scope, query: &Query, begun: Range) -> String {
    let site = b.bind(Param::Site(scope.site().0));
    let (from, to) = (b.instant(begun.from), b.instant(begun.to));
    let mut text = format!("site_id = {site} AND session_start >= {from} AND session_start < {to} AND bot = ''");
    for filter in &query.filters {
        text.push_str(" AND ");
        text.push_str(&on(b, filter));
    }
    text
}

fn on(b: &mut Builder, filter: &Filter) -> String {
    let value = column(b, filter.dimension);
    let values = b.bind(Param::Texts(filter.values.clone()));
    let not = match filter.op {
        Op::Is => "",
        Op::IsNot => "NOT ",
    };
    format!("{not}has({values}, {value})")
}

/// Whether any filter looks at what only events, or only whole visits, know.
pub(super) fn mixes(query: &Query) -> Option<&'static str> {
    query.filters.iter().find_map(|filter| match stored(filter.dimension) {
        Stored::Event(_) => Some("a page filter"),
        Stored::End(_) => Some("a filter on entry or exit pages"),
        Stored::Visit(_) | Stored::Channel => None,
    })
}
