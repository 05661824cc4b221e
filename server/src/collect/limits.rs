//! Rate limits: per client, per domain, or per key. Live state keeps the buckets, so that replicas share them; while it is away each process
//! keeps its own. A client is known by a hash under the day's salt, so no address gets there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use footfall_live::{Allowance, Limit, Live};
use footfall_meta::ApiKey;
use footfall_model::{Hash64, SiteId};

use super::{CollectOptions, fault::Fault};

/// Buckets kept while live state is away. Beyond, the full ones are forgotten, then all.
const LOCAL_BUCKETS: usize = 100_000;

pub struct Limiter {
    live: Arc<dyn Live>,
    client: Limit,
    domain: Limit,
    key: Limit,
    local: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    level: f64,
    at: Instant,
    limit: Limit,
}

/// Whom to charge.
pub enum Payer<'a> {
    /// The client of a request.
    Client(Hash64),
    /// A domain.
    Domain(SiteId),
    /// A key.
    Key(&'a ApiKey),
}

impl Limiter {
    pub fn new(live: Arc<dyn Live>, options: &CollectOptions) -> Self {
        Self { live, client: options.client_limit, domain: options.domain_limit, key: options.key_limit, local: Mutex::default() }
    }

    /// Takes `cost` from each payer's bucket.
    pub async fn charge(&self, payers: &[Payer<'_>], cost: usize) -> Result<(), Fault> {
        let keys: Vec<(String, Limit)> = payers.iter().filter_map(|payer| self.bucket(payer)).collect();
        if keys.is_empty() || cost == 0 {
            return Ok(());
        }
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        let answers = match self.live.take(&keys, cost).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::debug!(%error, "rate limits are kept by this process alone");
                self.take_locally(&keys, cost)
            }
        };
        let wait = answers.into_iter().filter_map(|answer| match answer {
            Allowance::Pass => None,
            Allowance::Wait(wait) => Some(wait),
        });
        wait.max().map_or(Ok(()), |wait| Err(Fault::RateLimited(wait)))
    }

    fn bucket(&self, payer: &Payer<'_>) -> Option<(String, Limit)> {
        let (key, limit) = match payer {
            Payer::Client(client) => (format!("events:client:{client}"), self.client),
            Payer::Domain(site) => (format!("events:domain:{site}"), self.domain),
            Payer::Key(key) => (format!("events:key:{}", key.id), key.rate_limit_per_hour.map_or(self.key, per_hour)),
        };
        (limit.rate > 0.0).then_some((key, limit))
    }

    fn take_locally(&self, keys: &[(String, Limit)], cost: u32) -> Vec<Allowance> {
        let now = Instant::now();
        let mut buckets = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() + keys.len() > LOCAL_BUCKETS {
            buckets.retain(|_, bucket| bucket.filled(now) < bucket.limit.burst);
            if buckets.len() + keys.len() > LOCAL_BUCKETS {
                buckets.clear();
            }
        }
        keys.iter()
            .map(|(key, limit)| {
                let bucket = buckets.entry(key.clone()).or_insert(Bucket { level: limit.burst, at: now, limit: *limit });
                bucket.take(now, cost)
            })
            .collect()
    }
}

/// So many events an hour, all at once if the key likes.
fn per_hour(events: u32) -> Limit {
    Limit { rate: f64::from(events) / 3_600.0, burst: f64::from(events) }
}

impl Bucket {
    fn filled(&self, now: Instant) -> f64 {
        (self.level + now.saturating_duration_since(self.at).as_secs_f64() * self.limit.rate).min(self.limit.burst)
    }

    fn take(&mut self, now: Instant, cost: u32) -> Allowance {
        self.level = self.filled(now);
        self.at = now;
        if self.level <= 0.0 {
            return Allowance::Wait(Duration::from_secs_f64((-self.level / self.limit.rate).clamp(0.001, 3_600.0)));
        }
        self.level -= f64::from(cost);
        Allowance::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_passes_while_above_zero_and_may_go_into_debt() {
        let start = Instant::now();
        let mut bucket = Bucket { level: 200.0, at: start, limit: Limit { rate: 100.0, burst: 200.0 } };
        assert_eq!(bucket.take(start, 1_000), Allowance::Pass);
        assert_eq!(bucket.take(start, 1), Allowance::Wait(Duration::from_secs(8)));
        assert_eq!(bucket.take(start + Duration::from_secs(9), 1), Allowance::Pass);
        assert!(bucket.filled(start + Duration::from_secs(100)) <= 200.0);
    }
}
