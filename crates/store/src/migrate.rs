//! Migrations: numbered, in one list, only upwards. Each may be interrupted and run again: its statements say `IF NOT EXISTS`, and its number is
//! written down after the last of them.

use std::collections::BTreeSet;

use crate::{
    Store, StoreError,
    bounds::UPKEEP,
    client::within,
    ddl::{Flavour, dead_letters, events, sessions},
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
pub const MIGRATIONS: &[Migration] = &[Migration {
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
}];

impl Store {
    /// Runs what is missing; answers the names of what ran.
    ///
    /// # Errors
    /// When the store does not answer or refuses, or was migrated by a newer version of this program.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        self.execute_outside(&self.flavour().database(self.database()), UPKEEP).await?;
        self.execute(&self.flavour().schema_migrations(), UPKEEP).await?;
        let mut ran = Vec::new();
        for migration in self.missing().await? {
            for statement in (migration.statements)(self.flavour()) {
                // Said to be suspicious, as it seldom pays: see the column `site_id`.
                let statement = self.statement(&statement, UPKEEP).with_setting("allow_suspicious_low_cardinality_types", "1");
                within(UPKEEP, async { Ok(statement.execute().await?) }).await?;
            }
            let done = format!("INSERT INTO schema_migrations (number, name) VALUES ({}, '{}')", migration.number, migration.name);
            within(UPKEEP, async { Ok(self.statement(&done, UPKEEP).with_setting("async_insert", "0").execute().await?) }).await?;
            tracing::info!(number = migration.number, name = migration.name, "analytics store migrated");
            ran.push(migration.name);
        }
        Ok(ran)
    }

    /// Names of the migrations that have not run; changes nothing.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn pending_migrations(&self) -> Result<Vec<&'static str>, StoreError> {
        let table = "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'";
        let client = self.client().clone().with_database("default");
        let found =
            within(UPKEEP, async { Ok(client.query_raw(table).param("database", self.database()).fetch_one::<u64>().await?) }).await?;
        if found == 0 {
            return Ok(MIGRATIONS.iter().map(|migration| migration.name).collect());
        }
        Ok(self.missing().await?.into_iter().map(|migration| migration.name).collect())
    }

    async fn missing(&self) -> Result<Vec<&'static Migration>, StoreError> {
        let applied: BTreeSet<u32> = self.all::<u32>("SELECT DISTINCT number FROM schema_migrations").await?.into_iter().collect();
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
}
