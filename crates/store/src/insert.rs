//! Inserts: one call is one `INSERT` per shard, and one token is counted once.

use std::sync::Arc;

use bytes::Bytes;
use clickhouse::Row;
use footfall_model::{DropReason, Position, SiteId};
use serde::Serialize;
use uuid::Uuid;

use crate::{EventRow, Store, StoreError, bounds::INSERT, node::Node, wire};

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

/// The rows of one insert in the store's own format, by shard: packed once, and sent as often as it takes.
#[derive(Debug)]
pub struct Packed {
    parts: Vec<(usize, Vec<Bytes>)>,
    rows: usize,
}

impl Packed {
    /// How many.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }
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
    /// Packs the rows of one insert, which must be in the order of their offsets.
    #[must_use]
    pub fn pack(&self, rows: &[EventRow]) -> Packed {
        let parts = self.parts(rows, |row| Some(row.site)).into_iter();
        Packed { parts: parts.map(|(shard, rows)| (shard, wire::blocks(&rows))).collect(), rows: rows.len() }
    }

    /// Inserts the rows of one range: one statement per shard. The same token again, within a week and the last 10,000 inserts, adds nothing, in
    /// `events` or in `sessions`. The same token must always come with the same rows. It is done when every shard has its part; after a failure
    /// some may have theirs.
    ///
    /// After a failure a repetition that succeeds proves nothing: a server that is not replicated notes the token before it puts the rows in place, so
    /// one that is killed in between knows the token and has no rows. [`Store::stored_offsets`] tells.
    ///
    /// # Errors
    /// [`StoreError::is_data`] where the rows are at fault; anything else may or may not have stored them, so repeat it unchanged.
    pub async fn insert(&self, packed: &Packed, token: &str) -> Result<(), StoreError> {
        Self::all_parts(packed.parts.iter().map(|(shard, blocks)| async move {
            let token = self.token_on(token, *shard);
            let (blocks, token) = (blocks.as_slice(), token.as_str());
            self.groups()[*shard].call(|node| async move { self.insert_part(&node, blocks, token).await }).await
        }))
        .await
    }

    /// [`Self::pack`] and [`Self::insert`].
    ///
    /// # Errors
    /// As the latter.
    pub async fn insert_events(&self, rows: &[EventRow], token: &str) -> Result<(), StoreError> {
        self.insert(&self.pack(rows), token).await
    }

    async fn insert_part(&self, node: &Node, blocks: &[Bytes], token: &str) -> Result<(), StoreError> {
        node.within(INSERT, async {
            let insert = node.inserter().insert_formatted_with("INSERT INTO events FORMAT Native");
            let mut insert = insert.with_timeouts(Some(INSERT.patience()), Some(INSERT.patience()));
            for (name, value) in self.insert_settings(Some(token)) {
                insert = insert.with_setting(name, value);
            }
            for block in blocks {
                insert.send(block.clone()).await?;
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

    /// Whether the columns that are sent are the table's, by name and type. Inserts themselves do not check: what is not sent would be filled in.
    ///
    /// # Errors
    /// When they are not, or the store does not answer.
    pub async fn check_wire(&self) -> Result<(), StoreError> {
        let sent: Vec<(String, String)> =
            wire::EventWire::COLUMNS.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
        // Texts are sent as they are; the store makes dictionaries of them.
        let text = "SELECT name, replaceRegexpAll(type, 'LowCardinality\\((\\w+)\\)', '\\1') FROM system.columns \
                    WHERE database = currentDatabase() AND table = 'events' AND default_kind != 'ALIAS' ORDER BY position";
        let table = self.first().all_whole::<(String, String)>(&[], text).await?;
        if sent == table {
            return Ok(());
        }
        Err(StoreError::odd(format!("the columns sent, {sent:?}, are not those of the table, {table:?}")))
    }

    /// Inserts dead letters, each on its domain's shard, those without a domain on the first. Positions are the key: the same letter again replaces
    /// itself, so there is no token.
    ///
    /// # Errors
    /// When the store does not answer; then repeat it.
    pub async fn insert_dead_letters(&self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        let parts = self.parts(letters, |letter| letter.site);
        Self::all_parts(parts.iter().map(|(shard, letters)| async move {
            let letters = letters.as_slice();
            self.groups()[*shard].call(|node| async move { self.bury_part(&node, letters).await }).await
        }))
        .await
    }

    async fn bury_part(&self, node: &Arc<Node>, letters: &[&DeadLetter]) -> Result<(), StoreError> {
        node.within(INSERT, async {
            let insert = node.inserter().insert::<DeadLetterWire<'_>>("dead_letters").await?;
            let mut insert = insert.with_timeouts(Some(INSERT.patience()), Some(INSERT.patience()));
            for (name, value) in self.insert_settings(None) {
                insert = insert.with_setting(name, value);
            }
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

    /// The settings of each insert, with their reasons. Without a token it is never taken for a repetition.
    pub(crate) fn insert_settings(&self, token: Option<&str>) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            // The default of current versions would acknowledge from a buffer.
            ("async_insert", "0".to_owned()),
            ("insert_deduplicate", "1".to_owned()),
            ("deduplicate_blocks_in_dependent_materialized_views", "1".to_owned()),
            ("insert_deduplication_token", token.map_or_else(unknown_token, str::to_owned)),
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

/// A token that no insert had. Which setting turns deduplication off, and for what, has changed between versions; by default they compare contents.
pub(crate) fn unknown_token() -> String {
    Uuid::new_v4().to_string()
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(PAYLOAD_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
