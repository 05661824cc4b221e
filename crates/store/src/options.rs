//! Where the store is: its shards, and the replicas of each. What can be wrong with that is found by the configuration (`crates/config`, `check`),
//! which knows where it was written.

use std::collections::BTreeMap;

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

    #[test]
    fn passwords_are_not_shown() {
        let endpoint = Endpoint {
            url: "http://a".to_owned(),
            user: "u".to_owned(),
            password: "geheim".to_owned(),
            database: "d".to_owned(),
            cluster: None,
        };
        assert!(!format!("{endpoint:?} {:?}", StoreOptions::from(&endpoint)).contains("geheim"));
    }
}
