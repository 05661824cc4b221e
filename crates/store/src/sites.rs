//! Which domains have rows, and whether they are where they belong.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::Row;
use footfall_model::SiteId;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Store, StoreError, bounds::RECOVERY};

/// A domain with rows on a shard where nobody looks for them: the list of servers or the pins have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// Domain.
    pub site: SiteId,
    /// The shard that has rows of it, from 0.
    pub found: usize,
    /// The shard where it lives.
    pub home: usize,
    /// That one has rows too: the domain is being moved, or has been written to both.
    pub on_both: bool,
}

#[derive(Row, Deserialize)]
struct Found {
    #[serde(with = "clickhouse::serde::uuid")]
    site: Uuid,
}

impl Store {
    /// Domains that have rows or dead letters, whether they still exist or not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sites(&self) -> Result<Vec<SiteId>, StoreError> {
        let sites: BTreeSet<SiteId> = self.sites_of_shards().await?.into_iter().flatten().collect();
        Ok(sites.into_iter().collect())
    }

    /// Domains that have rows on another shard than theirs. To be asked at the start, as reports would silently leave those rows out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn misplaced(&self) -> Result<Vec<Misplaced>, StoreError> {
        if self.groups().len() < 2 {
            return Ok(Vec::new());
        }
        let shards = self.sites_of_shards().await?;
        let mut misplaced = BTreeMap::new();
        for (found, sites) in shards.iter().enumerate() {
            for &site in sites {
                let home = self.shard_of(site);
                if home != found {
                    let on_both = shards.get(home).is_some_and(|sites| sites.contains(&site));
                    misplaced.insert((site, found), Misplaced { site, found, home, on_both });
                }
            }
        }
        Ok(misplaced.into_values().collect())
    }

    async fn sites_of_shards(&self) -> Result<Vec<BTreeSet<SiteId>>, StoreError> {
        const TEXT: &str = "SELECT DISTINCT site FROM (\
             SELECT CAST(site_id, 'UUID') AS site FROM events GROUP BY site_id UNION ALL SELECT site_id AS site FROM dead_letters GROUP BY site_id)";
        let found = self.each(|group| async move { group.all::<Found>(TEXT, RECOVERY).await }).await?;
        let of_shard = |rows: Vec<Found>| rows.into_iter().map(|row| SiteId(row.site)).filter(|site| !site.0.is_nil()).collect();
        Ok(found.into_iter().map(of_shard).collect())
    }
}
