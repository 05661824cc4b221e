//! Settling a range by position: after a restart with an intent, after the store refused rows, and where a repeated insert left some out.
//!
//! Read first which positions of the range are stored. None: the same block and token as before. Some: the missing rows only. Then read again: a
//! crash of the store may have left a token without its rows, and an insert under such a token is acknowledged and stores nothing. What
//! is still missing goes under a new token. At last the visits of the whole range are pushed into `sessions` again, which is idempotent. The token guards
//! tries in flight, the positions guard the rest.
//!
//! A part that the store refuses for its data is halved; a single row that it refuses becomes a dead letter. Each split and each
//! burial is written to the intent *before* it is acted upon, so a crash at any point goes on here. The parts go in order,
//! each with the state rebuilt from what is stored, so rows after a buried one are assigned without it.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use footfall_log::{Holder, Intent, StoredEntry, Subscription};
use footfall_model::{DropReason, Offset};

use crate::{
    aftermath::{bury, tell},
    build::{Built, Home, build, dead_letter, prepare},
    decode::Decoded,
    import::repeats,
    range::{Block, content_hash, token},
    recover::rebuild,
    salts::Salts,
    steps::Step,
    tools::{Batch, Halt, Tools, Written},
};

/// Between two looks at positions that are stored in part.
const STANDS_STILL: Duration = Duration::from_millis(500);
/// How often rows are sent that the store acknowledges and does not have. Once is a crash of the store; this often, nobody knows why.
const MOST_AGAIN: u32 = 8;

/// The records of an intent; none if the log does not hold the very same any more.
pub async fn records_of(sub: &mut dyn Subscription, partition: u32, intent: &Intent) -> Result<Option<Vec<StoredEntry>>, Halt> {
    let entries = sub.reread(partition, intent.first, intent.last).await?;
    let content = content_hash(entries.iter().map(|entry| entry.payload.as_ref()));
    Ok((content == intent.content).then_some(entries))
}

/// Settles every record of the intent's range, which are `whole`. The commit is the caller's.
pub async fn settle(
    tools: &Tools,
    sub: &mut dyn Subscription,
    salts: &mut Salts,
    home: Home,
    intent: &mut Intent,
    whole: &[StoredEntry],
) -> Result<(), Halt> {
    let held = sub.holder(home.partition);
    rebury(tools, home, intent, whole).await?;
    // Splits come only into parts that are not settled, so what lies below stays settled.
    let mut done = intent.first;
    'parts: loop {
        let mut from = intent.first;
        let ends: Vec<Offset> = intent.splits.iter().copied().chain([intent.last + 1]).collect();
        for end in ends {
            if end <= done {
                from = end;
                continue;
            }
            let part: Vec<Decoded> = whole.iter().filter(|entry| (from..end).contains(&entry.offset)).cloned().map(Decoded::read).collect();
            let begin = std::mem::replace(&mut from, end);
            if let Some(bad) = settle_part(tools, &held, salts, home, intent, begin, end, part).await? {
                trim(intent, begin, whole);
                split_or_bury(tools, sub, home, intent, bad, whole).await?;
                continue 'parts;
            }
            done = end;
            tools.step(Step::PartSettled)?;
        }
        return Ok(());
    }
}

/// What the store refused: the rows not stored, and why.
struct Refused {
    offsets: Vec<Offset>,
    reason: String,
}

/// Settles the part `[begin, end)`; answers what was refused.
#[allow(clippy::too_many_arguments, reason = "what a part is made of")]
async fn settle_part(
    tools: &Tools,
    held: &Holder,
    salts: &mut Salts,
    home: Home,
    intent: &Intent,
    begin: Offset,
    end: Offset,
    part: Vec<Decoded>,
) -> Result<Option<Refused>, Halt> {
    let Some(last) = part.last().map(|decoded| decoded.offset) else { return Ok(None) };
    let records = part.len();
    let mut stored = settled_positions(tools, home, begin, last, records).await?;
    prepare(tools, salts, &part).await?;
    let found = repeats(tools, home, &part).await?;
    let content = content_hash(part.iter().map(|decoded| decoded.payload.as_ref()));
    let mut assigner = rebuild(tools, salts, home, intent.rebuild_from, begin).await?;
    let mut built = build(home, part, &intent.dead, &found, &mut assigner, salts);
    bury(tools, &mut built).await?;
    tools.step(Step::DeadLettersWritten)?;

    for again in 0.. {
        built.rows.retain(|row| !stored.contains(&row.position.offset));
        if built.rows.is_empty() {
            break;
        }
        if again > MOST_AGAIN {
            return Err(Halt::Fault(format!(
                "the store acknowledged {} rows of the records {begin} to {last} {again} times and does not have them",
                built.rows.len()
            )));
        }
        let dead = intent.dead.iter().filter(|offset| (begin..end).contains(offset));
        let without: BTreeSet<Offset> = dead.chain(&stored).copied().collect();
        let without: Vec<Offset> = without.into_iter().collect();
        let block = Block {
            log: home.log,
            generation: home.generation,
            partition: home.partition,
            first: begin,
            last,
            content: &content,
            without: &without,
            again,
        };
        let (token, packed) = (token(&block), tools.store.pack(&built.rows));
        let batch = Batch { home, first: begin, last, rows: &packed, token: &token, before: stored.len() };
        let written = tools.insert(&batch, held).await?;
        stored = settled_positions(tools, home, begin, last, records).await?;
        if let Written::Refused(error) = written {
            // An earlier try of the same rows may have arrived after all.
            let missing = built.rows.iter().map(|row| row.position.offset).filter(|offset| !stored.contains(offset));
            let offsets: Vec<Offset> = missing.collect();
            if !offsets.is_empty() {
                return Ok(Some(Refused { offsets, reason: error.to_string() }));
            }
        }
    }
    tools.until_done("pushing visits again", || tools.store.repush_sessions(home.shard(), begin, last)).await?;
    // Rows that an earlier run stored may never have been told, so all of the part is.
    tell(tools, home, end, &built);
    Ok(None)
}

/// Forgets what lies below `begin`, which is settled: an intent has little room where it is kept.
fn trim(intent: &mut Intent, begin: Offset, whole: &[StoredEntry]) {
    if begin > intent.first {
        intent.first = begin;
        intent.splits.retain(|split| *split > begin);
        intent.dead.retain(|dead| *dead >= begin);
        intent.content = content_hash(whole.iter().filter(|entry| entry.offset >= begin).map(|entry| entry.payload.as_ref()));
    }
}

/// Writes the decision into the intent, then buries.
async fn split_or_bury(
    tools: &Tools,
    sub: &mut dyn Subscription,
    home: Home,
    intent: &mut Intent,
    refused: Refused,
    whole: &[StoredEntry],
) -> Result<(), Halt> {
    if let [bad] = refused.offsets.as_slice() {
        intent.dead.push(*bad);
        intent.dead.sort_unstable();
        sub.intend(home.partition, intent).await?;
        return write_letters(tools, home, &[*bad], &refused.reason, whole).await;
    }
    let middle = refused.offsets[refused.offsets.len() / 2];
    intent.splits.push(middle);
    intent.splits.sort_unstable();
    intent.splits.dedup();
    sub.intend(home.partition, intent).await?;
    Ok(())
}

/// Writes the dead letters of buried rows again: a crash may have come between the intent and the letter.
async fn rebury(tools: &Tools, home: Home, intent: &Intent, whole: &[StoredEntry]) -> Result<(), Halt> {
    if intent.dead.is_empty() {
        return Ok(());
    }
    write_letters(tools, home, &intent.dead, "the analytics store refused the row", whole).await
}

async fn write_letters(tools: &Tools, home: Home, offsets: &[Offset], detail: &str, whole: &[StoredEntry]) -> Result<(), Halt> {
    let mut letters = Built::default();
    for entry in whole.iter().filter(|entry| offsets.contains(&entry.offset)) {
        let decoded = Decoded::read(entry.clone());
        let site = decoded.outcome.as_ref().ok().map(|record| record.site);
        letters.dead.push(dead_letter(home, entry.offset, site, DropReason::RefusedByStore, detail.to_owned(), &entry.payload));
    }
    bury(tools, &mut letters).await
}

/// The stored positions, once they stand still: an insert of the process that died may still be writing its parts, one a month.
async fn settled_positions(tools: &Tools, home: Home, first: Offset, last: Offset, expected: usize) -> Result<HashSet<Offset>, Halt> {
    let mut stored = positions(tools, home, first, last).await?;
    while !stored.is_empty() && stored.len() < expected {
        tools.pause(STANDS_STILL).await?;
        let again = positions(tools, home, first, last).await?;
        if again == stored {
            break;
        }
        stored = again;
    }
    Ok(stored)
}

async fn positions(tools: &Tools, home: Home, first: Offset, last: Offset) -> Result<HashSet<Offset>, Halt> {
    let stored = tools.until_done("reading stored positions", || tools.store.stored_offsets(home.shard(), first, last)).await?;
    Ok(stored.into_iter().collect())
}
