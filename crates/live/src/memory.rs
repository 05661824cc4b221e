//! The one-machine live state: everything in this process's memory.
//!
//! # Shape
//! - **Counters** are kept per [`Shard`] and domain, because a rebuild replaces exactly what came from one partition; a reader adds
//!   the shards up. One lock around all of them makes a batch visible as a whole. Work under it is bounded: a batch when
//!   applied, 30 minutes of one domain when read.
//! - **Limits** are token buckets that refill by the clock; **cache** and **messages** stand alone.
//!
//! # Bounds
//! - Time bounds the buckets: 1,440 minutes and 720 hours per domain, visitors for 35 minutes. A sweep once a minute takes out
//!   what is older, also for domains without traffic. Readers never see expired buckets, swept or not.
//! - [`MemoryLiveOptions::path_bytes`] and [`MemoryLiveOptions::max_visitors`] bound what traffic can add within that time. Beyond
//!   them (a domain: a quarter of the paths' bytes) a path is counted under [`OTHER_PATHS`](crate::OTHER_PATHS) and a new visitor is
//!   not counted at all: totals stay right, details become lower bounds, and `footfall_live_overflows_total` says so.
//! - Domains are not bounded here: their number is that of the accounts.
//! - An event more than an hour ahead of the clock is not counted (the collector refuses five minutes).

mod boards;
mod cache;
mod counters;
mod site;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use footfall_model::{Offset, SiteId, report::LiveView};

use crate::{
    Allowance, Applied, Batch, Boards, Cache, Clock, Counters, Limit, Limits, LiveError, Messages, MinuteCounts, Shard, Snapshot,
    buckets::{oldest_hour, oldest_minute},
    channels::Channels,
    encode_post,
    limits::Buckets,
    ticks_channel,
};
use boards::MemoryBoards;
use cache::MemoryCache;
use counters::State;

/// How a [`MemoryLive`] is bounded.
#[derive(Clone, Debug)]
pub struct MemoryLiveOptions {
    /// Bytes for the pageviews by minute and path, over all domains. Default 128 MiB; one domain gets a quarter at most.
    pub path_bytes: usize,
    /// Visitors of the last 35 minutes, over all domains. Default 2,000,000, about 70 MB if ever reached.
    pub max_visitors: usize,
    /// Rate limits remembered. Default 200,000, about 30 MB if ever reached; what is closest to full goes first.
    pub max_limits: usize,
    /// Bytes of cached values and keys. Default 16 MiB.
    pub cache_bytes: u64,
    /// The time.
    pub clock: Clock,
}

impl Default for MemoryLiveOptions {
    fn default() -> Self {
        Self { path_bytes: 128 << 20, max_visitors: 2_000_000, max_limits: 200_000, cache_bytes: 16 << 20, clock: Clock::default() }
    }
}

/// Live state of one process.
pub struct MemoryLive {
    clock: Clock,
    counters: RwLock<State>,
    limits: Buckets,
    cache: MemoryCache,
    channels: Channels,
    boards: MemoryBoards,
}

impl MemoryLive {
    /// Empty live state.
    #[must_use]
    pub fn new(options: MemoryLiveOptions) -> Arc<Self> {
        Arc::new(Self {
            counters: RwLock::new(State::new(options.path_bytes, options.max_visitors)),
            limits: Buckets::new(options.max_limits),
            cache: MemoryCache::new(options.cache_bytes),
            channels: Channels::default(),
            boards: MemoryBoards::default(),
            clock: options.clock,
        })
    }

    // A holder that panicked cannot have left a batch half applied that matters: the live cursor rebuilds after a fault.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.counters.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.counters.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, sites: impl IntoIterator<Item = SiteId>) {
        for site in sites {
            self.channels.publish(&ticks_channel(site), Bytes::new());
        }
    }
}

#[async_trait]
impl Counters for MemoryLive {
    async fn fence(&self, shard: Shard) -> Result<Option<Offset>, LiveError> {
        Ok(self.read().fence(shard))
    }

    async fn apply(&self, batch: Batch) -> Result<Applied, LiveError> {
        let outcome = self.write().apply(&batch, self.clock.now_ms());
        match outcome {
            Ok(changed) => {
                self.announce(changed);
                Ok(Applied::Done)
            }
            Err(next) => Ok(Applied::Hole { next }),
        }
    }

    async fn rebuild(&self, shard: Shard, snapshot: Snapshot) -> Result<(), LiveError> {
        let changed = self.write().rebuild(shard, snapshot, self.clock.now_ms());
        self.announce(changed);
        Ok(())
    }

    async fn view(&self, site: SiteId, now_ms: i64, limit: usize) -> Result<LiveView, LiveError> {
        Ok(site::view(&self.read().of(site), now_ms, limit))
    }

    async fn minutes(&self, site: SiteId, from_ms: i64, to_ms: i64, paths: bool) -> Result<Vec<MinuteCounts>, LiveError> {
        let from_ms = from_ms.max(oldest_minute(self.clock.now_ms()));
        Ok(site::minutes(&self.read().of(site), from_ms, to_ms, paths))
    }

    async fn hours(&self, site: SiteId, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, u64)>, LiveError> {
        let from_ms = from_ms.max(oldest_hour(self.clock.now_ms()));
        Ok(site::hours(&self.read().of(site), from_ms, to_ms))
    }

    async fn forget(&self, site: SiteId) -> Result<(), LiveError> {
        self.write().forget(site);
        self.announce([site]);
        Ok(())
    }
}

#[async_trait]
impl Limits for MemoryLive {
    async fn take(&self, keys: &[(String, Limit)], cost: u32) -> Result<Vec<Allowance>, LiveError> {
        Ok(self.limits.take(keys, cost, self.clock.now_ms()))
    }
}

#[async_trait]
impl Cache for MemoryLive {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LiveError> {
        Ok(self.cache.get(key))
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), LiveError> {
        self.cache.put(key, value, ttl);
        Ok(())
    }

    async fn put_new(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, LiveError> {
        Ok(self.cache.put_new(key, value, ttl))
    }

    async fn remove(&self, key: &str) -> Result<(), LiveError> {
        self.cache.remove(key);
        Ok(())
    }
}

#[async_trait]
impl Messages for MemoryLive {
    async fn publish(&self, channel: &str, message: Bytes) -> Result<(), LiveError> {
        self.channels.publish(channel, message);
        Ok(())
    }

    async fn subscribe(&self, channel: &str) -> Result<tokio::sync::broadcast::Receiver<Bytes>, LiveError> {
        Ok(self.channels.subscribe(channel))
    }
}

#[async_trait]
impl Boards for MemoryLive {
    async fn post(&self, board: &str, fields: Vec<(String, Bytes)>) -> Result<(), LiveError> {
        let message = encode_post(&fields);
        self.boards.post(board, fields);
        self.channels.publish(board, message);
        Ok(())
    }

    async fn read_board(&self, board: &str) -> Result<HashMap<String, Bytes>, LiveError> {
        Ok(self.boards.read(board))
    }
}
