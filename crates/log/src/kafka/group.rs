//! What a subscription and its thread share: partitions, what was read ahead, what is to be told.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Condvar, Mutex},
    time::{Duration, Instant, SystemTime},
};

use footfall_model::Offset;
use rdkafka::Statistics;
use tokio::sync::Notify;

use crate::{Assignment, Committed, FetchLimit, Hold, LogError, Polled, StoredEntry, file::lock};

/// What an entry costs beside its payload, rounded up.
const ENTRY_OVERHEAD: usize = 64;
/// After a silence so many reports of a steady group in a row must come before partitions count as held again: by then the answer
/// to a heartbeat that was sent after the silence has been looked at.
const CALM_REPORTS: u32 = 3;
/// The brokers were heard of more recently than this, or nobody knows whether more entries are there.
const HEARD_WITHIN: Duration = Duration::from_secs(3);

/// What to do with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The caller was not told of it, or has not polled since.
    Waiting,
    /// To be read from `next` on, as soon as the brokers let it.
    Begin,
    /// It is being read.
    Reading,
}

/// One partition.
#[derive(Debug)]
pub(super) struct Part {
    /// Which assignment this is: another one of the same partition has another number.
    pub epoch: u64,
    pub phase: Phase,
    /// The client knows where to read it.
    pub attached: bool,
    /// Next offset to take; what comes below is dropped.
    pub next: Offset,
    pub buffer: VecDeque<StoredEntry>,
    pub bytes: usize,
    /// Everything was read.
    pub at_end: bool,
    /// The client does not fetch it for now.
    pub paused: bool,
    /// To be let go of: finish, commit, release.
    pub revoked: bool,
    pub committed: Option<Committed>,
}

impl Part {
    pub fn forget(&mut self) {
        self.buffer.clear();
        self.bytes = 0;
        self.at_end = false;
    }
}

/// The state.
#[derive(Debug)]
pub(super) struct State {
    pub parts: BTreeMap<u32, Part>,
    /// To be told: the assignment's number and what it says.
    pub assigned: Vec<(u64, Assignment)>,
    /// To be told.
    pub revoked: Vec<u32>,
    /// What `follow` named and is not looked up yet.
    pub wanted: BTreeSet<u32>,
    /// What `follow` no longer names.
    pub unwanted: BTreeSet<u32>,
    /// It does not work any more.
    pub fault: Option<String>,
    /// The group has given this member its share, be it nothing.
    pub joined: bool,
    /// The subscription is gone.
    pub closing: bool,
    epochs: u64,
    /// Who was served last: the others come first.
    served: u32,
    heard: Heard,
}

/// When the brokers were heard of.
#[derive(Debug)]
struct Heard {
    at: Option<Instant>,
    /// Wall clock of the last report: it also runs while the machine sleeps.
    wall: Option<SystemTime>,
    calm: u32,
    /// Time of the reports minus time here, at the least delay seen.
    shift: Option<(Instant, i64)>,
}

/// The state with its bells.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Rings when there may be something for the caller.
    pub news: Notify,
    /// Rings when there may be something for the thread.
    pub turn: Condvar,
    /// Half the session timeout: older knowledge does not count.
    fresh: Duration,
    member: bool,
}

impl Shared {
    pub fn new(session_timeout: Duration, member: bool) -> Self {
        Self {
            state: Mutex::new(State {
                parts: BTreeMap::new(),
                assigned: Vec::new(),
                revoked: Vec::new(),
                wanted: BTreeSet::new(),
                unwanted: BTreeSet::new(),
                fault: None,
                joined: !member,
                closing: false,
                epochs: 0,
                served: 0,
                heard: Heard { at: None, wall: None, calm: CALM_REPORTS, shift: None },
            }),
            news: Notify::new(),
            turn: Condvar::new(),
            fresh: session_timeout / 2,
            member,
        }
    }

    /// Looks at the state, or changes it.
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut lock(&self.state))
    }

    /// Sleeps until the bell rings, for at most this long.
    pub fn doze(&self, most: Duration) {
        let guard = lock(&self.state);
        if !guard.closing {
            let _ = self.turn.wait_timeout(guard, most);
        }
    }

    pub fn fault(&self, why: String) {
        self.with(|state| {
            if state.fault.is_none() {
                tracing::warn!(why, "an event log subscription ends");
                state.fault = Some(why);
            }
        });
        self.news.notify_one();
    }

    /// Takes on partitions that the caller is to be told of.
    pub fn assign(&self, assignments: Vec<Assignment>, attached: bool) {
        self.with(|state| {
            state.joined = true;
            // A share that changed is news of the group too.
            state.heard.calm = CALM_REPORTS;
            for assignment in assignments {
                state.epochs += 1;
                let next = assignment.committed.map_or(assignment.start, |committed| committed.next);
                let part = Part {
                    epoch: state.epochs,
                    phase: Phase::Waiting,
                    attached,
                    next,
                    buffer: VecDeque::new(),
                    bytes: 0,
                    at_end: false,
                    paused: attached,
                    revoked: false,
                    committed: assignment.committed,
                };
                state.parts.insert(assignment.partition, part);
                state.assigned.push((state.epochs, assignment));
            }
        });
        self.news.notify_one();
    }

    /// The partition is still the one that the caller was told of.
    pub fn is_current(&self, partition: u32, epoch: u64) -> bool {
        self.with(|state| state.parts.get(&partition).is_some_and(|part| part.epoch == epoch))
    }

    /// Whether an insert may be sent for it.
    pub fn hold(&self, partition: u32, epoch: u64) -> Hold {
        if !self.is_current(partition, epoch) {
            return Hold::Lost;
        }
        let is_sure = !self.member || self.with(|state| state.heard.is_calm(self.fresh));
        if is_sure { Hold::Held } else { Hold::Unsure }
    }

    /// The brokers answered a commit of this member: it is one.
    pub fn confirmed(&self) {
        self.with(|state| {
            state.heard.at = Some(Instant::now());
            state.heard.wall = Some(SystemTime::now());
            state.heard.calm = CALM_REPORTS;
        });
    }

    /// A report of the client library.
    pub fn report(&self, report: &Statistics) {
        let silent_us = if self.member {
            let coordinator = report.brokers.values().find(|broker| broker.name.starts_with("GroupCoordinator"));
            coordinator.filter(|broker| broker.state == "UP").map(|broker| broker.rxidle)
        } else {
            report.brokers.values().filter(|broker| broker.state == "UP" && broker.rxidle >= 0).map(|broker| broker.rxidle).min()
        };
        let steady = !self.member || report.cgrp.as_ref().is_some_and(|group| group.join_state == "steady");
        self.with(|state| state.heard.report(report.ts, silent_us.filter(|silent| *silent >= 0), steady, self.fresh));
    }

    /// What the caller's poll answers, if anything.
    pub fn take(&self, limit: FetchLimit, told: &mut BTreeMap<u32, u64>, low_water: usize) -> Result<Option<Polled>, LogError> {
        let mut wake = false;
        let answer = self.with(|state| {
            if let Some(why) = &state.fault {
                return Err(LogError::fault(why.clone()));
            }
            if !state.revoked.is_empty() {
                return Ok(Some(Polled::Revoked(std::mem::take(&mut state.revoked))));
            }
            // Whoever polls again has made up its mind where to begin.
            for (partition, epoch) in told.iter() {
                if let Some(part) = state.parts.get_mut(partition)
                    && part.epoch == *epoch
                    && part.phase == Phase::Waiting
                    && !part.revoked
                {
                    part.phase = Phase::Begin;
                    wake = true;
                }
            }
            if !state.assigned.is_empty() {
                let assigned = std::mem::take(&mut state.assigned);
                told.extend(assigned.iter().map(|(epoch, assignment)| (assignment.partition, *epoch)));
                return Ok(Some(Polled::Assigned(assigned.into_iter().map(|(_, assignment)| assignment).collect())));
            }
            let served = state.served;
            let ready = |(_, part): &(&u32, &mut Part)| !part.revoked && !part.buffer.is_empty();
            let next = state.parts.iter_mut().filter(ready).min_by_key(|(partition, _)| (**partition <= served, **partition));
            let Some((partition, part)) = next else { return Ok(None) };
            let partition = *partition;
            let entries = part.drain(limit);
            wake |= part.paused && part.bytes <= low_water;
            state.served = partition;
            Ok(Some(Polled::Entries { partition, entries }))
        });
        if wake {
            self.turn.notify_all();
        }
        answer
    }

    /// Everything that is there was returned, and the brokers were heard of.
    pub fn at_end(&self) -> bool {
        self.with(|state| {
            let all = state.parts.values().all(Part::is_at_end);
            let quiet = state.assigned.is_empty() && state.revoked.is_empty() && state.wanted.is_empty();
            all && quiet && state.joined && state.heard.is_recent()
        })
    }

    /// The partitions of which everything that is there was returned, if the brokers were heard of.
    pub fn ended(&self) -> BTreeSet<u32> {
        self.with(|state| {
            let parts = state.parts.iter().filter(|(_, part)| state.heard.is_recent() && !part.revoked && part.is_at_end());
            parts.map(|(partition, _)| *partition).collect()
        })
    }
}

impl Part {
    /// Keeps an entry.
    pub fn push(&mut self, entry: StoredEntry) {
        self.next = entry.offset + 1;
        self.bytes += entry.payload.len() + ENTRY_OVERHEAD;
        self.at_end = false;
        self.buffer.push_back(entry);
    }

    fn is_at_end(&self) -> bool {
        self.phase == Phase::Reading && self.at_end && self.buffer.is_empty()
    }

    fn drain(&mut self, limit: FetchLimit) -> Vec<StoredEntry> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        while let Some(first) = self.buffer.front() {
            bytes += first.payload.len();
            if !entries.is_empty() && (entries.len() >= limit.entries || bytes > limit.bytes) {
                break;
            }
            if let Some(entry) = self.buffer.pop_front() {
                self.bytes -= entry.payload.len() + ENTRY_OVERHEAD;
                entries.push(entry);
            }
        }
        entries
    }
}

impl Heard {
    fn report(&mut self, ts: i64, silent_us: Option<i64>, steady: bool, fresh: Duration) {
        let now = Instant::now();
        if !self.is_fresh(fresh) {
            // A silence, or this process did not run: others may have the partitions by now.
            self.calm = 0;
        }
        let Some(silent_us) = silent_us else { return };
        // The report may have waited: the least difference between both clocks is the one without a wait.
        let (base, least) = *self.shift.get_or_insert((now, i64::MAX));
        let here = i64::try_from(now.duration_since(base).as_micros()).unwrap_or(i64::MAX);
        let least = least.min(here.saturating_sub(ts));
        self.shift = Some((base, least));
        let waited = here.saturating_sub(ts).saturating_sub(least);
        let age = Duration::from_micros(u64::try_from(waited.saturating_add(silent_us)).unwrap_or_default());
        let at = now.checked_sub(age).unwrap_or(base);
        if self.at.is_none_or(|before| before < at) {
            self.at = Some(at);
            self.wall = Some(SystemTime::now().checked_sub(age).unwrap_or_else(SystemTime::now));
        }
        self.calm = match (steady && age < fresh, self.calm) {
            (_, CALM_REPORTS) => CALM_REPORTS,
            (true, calm) => calm + 1,
            (false, _) => 0,
        };
    }

    fn is_recent(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < HEARD_WITHIN)
    }

    fn is_fresh(&self, fresh: Duration) -> bool {
        let wall = self.wall.and_then(|wall| SystemTime::now().duration_since(wall).ok()).unwrap_or_default();
        self.at.is_none_or(|at| at.elapsed() < fresh) && wall < fresh
    }

    fn is_calm(&self, fresh: Duration) -> bool {
        self.at.is_some() && self.is_fresh(fresh) && self.calm >= CALM_REPORTS
    }
}
