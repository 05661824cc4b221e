//! How a row of `events` is packed. The names here are the columns; [`crate::ddl`] has their types and codecs.
//!
//! | column | is |
//! |---|---|
//! | `since_start` | `ts` − start of the visit: small, where the start itself would be a second random time |
//! | `append_delay_s` | live: seconds from the event to its append, both rounded down, nearly always 0; imports: seconds since [`IMPORT_EPOCH_S`], as
//! many events that happened at many times are appended in one second |
//! | `rebuild_back`, `event_id` | only where they are ever asked for: the last row of an insert, and ids that may come again |
//!
//! `session_id`, `session_start` and `appended_s` are computed by the table from these.

use std::collections::BTreeMap;

use bytes::Bytes;
use footfall_model::LogName;
use uuid::Uuid;

use crate::{
    EventRow,
    native::{self, Millis, Values},
};

/// Rows per block: enough that a dictionary is worth its while, and few enough that little is held twice while it is made.
const BLOCK_ROWS: usize = 8_192;
/// A row's bytes, roughly.
const ROW_BYTES: usize = 300;

/// The columns in their order, and how a block of them is made.
macro_rules! columns {
    ($lifetime:lifetime; $($name:ident: $kind:ty,)*) => {
        /// One row as it is sent, borrowing everything.
        pub(crate) struct EventWire<$lifetime> {
            $($name: $kind,)*
        }

        impl<$lifetime> EventWire<$lifetime> {
            /// Names and types as they are sent.
            pub(crate) const COLUMNS: [(&'static str, &'static str); [$(stringify!($name)),*].len()] =
                [$((stringify!($name), <$kind as Values>::TYPE)),*];
        }

        fn block<$lifetime>(rows: &[EventWire<$lifetime>]) -> Vec<u8> {
            let mut block = Vec::with_capacity(rows.len() * ROW_BYTES);
            native::put_head(EventWire::COLUMNS.len(), rows.len(), &mut block);
            $(native::put_column::<$kind>(stringify!($name), rows.iter().map(|row| &row.$name), &mut block);)*
            block
        }
    };
}

columns! {
    'a;
    site_id: Uuid,
    ts: Millis,
    name: &'a str,
    visitor_id: u64,
    since_start: i32,
    visit_pageviews: u32,
    visit_interactive: u8,
    visit_key: u64,
    alias: &'a str,
    hostname: &'a str,
    path: &'a str,
    title: &'a str,
    referrer: &'a str,
    source: &'a str,
    utm_source: &'a str,
    utm_medium: &'a str,
    utm_campaign: &'a str,
    utm_content: &'a str,
    utm_term: &'a str,
    click_id: &'a str,
    browser: &'a str,
    browser_version: &'a str,
    os: &'a str,
    os_version: &'a str,
    device: &'a str,
    screen: &'a str,
    country: &'a str,
    region: &'a str,
    language: &'a str,
    city: u32,
    interactive: u8,
    engagement_ms: u32,
    scroll_depth: u8,
    user_id: u64,
    props: &'a BTreeMap<String, String>,
    revenue_milli: i64,
    currency: &'a str,
    bot: &'a str,
    drop_reason: &'a str,
    import_id: Uuid,
    h3: u64,
    event_id: u64,
    id_given: u8,
    append_delay_s: i32,
    log: u8,
    generation: u32,
    partition: u32,
    offset: u64,
    rebuild_back: u64,
}

impl<'a> EventWire<'a> {
    /// Packs a row; `last` for the last one of its insert.
    pub(crate) fn of(row: &'a EventRow, last: bool) -> Self {
        let visit = &row.visit;
        let first = visit.attributes.unpack();
        Self {
            site_id: row.site.0,
            ts: Millis(row.ts),
            name: &row.name,
            visitor_id: row.visitor.0,
            since_start: clamp(row.ts - visit.start),
            visit_pageviews: visit.pageviews,
            visit_interactive: u8::from(visit.interactive),
            visit_key: visit.key,
            alias: &visit.alias,
            hostname: &row.hostname,
            path: &row.path,
            title: &row.title,
            referrer: first.referrer,
            source: first.source,
            utm_source: first.utm_source,
            utm_medium: first.utm_medium,
            utm_campaign: first.utm_campaign,
            utm_content: first.utm_content,
            utm_term: first.utm_term,
            click_id: first.click_id,
            browser: first.browser,
            browser_version: first.browser_version,
            os: first.os,
            os_version: first.os_version,
            device: first.device,
            screen: first.screen,
            country: first.country,
            region: first.region,
            language: first.language,
            city: first.city,
            interactive: u8::from(row.interactive),
            engagement_ms: row.engagement_ms,
            scroll_depth: row.scroll_depth,
            user_id: row.user_id,
            props: &row.props,
            revenue_milli: row.revenue_milli,
            currency: &row.currency,
            bot: &row.bot,
            drop_reason: row.drop_reason.map_or("", footfall_model::DropReason::code),
            import_id: row.import.unwrap_or_default(),
            h3: row.h3,
            event_id: if row.id_given || last { row.event_id } else { 0 },
            id_given: u8::from(row.id_given),
            append_delay_s: append_delay_s(row),
            log: row.position.log.code(),
            generation: row.position.generation,
            partition: row.position.partition,
            offset: row.position.offset,
            rebuild_back: if last { row.position.offset.saturating_sub(row.rebuild_from) } else { 0 },
        }
    }
}

/// The rows of one insert, as blocks.
pub(crate) fn blocks(rows: &[&EventRow]) -> Vec<Bytes> {
    let last = rows.len().saturating_sub(1);
    let packed = |(nth, rows): (usize, &[&EventRow])| {
        let wires: Vec<_> = rows.iter().enumerate().map(|(at, row)| EventWire::of(row, nth * BLOCK_ROWS + at == last)).collect();
        Bytes::from(block(&wires))
    };
    rows.chunks(BLOCK_ROWS).enumerate().map(packed).collect()
}

/// 2020-01-01: seconds since then fit 32 bits until 2088.
pub(crate) const IMPORT_EPOCH_S: i64 = 1_577_836_800;

fn append_delay_s(row: &EventRow) -> i32 {
    let since = match row.position.log {
        LogName::Live => row.ts.div_euclid(1_000),
        LogName::Import => IMPORT_EPOCH_S,
    };
    clamp(row.appended.div_euclid(1_000) - since)
}

/// A visit lasts a day and a delay in seconds reaches over 68 years: this clamps what cannot happen.
fn clamp(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_times_are_clamped() {
        assert_eq!((clamp(5), clamp(i64::MAX), clamp(i64::MIN)), (5, i32::MAX, i32::MIN));
    }
}
