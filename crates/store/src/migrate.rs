//! Migrations: numbered, in one list, only upwards. Each may be interrupted and run again: its statements say `IF NOT EXISTS`, and its number is
//! written down after the last of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    Store, StoreError,
    bounds::{RECOVERY, UPKEEP},
    ddl::{Flavour, days, dead_letters, events, sessions},
    group::Group,
    node::Node,
};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number; never reused.
    pub number: u32,
    /// What it does.
    pub name: &'static str,
    /// Its statements.
    pub statements: fn(&Flavour) -> Vec<String>,
}

/// All of them, in order. Never change one that was released: add another. 1 and 2 made the tables of versions before the first release.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 3,
        name: "events, sessions, drops, dead letters",
        statements: |flavour| {
            vec![
                events::table(flavour),
                sessions::table(flavour),
                sessions::view(flavour),
                events::drops(flavour),
                dead_letters::table(flavour),
            ]
        },
    },
    Migration {
        number: 4,
        name: "figures of days",
        statements: |flavour| {
            vec![
                days::changes(flavour),
                days::view(flavour),
                // Rows from before the view.
                days::push("1"),
                days::rolled(flavour),
                days::figures(flavour),
            ]
        },
    },
    Migration { number: 5, name: "times of events read faster", statements: |flavour| vec![events::quick_times(flavour)] },
];

impl Store {
    /// Runs what is missing on any shard; answers the names of what ran. On a cluster each statement runs `ON CLUSTER`, which waits for all its
    /// servers, so where nothing is missing nothing is sent: a start needs no more than one replica of each shard.
    ///
    /// # Errors
    /// When the store does not answer or refuses, or was migrated by a newer version of this program.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        let mut ran = BTreeMap::new();
        for group in self.groups() {
            ran.extend(self.migrate_shard(group).await?.into_iter().map(|migration| (migration.number, migration.name)));
        }
        Ok(ran.into_values().collect())
    }

    async fn migrate_shard(&self, group: &Group) -> Result<Vec<&'static Migration>, StoreError> {
        let missing = self.pending_on(group).await?;
        if missing.is_empty() {
            return Ok(missing);
        }
        let (database, table) = (self.flavour().database(self.database()), self.flavour().schema_migrations());
        let (database, table) = (database.as_str(), table.as_str());
        let prepare = |node: Arc<Node>| async move {
            // The database may not exist yet.
            let client = node.client().clone().with_database("default");
            node.within(UPKEEP, async { Ok(client.query_raw(database).execute().await?) }).await?;
            node.execute(table, UPKEEP).await
        };
        group.call(prepare).await?;
        for migration in &missing {
            for statement in (migration.statements)(self.flavour()) {
                // Said to be suspicious, as it seldom pays: see the column `site_id`.
                let statement = statement.as_str();
                let run = |node: Arc<Node>| async move {
                    let statement = node.statement(statement, UPKEEP).with_setting("allow_suspicious_low_cardinality_types", "1");
                    node.within(UPKEEP, async { Ok(statement.execute().await?) }).await
                };
                group.call(run).await?;
            }
            let done = format!("INSERT INTO schema_migrations (number, name) VALUES ({}, '{}')", migration.number, migration.name);
            let done = done.as_str();
            let note = |node: Arc<Node>| async move { node.insert(done, &[], UPKEEP).await };
            group.call(note).await?;
            tracing::info!(number = migration.number, name = migration.name, "analytics store migrated");
        }
        Ok(missing)
    }

    /// Names of the migrations that have not run on every shard; changes nothing.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn pending_migrations(&self) -> Result<Vec<&'static str>, StoreError> {
        let mut pending = BTreeMap::new();
        for group in self.groups() {
            pending.extend(self.pending_on(group).await?.into_iter().map(|migration| (migration.number, migration.name)));
        }
        Ok(pending.into_values().collect())
    }

    async fn pending_on(&self, group: &Group) -> Result<Vec<&'static Migration>, StoreError> {
        const TABLE: &str = "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'";
        let look = |node: Arc<Node>| async move {
            let client = node.client().clone().with_database("default");
            let query = client.query_raw(TABLE).param("database", self.database());
            node.within(UPKEEP, async { Ok(query.fetch_one::<u64>().await?) }).await
        };
        if group.call(look).await? == 0 {
            return Ok(MIGRATIONS.iter().collect());
        }
        missing(group).await
    }
}

async fn missing(group: &Group) -> Result<Vec<&'static Migration>, StoreError> {
    let applied: BTreeSet<u32> = group.all::<u32>("SELECT DISTINCT number FROM schema_migrations", RECOVERY).await?.into_iter().collect();
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.number);
    if let Some(unknown) = applied.iter().find(|number| MIGRATIONS.iter().all(|known| known.number != **number)) {
        return Err(StoreError::odd(if *unknown > newest {
            format!("its schema has migration {unknown}, this program knows {newest}; run the newer version")
        } else {
            format!("its schema is of a version before the first release (migration {unknown}); start with another data folder")
        }));
    }
    Ok(MIGRATIONS.iter().filter(|migration| !applied.contains(&migration.number)).collect())
}
