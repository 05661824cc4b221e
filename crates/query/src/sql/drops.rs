//! What became of the records of a domain: counted, a bot's, or dropped with a reason. Reports of engagement are among them, as they are dropped too.

use crate::{
    Range, Scope,
    sql::{Builder, Param, Sql},
};

/// Records of a range by bucket, drop reason and bot class. `starts` are those of the buckets, ascending. Labels are the bucket's start in milliseconds, the reason and
/// the class, both empty for what counts; the sum is the number of records. What was dropped has no class.
#[must_use]
pub fn fates(scope: Scope, range: Range, starts: &[i64]) -> Sql {
    let mut b = Builder::default();
    let starts = b.bind(Param::Ints(starts.to_vec()));
    let inside = inside(&mut b, scope, range, "ts");
    b.finish(format!(
        "SELECT [toString(bucket), reason, class] AS labels, [toInt64(number)] AS sums, toUInt64(count() OVER ()) AS total, emptyArrayInt64() AS whole\n\
         FROM (\n  SELECT roundDown(toUnixTimestamp64Milli(ts), {starts}) AS bucket, drop_reason AS reason, if(drop_reason = '', bot, '') AS class, count() AS number\n  \
         FROM events\n  WHERE {inside}\n  GROUP BY bucket, reason, class\n)\nORDER BY bucket, reason, class"
    ))
}

/// The newest dropped records of a range. Labels are the time in milliseconds, the event's name, host name, path and the reason.
#[must_use]
pub fn last_drops(scope: Scope, range: Range, limit: i64) -> Sql {
    let mut b = Builder::default();
    let inside = inside(&mut b, scope, range, "ts");
    let limit = b.int(limit);
    b.finish(format!(
        "SELECT [toString(toUnixTimestamp64Milli(ts)), toString(name), toString(hostname), toString(path), drop_reason] AS labels, emptyArrayInt64() AS sums, \
         toUInt64(1) AS total, emptyArrayInt64() AS whole\nFROM drops\nWHERE {inside}\nORDER BY ts DESC, offset DESC LIMIT {limit}"
    ))
}

/// The newest records of a domain that are in no row. Labels are the time of their burial in milliseconds and the reason, sums their position in the log: log, generation,
/// partition and offset.
#[must_use]
pub fn last_dead_letters(scope: Scope, range: Range, limit: i64) -> Sql {
    let mut b = Builder::default();
    let inside = inside(&mut b, scope, range, "created");
    let limit = b.int(limit);
    b.finish(format!(
        "SELECT [toString(toUnixTimestamp64Milli(created)), toString(reason)] AS labels, [toInt64(log), toInt64(generation), toInt64(partition), toInt64(offset)] AS sums, \
         toUInt64(count() OVER ()) AS total, emptyArrayInt64() AS whole\nFROM dead_letters FINAL\nWHERE {inside}\nORDER BY created DESC, offset DESC LIMIT {limit}"
    ))
}

fn inside(b: &mut Builder, scope: Scope, range: Range, time: &str) -> String {
    let site = b.bind(Param::Site(scope.site().0));
    let (from, to) = (b.instant(range.from), b.instant(range.to));
    format!("site_id = {site} AND {time} >= {from} AND {time} < {to}")
}
