//! Where a partition goes on, and with what state.
//!
//! | what is durable | what follows |
//! |---|---|
//! | an intent, and its range as it was | settle the range by position, commit; then as with that commit |
//! | a commit, nothing stored beyond it | state as of the commit |
//! | a commit, rows stored beyond it | the group was set back: settle by position up to the highest row |
//! | neither, nothing stored | begin at the log's start |
//! | neither, rows stored | go on after the highest row |
//!
//! Before any of it: the record at the highest stored offset is compared with what is stored of it. Different, or gone: the log is another one of
//! the same name. Its generation is raised, and it begins at its start.
//!
//! An intent whose range is no longer there as it was, because records were removed or the log is another one, counts as none. A commit below the log's start: the records between were removed unread; they are counted, and the cursor goes on.
//!
//! The state comes from stored rows alone (`rebuild_from` ≤ offset < next): each row carries its visit's whole state.

use footfall_log::{Assignment, Committed, Intent, StoredEntry, Subscription};
use footfall_model::{Hash64, Offset};
use footfall_store::{Highest, event_id, visit_id};

use crate::{
    assign::Assigner,
    build::Home,
    decode::{Decoded, ReadAhead},
    metrics::Name,
    partition::Partition,
    range::{MAX_BYTES, MAX_ROWS, content_hash},
    salts::{Of, Salts},
    settle,
    tools::{Halt, Tools, now_ms},
    visits::{Key, State},
};

/// Offsets that are settled again at once, at least and at most: records may be large, so it begins with few.
const SPANS: (Offset, Offset) = (1_024, MAX_ROWS as Offset);
/// Places after a commit that are looked at for a record.
const MARKS: Offset = 64;

/// Begins a partition that was assigned.
pub async fn recover(tools: &Tools, sub: &mut dyn Subscription, salts: &mut Salts, assignment: &Assignment) -> Result<Partition, Halt> {
    tools.until_done("waiting for the replica", || tools.store.sync()).await?;
    let known = tools.until_done("reading the log's generation", || tools.meta.log_generation(tools.name, assignment.partition)).await?;
    let generation = assignment.generation.max(known);
    let mut home = Home { log: tools.name, generation, partition: assignment.partition, memory: tools.memory(assignment) };
    // A place beyond the end is that of an earlier log of this name.
    let mut committed = assignment.committed.filter(|committed| committed.next <= assignment.end);
    if let Some(intent) = &assignment.intent
        && intent.first >= assignment.start
        && intent.last < assignment.end
        && let Some(records) = settle::records_of(sub, assignment.partition, intent).await?
    {
        committed = Some(replay(tools, sub, salts, home, intent, &records).await?);
    }
    let place = find_place(tools, sub, salts, &mut home, assignment, committed).await?;
    let mut next = place.next;
    if next < assignment.start {
        let lost = assignment.start - next;
        tracing::error!(log = tools.name.topic(), from = next, to = assignment.start, lost, "records were removed before they were read");
        Name::ExpiredUnread.add(tools.name, lost);
        next = assignment.start;
    }
    let assigner = rebuild(tools, salts, home, place.rebuild_from.min(next), next).await?;
    sub.seek(assignment.partition, next).await?;
    tracing::info!(
        log = tools.name.topic(),
        partition = home.partition,
        generation = home.generation,
        next,
        visits = assigner.visits(),
        ids = assigner.ids(),
        "the stored cursor goes on"
    );
    let until_ms = settled_until(sub, assignment, next).await;
    let committed = Committed { next, rebuild_from: assigner.rebuild_from(next) };
    Ok(Partition { home, committed, until_ms, assigner, ahead: ReadAhead::new(tools.range_rows) })
}

/// Ends the range that was begun before the stop.
async fn replay(
    tools: &Tools,
    sub: &mut dyn Subscription,
    salts: &mut Salts,
    home: Home,
    intent: &Intent,
    records: &[StoredEntry],
) -> Result<Committed, Halt> {
    tracing::info!(log = tools.name.topic(), first = intent.first, last = intent.last, "ending the range that was begun before the stop");
    let mut intent = intent.clone();
    settle::settle(tools, sub, salts, home, &mut intent, records).await?;
    let next = intent.last + 1;
    let state = rebuild(tools, salts, home, intent.rebuild_from, next).await?;
    let committed = Committed { next, rebuild_from: state.rebuild_from(next) };
    sub.commit(home.partition, &committed).await?;
    Ok(committed)
}

/// Where to go on: after the commit, if there is one, unless rows are stored beyond it or the log is not the one whose records are stored.
async fn find_place(
    tools: &Tools,
    sub: &mut dyn Subscription,
    salts: &mut Salts,
    home: &mut Home,
    assignment: &Assignment,
    mut committed: Option<Committed>,
) -> Result<Committed, Halt> {
    let start = Committed { next: assignment.start, rebuild_from: assignment.start };
    loop {
        let highest = tools.until_done("reading the highest stored position", || tools.store.highest_stored(home.shard())).await?;
        let Some(highest) = highest else { return Ok(committed.unwrap_or(start)) };
        let is_beyond = committed.is_none_or(|committed| highest.offset >= committed.next);
        let is_kept = (assignment.start..assignment.end).contains(&highest.offset);
        if is_kept && is_record_of(sub, home.partition, &highest).await? {
            return match committed {
                Some(committed) if !is_beyond => Ok(committed),
                _ => after(tools, sub, salts, *home, assignment.start, committed, &highest).await,
            };
        }
        if !is_kept && !is_beyond {
            // The log has removed it, so nothing can be compared.
            return Ok(committed.unwrap_or(start));
        }
        // Rows may be stored of the next generation too, where the accounts database is a new one as well.
        let raise = || tools.meta.raise_log_generation(home.log, home.partition, home.generation);
        home.generation = tools.until_done("raising the log's generation", raise).await?;
        committed = None;
        tracing::warn!(
            log = home.log.topic(),
            generation = home.generation,
            "the event log is a new one; its records are counted apart from those stored before"
        );
    }
}

/// Whether the log's record at the offset of a stored row is the one that the row was made of. Another record at the same place of another
/// log was appended at another time; and the last row of an insert has an id.
async fn is_record_of(sub: &mut dyn Subscription, partition: u32, row: &Highest) -> Result<bool, Halt> {
    let there = sub.reread(partition, row.offset, row.offset).await?;
    let Some(entry) = there.into_iter().next() else { return Ok(false) };
    let same_time = entry.appended_ms.div_euclid(1_000) == row.appended_s;
    let record = Decoded::read(entry).outcome;
    Ok(same_time && record.is_ok_and(|record| row.event_id == 0 || row.event_id == event_id(record.id)))
}

/// After the highest stored row, once nothing is missing below it.
async fn after(
    tools: &Tools,
    sub: &mut dyn Subscription,
    salts: &mut Salts,
    home: Home,
    start: Offset,
    committed: Option<Committed>,
    highest: &Highest,
) -> Result<Committed, Halt> {
    let unsure = match committed {
        // Somebody set the group back.
        Some(committed) => Some(committed),
        // With several shards a range is several inserts, of which some may not have been sent.
        None => {
            let ask = || tools.store.first_gap(home.shard(), start, highest.offset);
            let gap = tools.until_done("looking for a gap", ask).await?;
            gap.map(|gap| Committed { next: gap.first, rebuild_from: gap.rebuild_from })
        }
    };
    let place = Committed { next: highest.offset + 1, rebuild_from: highest.rebuild_from };
    if let Some(from) = unsure {
        settle_again(tools, sub, salts, home, from, start, highest.offset).await?;
        sub.commit(home.partition, &place).await?;
    }
    Ok(place)
}

/// Settles by position what is, or may be, stored from a place on: nothing comes twice, and what is missing comes.
async fn settle_again(
    tools: &Tools,
    sub: &mut dyn Subscription,
    salts: &mut Salts,
    home: Home,
    from: Committed,
    start: Offset,
    highest: Offset,
) -> Result<(), Halt> {
    tracing::warn!(
        log = tools.name.topic(),
        partition = home.partition,
        from = from.next,
        highest,
        "settling by position what is stored already"
    );
    let mut first = from.next.max(start);
    let mut span = SPANS.0;
    while first <= highest {
        let last = highest.min(first + span - 1);
        let entries = sub.reread(home.partition, first, last).await?;
        let bytes: usize = entries.iter().map(|entry| entry.payload.len()).sum();
        let content = content_hash(entries.iter().map(|entry| entry.payload.as_ref()));
        let rebuild_from = from.rebuild_from.min(first);
        let intent = Intent { first, last, rebuild_from, content, splits: Vec::new(), dead: Vec::new() };
        replay(tools, sub, salts, home, &intent, &entries).await?;
        first = last + 1;
        span = if bytes > MAX_BYTES / 4 { span / 2 } else { span * 2 }.clamp(SPANS.0, SPANS.1);
    }
    Ok(())
}

/// Everything appended up to this time is below `next`: now if there is nothing more, else just before the first that waits.
async fn settled_until(sub: &mut dyn Subscription, assignment: &Assignment, next: Offset) -> i64 {
    if next >= assignment.end {
        return now_ms();
    }
    // The first places may be marks of transactions, which hold nothing.
    let last = (assignment.end - 1).min(next + MARKS);
    match sub.reread(assignment.partition, next, last).await {
        Ok(entries) => match entries.first() {
            Some(entry) => entry.appended_ms - 1,
            None if last + 1 == assignment.end => now_ms(),
            None => 0,
        },
        Err(_) => 0,
    }
}

/// The state as of `next`, from stored rows at and after `from`.
pub async fn rebuild(tools: &Tools, salts: &mut Salts, home: Home, from: Offset, next: Offset) -> Result<Assigner, Halt> {
    let mut assigner = Assigner::rebuild(home.log, home.memory, from);
    if from >= next {
        return Ok(assigner);
    }
    let stored = tools.until_done("reading the state of visits", || tools.store.rebuild(home.shard(), from, next)).await?;
    for (offset, second) in stored.clock {
        assigner.restore_clock(offset, second * 1_000);
    }
    for (offset, site, id) in stored.ids {
        assigner.restore_id(offset, site, id);
    }
    let sealed = stored.visits.iter().filter(|row| !row.alias.is_empty()).map(|row| Of::row(row.import, row.appended_s * 1_000));
    let wanted: std::collections::HashSet<Of> = sealed.collect();
    let salts_cell = tokio::sync::Mutex::new(&mut *salts);
    tools.until_done("reading salts", || async { salts_cell.lock().await.prepare(wanted.iter().copied()).await }).await?;
    for row in stored.visits {
        let alias = if row.alias.is_empty() {
            None
        } else {
            salts.open_alias(Of::row(row.import, row.appended_s * 1_000), row.site, row.visitor, &row.alias)
        };
        let session = row.key != 0;
        let hash = if session { Hash64(row.key) } else { row.visitor };
        let state = State {
            id: visit_id(home.log, row.visitor, row.key, row.start),
            key: Key { site: row.site, hash, session, import: row.import },
            alias,
            visitor: row.visitor,
            start: row.start,
            last: row.seen,
            first_active: row.first,
            last_active: row.last,
            pageviews: row.pageviews,
            interactive: row.interactive,
            attributes: row.attributes,
        };
        assigner.restore_visit(row.last_offset, state);
    }
    assigner.restored();
    Ok(assigner)
}
