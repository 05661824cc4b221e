//! `events` and its view `drops`. What the columns mean: [`crate::row`] and `wire`; measured sizes: `docs/adr/0006-narrow-rows.md`.
//!
//! Codecs were chosen by measuring, in the table's order: times and offsets are near noise in a small range, so `T64('bit')` saves up to a sixth
//! and reads faster than `Delta`; dictionaries halve paths, titles and referrers, which repeat even where there are many.

use super::{Flavour, LOW, RARE, SITE, first_touch};
use crate::{
    row::{VISIT_ID_FACTOR, VISIT_ID_IMPORT},
    wire::IMPORT_EPOCH_S,
};

/// The expression of [`crate::visit_id`] over columns.
fn visit_id(visitor: &str, start_ms: &str) -> String {
    format!(
        "bitXor(bitXor(bitXor({visitor}, visit_key), if(log = 1, toUInt64({VISIT_ID_IMPORT}), toUInt64(0))), toUInt64({start_ms}) * toUInt64({VISIT_ID_FACTOR}))"
    )
}

/// The visitor's id from the visit's: the same expression, as XOR undoes itself.
pub(super) fn visitor_id() -> String {
    visit_id("session_id", "toUnixTimestamp64Milli(session_start)")
}

/// The table.
#[must_use]
pub fn table(flavour: &Flavour) -> String {
    let session_id = visit_id("visitor_id", "toUnixTimestamp64Milli(ts) - since_start");
    format!(
        "CREATE TABLE IF NOT EXISTS events{on} (
    site_id {SITE},
    ts DateTime64(3, 'UTC') CODEC(T64('bit'), ZSTD(1)),
    name {LOW},
    visitor_id UInt64 CODEC(ZSTD(1)),
    since_start Int32 CODEC(T64('bit'), ZSTD(1)),
    visit_pageviews UInt32 CODEC(T64, ZSTD(1)),
    visit_interactive UInt8 CODEC(ZSTD(1)),
    visit_key UInt64 CODEC(ZSTD(1)),
    alias String CODEC(ZSTD(1)),
    hostname {LOW},
    path {LOW},
    title {LOW},
{first_touch}    city UInt32 CODEC(ZSTD(1)),
    interactive UInt8 CODEC(ZSTD(1)),
    engagement_ms UInt32 CODEC(T64, ZSTD(1)),
    scroll_depth UInt8 CODEC(ZSTD(1)),
    user_id UInt64 CODEC(ZSTD(1)),
    props Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    revenue_milli Int64 CODEC(ZSTD(1)),
    currency {RARE},
    bot {RARE},
    drop_reason {RARE},
    import_id UUID CODEC(ZSTD(1)),
    h3 UInt64 CODEC(ZSTD(1)),
    event_id UInt64 CODEC(ZSTD(1)),
    id_given UInt8 CODEC(ZSTD(1)),
    append_delay_s Int32 CODEC(T64('bit'), ZSTD(1)),
    log UInt8 CODEC(ZSTD(1)),
    generation UInt32 CODEC(ZSTD(1)),
    partition UInt32 CODEC(ZSTD(1)),
    offset UInt64 CODEC(T64('bit'), ZSTD(1)),
    rebuild_back UInt64 CODEC(ZSTD(1)),
    session_start DateTime64(3, 'UTC') ALIAS ts - toIntervalMillisecond(since_start),
    session_id UInt64 ALIAS {session_id},
    appended_s Int64 ALIAS if(log = 1, toInt64({IMPORT_EPOCH_S}), intDiv(toUnixTimestamp64Milli(ts), 1000)) + append_delay_s,
    INDEX ts_range ts TYPE minmax GRANULARITY 1,
    INDEX offset_range offset TYPE minmax GRANULARITY 1,
    CONSTRAINT ts_is_sane CHECK ts >= toDateTime64('1999-12-31 00:00:00', 3, 'UTC') AND ts < toDateTime64('2150-01-01 00:00:00', 3, 'UTC')
)
ENGINE = {engine}
PARTITION BY toYYYYMM(ts)
ORDER BY (site_id, toDate(ts), name, visitor_id, ts)
SETTINGS {settings}",
        on = flavour.on_cluster(),
        first_touch = first_touch(|name, kind| format!("    {name} {kind},")),
        engine = flavour.engine(""),
        settings = flavour.settings(),
    )
}

/// `ts`, which every report over rows reads, without a second compression: it takes a twentieth more room and half the time to read. Rows that
/// are there get it when they are merged.
#[must_use]
pub fn quick_times(flavour: &Flavour) -> String {
    format!("ALTER TABLE events{} MODIFY COLUMN ts DateTime64(3, 'UTC') CODEC(T64)", flavour.on_cluster())
}

/// The rows that do not count, and why.
#[must_use]
pub fn drops(flavour: &Flavour) -> String {
    format!(
        "CREATE VIEW IF NOT EXISTS drops{} AS
SELECT site_id, ts, name, hostname, path, drop_reason, import_id, appended_s, log, generation, partition, offset
FROM events
WHERE drop_reason != ''",
        flavour.on_cluster()
    )
}
