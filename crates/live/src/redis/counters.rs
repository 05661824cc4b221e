//! Writing counters: batches, rebuilds, and what is forgotten.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use footfall_model::{Offset, SiteId};
use fred::{
    interfaces::{HashesInterface, SortedSetsInterface},
    types::Value,
};
use futures::future::try_join_all;

use super::{
    keys::{Keys, ShardKeys, shard_name, shard_of},
    link::Link,
    scripts,
    tally::{Call, Tally},
    unfinished::{Unfinished, remove},
};
use crate::{Applied, Batch, Clock, LiveError, PATHS_PER_MINUTE, Shard, Snapshot, VISITOR_SETS_MS, buckets::HOUR_MS, ticks_channel};

/// Bytes that the new paths of one hour may take, by domain and shard; with a day of hours the same as one domain gets in memory.
const PATH_BYTES_PER_HOUR: usize = (32 << 20) / 24;
/// Visitors of the last 35 minutes, by domain and shard: about 20 MB.
const VISITORS: usize = 200_000;
/// Arguments of one call of a rebuild: some ten milliseconds of Redis.
const ARGS_PER_CALL: usize = 4_000;
/// A rebuild that has not ended after this long never will.
const REBUILD_MS: i64 = 10 * 60_000;
/// What a shard has of a domain is noted again after this long, in case the note got lost.
const NOTE_AGAIN_MS: i64 = HOUR_MS;
/// A note that was not renewed for this long is void: nothing of the shard is left by then.
const NOTE_KEPT_MS: i64 = 41 * 24 * HOUR_MS;
/// Commands in flight at a time.
const AT_ONCE: usize = 100;

/// What this process knows of a shard; never trusted, only compared.
#[derive(Clone, Default)]
struct Known {
    epoch: String,
    next: Offset,
    /// When it was noted last that the shard has something of a domain.
    noted: HashMap<SiteId, i64>,
}

/// The writing half.
pub struct Counts {
    keys: Keys,
    clock: Clock,
    known: Mutex<HashMap<Shard, Known>>,
}

impl Counts {
    pub fn new(keys: Keys, clock: Clock) -> Self {
        Self { keys, clock, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Shard, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch that counted when it was last looked at.
    pub fn epoch(&self, shard: Shard) -> String {
        self.known().get(&shard).map(|known| known.epoch.clone()).unwrap_or_default()
    }

    /// Keeps what was heard of a shard. Another epoch voids what was noted.
    pub fn learn(&self, shard: Shard, epoch: &str, next: Option<Offset>) {
        let mut known = self.known();
        let known = known.entry(shard).or_default();
        if known.epoch != epoch {
            *known = Known { epoch: epoch.to_owned(), ..Known::default() };
        }
        known.next = next.unwrap_or(known.next);
    }

    pub async fn fence(&self, link: &Link, shard: Shard) -> Result<Option<Offset>, LiveError> {
        let next: Option<u64> =
            link.commands().await.hget(self.keys.shard(shard).fence(), "next").await.map_err(|error| link.fault(&error))?;
        Ok(next)
    }

    /// Learns which epoch counts; `false` when none does.
    async fn look(&self, link: &Link, shard: Shard) -> Result<bool, LiveError> {
        let fence = self.keys.shard(shard).fence();
        let (epoch, next): (Option<String>, Option<u64>) =
            link.commands().await.hmget(fence, vec!["epoch", "next"]).await.map_err(|error| link.fault(&error))?;
        if let Some(epoch) = &epoch {
            self.learn(shard, epoch, next);
        }
        Ok(epoch.is_some())
    }

    pub async fn apply(&self, link: &Link, batch: &Batch) -> Result<Applied, LiveError> {
        let now_ms = self.clock.now_ms();
        let shard_keys = self.keys.shard(batch.shard);
        if self.epoch(batch.shard).is_empty() && !self.look(link, batch.shard).await? {
            return Ok(Applied::Hole { next: None });
        }
        // Each turn learns the place and the epoch; both change only by a rebuild or by another writer.
        for _ in 0..8 {
            let (epoch, next) = self.known().get(&batch.shard).map(|known| (known.epoch.clone(), known.next)).unwrap_or_default();
            let from = next.max(batch.first);
            let tally = Tally::of_events(&batch.events, from, now_ms);
            self.note(link, batch.shard, tally.sites(), now_ms).await?;
            let mut call = self.call("apply", &shard_keys, &epoch, [batch.first, from, batch.last + 1], now_ms);
            tally.write(&self.keys, &shard_keys.epoch(&epoch), &mut call);
            let answer: Vec<String> = link.run(&scripts::APPLY, call.keys, call.args).await?;
            let told = |place: usize| answer.get(place).and_then(|text| text.parse::<Offset>().ok());
            match (answer.first().map(String::as_str), answer.get(1)) {
                (Some("done"), Some(epoch)) => {
                    self.learn(batch.shard, epoch, told(2));
                    return Ok(Applied::Done);
                }
                (Some("hole"), _) => return Ok(Applied::Hole { next: told(1) }),
                (Some("again"), Some(epoch)) => self.learn(batch.shard, epoch, told(2)),
                _ => return Err(LiveError(format!("redis answers a batch with {answer:?}"))),
            }
        }
        Err(LiveError("other processes count the same partition; trying again".to_owned()))
    }

    /// Writes an epoch of its own, then lets it count, then removes what counted before.
    pub async fn rebuild(&self, link: &Arc<Link>, shard: Shard, snapshot: Snapshot) -> Result<(), LiveError> {
        let now_ms = self.clock.now_ms();
        let next = snapshot.next;
        let tally = Tally::of_snapshot(snapshot, now_ms);
        let shard_keys = self.keys.shard(shard);
        let epoch = format!("{:08x}", uuid::Uuid::new_v4().as_fields().0);
        let sites: Vec<SiteId> = tally.sites().collect();
        for sites in sites.chunks(AT_ONCE) {
            try_join_all(sites.iter().map(|site| self.enlist(link, shard, *site, now_ms))).await?;
        }
        let unfinished = Unfinished::new(link, &shard_keys, &epoch, now_ms);
        let mut dead = match self.write_epoch(link, &shard_keys, &epoch, &tally, next, now_ms).await {
            Ok(dead) => dead,
            Err(error) => {
                // What it wrote may be what fills the memory.
                unfinished.give_up().await;
                return Err(error);
            }
        };
        unfinished.counts();
        dead.remove(0);
        self.learn(shard, &epoch, Some(next));
        if let Some(known) = self.known().get_mut(&shard) {
            known.next = next;
            known.noted = sites.iter().map(|site| (*site, now_ms)).collect();
        }
        let mut changed: HashSet<SiteId> = sites.into_iter().collect();
        for epoch in dead {
            // What cannot be removed now is removed by the next rebuild, or goes by its time to live.
            match remove(link, &shard_keys, &epoch, now_ms).await {
                Ok(sites) => changed.extend(sites),
                Err(error) => tracing::debug!(%error, "old live counters are left to expire"),
            }
        }
        self.announce(link, changed).await
    }

    /// Writes an epoch and lets it count; answers `done` and the epochs that are dead by then.
    async fn write_epoch(
        &self,
        link: &Link,
        shard_keys: &ShardKeys,
        epoch: &str,
        tally: &Tally,
        next: Offset,
        now_ms: i64,
    ) -> Result<Vec<String>, LiveError> {
        let epoch_keys = shard_keys.epoch(epoch);
        for (n, piece) in tally.pieces(&self.keys, &epoch_keys, ARGS_PER_CALL).enumerate() {
            let mut call = self.call(if n == 0 { "begin" } else { "fill" }, shard_keys, epoch, [0, 0, 0], now_ms);
            call.keys.extend(piece.keys);
            call.args.extend(piece.args);
            let answer: Vec<String> = link.run(&scripts::APPLY, call.keys, call.args).await?;
            overtaken(&answer)?;
        }
        let args = vec![epoch.into(), next.to_string().into(), (now_ms - REBUILD_MS).to_string().into()];
        let dead: Vec<String> = link.run(&scripts::FLIP, vec![shard_keys.fence(), shard_keys.epochs()], args).await?;
        overtaken(&dead)?;
        Ok(dead)
    }

    pub async fn forget(&self, link: &Link, site: SiteId) -> Result<(), LiveError> {
        let shards = self.shards(link, site).await?;
        try_join_all(shards.into_iter().map(|shard| self.forget_in(link, shard, site))).await?;
        self.announce(link, [site]).await
    }

    async fn forget_in(&self, link: &Link, shard: Shard, site: SiteId) -> Result<(), LiveError> {
        let shard_keys = self.keys.shard(shard);
        for _ in 0..8 {
            let epoch = self.epoch(shard);
            let mut keys = vec![shard_keys.fence()];
            keys.extend(shard_keys.epoch(&epoch).all_of(site, self.clock.now_ms()));
            let answer: Vec<Value> = link.run(&scripts::FORGET, keys, vec![epoch.into()]).await?;
            match &answer[..] {
                [epoch] => self.learn(shard, &epoch.as_string().unwrap_or_default(), None),
                _ => return Ok(()),
            }
        }
        Err(LiveError("other processes rebuild the live state; trying again".to_owned()))
    }

    /// The shards that may have something of a domain.
    pub async fn shards(&self, link: &Link, site: SiteId) -> Result<Vec<Shard>, LiveError> {
        let names: Vec<String> = link
            .commands()
            .await
            .zrange(self.keys.shards(site), 0, -1, None, false, None, false)
            .await
            .map_err(|error| link.fault(&error))?;
        Ok(names.iter().filter_map(|name| shard_of(name)).collect())
    }

    /// Notes which domains a shard has something of, before it has: a reader looks there only.
    async fn note(&self, link: &Link, shard: Shard, sites: impl Iterator<Item = SiteId>, now_ms: i64) -> Result<(), LiveError> {
        let unknown: Vec<SiteId> = {
            let known = self.known();
            let noted = known.get(&shard).map(|known| &known.noted);
            let fresh = |site: &SiteId| noted.and_then(|noted| noted.get(site)).is_some_and(|at| now_ms - at < NOTE_AGAIN_MS);
            sites.filter(|site| !fresh(site)).collect()
        };
        for sites in unknown.chunks(AT_ONCE) {
            try_join_all(sites.iter().map(|site| self.enlist(link, shard, *site, now_ms))).await?;
            if let Some(known) = self.known().get_mut(&shard) {
                known.noted.retain(|_, at| now_ms - *at < NOTE_AGAIN_MS);
                known.noted.extend(sites.iter().map(|site| (*site, now_ms)));
            }
        }
        Ok(())
    }

    async fn enlist(&self, link: &Link, shard: Shard, site: SiteId, now_ms: i64) -> Result<(), LiveError> {
        let args = vec![shard_name(shard).into(), now_ms.to_string().into(), (now_ms - NOTE_KEPT_MS).to_string().into()];
        link.run::<Value>(&scripts::ENLIST, vec![self.keys.shards(site)], args).await.map(drop)
    }

    async fn announce(&self, link: &Link, sites: impl IntoIterator<Item = SiteId>) -> Result<(), LiveError> {
        let channels: Vec<Value> = sites.into_iter().map(|site| self.keys.channel(&ticks_channel(site)).into()).collect();
        for channels in channels.chunks(1_000) {
            link.run::<Value>(&scripts::ANNOUNCE, Vec::new(), channels.to_vec()).await?;
        }
        Ok(())
    }

    /// What every call of the script begins with.
    fn call(&self, mode: &str, shard: &ShardKeys, epoch: &str, [first, from, after]: [Offset; 3], now_ms: i64) -> Call {
        let epoch_keys = shard.epoch(epoch);
        let keys = vec![shard.fence(), shard.epochs(), epoch_keys.short_list(now_ms), epoch_keys.long_list()];
        let numbers = [
            first.to_string(),
            from.to_string(),
            after.to_string(),
            now_ms.to_string(),
            now_ms.to_string(),
            PATHS_PER_MINUTE.to_string(),
            PATH_BYTES_PER_HOUR.to_string(),
            VISITORS.to_string(),
            (now_ms - VISITOR_SETS_MS).to_string(),
        ];
        let args = [mode.into(), epoch.into()].into_iter().chain(numbers.into_iter().map(Value::from)).collect();
        Call { keys, args }
    }
}

fn overtaken(answer: &[String]) -> Result<(), LiveError> {
    match answer.first().map(String::as_str) {
        Some("done") => Ok(()),
        Some("lost") => Err(LiveError("another process rebuilt the same partition meanwhile; trying again".to_owned())),
        _ => Err(LiveError(format!("redis answers a rebuild with {answer:?}"))),
    }
}
