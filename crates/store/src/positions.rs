//! Which records of the log are stored: what a restart asks before it repeats anything.

use std::{collections::BTreeSet, sync::Arc};

use clickhouse::Row;
use footfall_model::{LogName, Offset};
use serde::Deserialize;

use crate::{Store, StoreError, bounds::RECOVERY, ddl, group::Group, node::Node};

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
    /// Its [`crate::event_id`], which an insert's last row always has; 0 where the rows after it were erased and it was sent without an id.
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

/// A hole below the last stored row: see [`Store::first_gap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its first offset.
    pub first: Offset,
    /// Lowest offset that the state as of `first` rests on.
    pub rebuild_from: Offset,
}

/// Most records of one range, those included that become dead letters: rows of one insert over all shards. Whoever writes keeps to it
/// (the processor's `MAX_ROWS`); [`Store::first_gap`] rests on it. In offsets a range may be longer: transactions and compaction leave holes in a topic.
pub const MAX_RANGE_RECORDS: usize = 50_000;

impl Store {
    /// Waits until the replicas in use have everything that was acknowledged anywhere. Nothing to do on one machine.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sync(&self) -> Result<(), StoreError> {
        self.each(|group| async move { group.sync(&["events", "sessions", "dead_letters"]).await }).await.map(drop)
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
        let text = text.as_str();
        let found = self.each(|group| async move { group.all_whole::<u64>(&[table], text).await }).await?;
        Ok(found.into_iter().flatten().collect())
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
        let text = text.as_str();
        let found = self.each(|group| async move { group.all_whole::<HighestWire>(&["events"], text).await }).await?;
        let Some(row) = found.into_iter().flatten().max_by_key(|row| row.offset) else { return Ok(None) };
        let rebuild_from = match row.rebuild_back {
            // It may not be the last row of its insert: those after it may have been erased.
            0 => self.rebuild_from(shard, row.offset + 1).await?.unwrap_or(row.offset),
            back => row.offset.saturating_sub(back),
        };
        Ok(Some(Highest { offset: row.offset, event_id: row.event_id, rebuild_from, appended_s: row.appended_s }))
    }

    /// The first offset of `from..=highest` that is stored nowhere, neither as a row nor as a dead letter. With several shards a range is several inserts:
    /// whoever has lost both commit and intent, and knows the highest stored offset only, must settle again from the gap on. Only the last range
    /// can lack anything, so no more than the last [`MAX_RANGE_RECORDS`] stored records are looked at. An offset that holds no record looks like a gap.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn first_gap(&self, shard: Shard, from: Offset, highest: Offset) -> Result<Option<Gap>, StoreError> {
        if self.groups().len() < 2 {
            return Ok(None);
        }
        let settled = self.last_settled(shard, from, highest).await?;
        // What is below so many belongs to earlier ranges.
        let from = settled.iter().rev().nth(MAX_RANGE_RECORDS - 1).copied().unwrap_or(from);
        let Some(first) = (from..=highest).find(|offset| !settled.contains(offset)) else { return Ok(None) };
        let rebuild_from = self.rebuild_from(shard, first).await?.unwrap_or(first);
        Ok(Some(Gap { first, rebuild_from }))
    }

    /// The last [`MAX_RANGE_RECORDS`] offsets of `from..=highest` that are stored, and perhaps some before them.
    async fn last_settled(&self, shard: Shard, from: Offset, highest: Offset) -> Result<BTreeSet<Offset>, StoreError> {
        for span in spans() {
            let lowest = from.max((highest + 1).saturating_sub(span));
            let mut settled = self.stored_offsets(shard, lowest, highest).await?;
            settled.extend(self.dead_offsets(shard, lowest, highest).await?);
            if settled.len() >= MAX_RANGE_RECORDS || lowest == from {
                return Ok(settled);
            }
        }
        Ok(BTreeSet::new())
    }

    /// Lowest offset that the state as of `next` rests on; none where no row is stored below. Only the last row of an insert knows it, and among
    /// [`MAX_RANGE_RECORDS`] rows there is such a one.
    async fn rebuild_from(&self, shard: Shard, next: Offset) -> Result<Option<Offset>, StoreError> {
        for span in spans() {
            let lowest = next.saturating_sub(span);
            let text = format!(
                "SELECT count() AS rows, toUInt64(min(`offset` - rebuild_back)) FROM events \
                 WHERE {} AND `offset` >= {lowest} AND `offset` < {next} HAVING rows > 0",
                shard.condition()
            );
            let text = text.as_str();
            let found = self.each(|group| async move { group.all_whole::<(u64, u64)>(&["events"], text).await }).await?;
            let found: Vec<(u64, u64)> = found.into_iter().flatten().collect();
            let rows: u64 = found.iter().map(|(rows, _)| rows).sum();
            if rows >= MAX_RANGE_RECORDS as u64 || lowest == 0 {
                return Ok(found.into_iter().map(|(_, from)| from).min());
            }
        }
        Ok(None)
    }

    /// Pushes the rows of `first..=last` into `sessions` and `day_changes` once more, for inserts that were cut off between the tables. The states
    /// of `sessions` do not change by what they have already seen; days only need to be seen to have changed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn repush_sessions(&self, shard: Shard, first: Offset, last: Offset) -> Result<(), StoreError> {
        let condition = format!("{} AND `offset` >= {first} AND `offset` <= {last}", shard.condition());
        let texts = [ddl::sessions::push(&condition), ddl::days::push(&condition)];
        let texts = texts.as_slice();
        let push = |group: Arc<Group>| async move {
            let push_on = |node: Arc<Node>| {
                let group = &group;
                async move {
                    group.fetch_missing(&node, &["events"]).await?;
                    for text in texts {
                        node.insert(text, &[], RECOVERY).await?;
                    }
                    Ok(())
                }
            };
            group.call(push_on).await
        };
        self.each(push).await.map(drop)
    }
}

/// How many offsets to look through for [`MAX_RANGE_RECORDS`] records: twice as many each time. The last one is all there are.
fn spans() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(MAX_RANGE_RECORDS as u64), |span| (*span < u64::MAX).then(|| span.saturating_mul(2)))
}
