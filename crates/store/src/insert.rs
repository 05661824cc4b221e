//! Inserts: one call is one `INSERT`, and one token is counted once (`docs/design.md`, Exactly once).

use clickhouse::{Row, insert::Insert};
use footfall_model::{DropReason, Position, SiteId};
use serde::Serialize;
use uuid::Uuid;

use crate::{EventRow, Store, StoreError, bounds::INSERT, client::within, wire::EventWire};

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
    /// Inserts rows of one range in one statement. The same token again, within a week and the last 10,000 inserts, adds nothing, in
    /// `events` or in `sessions`. Rows must be in the order of their offsets, and the same token must always come with the same rows.
    ///
    /// # Errors
    /// [`StoreError::is_data`] where the rows are at fault; anything else may or may not have stored them, so repeat it unchanged.
    pub async fn insert_events(&self, rows: &[EventRow], token: &str) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        within(INSERT, async {
            let mut insert = once(self.inserter().insert::<EventWire<'_>>("events").await?, token);
            let last = rows.len() - 1;
            for (index, row) in rows.iter().enumerate() {
                insert.write(&EventWire::of(row, index == last)).await?;
            }
            Ok(insert.end().await?)
        })
        .await
    }

    /// Whether the columns that are sent are the table's, by name and type. Inserts themselves do not check.
    ///
    /// # Errors
    /// When they are not, or the store does not answer.
    pub async fn check_wire(&self) -> Result<(), StoreError> {
        let mut insert = self.client().insert::<EventWire<'_>>("events").await?;
        let position = Position { log: footfall_model::LogName::Live, generation: 0, partition: 0, offset: 0 };
        let row = EventRow::pageview(position, SiteId(Uuid::nil()), footfall_model::Hash64(0), 0, "");
        // Types are compared while a row is written; leaving it unfinished sends nothing.
        insert.write(&EventWire::of(&row, true)).await?;
        drop(insert);
        Ok(())
    }

    /// Inserts dead letters. Positions are the key: the same letter again replaces itself.
    ///
    /// # Errors
    /// As [`Store::insert_events`].
    pub async fn insert_dead_letters(&self, letters: &[DeadLetter], token: &str) -> Result<(), StoreError> {
        if letters.is_empty() {
            return Ok(());
        }
        within(INSERT, async {
            let mut insert = once(self.inserter().insert::<DeadLetterWire<'_>>("dead_letters").await?, token);
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
}

/// The settings that make an insert count once.
fn once<T>(insert: Insert<T>, token: &str) -> Insert<T> {
    let mut insert = insert
        // The default of current versions would acknowledge from a buffer.
        .with_setting("async_insert", "0")
        .with_setting("insert_deduplicate", "1")
        .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
        .with_setting("insert_deduplication_token", token)
        // One range is one block: a second block of the same insert would have a token of its own.
        .with_setting("max_insert_block_size", "1048576")
        .with_setting("min_insert_block_size_rows", "1048576")
        .with_setting("min_insert_block_size_bytes", "268435456")
        .with_timeouts(Some(INSERT.patience()), Some(INSERT.patience()));
    for (name, value) in INSERT.settings() {
        insert = insert.with_setting(name, value);
    }
    insert
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(PAYLOAD_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
