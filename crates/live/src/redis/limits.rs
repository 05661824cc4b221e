//! Rate limits without a command per event.
//!
//! A request is decided at once by this process's own bucket, and what it took is noted. Every [`EXCHANGE`] one script takes all that was noted
//! from the shared buckets and tells how full they are, which becomes the level here. A shared bucket refills continuously by the clock of Redis:
//! a sliding window without a list of requests. Without traffic nothing is sent; without Redis the process's own buckets go on, and what was
//! taken meanwhile is not made up for.
//!
//! # How far a limit may be overshot
//! Replicas learn of each other once per exchange. In steady traffic each of `n` replicas lets pass at most `rate` × (exchange + one command)
//! beyond the limit: 2 replicas at 100/s about 40 events over. A burst onto a key that the replicas have not shared lately passes up to once
//! per replica, as each begins with a full bucket: at most `burst` × (n − 1) over, paid back as debt of the shared bucket at the next exchange.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fred::types::Value;
use tokio::sync::Notify;

use super::{keys::Keys, link::Link, scripts};
use crate::{Allowance, Clock, Limit, limits::Buckets};

/// Pause between two exchanges.
const EXCHANGE: Duration = Duration::from_millis(200);
/// Buckets in one call.
const PER_CALL: usize = 1_000;
/// Buckets remembered in this process: as many as the memory engine does.
const BUCKETS: usize = 200_000;

/// The buckets of this process.
pub struct SharedLimits {
    local: Buckets,
    clock: Clock,
    /// What was taken since the last exchange.
    spent: Mutex<HashMap<String, (f64, Limit)>>,
    /// Something was taken.
    taken: Notify,
}

impl SharedLimits {
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { local: Buckets::new(BUCKETS), clock, spent: Mutex::default(), taken: Notify::new() })
    }

    fn spent(&self) -> MutexGuard<'_, HashMap<String, (f64, Limit)>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`crate::Limits::take`].
    pub fn take(&self, keys: &[(String, Limit)], cost: u32) -> Vec<Allowance> {
        // Held over both steps, so that an exchange sees either none or all of it.
        let mut spent = self.spent();
        let answers = self.local.take(keys, cost, self.clock.now_ms());
        if answers.iter().all(|answer| *answer == Allowance::Pass) {
            for (key, limit) in keys.iter().filter(|(_, limit)| limit.rate > 0.0) {
                let room = spent.len() < BUCKETS;
                if let Some(known) = spent.get_mut(key) {
                    *known = (known.0 + f64::from(cost), *limit);
                } else if room {
                    spent.insert(key.clone(), (f64::from(cost), *limit));
                }
            }
            if !spent.is_empty() {
                self.taken.notify_one();
            }
        }
        answers
    }

    /// Exchanges for as long as it is polled.
    pub async fn run(&self, link: &Link, keys: &Keys) {
        loop {
            self.taken.notified().await;
            tokio::time::sleep(EXCHANGE).await;
            let spent: Vec<(String, (f64, Limit))> = mem::take(&mut *self.spent()).into_iter().collect();
            for spent in spent.chunks(PER_CALL) {
                if !link.is_connected() {
                    break;
                }
                self.exchange(link, keys, spent).await;
            }
        }
    }

    async fn exchange(&self, link: &Link, keys: &Keys, spent: &[(String, (f64, Limit))]) {
        let names = spent.iter().map(|(key, _)| keys.limit(key)).collect();
        let args = spent
            .iter()
            .flat_map(|(_, (spent, limit))| [*spent, limit.rate, limit.burst])
            .map(|number| Value::from(number.to_string()))
            .collect();
        match link.run::<Vec<String>>(&scripts::EXCHANGE, names, args).await {
            Ok(levels) => {
                let since = self.spent();
                let now_ms = self.clock.now_ms();
                for ((key, (_, limit)), level) in spent.iter().zip(levels) {
                    let Ok(level) = level.parse::<f64>() else { continue };
                    let taken_since = since.get(key).map_or(0.0, |(spent, _)| *spent);
                    self.local.set(key, *limit, level - taken_since, now_ms);
                }
            }
            Err(error) => tracing::debug!(%error, "rate limits are kept by this process alone"),
        }
    }
}
