//! Copying a domain's rows from one store to another, as bytes: no row is decoded on the way.
//!
//! **What is copied at once** is a *piece*: neighbouring runs of [`RUN`] offsets of one partition of the log, as many as have at most [`RUN`] rows of the
//! domain's month together. So the pieces of rows that are there stay the same while new ones come: only the last piece of a partition grows.
//!
//! **Repeatable.** A piece that the target has already, by count and checksum, is left out. One that it has in part (it has grown since) is deleted there
//! and copied whole. An insert carries a token made of the copy's name, the piece and its checksums on both sides, so an answer that got lost doubles
//! nothing, and what was lost there in part is not taken for a repetition when it comes again. It is one block, so it arrives whole or not at all; what was
//! acknowledged and is not there, because the target knew the token from a time before a crash or a deletion, is sent under another one. Visits follow from the rows by the target's own view; their states take repetitions.
//!
//! **Compared** are count and checksum of all stored columns per day, and the same of the visits ([`Store::checksums`]).

use std::{collections::BTreeMap, future::Future, sync::Arc};

use clickhouse::{Row, insert_formatted::InsertFormatted};
use footfall_model::SiteId;
use footfall_query::range::DAY_MS;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    Store, StoreError,
    bounds::{INSERT, RECOVERY, UPKEEP},
    group::Group,
    node::Node,
    wire::EventWire,
};

/// Offsets per run, and rows per piece: small beside the memory of the smallest engine.
const RUN: u64 = 100_000;
/// How often a piece is sent that the target acknowledges and does not have: a crash may leave a token without its rows.
const MOST_TRIES: u32 = 4;
const LETTERS: &str = "log, generation, partition, `offset`, site_id, reason, detail, payload, created";

/// What a store holds of a domain's day (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayChecksum {
    /// Rows of `events`, those that do not count included.
    pub events: u64,
    /// Sum of hashes over all their columns; the order of rows has no part in it.
    pub events_hash: u64,
    /// Visits that began.
    pub visits: u64,
    /// Sum of hashes over their figures.
    pub visits_hash: u64,
}

/// Rows and their checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct RowsChecksum {
    /// Rows.
    pub rows: u64,
    /// Sum of hashes.
    pub hash: u64,
}

#[derive(Row, Deserialize)]
struct Run {
    log: u8,
    generation: u32,
    partition: u32,
    run: u64,
    rows: u64,
}

#[derive(Row, Deserialize)]
struct Day {
    day: i64,
    rows: u64,
    hash: u64,
}

/// Neighbouring runs of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    log: u8,
    generation: u32,
    partition: u32,
    /// Offsets `from..to`.
    from: u64,
    to: u64,
    rows: u64,
}

impl Piece {
    fn condition(&self, site: SiteId, month: u32) -> String {
        let Self { log, generation, partition, from, to, .. } = self;
        format!(
            "site_id = toUUID('{site}') AND toYYYYMM(ts) = {month} AND log = {log} AND generation = {generation} AND partition = {partition} \
             AND `offset` >= {from} AND `offset` < {to}"
        )
    }
}

impl Store {
    /// Months (such as 202611) in which a domain has rows, with their number.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn months(&self, site: SiteId) -> Result<BTreeMap<u32, u64>, StoreError> {
        let text = format!("SELECT toYYYYMM(ts) AS month, count() AS n FROM events WHERE site_id = toUUID('{site}') GROUP BY month");
        Ok(self.of(site).all_whole::<(u32, u64)>(&["events"], &text).await?.into_iter().collect())
    }

    /// Makes `target`, migrated, have the rows of a domain's month that this store has; answers how many were sent now. May be interrupted and repeated,
    /// also while rows are added here. `name` is that of the whole copy: a repetition goes by the same name. `progress` hears of rows as they are done, sent or found.
    ///
    /// # Errors
    /// When a store does not answer; then repeat it.
    pub async fn copy_site_month(
        &self,
        target: &Self,
        site: SiteId,
        month: u32,
        name: &str,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<u64, StoreError> {
        let (from, to) = (self.of(site), target.of(site));
        let mut sent = 0;
        for piece in pieces(from, site, month).await? {
            let condition = piece.condition(site, month);
            let here = checksum(from, &condition).await?;
            let there = checksum(to, &condition).await?;
            if here != there {
                if there.rows > 0 {
                    to.execute(&format!("ALTER TABLE events DELETE WHERE {condition} SETTINGS mutations_sync = 2"), UPKEEP).await?;
                }
                let Piece { log, generation, partition, from: start, .. } = piece;
                let token = format!(
                    "copy/{name}/{site}/{month}/{log}/{generation}/{partition}/{start}/{}/{}/{}/{}",
                    here.rows, here.hash, there.rows, there.hash
                );
                let columns = columns();
                let read = format!("SELECT {columns} FROM events WHERE {condition}");
                let write = format!("INSERT INTO events ({columns}) FORMAT RowBinary");
                for again in 0.. {
                    if again == MOST_TRIES {
                        return Err(StoreError::odd(format!("{again} times rows were acknowledged and are not there (token {token})")));
                    }
                    let token = if again == 0 { token.clone() } else { format!("{token}/{again}") };
                    target.pass_on((from, to), "events", &read, &write, Some(&token)).await?;
                    // One block of one month is one part: all of it is there, or nothing.
                    if rows(to, &condition).await? >= here.rows {
                        break;
                    }
                }
                sent += here.rows;
            }
            progress(here.rows);
        }
        Ok(sent)
    }

    /// Makes `target` have the dead letters of a domain, or with none those of no domain. May be repeated: letters replace themselves.
    ///
    /// # Errors
    /// When a store does not answer; then repeat it.
    pub async fn copy_dead_letters(&self, target: &Self, site: Option<SiteId>) -> Result<u64, StoreError> {
        let sum = self.letters(site).await?;
        if sum.rows == 0 || sum == target.letters(site).await? {
            return Ok(0);
        }
        let shard = |store: &Self| Arc::clone(site.map_or_else(|| store.first(), |site| store.of(site)));
        let id = site.map_or(Uuid::nil(), |site| site.0);
        let read = format!("SELECT {LETTERS} FROM dead_letters FINAL WHERE site_id = toUUID('{id}')");
        let write = format!("INSERT INTO dead_letters ({LETTERS}) FORMAT RowBinary");
        target.pass_on((&shard(self), &shard(target)), "dead_letters", &read, &write, None).await?;
        Ok(sum.rows)
    }

    /// What this store holds of a domain, by day (start in UTC ms), to compare two stores.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn checksums(&self, site: SiteId) -> Result<BTreeMap<i64, DayChecksum>, StoreError> {
        let group = self.of(site);
        let mut days: BTreeMap<i64, DayChecksum> = BTreeMap::new();
        for month in self.months(site).await?.into_keys() {
            let text = format!(
                "SELECT intDiv(toUnixTimestamp64Milli(ts), {DAY_MS}) * {DAY_MS} AS day, count() AS rows, {} AS hash FROM events \
                 WHERE site_id = toUUID('{site}') AND toYYYYMM(ts) = {month} GROUP BY day",
                events_hash()
            );
            for row in group.all_whole::<Day>(&["events"], &text).await? {
                let day = days.entry(row.day).or_default();
                (day.events, day.events_hash) = (row.rows, row.hash);
            }
        }
        let text = format!(
            "SELECT intDiv(toUnixTimestamp64Milli(session_start), {DAY_MS}) * {DAY_MS} AS day, count() AS rows, \
             sum(cityHash64(session_start, session_id, visit_key, log, first, last, pageviews, interactive, entry, exit, toString(bot), import_id)) AS hash \
             FROM sessions FINAL WHERE site_id = toUUID('{site}') GROUP BY day"
        );
        for row in group.all_whole::<Day>(&["sessions"], &text).await? {
            let day = days.entry(row.day).or_default();
            (day.visits, day.visits_hash) = (row.rows, row.hash);
        }
        Ok(days)
    }

    /// Number and checksum of the dead letters of a domain, or with none of those of no domain.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn letters(&self, site: Option<SiteId>) -> Result<RowsChecksum, StoreError> {
        let group = site.map_or_else(|| self.first(), |site| self.of(site));
        let id = site.map_or(Uuid::nil(), |site| site.0);
        let text = format!(
            "SELECT count() AS rows, sum(cityHash64({})) AS hash FROM dead_letters FINAL WHERE site_id = toUUID('{id}')",
            LETTERS.replace("reason", "toString(reason)")
        );
        one(group.all_whole::<RowsChecksum>(&["dead_letters"], &text)).await
    }

    /// Sends what `read` answers in the first shard, over `table`, to `write` in the second, one of this store.
    async fn pass_on(
        &self,
        (from, to): (&Group, &Group),
        table: &str,
        read: &str,
        write: &str,
        token: Option<&str>,
    ) -> Result<(), StoreError> {
        let read_from = |source: Arc<Node>| async move {
            from.fetch_missing(&source, &[table]).await?;
            let write_to = |target: Arc<Node>| {
                let source = Arc::clone(&source);
                async move { self.pass_between(&source, &target, read, write, token).await }
            };
            // Outside fails the source, inside the target: neither is left for what the other one lacks.
            match to.call(write_to).await {
                Ok(source) => source.map(Ok),
                Err(target) => Ok(Err(target)),
            }
        };
        from.call(read_from).await?
    }

    /// Outside fails the target, inside the source.
    async fn pass_between(
        &self,
        source: &Node,
        target: &Node,
        read: &str,
        write: &str,
        token: Option<&str>,
    ) -> Result<Result<(), StoreError>, StoreError> {
        let mut bytes = match source.statement(read, RECOVERY).fetch_bytes("RowBinary") {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut insert: InsertFormatted = target.inserter().insert_formatted_with(write);
        for (name, value) in self.insert_settings(token) {
            insert = insert.with_setting(name, value);
        }
        loop {
            // An insert that is dropped before its end was never sent whole, and adds nothing.
            match source.within(RECOVERY, async { Ok(bytes.next().await?) }).await {
                Ok(Some(some)) => target.within(INSERT, async { Ok(insert.send(some).await?) }).await?,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        target.within(INSERT, async { Ok(insert.end().await?) }).await.map(Ok)
    }
}

async fn one(rows: impl Future<Output = Result<Vec<RowsChecksum>, StoreError>>) -> Result<RowsChecksum, StoreError> {
    Ok(rows.await?.first().copied().unwrap_or_default())
}

async fn rows(group: &Group, condition: &str) -> Result<u64, StoreError> {
    let text = format!("SELECT count() FROM events WHERE {condition}");
    Ok(group.all_whole::<u64>(&["events"], &text).await?.into_iter().sum())
}

async fn checksum(group: &Group, condition: &str) -> Result<RowsChecksum, StoreError> {
    let text = format!("SELECT count() AS rows, {} AS hash FROM events WHERE {condition}", events_hash());
    one(group.all_whole::<RowsChecksum>(&["events"], &text)).await
}

async fn pieces(group: &Group, site: SiteId, month: u32) -> Result<Vec<Piece>, StoreError> {
    let text = format!(
        "SELECT log, generation, partition, intDiv(`offset`, {RUN}) AS run, count() AS rows FROM events \
         WHERE site_id = toUUID('{site}') AND toYYYYMM(ts) = {month} GROUP BY log, generation, partition, run ORDER BY log, generation, partition, run"
    );
    Ok(joined(group.all_whole::<Run>(&["events"], &text).await?))
}

/// Joins neighbours as long as they have few rows. What comes later in the log changes no earlier piece but the last.
fn joined(runs: Vec<Run>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for Run { log, generation, partition, run, rows } in runs {
        let to = (run + 1) * RUN;
        match pieces.last_mut() {
            Some(last) if (last.log, last.generation, last.partition) == (log, generation, partition) && last.rows + rows <= RUN => {
                last.to = to;
                last.rows += rows;
            }
            _ => pieces.push(Piece { log, generation, partition, from: run * RUN, to, rows }),
        }
    }
    pieces
}

/// All columns that are stored, in the order in which they are sent.
fn columns() -> String {
    EventWire::COLUMNS.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn events_hash() -> String {
    format!("sum(cityHash64({}))", columns().replace("`props`", "toString(`props`)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stay_the_same_while_the_log_grows() {
        let run = |partition, run, rows| Run { log: 0, generation: 0, partition, run, rows };
        let early = joined(vec![run(0, 0, 60_000), run(0, 1, 40_000), run(0, 2, 5), run(1, 0, 100_000), run(1, 7, 3)]);
        let spans = |pieces: &[Piece]| pieces.iter().map(|piece| (piece.partition, piece.from, piece.to, piece.rows)).collect::<Vec<_>>();
        assert_eq!(spans(&early), [(0, 0, 200_000, 100_000), (0, 200_000, 300_000, 5), (1, 0, 100_000, 100_000), (1, 700_000, 800_000, 3)]);
        let later = joined(vec![
            run(0, 0, 60_000),
            run(0, 1, 40_000),
            run(0, 2, 99_000),
            run(0, 3, 99_000),
            run(1, 0, 100_000),
            run(1, 7, 4),
            run(1, 8, 4),
        ]);
        let starts = |pieces: &[Piece]| pieces.iter().map(|piece| (piece.partition, piece.from)).collect::<Vec<_>>();
        assert!(starts(&early).iter().all(|start| starts(&later).contains(start)));
        assert_eq!(later[0], early[0]);
    }
}
