//! The names of the keys. Those of a shard share its hash tag, so that a script may touch them in a cluster.

use footfall_model::SiteId;

use crate::{
    Shard,
    buckets::{HOUR_MS, MINUTE_MS, oldest_hour, oldest_minute},
};

/// Hours in one table: small enough for the compact form that Redis keeps short tables in.
const HOURS_PER_TABLE: i64 = 250;
/// Tables that hold the hours which are told: 30 days and one ahead.
pub const HOUR_TABLES: i64 = 4;
/// Minute and hour buckets may lie so far ahead.
const AHEAD_MINUTES: i64 = 60;

/// The start of every name.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub fn shard(&self, shard: Shard) -> ShardKeys {
        ShardKeys { start: format!("{}:{{{}}}", self.prefix, shard_name(shard)) }
    }

    /// The shards that have something of a domain.
    pub fn shards(&self, site: SiteId) -> String {
        format!("{}:shards:{}", self.prefix, site.0.simple())
    }

    /// A limit; all in one slot, so that one script exchanges many.
    pub fn limit(&self, key: &str) -> String {
        format!("{}:{{limits}}:{key}", self.prefix)
    }

    pub fn cached(&self, key: &str) -> String {
        format!("{}:cache:{key}", self.prefix)
    }

    pub fn board(&self, board: &str) -> String {
        format!("{}:board:{board}", self.prefix)
    }

    /// The channel's name between the replicas.
    pub fn channel(&self, channel: &str) -> String {
        format!("{}:channel:{channel}", self.prefix)
    }

    /// A channel by its name between the replicas.
    pub fn channel_of<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&self.prefix)?.strip_prefix(":channel:")
    }
}

pub fn shard_name(shard: Shard) -> String {
    format!("{}.{}", shard.generation, shard.partition)
}

pub fn shard_of(name: &str) -> Option<Shard> {
    let (generation, partition) = name.split_once('.')?;
    Some(Shard { generation: generation.parse().ok()?, partition: partition.parse().ok()? })
}

/// The keys of one shard.
#[derive(Clone, Debug)]
pub struct ShardKeys {
    start: String,
}

impl ShardKeys {
    /// The epoch that counts, and the next offset.
    pub fn fence(&self) -> String {
        format!("{}:fence", self.start)
    }

    /// Every epoch whose keys may exist, by the time it was begun; 0 = dead.
    pub fn epochs(&self) -> String {
        format!("{}:epochs", self.start)
    }

    pub fn epoch(&self, epoch: &str) -> EpochKeys {
        EpochKeys { start: format!("{}:{epoch}", self.start) }
    }
}

/// The keys of one epoch of a shard.
#[derive(Clone, Debug)]
pub struct EpochKeys {
    start: String,
}

impl EpochKeys {
    /// The short-lived keys made within an hour.
    pub fn short_list(&self, now_ms: i64) -> String {
        format!("{}:short:{}", self.start, now_ms.div_euclid(HOUR_MS))
    }

    /// The long-lived keys.
    pub fn long_list(&self) -> String {
        format!("{}:long", self.start)
    }

    /// Every list of keys of the epoch that may still exist.
    pub fn lists(&self, now_ms: i64) -> Vec<String> {
        let short = (-1..=27).map(|hours| self.short_list(now_ms - hours * HOUR_MS));
        std::iter::once(self.long_list()).chain(short).collect()
    }

    pub fn visitors(&self, site: SiteId) -> String {
        self.of('v', site)
    }

    pub fn newest(&self, site: SiteId) -> String {
        self.of('n', site)
    }

    pub fn minute(&self, site: SiteId, minute: i64) -> String {
        format!("{}:{}", self.of('m', site), minute.div_euclid(MINUTE_MS))
    }

    /// The bytes that new paths took in the hour of a minute.
    pub fn spent(&self, site: SiteId, minute: i64) -> String {
        format!("{}:{}", self.of('b', site), minute.div_euclid(HOUR_MS))
    }

    /// The table that an hour lies in.
    pub fn hours(&self, site: SiteId, table: i64) -> String {
        format!("{}:{table}", self.of('h', site))
    }

    /// The tables of the hours that are told.
    pub fn told_hours(&self, site: SiteId, now_ms: i64) -> Vec<String> {
        let first = hour_table(oldest_hour(now_ms));
        (first..first + HOUR_TABLES).map(|table| self.hours(site, table)).collect()
    }

    /// Every key that an epoch may have of a domain.
    pub fn all_of(&self, site: SiteId, now_ms: i64) -> Vec<String> {
        let mut keys = self.told_hours(site, now_ms);
        keys.extend([self.visitors(site), self.newest(site)]);
        let first = oldest_minute(now_ms);
        let minutes = crate::MINUTE_BUCKETS_MS / MINUTE_MS + AHEAD_MINUTES;
        keys.extend((0..=minutes).map(|n| self.minute(site, first + n * MINUTE_MS)));
        keys.extend((0..=minutes / 60 + 1).map(|n| self.spent(site, first + n * HOUR_MS)));
        keys
    }

    fn of(&self, kind: char, site: SiteId) -> String {
        format!("{}:{kind}:{}", self.start, site.0.simple())
    }
}

/// The table that an hour lies in.
pub fn hour_table(hour_ms: i64) -> i64 {
    hour_ms.div_euclid(HOUR_MS * HOURS_PER_TABLE)
}

/// When the last hour of a table begins.
pub fn last_hour_of(table: i64) -> i64 {
    ((table + 1) * HOURS_PER_TABLE - 1) * HOUR_MS
}

/// The domain of a key of an epoch.
pub fn site_of(key: &str) -> Option<SiteId> {
    key.rsplit(':').find_map(|part| (part.len() == 32).then(|| part.parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let site = SiteId(uuid::Uuid::from_u128(7));
        let shard = Shard { generation: 3, partition: 12 };
        assert_eq!(shard_of(&shard_name(shard)), Some(shard));
        let keys = Keys::new("footfall");
        let epoch = keys.shard(shard).epoch("k1");
        assert_eq!(epoch.newest(site), "footfall:{3.12}:k1:n:00000000000000000000000000000007");
        assert_eq!(site_of(&epoch.newest(site)), Some(site));
        assert_eq!(site_of(&epoch.minute(site, 60_000_000)), Some(site));
        assert_eq!(keys.channel_of(&keys.channel("ticks:1")), Some("ticks:1"));
    }

    #[test]
    fn four_tables_hold_what_is_told() {
        for now in (0..1_000).map(|n| 1_800_000_000_000 + n * HOUR_MS) {
            let first = hour_table(oldest_hour(now));
            assert!(hour_table(now + 2 * HOUR_MS) < first + HOUR_TABLES);
        }
    }
}
