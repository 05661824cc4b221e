//! Visit figures from `sessions`.

use crate::{
    Group, Query, Scope,
    dimension::{Stored, stored},
    sql::{Builder, Sql, Unsupported, grouped, label, predicate},
};

/// What one visit adds to each sum.
pub(super) const COUNT: &str = "1";
pub(super) const BOUNCED: &str = "pageviews <= 1 AND interactive = 0";
pub(super) const DURATION: &str = "toInt64(last) - toInt64(first)";
pub(super) const PAGEVIEWS: &str = "toInt64(pageviews)";

/// Sums: visits, bounces, milliseconds, pageviews.
pub(super) fn statement(scope: Scope, query: &Query) -> Result<Sql, Unsupported> {
    if query.groups.iter().any(|group| matches!(group, Group::By(d) if matches!(stored(*d), Stored::Event(_)))) {
        return Err(Unsupported("visit figures by page follow other rules".to_owned()));
    }
    if let Some(what) = predicate::mixes(query) {
        return Err(Unsupported(format!("visit figures do not go with {what} yet")));
    }
    let mut b = Builder::default();
    let condition = predicate::visits(&mut b, scope, query, query.range);
    let labels: Vec<String> = query.groups.iter().map(|group| label(&mut b, group, "session_start")).collect();
    let sums = [COUNT, BOUNCED, DURATION, PAGEVIEWS].map(|each| format!("sum({each})"));
    let text = grouped(&mut b, query, &labels, &sums, &format!("FROM sessions FINAL\nWHERE {condition}"));
    Ok(b.finish(text))
}
