//! `sessions`: one row per visit once merged, and `FINAL` merges while it reads.
//!
//! Each counted row that is not an engagement writes the state of its visit after it. All states are idempotent: the least and greatest of
//! times, the greatest of running counters, the least and greatest (time, pageviews so far, page). So a row that comes twice changes nothing, and an interrupted
//! insert can be pushed again. Times are milliseconds after the start, which is part of the key: small numbers that hardly cost space.
//!
//! First-touch columns are the same in all rows of a visit, so `any` is exact. A visit with one bot event is a bot's.

use super::{Flavour, RARE, SITE, events::visitor_id, first_touch};
use crate::row::TEXTS;

/// First or last pageview: the order of its fields is the order that decides. At equal times the running number of the visit's pageviews
/// does, which is their order in the log.
const END: &str = "Tuple(at Int32, views UInt32, path String, hostname String)";

/// The table.
#[must_use]
pub fn table(flavour: &Flavour) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS sessions{on} (
    site_id {SITE},
    session_start DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    session_id UInt64 CODEC(ZSTD(1)),
    visit_key SimpleAggregateFunction(any, UInt64) CODEC(ZSTD(1)),
    log SimpleAggregateFunction(any, UInt8) CODEC(ZSTD(1)),
    first SimpleAggregateFunction(min, Int32) CODEC(ZSTD(1)),
    last SimpleAggregateFunction(max, Int32) CODEC(ZSTD(1)),
    pageviews SimpleAggregateFunction(max, UInt32) CODEC(ZSTD(1)),
    interactive SimpleAggregateFunction(max, UInt8) CODEC(ZSTD(1)),
    entry SimpleAggregateFunction(min, {END}) CODEC(ZSTD(1)),
    exit SimpleAggregateFunction(max, {END}) CODEC(ZSTD(1)),
{first_touch}    city SimpleAggregateFunction(any, UInt32) CODEC(ZSTD(1)),
    bot {bot},
    import_id SimpleAggregateFunction(any, UUID) CODEC(ZSTD(1)),
    visitor_id UInt64 ALIAS {visitor_id}
)
ENGINE = {engine}
PARTITION BY toYYYYMM(session_start)
ORDER BY (site_id, session_start, session_id)
SETTINGS {settings}",
        on = flavour.on_cluster(),
        first_touch = first_touch(|name, kind| format!("    {name} {},", aggregate("any", kind))),
        bot = aggregate("max", RARE),
        visitor_id = visitor_id(),
        engine = flavour.engine("Aggregating"),
        settings = flavour.settings(),
    )
}

/// The column type of which merges keep one value.
fn aggregate(function: &str, kind: &str) -> String {
    format!("SimpleAggregateFunction({function}, {}", kind.replace(" CODEC", ") CODEC"))
}

/// What one row of `events` says about its visit.
fn select() -> String {
    format!(
        "SELECT site_id, session_start, session_id, visit_key, log,
    since_start AS first, since_start AS last, visit_pageviews AS pageviews, visit_interactive AS interactive,
    CAST(if(name = 'pageview', (since_start, visit_pageviews, path, hostname), (2147483647, 4294967295, '', '')), '{END}') AS entry,
    CAST(if(name = 'pageview', (since_start, visit_pageviews, path, hostname), (-2147483648, 0, '', '')), '{END}') AS exit,
    {}, city, bot, import_id
FROM events
WHERE drop_reason = '' AND name != 'engagement'",
        TEXTS.join(", ")
    )
}

/// The materialised view.
#[must_use]
pub fn view(flavour: &Flavour) -> String {
    format!("CREATE MATERIALIZED VIEW IF NOT EXISTS sessions_of_events{} TO sessions AS\n{}", flavour.on_cluster(), select())
}

/// Pushes the rows that meet a condition again.
pub(crate) fn push(condition: &str) -> String {
    format!(
        "INSERT INTO sessions (site_id, session_start, session_id, visit_key, log, first, last, pageviews, interactive, entry, exit, {}, city, bot, import_id)\n{} AND {condition}",
        TEXTS.join(", "),
        select()
    )
}
