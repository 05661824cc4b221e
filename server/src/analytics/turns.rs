//! Turns at the store: a domain has at most so many statements under way, so that one whose questions are slow keeps nobody else waiting.

use std::{sync::Arc, time::Duration};

use footfall_model::SiteId;
use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Domains that are remembered; others begin anew.
const DOMAINS: u64 = 10_000;
/// A domain that asks nothing for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The turns of all domains.
#[derive(Clone)]
pub struct Turns {
    domains: Cache<SiteId, Arc<Semaphore>>,
    each: usize,
}

impl Turns {
    /// So many statements at once for each domain.
    pub fn new(each: usize) -> Self {
        Self { domains: Cache::builder().max_capacity(DOMAINS).time_to_idle(FORGOTTEN).build(), each }
    }

    /// Waits until the domain may ask; its turn ends when the answer is dropped.
    pub async fn take(&self, site: SiteId) -> Option<OwnedSemaphorePermit> {
        let turns = self.domains.get_with(site, async { Arc::new(Semaphore::new(self.each)) }).await;
        // It is never closed.
        turns.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_domain_waits_for_itself_alone() {
        let (turns, busy, other) = (Turns::new(2), SiteId(Uuid::from_u128(1)), SiteId(Uuid::from_u128(2)));
        let (one, _two) = (turns.take(busy).await, turns.take(busy).await);
        assert!(timeout(Duration::from_millis(50), turns.take(busy)).await.is_err(), "both turns are taken");
        assert!(turns.take(other).await.is_some());
        drop(one);
        assert!(timeout(Duration::from_secs(5), turns.take(busy)).await.is_ok(), "a turn that has ended is free");
        // Who gave up waiting holds no turn.
        assert!(timeout(Duration::from_secs(5), turns.take(busy)).await.is_ok());
    }
}
