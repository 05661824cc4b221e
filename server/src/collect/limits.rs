//! Rate limits: per client, per domain, or per key. Live state keeps the buckets and shares them among replicas; while it cannot, each process
//! has its own. A client is known by a hash under the day's salt, so no address gets there.

use std::sync::Arc;

use footfall_live::{Allowance, Limit, Live};
use footfall_meta::ApiKey;
use footfall_model::{Hash64, SiteId};

use super::{CollectOptions, fault::Fault};

pub struct Limiter {
    live: Arc<dyn Live>,
    client: Limit,
    domain: Limit,
    key: Limit,
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
        Self { live, client: options.client_limit, domain: options.domain_limit, key: options.key_limit }
    }

    /// Takes `cost` from each payer's bucket.
    pub async fn charge(&self, payers: &[Payer<'_>], cost: usize) -> Result<(), Fault> {
        let keys: Vec<(String, Limit)> = payers.iter().filter_map(|payer| self.bucket(payer)).collect();
        if keys.is_empty() || cost == 0 {
            return Ok(());
        }
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        let answers = self.live.take(&keys, cost).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "rate limits are not kept at the moment");
            Vec::new()
        });
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
}

/// So many events an hour, all at once if the key likes.
fn per_hour(events: u32) -> Limit {
    Limit { rate: f64::from(events) / 3_600.0, burst: f64::from(events) }
}
