//! What every engine counts alike: the widths and the ages of the buckets, and what belongs into them.

use crate::{HOUR_BUCKETS_MS, MINUTE_BUCKETS_MS, Seen, VISITOR_SETS_MS};

pub const MINUTE_MS: i64 = 60_000;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Minutes of the panels, the running one included.
pub const VIEW_MINUTES: i64 = 30;
/// A visitor is current for so long after an event.
pub const CURRENT_MS: i64 = 5 * MINUTE_MS;
/// Events shown.
pub const NEWEST: usize = 20;
/// Events further ahead of the clock are not counted: they would hold buckets for ever.
pub const AHEAD_MS: i64 = HOUR_MS;
/// The name of what is counted as a pageview.
const PAGEVIEW: &str = "pageview";
/// The name of what keeps a visitor current but is not shown.
const ENGAGEMENT: &str = "engagement";

pub fn start_of(ms: i64, width: i64) -> i64 {
    ms - ms.rem_euclid(width)
}

/// Oldest minute that is still told.
pub fn oldest_minute(now_ms: i64) -> i64 {
    start_of(now_ms, MINUTE_MS) - MINUTE_BUCKETS_MS
}

/// Oldest hour that is still told.
pub fn oldest_hour(now_ms: i64) -> i64 {
    start_of(now_ms, HOUR_MS) - HOUR_BUCKETS_MS
}

pub fn is_pageview(seen: &Seen) -> bool {
    &*seen.name == PAGEVIEW
}

/// Whether pageviews of this minute are kept.
pub fn keeps_minute(minute: i64, now_ms: i64) -> bool {
    minute >= oldest_minute(now_ms) && minute <= now_ms.saturating_add(AHEAD_MS)
}

/// Whether pageviews of this hour are kept.
pub fn keeps_hour(hour: i64, now_ms: i64) -> bool {
    hour >= oldest_hour(now_ms) && hour <= now_ms.saturating_add(AHEAD_MS)
}

/// Whether a visitor seen then is kept.
pub fn keeps_visitor(ts: i64, now_ms: i64) -> bool {
    ts > now_ms.saturating_sub(VISITOR_SETS_MS) && ts <= now_ms.saturating_add(AHEAD_MS)
}

/// Whether an event may be among the newest.
pub fn keeps_newest(seen: &Seen, now_ms: i64) -> bool {
    &*seen.name != ENGAGEMENT && keeps_hour(seen.ts, now_ms)
}
