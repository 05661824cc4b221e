//! A domain as a whole.

use crate::{
    Range, Scope,
    sql::{Builder, Param, Sql},
};

/// Pageviews and custom events in the range, those that do not count too: decides whether visitors are counted exactly. Answers one `UInt64`.
#[must_use]
pub fn event_count(scope: Scope, range: Range) -> Sql {
    let mut b = Builder::default();
    let inside = inside(&mut b, scope, range);
    b.finish(format!("SELECT count() FROM events\nWHERE {inside}"))
}

/// Pageviews and custom events of a range that figures leave out, or came late. Sums are those that count, those of bots, those that were dropped with a
/// reason, and those that count but reached the log more than a minute after they happened (imports apart).
#[must_use]
pub fn left_out(scope: Scope, range: Range) -> Sql {
    let mut b = Builder::default();
    let inside = inside(&mut b, scope, range);
    b.finish(format!(
        "SELECT emptyArrayString() AS labels, arrayMap(number -> toInt64(number), [countIf(drop_reason = '' AND bot = ''), \
         countIf(drop_reason = '' AND bot != ''), countIf(drop_reason != ''), countIf(drop_reason = '' AND bot = '' AND log = 0 AND append_delay_s > 60)]) AS sums, \
         toUInt64(1) AS total, emptyArrayInt64() AS whole\nFROM events\nWHERE {inside}"
    ))
}

/// The time of the first event that counts, in milliseconds. Answers one `Int64`, or no row without such an event.
#[must_use]
pub fn first_event(scope: Scope) -> Sql {
    let mut b = Builder::default();
    let site = b.bind(Param::Site(scope.site().0));
    // In the order of the key, so that the first granule of each part is all that is read.
    b.finish(format!("SELECT toUnixTimestamp64Milli(session_start) FROM sessions\nWHERE site_id = {site}\nORDER BY session_start LIMIT 1"))
}

fn inside(b: &mut Builder, scope: Scope, range: Range) -> String {
    let site = b.bind(Param::Site(scope.site().0));
    let (from, to) = (b.instant(range.from), b.instant(range.to));
    format!("site_id = {site} AND ts >= {from} AND ts < {to} AND name != 'engagement'")
}
