//! Which records of the log are stored: what a restart asks before it repeats anything.

use std::collections::BTreeSet;

use clickhouse::Row;
use footfall_model::{LogName, Offset};
use serde::Deserialize;

use crate::{Store, StoreError, bounds::RECOVERY, client::within, ddl};

/// A partition of one generation of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    /// Which log.
    pub log: LogName,
    /// Its generation.
    pub generation: u32,
    /// The partition.
    pub partition: u32,
}

impl Shard {
    /// As a condition on `events` or `dead_letters`. Numbers only, so it may be text.
    pub(crate) fn condition(self) -> String {
        format!("log = {} AND generation = {} AND partition = {}", self.log.code(), self.generation, self.partition)
    }
}

/// The last stored row of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Highest {
    /// Its offset.
    pub offset: Offset,
    /// Its [`crate::event_id`]. An insert's last row always has one, and this is the last row of some insert.
    pub event_id: u64,
    /// Lowest offset that anything kept after it rests on.
    pub rebuild_from: Offset,
    /// When the log took it, seconds since 1970.
    pub appended_s: i64,
}

#[derive(Row, Deserialize)]
struct HighestWire {
    offset: u64,
    event_id: u64,
    rebuild_back: u64,
    appended_s: i64,
}

impl Store {
    /// Waits until this replica has everything that was acknowledged anywhere. Nothing to do on one machine.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sync(&self) -> Result<(), StoreError> {
        if !self.flavour().is_cluster() {
            return Ok(());
        }
        for table in ["events", "sessions", "dead_letters"] {
            self.execute(&format!("SYSTEM SYNC REPLICA {table}"), RECOVERY).await?;
        }
        Ok(())
    }

    /// Offsets of `first..=last` that have a row in `events`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn stored_offsets(&self, shard: Shard, first: Offset, last: Offset) -> Result<BTreeSet<Offset>, StoreError> {
        self.offsets("events", shard, first, last).await
    }

    /// Offsets of `first..=last` that have a dead letter.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn dead_offsets(&self, shard: Shard, first: Offset, last: Offset) -> Result<BTreeSet<Offset>, StoreError> {
        self.offsets("dead_letters", shard, first, last).await
    }

    async fn offsets(&self, table: &str, shard: Shard, first: Offset, last: Offset) -> Result<BTreeSet<Offset>, StoreError> {
        let text =
            format!("SELECT DISTINCT `offset` FROM {table} WHERE {} AND `offset` >= {first} AND `offset` <= {last}", shard.condition());
        let found = within(RECOVERY, async { Ok(self.statement(&text, RECOVERY).fetch_all::<u64>().await?) }).await?;
        Ok(found.into_iter().collect())
    }

    /// The last stored row of a partition, if it has any.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn highest_stored(&self, shard: Shard) -> Result<Option<Highest>, StoreError> {
        let of = shard.condition();
        let text = format!(
            "SELECT `offset`, event_id, rebuild_back, appended_s FROM events WHERE {of} AND `offset` = (SELECT max(`offset`) FROM events WHERE {of}) LIMIT 1"
        );
        let found = within(RECOVERY, async { Ok(self.statement(&text, RECOVERY).fetch_optional::<HighestWire>().await?) }).await?;
        Ok(found.map(|row| Highest {
            offset: row.offset,
            event_id: row.event_id,
            rebuild_from: row.offset.saturating_sub(row.rebuild_back),
            appended_s: row.appended_s,
        }))
    }

    /// Pushes the rows of `first..=last` into `sessions` once more, for inserts that were cut off between the two tables. The states
    /// of `sessions` do not change by what they have already seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn repush_sessions(&self, shard: Shard, first: Offset, last: Offset) -> Result<(), StoreError> {
        let condition = format!("{} AND `offset` >= {first} AND `offset` <= {last}", shard.condition());
        let text = ddl::sessions::push(&condition);
        within(RECOVERY, async {
            let statement = self.statement(&text, RECOVERY).with_setting("async_insert", "0").with_setting("insert_deduplicate", "0");
            Ok(statement.execute().await?)
        })
        .await
    }
}
