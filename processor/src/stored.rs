//! The stored cursor: log → visits → one INSERT per range → commit. Exactly once.
//!
//! # Order of things
//! ```text
//! poll ─▶ decode ─▶ fix the range, make rows ─▶ intent (durable) ─▶ dead letters ─▶ ONE insert, one token ─▶ commit ─▶ tell
//!                              ▲                                             │
//!                              └── the next full range is made meanwhile ────┘
//! ```
//! - Between intent and commit the range is fixed: whatever happens, the same records are settled under the same token.
//! - An insert is repeated for ever with the same rows and token, and once it is repeated, positions tell what is stored. The closed list of data errors
//!   leaves this path, and so does a range of which some rows are stored: `settle.rs` then sends what is missing, or halves the range and buries the
//!   bad row.
//! - A restart with an intent goes through `settle.rs` too. A restart without one rebuilds the state as of the commit.
//! - Any fault of the log ends the session: a new one begins from what is durable (`recover.rs`).
//! - A log shared with other processors takes partitions away. A range under way is ended if that is quick, else left to its intent for the
//!   next holder; nothing is inserted for a partition that is not surely held. What a paused process still sends when it wakes up carries a
//!   token that the next holder's insert had before it.
//!
//! One insert at a time. Its pace is that of the whole process (`pace.rs`): a lone event goes at once, a flood makes full ranges.
//!
//! A poll may be dropped half way (when an insert ends first); subscriptions move on by what they returned, so nothing is lost.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use footfall_log::{Committed, FetchLimit, Hold, Intent, Polled, StartAt, Subscription};
use footfall_model::LogName;
use footfall_store::Packed;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    aftermath::{bury, tell},
    build::{Built, Home, build, prepare},
    decode::ReadAhead,
    import::repeats,
    metrics::Name,
    partition::{Partition, has_room},
    progress::{Progress, Stored},
    range::{Block, Filling, content_hash, token},
    recover,
    salts::Salts,
    settle,
    steps::Step,
    tools::{Batch, Halt, Tools, Written, now_ms},
};

/// The consumer group of the stored cursor. Its commits keep records in the log.
pub const GROUP: &str = "processor";

/// What one poll may return: small enough that decoding spreads over the cores.
const POLL: FetchLimit = FetchLimit { entries: 8_192, bytes: 4 << 20 };
/// Longest wait of a poll: the watermark of a quiet log moves this often.
const IDLE: Duration = Duration::from_millis(1_000);
/// Waits between reads ahead during an insert.
const AHEAD: Duration = Duration::from_millis(50);
/// How long an insert may go on after its partition was called back.
const HAND_OVER: Duration = Duration::from_secs(2);
/// How long an insert waits to hear from the log that its partition is held, before all begins anew.
const UNHEARD: Duration = Duration::from_secs(15);
/// Waits before a session begins anew: the first and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// A range whose rows are made and not stored yet.
struct Made {
    home: Home,
    intent: Intent,
    built: Built,
    /// The rows of `built`, ready to be sent.
    packed: Packed,
    /// What to commit once it is stored.
    committed: Committed,
    /// When its last record was appended.
    until_ms: i64,
}

/// Runs until the process goes down.
pub async fn run(tools: Tools) {
    let mut wait = AGAIN.0;
    tools.reports.health.ill("has not joined the readers of the event log yet");
    loop {
        let began = Instant::now();
        let fault = match session(&tools).await {
            Halt::Stopped => return,
            halt => halt.to_string(),
        };
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
    /// Assigned, with a state or on the way to one.
    held: BTreeSet<u32>,
    /// Polled during an insert.
    waiting: VecDeque<Polled>,
    /// Made during an insert: the next to be stored.
    made: Option<Made>,
}

/// One subscription, from its assignment to a fault or the end.
async fn session(tools: &Tools) -> Halt {
    let sub = match tools.log.subscribe(GROUP, StartAt::Committed).await {
        Ok(sub) => sub,
        Err(error) => return error.into(),
    };
    let salts = Salts::new(tools.meta.clone());
    let mut session =
        Session { tools, sub, salts, partitions: BTreeMap::new(), held: BTreeSet::new(), waiting: VecDeque::new(), made: None };
    loop {
        match session.turn().await {
            Ok(()) => {}
            Err(Halt::Lost(partition)) => session.let_go(&[partition]).await,
            Err(halt) => return halt,
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
        let next = match &self.made {
            Some(made) => Some((made.home.partition, self.tools.pace.due(true, Instant::now()))),
            None => self.oldest().map(|partition| {
                let due = self.tools.pace.due(partition.ahead.fills_a_range(), partition.ahead.since());
                (partition.home.partition, due)
            }),
        };
        let mut wait = IDLE;
        if let Some((number, due)) = next {
            wait = due.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                let made = match self.made.take() {
                    Some(made) => Some(made),
                    None => self.make(number).await?,
                };
                return match made {
                    Some(made) => self.write(made).await,
                    None => Ok(()),
                };
            }
        }
        if !has_room(self.partitions.values()) {
            // The oldest range is due soon.
            return self.tools.pause(wait).await;
        }
        let polled = tokio::select! {
            () = self.tools.stop.cancelled() => return Err(Halt::Stopped),
            polled = self.sub.poll(wait, POLL) => polled?,
        };
        if let Polled::Idle { at_end } = polled {
            if at_end && self.held.is_empty() {
                // There are more processors than partitions: it stands by.
                self.tools.reports.health.well();
                self.tools.reports.held.send_if_modified(|held| !std::mem::take(held).is_empty());
            }
            self.publish().await;
        }
        self.waiting.push_back(polled);
        Ok(())
    }

    /// The partition whose records have waited longest.
    fn oldest(&self) -> Option<&Partition> {
        self.partitions.values().filter(|partition| !partition.ahead.is_empty()).min_by_key(|partition| partition.ahead.oldest_ms())
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
                self.held.extend(assignments.iter().map(|assignment| assignment.partition));
                self.tools.reports.held.send_replace(self.held.clone());
                for assignment in assignments {
                    match recover::recover(self.tools, self.sub.as_mut(), &mut self.salts, &assignment).await {
                        Ok(partition) => drop(self.partitions.insert(assignment.partition, partition)),
                        Err(Halt::Lost(partition)) => self.let_go(&[partition]).await,
                        Err(halt) => return Err(halt),
                    }
                }
                self.tools.reports.health.well();
                self.publish().await;
            }
            Polled::Revoked(numbers) => self.let_go(&numbers).await,
        }
        Ok(())
    }

    /// Forgets partitions that are another processor's.
    async fn let_go(&mut self, numbers: &[u32]) {
        tracing::info!(log = self.tools.name.topic(), partitions = ?numbers, "letting go of partitions");
        self.partitions.retain(|number, _| !numbers.contains(number));
        self.made.take_if(|made| numbers.contains(&made.home.partition));
        self.held.retain(|number| !numbers.contains(number));
        self.tools.reports.held.send_replace(self.held.clone());
        self.sub.release(numbers).await;
        self.publish().await;
    }

    /// Makes the rows of a partition's next range; none if nothing waits.
    async fn make(&mut self, number: u32) -> Result<Option<Made>, Halt> {
        let Self { tools, salts, partitions, .. } = self;
        let Some(partition) = partitions.get_mut(&number) else { return Ok(None) };
        let mut filling = Filling::up_to(tools.range_rows);
        let range = partition.ahead.take(|next| filling.take(next.payload.len(), next.month())).await.map_err(Halt::Fault)?;
        let (Some(first), Some(last)) = (range.first(), range.last()) else { return Ok(None) };
        let (first, last, until_ms) = (first.offset, last.offset, last.appended_ms);
        tools.step(Step::Planned)?;

        prepare(tools, salts, &range).await?;
        let home = partition.home;
        let repeated = repeats(tools, home, &range).await?;
        let content = content_hash(range.iter().map(|decoded| decoded.payload.as_ref()));
        let assigner = &mut partition.assigner;
        let intent = Intent { first, last, rebuild_from: assigner.rebuild_from(first), content, splits: Vec::new(), dead: Vec::new() };
        let mut built = build(home, range, &[], &repeated, assigner, salts);
        let packed = tools.store.pack(&std::mem::take(&mut built.rows));
        let committed = Committed { next: last + 1, rebuild_from: assigner.rebuild_from(last + 1) };
        Ok(Some(Made { home, intent, built, packed, committed, until_ms }))
    }

    /// Settles a range.
    async fn write(&mut self, made: Made) -> Result<(), Halt> {
        let Made { home, mut intent, mut built, packed, mut committed, until_ms } = made;
        let (tools, first, last) = (self.tools, intent.first, intent.last);
        let next = self.partitions.get(&home.partition).map_or(first, |partition| partition.committed.next);
        if first > next && tools.log.status().await.expired_unread > 0 {
            tracing::error!(log = tools.name.topic(), from = next, to = first, "records were removed before they were read");
            Name::ExpiredUnread.add(tools.name, first - next);
        }
        self.sub.intend(home.partition, &intent).await?;
        tools.step(Step::Intended)?;
        bury(tools, &mut built).await?;
        tools.step(Step::DeadLettersWritten)?;

        let written = self.insert(home, &intent, packed).await?;
        if !matches!(written, Written::Stored) {
            tracing::warn!(
                log = tools.name.topic(),
                first,
                last,
                ?written,
                "not all rows of a range are stored; settling them by position"
            );
            // What was made meanwhile rests on rows that are not stored.
            self.made.take_if(|made| made.home.partition == home.partition);
            let records = settle::records_of(self.sub.as_mut(), home.partition, &intent)
                .await?
                .ok_or_else(|| Halt::Fault(format!("the log no longer holds the records {first} to {last} of the range that was begun")))?;
            settle::settle(tools, self.sub.as_mut(), &mut self.salts, home, &mut intent, &records).await?;
            let assigner = recover::rebuild(tools, &mut self.salts, home, intent.rebuild_from, committed.next).await?;
            committed.rebuild_from = assigner.rebuild_from(committed.next);
            self.sub.seek(home.partition, committed.next).await?;
            if let Some(partition) = self.partitions.get_mut(&home.partition) {
                partition.assigner = assigner;
                partition.ahead = ReadAhead::new(tools.range_rows);
            }
        }
        tools.step(Step::Inserted)?;
        self.sub.commit(home.partition, &committed).await?;
        tools.step(Step::Committed)?;

        tell(tools, home, committed.next, &built);
        if let Some(partition) = self.partitions.get_mut(&home.partition) {
            partition.committed = committed;
            partition.until_ms = partition.until_ms.max(until_ms);
        }
        self.publish().await;
        Ok(())
    }

    /// Inserts rows. Meanwhile it reads on, and makes the rows of the next range.
    async fn insert(&mut self, home: Home, intent: &Intent, packed: Packed) -> Result<Written, Halt> {
        let (number, first, last) = (home.partition, intent.first, intent.last);
        let block = Block {
            log: home.log,
            generation: home.generation,
            partition: number,
            first,
            last,
            content: &intent.content,
            without: &[],
            again: 0,
        };
        let token = token(&block);
        let held = self.sub.holder(number);
        let insert = {
            let (tools, held) = (self.tools.clone(), Arc::clone(&held));
            async move { tools.insert(&Batch { home, first, last, rows: &packed, token: &token, before: 0 }, &held).await }
        };
        // A task of its own: making rows keeps this one busy.
        let mut insert = AbortOnDropHandle::new(tokio::spawn(insert));
        let (mut heard, mut called_back) = (Instant::now(), None);
        loop {
            self.make_ahead().await?;
            let room = self.waiting.is_empty() && has_room(self.partitions.values());
            tokio::select! {
                biased;
                ended = &mut insert => {
                    return ended.map_err(|error| Halt::Fault(format!("writing events died: {error}")))?;
                }
                polled = self.sub.poll(AHEAD, POLL), if room => match polled? {
                    Polled::Idle { .. } => {}
                    Polled::Entries { partition, entries } => {
                        if let Some(partition) = self.partitions.get_mut(&partition) {
                            partition.ahead.push(entries);
                        }
                    }
                    other => self.waiting.push_back(other),
                },
                () = tokio::time::sleep(AHEAD), if !room => {}
            }
            if let Some(Polled::Revoked(numbers)) = self.waiting.back() {
                if numbers.contains(&number) {
                    called_back.get_or_insert_with(Instant::now);
                }
                let others: Vec<u32> = numbers.iter().copied().filter(|other| *other != number).collect();
                self.sub.release(&others).await;
            }
            if held() == Hold::Held {
                heard = Instant::now();
            }
            if called_back.is_some_and(|at: Instant| at.elapsed() > HAND_OVER) {
                return Err(Halt::Lost(number));
            }
            if heard.elapsed() > UNHEARD {
                return Err(Halt::Fault(format!("the log did not confirm for {} s that partition {number} is held", UNHEARD.as_secs())));
            }
        }
    }

    /// Makes the next range during an insert, if it cannot grow any more. Not of imports: ids are looked for among stored rows, and those that
    /// are being inserted may be missing.
    async fn make_ahead(&mut self) -> Result<(), Halt> {
        if self.made.is_none()
            && self.waiting.is_empty()
            && self.tools.name == LogName::Live
            && let Some(oldest) = self.oldest()
            && oldest.ahead.fills_a_range()
        {
            self.made = self.make(oldest.home.partition).await?;
        }
        Ok(())
    }

    /// Publishes how far each partition is, and the lag.
    async fn publish(&mut self) {
        let (tools, now) = (self.tools, now_ms());
        let at_end = self.sub.at_end();
        let status = tools.log.status().await;
        let mut lag = 0;
        let made = self.made.as_ref().map(|made| made.home.partition);
        for (number, partition) in &mut self.partitions {
            if at_end.contains(number) && partition.ahead.is_empty() && made != Some(*number) {
                // The log may still count places that hold no record.
                partition.until_ms = partition.until_ms.max(now);
            } else {
                let end = status.partitions.iter().find(|known| known.0 == *number).map_or(0, |known| known.3);
                lag += end.saturating_sub(partition.committed.next);
            }
        }
        let partitions: BTreeMap<u32, Stored> = self.partitions.iter().map(|(number, partition)| (*number, partition.stored())).collect();
        Name::LagRecords.set(tools.name, lag);
        if let Some(until) = partitions.values().map(|stored| stored.until_ms).min() {
            let behind = if lag == 0 { 0 } else { now.saturating_sub(until).max(0) };
            Name::LagSeconds.set(tools.name, behind.unsigned_abs() / 1_000);
            Name::Watermark.set(tools.name, until.unsigned_abs() / 1_000);
        }
        Name::Visits.set(tools.name, self.partitions.values().map(|partition| partition.assigner.visits() as u64).sum());
        Name::Ids.set(tools.name, self.partitions.values().map(|partition| partition.assigner.ids() as u64).sum());
        let progress = Progress { partitions };
        tools.reports.teller.tell(tools.name, &progress).await;
        tools.reports.progress.send_replace(progress);
    }
}
