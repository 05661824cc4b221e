//! Figures of whole UTC days, so that a report over many days need not read their rows: `footfall_query::question::days` says what they mean.
//!
//! `day_changes` counts, beside each insert, the rows that touch a day: any day that their visit may have events on, as these bear its entry and exit
//! page. It only ever grows. A working out of a day stands in `day_figures`, and then in `rolled_days` with the number that the day's changes had
//! before; it holds as long as they have it still. So an event that comes late, an import or a deletion needs to tell nobody.

use footfall_model::SiteId;
use footfall_query::range::DAY_MS;

use super::{Flavour, SITE};

/// A visit may hold events up to 30 minutes before its start; after it, up to 24 hours.
const BEFORE_MS: i64 = 1_800_000;

/// What touched a day.
#[must_use]
pub fn changes(flavour: &Flavour) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS day_changes{on} (
    site_id {SITE},
    day UInt32,
    changes SimpleAggregateFunction(sum, UInt64),
    events SimpleAggregateFunction(sum, UInt64),
    latest SimpleAggregateFunction(max, DateTime)
)
ENGINE = {engine}
ORDER BY (site_id, day)
SETTINGS {settings}",
        on = flavour.on_cluster(),
        engine = flavour.engine("Aggregating"),
        settings = flavour.settings(),
    )
}

/// Rows of `events` as changes: `events` counts those that figures may count, on the day of their own time.
fn select(condition: &str) -> String {
    format!(
        "SELECT site_id, toUInt32(touched) AS day, sum(n) AS changes, sumIf(counted, touched = on_day) AS events, now() AS latest
FROM (
    SELECT site_id, intDiv(toUnixTimestamp64Milli(ts), {DAY_MS}) AS on_day, intDiv(toUnixTimestamp64Milli(ts) - since_start, {DAY_MS}) AS began_on,
        intDiv(toUnixTimestamp64Milli(ts) - since_start - {BEFORE_MS}, {DAY_MS}) AS first_day, count() AS n, countIf(name != 'engagement' AND drop_reason = '') AS counted
    FROM events
    WHERE {condition}
    GROUP BY site_id, on_day, began_on, first_day
)
ARRAY JOIN arrayDistinct([on_day, first_day, began_on, began_on + 1]) AS touched
GROUP BY site_id, day"
    )
}

/// The materialised view.
#[must_use]
pub fn view(flavour: &Flavour) -> String {
    format!("CREATE MATERIALIZED VIEW IF NOT EXISTS day_changes_of_events{} TO day_changes AS\n{}", flavour.on_cluster(), select("1"))
}

/// Counts the rows that meet a condition as changes once more, and as events: too many events only make visitors an estimate a little earlier.
pub(crate) fn push(condition: &str) -> String {
    format!("INSERT INTO day_changes (site_id, day, changes, events, latest)\n{}", select(condition))
}

/// Counts one change of all days of a domain.
pub(crate) fn touch(site: SiteId) -> String {
    format!(
        "INSERT INTO day_changes (site_id, day, changes, events, latest)\n\
         SELECT site_id, day, 1, 0, now() FROM day_changes WHERE site_id = toUUID('{site}') GROUP BY site_id, day"
    )
}

/// Which days are worked out, and how many rows of figures they have: those may arrive later at a replica.
#[must_use]
pub fn rolled(flavour: &Flavour) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS rolled_days{on} (
    site_id {SITE},
    day UInt32,
    changed UInt64,
    recipe Int64,
    build Int64,
    figures UInt64
)
ENGINE = {engine}
ORDER BY (site_id, day)
SETTINGS {settings}",
        on = flavour.on_cluster(),
        engine = flavour.engine(""),
        settings = flavour.settings(),
    )
}

/// The figures: of all (an empty kind), and by the values of dimensions. `visitors` are those that do not cross midnight. Of pages, `visits` are those
/// with an event on it that do not either, and `based` those that entered on it, which `bounces`, `duration` and `views` are of.
#[must_use]
pub fn figures(flavour: &Flavour) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS day_figures{on} (
    site_id {SITE},
    kind LowCardinality(String) CODEC(ZSTD(1)),
    day UInt32 CODEC(ZSTD(1)),
    build Int64 CODEC(ZSTD(1)),
    value String CODEC(ZSTD(1)),
    visitors UInt64 CODEC(T64, ZSTD(1)),
    crossing Array(UInt64) CODEC(ZSTD(1)),
    pageviews UInt64 CODEC(T64, ZSTD(1)),
    events UInt64 CODEC(T64, ZSTD(1)),
    visits UInt64 CODEC(T64, ZSTD(1)),
    crossing_visits Array(UInt64) CODEC(ZSTD(1)),
    based UInt64 CODEC(T64, ZSTD(1)),
    bounces UInt64 CODEC(T64, ZSTD(1)),
    duration Int64 CODEC(T64, ZSTD(1)),
    views Int64 CODEC(T64, ZSTD(1))
)
ENGINE = {engine}
PARTITION BY intDiv(day, 31)
ORDER BY (site_id, kind, day, build, value)
SETTINGS {settings}",
        on = flavour.on_cluster(),
        engine = flavour.engine(""),
        settings = flavour.settings(),
    )
}
