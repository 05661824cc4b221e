//! All counters: the fence per shard, and what each shard brought by domain.

use std::collections::{HashMap, HashSet};

use footfall_model::{Offset, SiteId};

use super::site::Site;
use crate::{Batch, Shard, Snapshot};

/// What is older is swept out this often.
const SWEEP_EVERY_MS: i64 = 60_000;

/// One domain gets this part of the bytes for paths, so that a flood of made-up paths there leaves the others theirs.
const DOMAIN_SHARE: usize = 4;

/// What may still be added by traffic; shared by all domains.
pub(super) struct Budget {
    most_path_bytes: usize,
    most_visitors: usize,
    /// In use for paths, over all domains and minutes.
    path_bytes: usize,
    /// Visitors kept over all domains.
    visitors: usize,
}

impl Budget {
    /// Takes bytes for a path for a domain that has `held` already.
    pub fn path(&mut self, bytes: usize, held: usize) -> bool {
        let fits = self.path_bytes + bytes <= self.most_path_bytes && held + bytes <= self.most_path_bytes / DOMAIN_SHARE;
        if fits {
            self.path_bytes += bytes;
        } else {
            metrics::counter!("footfall_live_overflows_total", "what" => "path").increment(1);
        }
        fits
    }

    /// Takes room for one more visitor.
    pub fn visitor(&mut self) -> bool {
        let fits = self.visitors < self.most_visitors;
        if fits {
            self.visitors += 1;
        } else {
            metrics::counter!("footfall_live_overflows_total", "what" => "visitor").increment(1);
        }
        fits
    }
}

/// What came from one partition.
#[derive(Default)]
struct Part {
    /// The fence; none before the first rebuild.
    next: Option<Offset>,
    sites: HashMap<SiteId, Site>,
}

/// The counters.
pub(super) struct State {
    shards: HashMap<Shard, Part>,
    budget: Budget,
    swept_ms: i64,
}

impl State {
    pub fn new(most_path_bytes: usize, most_visitors: usize) -> Self {
        let budget = Budget { most_path_bytes, most_visitors, path_bytes: 0, visitors: 0 };
        Self { shards: HashMap::new(), budget, swept_ms: i64::MIN }
    }

    pub fn fence(&self, shard: Shard) -> Option<Offset> {
        self.shards.get(&shard)?.next
    }

    /// What every shard holds of a domain.
    pub fn of(&self, site: SiteId) -> Vec<&Site> {
        self.shards.values().filter_map(|part| part.sites.get(&site)).collect()
    }

    /// Counts what lies at or above the fence. Answers the domains changed, or the fence when records are missing.
    pub fn apply(&mut self, batch: &Batch, now_ms: i64) -> Result<HashSet<SiteId>, Option<Offset>> {
        self.sweep(now_ms);
        let Some(part) = self.shards.get_mut(&batch.shard) else { return Err(None) };
        let Some(next) = part.next else { return Err(None) };
        if batch.first > next {
            return Err(Some(next));
        }
        let mut changed = HashSet::new();
        if batch.last < next {
            return Ok(changed);
        }
        for seen in batch.events.iter().filter(|seen| seen.offset >= next) {
            part.sites.entry(seen.site).or_default().count(seen, now_ms, &mut self.budget);
            changed.insert(seen.site);
        }
        part.next = Some(batch.last + 1);
        Ok(changed)
    }

    /// Puts a snapshot in the place of a shard. Answers the domains that were or are in it.
    pub fn rebuild(&mut self, shard: Shard, snapshot: Snapshot, now_ms: i64) -> HashSet<SiteId> {
        let old = self.shards.remove(&shard).unwrap_or_default();
        let mut changed: HashSet<SiteId> = old.sites.into_keys().collect();
        self.recount();
        let mut part = Part { next: Some(snapshot.next), sites: HashMap::new() };
        for (site, minute, path, count) in snapshot.minutes {
            part.sites.entry(site).or_default().set_minute(minute, &path, count, now_ms, &mut self.budget);
        }
        for (site, hour, count) in snapshot.hours {
            part.sites.entry(site).or_default().set_hour(hour, count, now_ms);
        }
        for (site, ts, visitor) in snapshot.visitors {
            part.sites.entry(site).or_default().see(visitor, ts, now_ms, &mut self.budget);
        }
        for seen in snapshot.newest {
            part.sites.entry(seen.site).or_default().keep_newest(&seen, now_ms);
        }
        changed.extend(part.sites.keys());
        self.shards.insert(shard, part);
        changed
    }

    pub fn forget(&mut self, site: SiteId) {
        for part in self.shards.values_mut() {
            part.sites.remove(&site);
        }
        self.recount();
    }

    /// Takes out what is too old, at most once a minute.
    fn sweep(&mut self, now_ms: i64) {
        if now_ms.abs_diff(self.swept_ms) < SWEEP_EVERY_MS.unsigned_abs() {
            return;
        }
        self.swept_ms = now_ms;
        for part in self.shards.values_mut() {
            part.sites.retain(|_, site| site.sweep(now_ms));
        }
        self.recount();
    }

    fn recount(&mut self) {
        let sites = || self.shards.values().flat_map(|part| part.sites.values());
        self.budget.path_bytes = sites().map(Site::path_bytes).sum();
        self.budget.visitors = sites().map(Site::visitors).sum();
    }
}
