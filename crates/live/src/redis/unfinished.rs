//! Removing what does not count: epochs that another one replaced, and those that were never finished.

use std::{collections::HashSet, sync::Arc};

use footfall_model::SiteId;
use fred::interfaces::{KeysInterface, SetsInterface};

use super::{
    keys::{ShardKeys, site_of},
    link::Link,
    scripts,
};
use crate::LiveError;

/// Keys removed by one command, and commands for it in one go: what is left then goes by its time to live.
const REMOVED_AT_ONCE: usize = 500;
const REMOVALS: usize = 4_000;

/// An epoch that is being written. Whoever waits for it may lose patience and drop it at any point; what it wrote so far is removed then too.
pub struct Unfinished(Option<Epoch>);

#[derive(Clone)]
struct Epoch {
    link: Arc<Link>,
    shard_keys: ShardKeys,
    name: String,
    now_ms: i64,
}

impl Unfinished {
    pub fn new(link: &Arc<Link>, shard_keys: &ShardKeys, epoch: &str, now_ms: i64) -> Self {
        Self(Some(Epoch { link: Arc::clone(link), shard_keys: shard_keys.clone(), name: epoch.to_owned(), now_ms }))
    }

    /// It is finished.
    pub fn counts(mut self) {
        self.0 = None;
    }

    /// It failed.
    pub async fn give_up(mut self) {
        if let Some(epoch) = self.0.clone() {
            epoch.abandon().await;
        }
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(epoch) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { epoch.abandon().await });
        }
    }
}

impl Epoch {
    /// Removes the epoch, which shall never count. If it does by now, because only the answer got lost, it stays.
    async fn abandon(&self) {
        let keys = vec![self.shard_keys.fence(), self.shard_keys.epochs()];
        let abandoned = async {
            let given_up: i64 = self.link.run(&scripts::ABANDON, keys, vec![self.name.as_str().into()]).await?;
            if given_up > 0 {
                remove(&self.link, &self.shard_keys, &self.name, self.now_ms).await?;
            }
            Ok::<_, LiveError>(())
        };
        if let Err(error) = abandoned.await {
            tracing::debug!(%error, "half a rebuild is left to the next one");
        }
    }
}

/// Removes the keys of a dead epoch; answers the domains that it counted.
pub async fn remove(link: &Link, shard_keys: &ShardKeys, epoch: &str, now_ms: i64) -> Result<HashSet<SiteId>, LiveError> {
    let commands = link.commands().await;
    let mut sites = HashSet::new();
    let mut removals = REMOVALS;
    for list in shard_keys.epoch(epoch).lists(now_ms) {
        loop {
            let keys: Vec<String> = commands.spop(list.as_str(), Some(REMOVED_AT_ONCE)).await.map_err(|error| link.fault(&error))?;
            if keys.is_empty() {
                break;
            }
            sites.extend(keys.iter().filter_map(|key| site_of(key)));
            let _: i64 = commands.unlink(keys).await.map_err(|error| link.fault(&error))?;
            removals = removals.saturating_sub(1);
            if removals == 0 {
                return Ok(sites);
            }
        }
    }
    let _: i64 = link.run(&scripts::BURY, vec![shard_keys.epochs()], vec![epoch.into()]).await?;
    Ok(sites)
}
