//! Inserts: one call is one `INSERT` per shard, and one token is counted once.

use std::sync::Arc;

use clickhouse::{Row, insert::Insert};
use footfall_model::{DropReason, Position, SiteId};
use serde::Serialize;
use uuid::Uuid;

use crate::{EventRow, Store, StoreError, bounds::INSERT, node::Node, wire::EventWire};

/// Below the client's own patience, so that the server says what is the matter.
const QUORUM_TIMEOUT_MS: u32 = 30_000;
/// Of a dead letter's payload this many bytes are kept: enough to see what it was.
const PAYLOAD_BYTES: usize = 4_000;

/// A record that is in no row of `events`, and why. The log's records hold neither address nor raw user agent, so a payload does not either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where its record stands in the log.
    pub position: Position,
    /// Its domain, if that could be read.
    pub site: Option<SiteId>,
    /// Why.
    pub reason: DropReason,
    /// What exactly, for a person.
    pub detail: String,
    /// The record, shortened.
    pub payload: String,
    /// When it was laid here, UTC milliseconds.
    pub at_ms: i64,
}

#[derive(Row, Serialize)]
struct DeadLetterWire<'a> {
    log: u8,
    generation: u32,
    partition: u32,
    offset: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    reason: &'a str,
    detail: &'a str,
    payload: &'a str,
    created: i64,
}

impl Store {
    /// Inserts rows of one range: one statement per shard. The same token again, within a week and the last 10,000 inserts, adds nothing, in
    /// `events` or in `sessions`. Rows must be in the order of their offsets, and the same token must always come with the same rows. It is done when
    /// every shard has its part; after a failure some may have theirs.
    ///
    /// # Errors
    /// [`StoreError::is_data`] where the rows are at fault; anything else may or may not have stored them, so repeat it unchanged.
    pub async fn insert_events(&self, rows: &[EventRow], token: &str) -> Result<(), StoreError> {
        let parts = self.parts(rows, |row| Some(row.site));
        Self::all_parts(parts.iter().map(|(shard, rows)| async move {
            let token = self.token_on(token, *shard);
            let (rows, token) = (rows.as_slice(), token.as_str());
            self.groups()[*shard].call(|node| async move { self.insert_part(&node, rows, token).await }).await
        }))
        .await
    }

    async fn insert_part(&self, node: &Node, rows: &[&EventRow], token: &str) -> Result<(), StoreError> {
        node.within(INSERT, async {
            let mut insert = self.once(node.inserter().insert::<EventWire<'_>>("events").await?, token);
            for (index, row) in rows.iter().enumerate() {
                insert.write(&EventWire::of(row, index + 1 == rows.len())).await?;
            }
            Ok(insert.end().await?)
        })
        .await
    }

    /// Splits by shard, order kept; shards without any are left out.
    fn parts<'a, T>(&self, rows: &'a [T], site: impl Fn(&T) -> Option<SiteId>) -> Vec<(usize, Vec<&'a T>)> {
        let mut parts = vec![Vec::new(); self.groups().len()];
        for row in rows {
            parts[site(row).map_or(0, |site| self.shard_of(site))].push(row);
        }
        parts.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()).collect()
    }

    /// Replicas of a shard share what they know of tokens; shards do not, and must not have to.
    fn token_on(&self, token: &str, shard: usize) -> String {
        if self.groups().len() == 1 { token.to_owned() } else { format!("{token}/{shard}") }
    }

    /// Whether the columns that are sent are the table's, by name and type. Inserts themselves do not check.
    ///
    /// # Errors
    /// When they are not, or the store does not answer.
    pub async fn check_wire(&self) -> Result<(), StoreError> {
        let node = self.first().current().ok_or_else(|| StoreError::away("no server is configured"))?;
        let mut insert = node.client().insert::<EventWire<'_>>("events").await?;
        let position = Position { log: footfall_model::LogName::Live, generation: 0, partition: 0, offset: 0 };
        let row = EventRow::pageview(position, SiteId(Uuid::nil()), footfall_model::Hash64(0), 0, "");
        // Types are compared while a row is written; leaving it unfinished sends nothing.
        insert.write(&EventWire::of(&row, true)).await?;
        drop(insert);
        Ok(())
    }

    /// Inserts dead letters, each on its domain's shard, those without a domain on the first. Positions are the key: the same letter again replaces itself.
    ///
    /// # Errors
    /// As [`Store::insert_events`].
    pub async fn insert_dead_letters(&self, letters: &[DeadLetter], token: &str) -> Result<(), StoreError> {
        let parts = self.parts(letters, |letter| letter.site);
        Self::all_parts(parts.iter().map(|(shard, letters)| async move {
            let token = self.token_on(token, *shard);
            let (letters, token) = (letters.as_slice(), token.as_str());
            self.groups()[*shard].call(|node| async move { self.bury_part(&node, letters, token).await }).await
        }))
        .await
    }

    async fn bury_part(&self, node: &Arc<Node>, letters: &[&DeadLetter], token: &str) -> Result<(), StoreError> {
        node.within(INSERT, async {
            let mut insert = self.once(node.inserter().insert::<DeadLetterWire<'_>>("dead_letters").await?, token);
            for letter in letters {
                insert
                    .write(&DeadLetterWire {
                        log: letter.position.log.code(),
                        generation: letter.position.generation,
                        partition: letter.position.partition,
                        offset: letter.position.offset,
                        site_id: letter.site.map_or(Uuid::nil(), |site| site.0),
                        reason: letter.reason.code(),
                        detail: shortened(&letter.detail),
                        payload: shortened(&letter.payload),
                        created: letter.at_ms,
                    })
                    .await?;
            }
            Ok(insert.end().await?)
        })
        .await
    }

    /// The settings that make an insert count once.
    fn once<T>(&self, insert: Insert<T>, token: &str) -> Insert<T> {
        let mut insert = insert.with_timeouts(Some(INSERT.patience()), Some(INSERT.patience()));
        for (name, value) in self.insert_settings(token) {
            insert = insert.with_setting(name, value);
        }
        insert
    }

    /// The settings of each insert, with their reasons.
    pub(crate) fn insert_settings(&self, token: &str) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            // The default of current versions would acknowledge from a buffer.
            ("async_insert", "0".to_owned()),
            ("insert_deduplicate", "1".to_owned()),
            ("deduplicate_blocks_in_dependent_materialized_views", "1".to_owned()),
            ("insert_deduplication_token", token.to_owned()),
            // One range is one block: a second block of the same insert would have a token of its own.
            ("max_insert_block_size", "1048576".to_owned()),
            ("min_insert_block_size_rows", "1048576".to_owned()),
            ("min_insert_block_size_bytes", "268435456".to_owned()),
        ];
        settings.extend(INSERT.settings());
        if self.flavour().is_cluster() && self.quorum() != 1 {
            let quorum = if self.quorum() == 0 { "auto".to_owned() } else { self.quorum().to_string() };
            settings.extend([
                ("insert_quorum", quorum),
                // Processes insert side by side; in turn, each would fail while another one's waits. See `group` for what that costs readers.
                ("insert_quorum_parallel", "1".to_owned()),
                ("insert_quorum_timeout", QUORUM_TIMEOUT_MS.to_string()),
            ]);
        }
        settings
    }
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(PAYLOAD_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
