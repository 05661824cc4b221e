//! A range of decoded entries → rows and dead letters.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use footfall_model::{DropReason, LogName, Offset, Position, SiteId};
use footfall_store::{DeadLetter, EventRow, Shard, event_id};

use crate::{
    assign::{Assigner, At, Verdict},
    decode::Decoded,
    memory::Memory,
    row::{Place, attributes_of, event_row},
    salts::{Of, Salts},
    tools::{Halt, Tools},
    visits::Facts,
};

/// Which partition a range belongs to, and how much of the past it remembers.
#[derive(Clone, Copy, Debug)]
pub struct Home {
    /// The log.
    pub log: LogName,
    /// Its generation.
    pub generation: u32,
    /// The partition.
    pub partition: u32,
    /// Of its records.
    pub memory: Memory,
}

impl Home {
    /// The position of an offset.
    #[must_use]
    pub const fn at(self, offset: Offset) -> Position {
        Position { log: self.log, generation: self.generation, partition: self.partition, offset }
    }

    /// As the store calls it.
    #[must_use]
    pub const fn shard(self) -> Shard {
        Shard { log: self.log, generation: self.generation, partition: self.partition }
    }
}

/// What a range becomes.
#[derive(Debug, Default)]
pub struct Built {
    /// Rows in offset order.
    pub rows: Vec<EventRow>,
    /// What could not be decoded.
    pub dead: Vec<DeadLetter>,
    /// Hours (start, UTC ms) with rows that count, by domain. Domains with dropped rows only have none.
    pub hours: HashMap<SiteId, HashSet<i64>>,
    /// Greatest time of a row that counts.
    pub newest_ms: i64,
    /// Rows by drop reason.
    pub drops: HashMap<DropReason, u64>,
}

const HOUR_MS: i64 = 3_600_000;

/// Assigns a range and makes its rows. `dead` are offsets that the store refused: they leave no trace in the state. `repeats`
/// are offsets whose ids were found in the store.
pub fn build(home: Home, range: Vec<Decoded>, dead: &[Offset], repeats: &HashSet<Offset>, assigner: &mut Assigner, salts: &Salts) -> Built {
    let mut built = Built { rows: Vec::with_capacity(range.len()), newest_ms: i64::MIN, ..Built::default() };
    let Some(last) = range.last().map(|decoded| decoded.offset) else { return built };
    // Few visits cross midnight, but each has many rows: sealed once a range.
    let mut sealed: HashMap<(u64, Of), Arc<str>> = HashMap::new();
    assigner.begin_range();
    for decoded in range {
        let record = match decoded.outcome {
            Ok(record) => record,
            Err(reason) => {
                built.dead.push(dead_letter(home, decoded.offset, None, DropReason::Undecodable, reason, &decoded.payload));
                continue;
            }
        };
        if dead.contains(&decoded.offset) {
            continue;
        }
        let at = At {
            offset: decoded.offset,
            appended_ms: decoded.appended_ms,
            yesterday: salts.yesterday(&record),
            repeats_stored: repeats.contains(&decoded.offset),
        };
        let verdict = assigner.assign(at, &Facts::of(&record), || Arc::new(attributes_of(&record)));
        let mut alias = Arc::default();
        let hours = built.hours.entry(record.site).or_default();
        match &verdict {
            Verdict::Counted(state) => {
                hours.insert(record.ts - record.ts.rem_euclid(HOUR_MS));
                built.newest_ms = built.newest_ms.max(record.ts);
                if state.alias.is_some() {
                    let of = Of::row(record.import, decoded.appended_ms);
                    alias = Arc::clone(sealed.entry((state.id, of)).or_insert_with(|| salts.seal_alias(of, state)));
                }
            }
            Verdict::Dropped(reason) => *built.drops.entry(*reason).or_default() += 1,
        }
        let place = Place { position: home.at(decoded.offset), appended: decoded.appended_ms, rebuild_from: 0 };
        built.rows.push(event_row(place, *record, &verdict, alias));
    }
    let rebuild_from = assigner.rebuild_from(last + 1);
    for row in &mut built.rows {
        row.rebuild_from = rebuild_from;
    }
    built
}

/// A dead letter of this record.
#[must_use]
pub fn dead_letter(home: Home, offset: Offset, site: Option<SiteId>, reason: DropReason, detail: String, payload: &[u8]) -> DeadLetter {
    DeadLetter {
        position: home.at(offset),
        site,
        reason,
        detail,
        payload: String::from_utf8_lossy(payload).into_owned(),
        at_ms: crate::tools::now_ms(),
    }
}

/// The salts that a range needs.
fn salts_of(range: &[Decoded]) -> HashSet<Of> {
    let mut wanted = HashSet::new();
    for decoded in range {
        if let Ok(record) = &decoded.outcome {
            // Nearly all records of a range share two or three; a visit with an alias needs the one of its rows.
            wanted.insert(Of::row(record.import, decoded.appended_ms));
            if record.previous.is_some() {
                wanted.insert(Of::record(record));
            }
        }
    }
    wanted
}

/// Fetches the salts that a range needs.
pub async fn prepare(tools: &Tools, salts: &mut Salts, range: &[Decoded]) -> Result<(), Halt> {
    let wanted = salts_of(range);
    let salts = tokio::sync::Mutex::new(salts);
    tools.until_done("reading salts", || async { salts.lock().await.prepare(wanted.iter().copied()).await }).await
}

/// Ids that senders gave, by domain, with their offsets: for the look-up of the import log.
pub fn given_ids(range: &[Decoded]) -> HashMap<SiteId, Vec<(u64, Offset)>> {
    let mut ids: HashMap<SiteId, Vec<(u64, Offset)>> = HashMap::new();
    for decoded in range {
        if let Ok(record) = &decoded.outcome
            && record.id_given
        {
            ids.entry(record.site).or_default().push((event_id(record.id), decoded.offset));
        }
    }
    ids
}
