//! Live state: what happened in the last minutes and hours, limits, a cache and messages between replicas.
//!
//! It is never the only place of a fact: counters are rebuilt from the log and the store, limits and cache may be lost.
//! An engine must bound its memory by itself, apply a batch as a whole or not at all, and never block on another seam.
//!
//! **Fence.** Counters of one log partition carry the *next offset*: [`Counters::apply`] skips records below it, applies the
//! rest if nothing lies between, and otherwise answers [`Applied::Hole`], upon which the caller rebuilds.

mod buckets;
mod channels;
mod clock;
mod limits;
pub mod memory;
pub mod redis;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
pub use clock::Clock;
use footfall_model::{Hash64, Offset, SiteId, report::LiveView};

/// Minute buckets reach back this far.
pub const MINUTE_BUCKETS_MS: i64 = 24 * 3_600_000;
/// Hour buckets reach back this far.
pub const HOUR_BUCKETS_MS: i64 = 30 * 24 * 3_600_000;
/// Visitor sets are kept this long; afterwards only their number.
pub const VISITOR_SETS_MS: i64 = 35 * 60_000;
/// Paths kept per (domain, minute); the rest is counted under [`OTHER_PATHS`].
pub const PATHS_PER_MINUTE: usize = 1_000;
/// The label of what did not fit.
pub const OTHER_PATHS: &str = "(other)";

/// A fault of the live state; limits and cache degrade, counters are retried.
#[derive(Clone, Debug, thiserror::Error)]
#[error("live state: {0}")]
pub struct LiveError(pub String);

/// A partition of a log generation: the unit of fencing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shard {
    /// Generation of the log.
    pub generation: u32,
    /// Partition.
    pub partition: u32,
}

/// One event as the counters need it. Bots, duplicates and dropped events are not given to the counters, but their offsets count for the fence.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Offset in the partition.
    pub offset: Offset,
    /// Domain.
    pub site: SiteId,
    /// UTC milliseconds.
    pub ts: i64,
    /// Visitor id.
    pub visitor: Hash64,
    /// `pageview`, `engagement` or a custom name.
    pub name: Arc<str>,
    /// Path.
    pub path: Arc<str>,
    /// Country code.
    pub country: Arc<str>,
    /// Source.
    pub source: Arc<str>,
    /// Device.
    pub device: Arc<str>,
}

/// A batch: offsets `first..=last`, of which some are counted.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Partition and generation.
    pub shard: Shard,
    /// First offset covered.
    pub first: Offset,
    /// Last offset covered, inclusive.
    pub last: Offset,
    /// The events to count, in offset order.
    pub events: Vec<Seen>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Counted; these sites changed since.
    Done,
    /// Records between the fence and the batch are missing (none: nothing was ever applied).
    Hole {
        /// The fence.
        next: Option<Offset>,
    },
}

/// Counters of a whole partition, read from the store and the log, to start from.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The fence afterwards.
    pub next: Offset,
    /// Pageviews per (domain, minute start in ms, path) of the last 24 h.
    pub minutes: Vec<(SiteId, i64, String, u64)>,
    /// Pageviews per (domain, hour start in ms) of the last 30 days.
    pub hours: Vec<(SiteId, i64, u64)>,
    /// Last time seen per visitor and minute within [`VISITOR_SETS_MS`]: (domain, ts, visitor).
    pub visitors: Vec<(SiteId, i64, Hash64)>,
    /// Newest events, oldest first (at most 20 per domain are kept).
    pub newest: Vec<Seen>,
}

/// Pageviews of one minute by path, for the query "live from the cut on".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MinuteCounts {
    /// Start of the minute, UTC ms.
    pub minute: i64,
    /// Pageviews.
    pub pageviews: u64,
    /// Pageviews by path.
    pub paths: Vec<(String, u64)>,
}

/// Real-time counters.
#[async_trait]
pub trait Counters: Send + Sync {
    /// The next offset of a partition; none before the first batch or after a loss.
    async fn fence(&self, shard: Shard) -> Result<Option<Offset>, LiveError>;
    /// Applies a batch (see the module's text about the fence) and announces it on the [`ticks_channel`] of each domain that changed.
    async fn apply(&self, batch: Batch) -> Result<Applied, LiveError>;
    /// Replaces everything that came from a partition.
    async fn rebuild(&self, shard: Shard, snapshot: Snapshot) -> Result<(), LiveError>;
    /// The live panels of a domain as of `now_ms`: current visitors (last 5 minutes), 30 minute bars, top `limit` pages.
    async fn view(&self, site: SiteId, now_ms: i64, limit: usize) -> Result<LiveView, LiveError>;
    /// Pageviews by minute in `[from_ms, to_ms)`, by path if asked for; minutes without any are left out.
    async fn minutes(&self, site: SiteId, from_ms: i64, to_ms: i64, paths: bool) -> Result<Vec<MinuteCounts>, LiveError>;
    /// Pageviews by hour in `[from_ms, to_ms)`.
    async fn hours(&self, site: SiteId, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, u64)>, LiveError>;
    /// Forgets a domain (deleted, or its history changed).
    async fn forget(&self, site: SiteId) -> Result<(), LiveError>;
}

/// A limit: `rate` per second with a `burst`; a request passes while the bucket is above zero and may put it in debt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Tokens per second; 0 = no limit.
    pub rate: f64,
    /// Size of the bucket.
    pub burst: f64,
}

/// The answer of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// Go on.
    Pass,
    /// Wait this long.
    Wait(Duration),
}

/// Rate limits.
#[async_trait]
pub trait Limits: Send + Sync {
    /// Takes `cost` tokens from the bucket of each key if all of them pass, else from none, so that who is refused by its own
    /// limit does not use up a limit shared with others. One answer per key, in order. Keys hold no personal data (hash first).
    async fn take(&self, keys: &[(String, Limit)], cost: u32) -> Result<Vec<Allowance>, LiveError>;
}

/// A cache of small values with a time to live.
#[async_trait]
pub trait Cache: Send + Sync {
    /// Reads a value.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LiveError>;
    /// Stores a value.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), LiveError>;
    /// Stores a value if there is none under the key; whether it did. With [`Cache::remove`], a lock over all replicas that its holder's end releases too.
    async fn put_new(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, LiveError>;
    /// Forgets a value.
    async fn remove(&self, key: &str) -> Result<(), LiveError>;
}

/// Messages to every replica. Slow receivers lose the oldest messages; all messages are "something changed, look again". An engine with a
/// connection sends an *empty* message to each subscriber when messages may have been missed: look again at everything.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Tells every subscriber of a channel.
    async fn publish(&self, channel: &str, message: Bytes) -> Result<(), LiveError>;
    /// Listens to a channel. While a connection is away it is listened to from the next one on.
    async fn subscribe(&self, channel: &str) -> Result<tokio::sync::broadcast::Receiver<Bytes>, LiveError>;
}

/// Boards: named sets of fields that every replica sees. They are small, bounded by who writes them, and may be lost.
#[async_trait]
pub trait Boards: Send + Sync {
    /// Writes fields, an empty value removes one, and tells every subscriber of the channel `board`; the message is [`encode_post`] of
    /// the fields. (A message of no fields says to read the board again: see [`Messages`].)
    async fn post(&self, board: &str, fields: Vec<(String, Bytes)>) -> Result<(), LiveError>;
    /// Every field of a board.
    async fn read_board(&self, board: &str) -> Result<HashMap<String, Bytes>, LiveError>;
}

/// Fields as the message that announces them.
#[must_use]
pub fn encode_post(fields: &[(String, Bytes)]) -> Bytes {
    let mut message = Vec::with_capacity(fields.iter().map(|(name, value)| name.len() + value.len() + 8).sum());
    for (name, value) in fields {
        for part in [name.as_bytes(), value] {
            message.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            message.extend_from_slice(part);
        }
    }
    message.into()
}

/// The fields in a message of a board; none where it is not one.
#[must_use]
pub fn decode_post(message: &Bytes) -> Option<Vec<(String, Bytes)>> {
    let mut rest = message.clone();
    let mut part = move || {
        let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        (rest.len() - 4 >= length).then(|| {
            let _ = rest.split_to(4);
            rest.split_to(length)
        })
    };
    let mut fields = Vec::new();
    let mut left = message.len();
    while left > 0 {
        let (name, value) = (part()?, part()?);
        left -= name.len() + value.len() + 8;
        fields.push((String::from_utf8(name.to_vec()).ok()?, value));
    }
    Some(fields)
}

/// The whole seam.
pub trait Live: Counters + Limits + Cache + Messages + Boards + 'static {}
impl<T: Counters + Limits + Cache + Messages + Boards + 'static> Live for T {}

/// The channel on which [`Counters`] changes of a domain are announced.
#[must_use]
pub fn ticks_channel(site: SiteId) -> String {
    format!("ticks:{site}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_read_as_it_was_written() {
        let fields = vec![
            ("a".to_owned(), Bytes::from_static(b"1")),
            (String::new(), Bytes::new()),
            ("é".to_owned(), Bytes::from_static(&[0, 255])),
        ];
        let message = encode_post(&fields);
        assert_eq!(decode_post(&message), Some(fields));
        assert_eq!(decode_post(&Bytes::new()), Some(Vec::new()));
        for cut in 1..message.len() {
            if let Some(part) = decode_post(&message.slice(..cut)) {
                assert!(part.len() < 3, "a message cut off at {cut}");
            }
        }
        assert_eq!(decode_post(&Bytes::from_static(b"\xff\xff\xff\xffx")), None);
    }
}
