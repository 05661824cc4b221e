//! The cache: bounded by bytes, each value with a time to live of its own.

use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::{Expiry, sync};

/// What a value costs beside its bytes, about.
const OVERHEAD: usize = 120;

#[derive(Clone)]
struct Kept {
    value: Bytes,
    ttl: Duration,
}

struct ByItself;

impl Expiry<String, Kept> for ByItself {
    fn expire_after_create(&self, _: &String, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.ttl)
    }

    fn expire_after_update(&self, _: &String, kept: &Kept, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(kept.ttl)
    }
}

/// Values by key.
pub(super) struct MemoryCache(sync::Cache<String, Kept>);

impl MemoryCache {
    pub fn new(bytes: u64) -> Self {
        let weigh = |key: &String, kept: &Kept| u32::try_from(key.len() + kept.value.len() + OVERHEAD).unwrap_or(u32::MAX);
        // Least recently used, not least frequently: what was put just now is asked for next.
        let policy = moka::policy::EvictionPolicy::lru();
        Self(sync::Cache::builder().max_capacity(bytes).weigher(weigh).eviction_policy(policy).expire_after(ByItself).build())
    }

    pub fn get(&self, key: &str) -> Option<Bytes> {
        self.0.get(key).map(|kept| kept.value)
    }

    pub fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        self.0.insert(key.to_owned(), Kept { value, ttl });
    }
    /// Stores a value if there is none; whether it did.
    pub fn put_new(&self, key: &str, value: Bytes, ttl: Duration) -> bool {
        self.0.entry_by_ref(key).or_insert(Kept { value, ttl }).is_fresh()
    }

    pub fn remove(&self, key: &str) {
        self.0.invalidate(key);
    }
}
