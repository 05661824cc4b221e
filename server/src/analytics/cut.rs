//! From where on live state answers.

use std::collections::HashMap;

use footfall_live::{MINUTE_BUCKETS_MS, Shard};
use footfall_query::{
    Range,
    range::{MINUTE_MS, minute_of},
};

use super::{Analytics, AnalyticsError};
use crate::auth::SiteScope;

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
    /// The live part of a range; none where the range ends before the cut, or live state is still being built.
    pub(super) async fn live_part(
        &self,
        scope: &SiteScope,
        range: Range,
        now: i64,
        paths: bool,
    ) -> Result<Option<LivePart>, AnalyticsError> {
        let watermark = self.watermark().unwrap_or(now);
        let cut = minute_of(now - HALF_HOUR_MS).min(minute_of(watermark)).max(range.from);
        let too_far = cut < minute_of(now - MINUTE_BUCKETS_MS) + MINUTE_MS;
        let in_whole_minutes = range.from % MINUTE_MS == 0 && range.to % MINUTE_MS == 0;
        if range.to <= cut || too_far || !in_whole_minutes || !self.live_is_built().await? {
            return Ok(None);
        }
        let mut part = LivePart { cut, ..LivePart::default() };
        for minute in self.deps.live.minutes(scope.site(), cut, range.to, paths).await? {
            part.minutes.insert(minute.minute, minute.pageviews);
            for (path, count) in minute.paths {
                *part.paths.entry(path).or_default() += count;
            }
        }
        Ok(Some(part))
    }

    /// Whether live state has counted at least what the store has: after a start it does once it was built from the store.
    pub(super) async fn live_is_built(&self) -> Result<bool, AnalyticsError> {
        let progress = self.deps.watermark.borrow().clone();
        if progress.partitions.is_empty() {
            return Ok(false);
        }
        for (partition, stored) in progress.partitions {
            let shard = Shard { generation: stored.generation, partition };
            if self.deps.live.fence(shard).await?.is_none_or(|fence| fence < stored.next) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
