//! The stored cursor: log → visits → one INSERT per range → commit. Exactly once.
//!
//! # Order of things
//! ```text
//! poll ─▶ decode ─▶ fix the range ─▶ intent (durable) ─▶ dead letters ─▶ ONE insert, one token ─▶ commit ─▶ tell
//!           ▲                                                 │
//!           └── the next range is read and decoded meanwhile ─┘
//! ```
//! - Between intent and commit the range is fixed: whatever happens, the same records are settled under the same token.
//! - An insert is repeated for ever with the same rows and token. The closed list of data errors leaves this path: `settle.rs` then
//!   reads by position what is stored, halves the range and buries the bad row.
//! - A restart with an intent goes through `settle.rs` too. A restart without one rebuilds the state as of the commit.
//! - Any fault of the log ends the session: a new one begins from what is durable (`recover.rs`).
//!
//! One insert at a time. Its pace is that of the whole process (`pace.rs`): a lone event goes at once, a flood makes full ranges.
//!
//! A poll may be dropped half way (when an insert ends first); subscriptions move on by what they returned, so nothing is lost.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use footfall_log::{Committed, FetchLimit, Intent, Polled, StartAt, Subscription};
use footfall_model::Offset;
use tokio::time::Instant;

use crate::{
    assign::Assigner,
    build::{Built, Home, build, salts_of},
    decode::{Decoded, ReadAhead},
    import::repeats,
    metrics::Name,
    progress::{Progress, Stored, Touched},
    range::{Block, Filling, content_hash, letters_token, token},
    recover,
    salts::Salts,
    settle,
    steps::Step,
    tools::{Halt, Tools, now_ms},
};

/// The consumer group of the stored cursor. Its commits keep records in the log.
pub const GROUP: &str = "processor";

/// What one poll may return: small enough that decoding spreads over the cores.
const POLL: FetchLimit = FetchLimit { entries: 8_192, bytes: 4 << 20 };
/// Longest wait of a poll: the watermark of a quiet log moves this often.
const IDLE: Duration = Duration::from_millis(1_000);
/// Waits between reads ahead during an insert.
const AHEAD: Duration = Duration::from_millis(50);
/// Waits before a session begins anew: the first and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// A partition that this cursor reads.
pub struct Partition {
    /// Which one.
    pub home: Home,
    /// Everything below is settled.
    pub next: Offset,
    /// Everything appended up to this time is settled, UTC milliseconds.
    pub until_ms: i64,
    /// Visits, ids and clock as of `next`.
    pub assigner: Assigner,
    /// What was read and not settled yet.
    pub ahead: ReadAhead,
}

impl Partition {
    /// How far it is.
    #[must_use]
    pub fn stored(&self) -> Stored {
        Stored {
            generation: self.home.generation,
            next: self.next,
            rebuild_from: self.assigner.rebuild_from(self.next),
            until_ms: self.until_ms,
        }
    }
}

/// Runs until the process goes down.
pub async fn run(tools: Tools) {
    let mut wait = AGAIN.0;
    loop {
        let began = Instant::now();
        let Halt::Fault(fault) = session(&tools).await else { return };
        tracing::error!(log = tools.name.topic(), fault, "the stored cursor begins anew");
        tools.reports.health.ill(fault);
        if began.elapsed() > AGAIN.1 * 6 {
            wait = AGAIN.0;
        }
        if tools.pause(wait).await.is_err() {
            return;
        }
        wait = (wait * 2).min(AGAIN.1);
    }
}

/// Everything a session has in its hands.
struct Session<'a> {
    tools: &'a Tools,
    sub: Box<dyn Subscription>,
    salts: Salts,
    partitions: BTreeMap<u32, Partition>,
    /// Polled during an insert.
    waiting: VecDeque<Polled>,
}

/// One subscription, from its assignment to a fault or the end.
async fn session(tools: &Tools) -> Halt {
    let sub = match tools.log.subscribe(GROUP, StartAt::Committed).await {
        Ok(sub) => sub,
        Err(error) => return error.into(),
    };
    let salts = Salts::new(tools.meta.clone());
    let mut session = Session { tools, sub, salts, partitions: BTreeMap::new(), waiting: VecDeque::new() };
    loop {
        if let Err(halt) = session.turn().await {
            return halt;
        }
    }
}

impl Session<'_> {
    /// Writes the range that is due, or polls until one is.
    async fn turn(&mut self) -> Result<(), Halt> {
        while let Some(polled) = self.waiting.pop_front() {
            self.take(polled).await?;
        }
        if self.tools.stop.is_cancelled() {
            return Err(Halt::Stopped);
        }
        let oldest =
            self.partitions.values().filter(|partition| !partition.ahead.is_empty()).min_by_key(|partition| partition.ahead.oldest_ms());
        let mut wait = IDLE;
        if let Some(partition) = oldest {
            let due = self.tools.pace.due(partition.ahead.fills_a_range(), partition.ahead.since());
            wait = due.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return self.write(partition.home.partition).await;
            }
        }
        let asked = now_ms();
        let polled = tokio::select! {
            () = self.tools.stop.cancelled() => return Err(Halt::Stopped),
            polled = self.sub.poll(wait, POLL) => polled?,
        };
        if matches!(polled, Polled::Idle { at_end: true }) && self.partitions.values().all(|partition| partition.ahead.is_empty()) {
            for partition in self.partitions.values_mut() {
                partition.until_ms = partition.until_ms.max(asked);
            }
            self.publish().await;
        }
        self.waiting.push_back(polled);
        Ok(())
    }

    async fn take(&mut self, polled: Polled) -> Result<(), Halt> {
        match polled {
            Polled::Idle { .. } => {}
            Polled::Entries { partition, entries } => {
                if let Some(partition) = self.partitions.get_mut(&partition) {
                    partition.ahead.push(entries);
                }
            }
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    let partition = recover::recover(self.tools, self.sub.as_mut(), &mut self.salts, &assignment).await?;
                    self.partitions.insert(assignment.partition, partition);
                }
                self.tools.reports.health.well();
                self.publish().await;
            }
            Polled::Revoked(numbers) => {
                self.partitions.retain(|number, _| !numbers.contains(number));
                self.publish().await;
            }
        }
        Ok(())
    }

    /// Settles the next range of a partition.
    async fn write(&mut self, number: u32) -> Result<(), Halt> {
        let Self { tools, sub, salts, partitions, waiting } = self;
        let Some(partition) = partitions.get_mut(&number) else { return Ok(()) };
        let mut filling = Filling::default();
        let range = partition.ahead.take(|next| filling.take(next.payload.len(), next.month())).await.map_err(Halt::Fault)?;
        let (Some(first), Some(last)) = (range.first(), range.last()) else { return Ok(()) };
        let (first, last, until_ms) = (first.offset, last.offset, last.appended_ms);
        if first > partition.next && tools.log.status().await.expired_unread > 0 {
            tracing::error!(log = tools.name.topic(), from = partition.next, to = first, "records were removed before they were read");
            Name::ExpiredUnread.add(tools.name, first - partition.next);
        }
        tools.step(Step::Planned)?;

        prepare(tools, salts, &range).await?;
        let home = partition.home;
        let repeated = repeats(tools, home, &range).await?;
        let content = content_hash(range.iter().map(|decoded| decoded.payload.as_ref()));
        let mut intent =
            Intent { first, last, rebuild_from: partition.assigner.rebuild_from(first), content, splits: Vec::new(), dead: Vec::new() };
        sub.intend(number, &intent).await?;
        tools.step(Step::Intended)?;

        let mut built = build(home, range, &[], &repeated, &mut partition.assigner, salts);
        bury(tools, &mut built).await?;
        tools.step(Step::DeadLettersWritten)?;

        let block = Block {
            log: home.log,
            generation: home.generation,
            partition: home.partition,
            first,
            last,
            content: &intent.content,
            without: &[],
        };
        let outcome = {
            let token = token(&block);
            let mut insert = pin!(tools.insert(&built.rows, &token));
            loop {
                let room = waiting.is_empty() && !partition.ahead.fills_a_range();
                tokio::select! {
                    biased;
                    outcome = &mut insert => break outcome?,
                    polled = sub.poll(AHEAD, POLL), if room => match polled? {
                        Polled::Idle { .. } => {}
                        Polled::Entries { partition: other, entries } if other == number => partition.ahead.push(entries),
                        other => waiting.push_back(other),
                    },
                }
            }
        };
        if let Err(error) = outcome {
            tracing::warn!(log = tools.name.topic(), first, last, %error, "the store refused rows; looking for the bad ones");
            settle::settle(tools, sub.as_mut(), salts, home, &mut intent).await?;
            partition.assigner = recover::rebuild(tools, salts, home, intent.rebuild_from, last + 1).await?;
        }
        tools.step(Step::Inserted)?;

        let rebuild_from = partition.assigner.rebuild_from(last + 1);
        sub.commit(number, &Committed { next: last + 1, rebuild_from }).await?;
        tools.step(Step::Committed)?;

        partition.next = last + 1;
        partition.until_ms = partition.until_ms.max(until_ms);
        tell(tools, home, partition.next, &built);
        self.publish().await;
        Ok(())
    }

    /// Publishes how far each partition is, and the lag.
    async fn publish(&mut self) {
        let tools = self.tools;
        let partitions: BTreeMap<u32, Stored> = self.partitions.iter().map(|(number, partition)| (*number, partition.stored())).collect();
        let status = tools.log.status().await;
        let end_of = |number: u32| status.partitions.iter().find(|partition| partition.0 == number).map_or(0, |partition| partition.3);
        let lag: u64 = partitions.iter().map(|(number, stored)| end_of(*number).saturating_sub(stored.next)).sum();
        Name::LagRecords.set(tools.name, lag);
        if let Some(until) = partitions.values().map(|stored| stored.until_ms).min() {
            let behind = if lag == 0 { 0 } else { now_ms().saturating_sub(until).max(0) };
            Name::LagSeconds.set(tools.name, behind.unsigned_abs() / 1_000);
            Name::Watermark.set(tools.name, until.unsigned_abs() / 1_000);
        }
        Name::Visits.set(tools.name, self.partitions.values().map(|partition| partition.assigner.visits() as u64).sum());
        Name::Ids.set(tools.name, self.partitions.values().map(|partition| partition.assigner.ids() as u64).sum());
        let progress = Progress { partitions };
        let settled = progress.settled();
        tools.reports.progress.send_replace(progress);
        tools.reports.settled.send_if_modified(|known| std::mem::replace(known, settled) != settled);
    }
}

/// Fetches the salts that a range needs.
pub async fn prepare(tools: &Tools, salts: &mut Salts, range: &[Decoded]) -> Result<(), Halt> {
    let wanted = salts_of(range);
    let salts = tokio::sync::Mutex::new(salts);
    tools.until_done("reading salts", || async { salts.lock().await.prepare(wanted.iter().copied()).await }).await
}

/// Writes the dead letters of undecodable records.
pub async fn bury(tools: &Tools, built: &mut Built) -> Result<(), Halt> {
    if built.dead.is_empty() {
        return Ok(());
    }
    let token = letters_token(built.dead.iter().map(|letter| letter.position));
    tools.until_done("writing dead letters", || tools.store.insert_dead_letters(&built.dead, &token)).await?;
    for letter in &built.dead {
        tracing::warn!(
            log = tools.name.topic(),
            offset = letter.position.offset,
            reason = letter.reason.code(),
            "a record became a dead letter"
        );
        Name::DeadLetters.add_reason(tools.name, letter.reason.code(), 1);
    }
    Ok(())
}

/// Tells everybody what a range changed.
pub fn tell(tools: &Tools, home: Home, next: Offset, built: &Built) {
    for (reason, count) in &built.drops {
        Name::Drops.add_reason(tools.name, reason.code(), *count);
    }
    tools.reports.versions.raise(built.hours.keys().copied());
    let touched = Touched {
        log: home.log,
        partition: home.partition,
        generation: home.generation,
        next,
        hours: built.hours.clone(),
        newest_ms: built.newest_ms,
    };
    // Nobody listening is fine.
    let _ = tools.reports.touched.send(Arc::new(touched));
}
