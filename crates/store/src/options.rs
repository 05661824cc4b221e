//! Where the store is: its shards, and the replicas of each.

use std::collections::{BTreeMap, BTreeSet};

use footfall_model::SiteId;

/// One server with a store of its own: the embedded engine, or a ClickHouse without replicas.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
    /// Database; created by the migrations.
    pub database: String,
    /// Name of the cluster, where tables are replicated.
    pub cluster: Option<String>,
}

/// A whole store. One `Endpoint` is one too: `Store::connect(&endpoint)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// In their fixed order: a domain's shard follows from their number (`placement`).
    pub shards: Vec<ShardOptions>,
    /// Database; created by the migrations.
    pub database: String,
    /// Name of the cluster as the servers know it; tables are replicated then.
    pub cluster: Option<String>,
    /// How many replicas of a shard must have an insert before it counts as done; 0 for more than half of them. Only with `cluster`.
    pub quorum: u32,
    /// Domains that live on a shard (its number from 0) of choice, for example by region. Fixed once a domain has events.
    pub pins: BTreeMap<SiteId, usize>,
}

/// One shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardOptions {
    /// Servers that hold the same rows, the nearest first.
    pub replicas: Vec<Replica>,
}

/// One server of a shard.
#[derive(Clone, PartialEq, Eq)]
pub struct Replica {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
}

impl StoreOptions {
    /// Says what is wrong with these options, for the person who wrote them.
    ///
    /// # Errors
    /// When a shard is empty, a server is named twice, replicas have no cluster's name, a quorum cannot be reached, or a pin names no shard.
    pub fn check(&self) -> Result<(), String> {
        if self.shards.is_empty() {
            return Err("the analytics store has no server; name at least one".to_owned());
        }
        let mut seen = BTreeSet::new();
        for (index, shard) in self.shards.iter().enumerate() {
            let replicas = shard.replicas.len();
            if replicas == 0 {
                return Err(format!("shard {index} of the analytics store has no server; name at least one"));
            }
            if replicas > 1 && self.cluster.is_none() {
                return Err(format!("shard {index} of the analytics store has {replicas} replicas; name the cluster that replicates them"));
            }
            if self.cluster.is_some() && usize::try_from(self.quorum).is_ok_and(|quorum| quorum > replicas) {
                return Err(format!("a quorum of {} cannot be reached by the {replicas} replicas of shard {index}; lower it", self.quorum));
            }
            if let Some(twice) = shard.replicas.iter().find(|replica| !seen.insert(replica.url.trim_end_matches('/'))) {
                return Err(format!("{} is named twice among the servers of the analytics store", twice.url));
            }
        }
        match self.pins.iter().find(|(_, shard)| **shard >= self.shards.len()) {
            Some((site, shard)) => {
                Err(format!("domain {site} is pinned to shard {shard}; there are {}, counted from 0", self.shards.len()))
            }
            None => Ok(()),
        }
    }
}

impl From<&Endpoint> for StoreOptions {
    fn from(endpoint: &Endpoint) -> Self {
        let replica = Replica { url: endpoint.url.clone(), user: endpoint.user.clone(), password: endpoint.password.clone() };
        Self {
            shards: vec![ShardOptions { replicas: vec![replica] }],
            database: endpoint.database.clone(),
            cluster: endpoint.cluster.clone(),
            ..Self::default()
        }
    }
}

impl From<&Self> for StoreOptions {
    fn from(options: &Self) -> Self {
        options.clone()
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica").field("url", &self.url).field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(shards: &[&[&str]], cluster: Option<&str>, quorum: u32) -> StoreOptions {
        let replica = |url: &&str| Replica { url: (*url).to_owned(), user: "u".to_owned(), password: "geheim".to_owned() };
        StoreOptions {
            shards: shards.iter().map(|urls| ShardOptions { replicas: urls.iter().map(replica).collect() }).collect(),
            database: "d".to_owned(),
            cluster: cluster.map(str::to_owned),
            quorum,
            pins: BTreeMap::new(),
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_reason() {
        for (options, word) in [
            (store(&[], None, 0), "no server"),
            (store(&[&["http://a"], &[]], None, 0), "shard 1"),
            (store(&[&["http://a", "http://b"]], None, 0), "name the cluster"),
            (store(&[&["http://a", "http://a/"]], Some("c"), 0), "twice"),
            (store(&[&["http://a", "http://b"]], Some("c"), 3), "quorum of 3"),
            (StoreOptions { pins: [(SiteId(uuid::Uuid::nil()), 1)].into(), ..store(&[&["http://a"]], None, 0) }, "pinned to shard 1"),
        ] {
            let error = options.check().unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert_eq!(store(&[&["http://a", "http://b"], &["http://c"]], Some("c"), 1).check(), Ok(()));
        assert!(!format!("{:?}", store(&[&["http://a"]], None, 0)).contains("geheim"));
    }
}
