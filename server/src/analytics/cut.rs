//! From where on live state answers.

use std::{collections::HashMap, sync::PoisonError, time::Duration};

use footfall_live::{LiveError, MINUTE_BUCKETS_MS, Shard};
use footfall_model::LogName;
use footfall_query::{
    Range,
    range::{MINUTE_MS, minute_of},
};
use tokio::time::Instant;

use super::Analytics;
use crate::auth::SiteScope;

/// That live state is built is believed this long: asking costs a command for each partition.
const BUILT_BELIEVED: Duration = Duration::from_secs(1);
/// Live state answers at least this much.
const HALF_HOUR_MS: i64 = 30 * MINUTE_MS;

/// The part of a range that live state answers, and what it says.
#[derive(Debug, Default)]
pub(super) struct LivePart {
    /// Start of the first minute that is live's.
    pub cut: i64,
    /// Pageviews by start of the minute.
    pub minutes: HashMap<i64, u64>,
    /// Pageviews by path, over all of the part.
    pub paths: HashMap<String, u64>,
}

impl LivePart {
    /// Pageviews in `[from, to)`, which begin and end with minutes.
    pub fn pageviews(&self, from: i64, to: i64) -> u64 {
        self.minutes.iter().filter(|(minute, _)| (from..to).contains(minute)).map(|(_, count)| count).sum()
    }
}

impl Analytics {
    /// The live part of a range; none where the range ends before the cut, or live state is away or still being built: then the store
    /// answers alone.
    pub(super) async fn live_part(&self, scope: &SiteScope, range: Range, now: i64, paths: bool) -> Option<LivePart> {
        let watermark = self.watermark().unwrap_or(now);
        let cut = minute_of(now - HALF_HOUR_MS).min(minute_of(watermark)).max(range.from);
        let too_far = cut < minute_of(now - MINUTE_BUCKETS_MS) + MINUTE_MS;
        let in_whole_minutes = range.from % MINUTE_MS == 0 && range.to % MINUTE_MS == 0;
        if range.to <= cut || too_far || !in_whole_minutes {
            return None;
        }
        let read = async {
            if !self.live_is_built().await? {
                return Ok(None);
            }
            self.deps.live.minutes(scope.site(), cut, range.to, paths).await.map(Some)
        };
        let minutes = read.await.unwrap_or_else(|error: LiveError| {
            tracing::debug!(%error, "live state is away; the store answers alone");
            None
        })?;
        let mut part = LivePart { cut, ..LivePart::default() };
        for minute in minutes {
            part.minutes.insert(minute.minute, minute.pageviews);
            for (path, count) in minute.paths {
                *part.paths.entry(path).or_default() += count;
            }
        }
        Some(part)
    }

    /// Whether live state has counted at least what the store has: after a start it does once it was built from the store.
    pub(super) async fn live_is_built(&self) -> Result<bool, LiveError> {
        let now = Instant::now();
        if self.built.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| now < until) {
            return Ok(true);
        }
        let progress = self.deps.told.progress(LogName::Live).borrow().clone();
        if progress.partitions.is_empty() {
            return Ok(false);
        }
        for (partition, stored) in progress.partitions {
            let shard = Shard { generation: stored.generation, partition };
            if self.deps.live.fence(shard).await?.is_none_or(|fence| fence < stored.next) {
                return Ok(false);
            }
        }
        // One process alone asks its own memory.
        if self.deps.is_shared {
            *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + BUILT_BELIEVED);
        }
        Ok(true)
    }
}
