//! The live cursor: log → live state → "something changed". It never waits for the store.
//!
//! It reads the log by itself, with a state of visits and ids of its own, so it decides about each record exactly as the stored
//! cursor does: a retry counts once here too, and a visit that crosses midnight keeps its visitor.
//!
//! It follows the partitions that this process's stored cursor holds. Where another process still counts one of them, the fence
//! ([`footfall_live::Batch`]) makes that harmless: a batch that was applied before is skipped, a hole means building anew.
//!
//! # Where it begins
//! - The store answers: the counters are built anew from the store as of the stored cursor's commit, the visits as of the same offset, and the log
//!   is read from there on. Counters that outlived this process and are at least as far are kept.
//! - The store is away: from the records of the last 30 minutes that the log still holds. As soon as the store is back, as above.
//!
//! Counters that are lost later are built anew: a batch finds that out, and a look every few seconds where none comes.

mod begin;
mod search;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use footfall_enrich::visitor::day_of;
use footfall_live::{Applied, Batch, Live, LiveError, Seen, Shard};
use footfall_log::{FetchLimit, Polled, StartAt, StoredEntry};
use footfall_model::{Hash64, LogName, Offset, SiteId};
use serde::Deserialize;
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::Instant,
};
use uuid::Uuid;

use crate::{
    assign::{Assigner, At, Verdict},
    metrics::Name,
    progress::Progress,
    salts::{Of, Salts},
    shared::{REBUILD, asks_for_rebuild},
    tools::{Halt, Tools},
    visits::{Facts, Key, Kind},
};
use begin::{Again, begin};

/// The name under which this cursor reads. It commits nothing: its place is the fence.
const GROUP: &str = "live";
const POLL: FetchLimit = FetchLimit { entries: 4_096, bytes: 2 << 20 };
const IDLE: Duration = Duration::from_secs(1);
/// How often it is looked whether the counters are still there, which only a batch would find out otherwise.
const FENCE_AGAIN: Duration = Duration::from_secs(10);
/// Waits before a session begins anew.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// The seams of the live cursor.
#[derive(Clone)]
pub struct LiveTools {
    /// Log, store, accounts, stop.
    pub tools: Tools,
    /// Where it counts.
    pub live: Arc<dyn Live>,
    /// Pause after each batch.
    pub pause: Option<Duration>,
    /// The partitions that the stored cursor of the same log holds.
    pub held: watch::Receiver<BTreeSet<u32>>,
    /// How far it is there.
    pub progress: watch::Receiver<Progress>,
}

/// The part of a record that the counters need. Everything else is skipped unread.
#[derive(Deserialize)]
struct LiveRecord<'a> {
    id: Uuid,
    #[serde(default)]
    id_given: bool,
    site: SiteId,
    ts: i64,
    received: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    visitor: Hash64,
    #[serde(default)]
    session: Option<Hash64>,
    #[serde(borrow, default)]
    previous: Option<Cow<'a, str>>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow, default)]
    country: Cow<'a, str>,
    #[serde(borrow, default)]
    device: Cow<'a, str>,
    #[serde(borrow, default)]
    bot: Cow<'a, str>,
    #[serde(default)]
    import: Option<Uuid>,
    #[serde(default = "yes")]
    interactive: bool,
}

const fn yes() -> bool {
    true
}

impl LiveRecord<'_> {
    fn facts(&self) -> Facts {
        Facts {
            key: Key { site: self.site, hash: self.session.unwrap_or(self.visitor), session: self.session.is_some(), import: self.import },
            visitor: self.visitor,
            ts: self.ts,
            kind: Kind::of(&self.name, self.interactive),
            given_id: self.id_given.then(|| footfall_store::event_id(self.id)),
        }
    }

    fn salt(&self) -> Of {
        self.import.map_or(Of::Day(day_of(self.received)), Of::Import)
    }
}

/// One partition under way.
struct Partition {
    shard: Shard,
    next: Offset,
    assigner: Assigner,
    /// Begun without the store.
    from_log: bool,
}

/// Runs until the process goes down.
pub async fn run(tools: LiveTools) {
    let mut wait = AGAIN.0;
    let mut again = Again::default();
    loop {
        let began = Instant::now();
        match session(&tools, &mut again).await {
            Ok(()) => wait = AGAIN.0,
            Err(Halt::Stopped) => return,
            Err(halt) => {
                let fault = halt.to_string();
                tracing::warn!(fault, "the live cursor begins anew");
                tools.tools.reports.health.ill(fault);
                if began.elapsed() > AGAIN.1 * 6 {
                    wait = AGAIN.0;
                }
                if tools.tools.pause(wait).await.is_err() {
                    return;
                }
                wait = (wait * 2).min(AGAIN.1);
            }
        }
    }
}

/// One subscription; `Ok` when the counters are to be built anew.
async fn session(tools: &LiveTools, again: &mut Again) -> Result<(), Halt> {
    let stop = &tools.tools.stop;
    let mut sub = tools.tools.log.subscribe(GROUP, StartAt::Offset(0)).await?;
    let mut asked = tools.live.subscribe(REBUILD).await.map_err(live_fault)?;
    let mut held = tools.held.clone();
    held.mark_changed();
    let mut salts = Salts::new(tools.tools.meta.clone());
    let mut partitions: BTreeMap<u32, Partition> = BTreeMap::new();
    again.begin();
    let mut store_again = Instant::now() + again.wait();
    let mut fence_again = Instant::now() + FENCE_AGAIN;
    loop {
        let polled = tokio::select! {
            () = stop.cancelled() => return Err(Halt::Stopped),
            message = asked.recv() => match message {
                Ok(message) if !message.is_empty() && !asks_for_rebuild(&message) => continue,
                Err(RecvError::Closed) => return Err(Halt::Fault("live state ended".to_owned())),
                // Asked, or something may have been missed: beginning again finds out.
                Ok(_) | Err(RecvError::Lagged(_)) => return Ok(()),
            },
            Ok(()) = held.changed() => {
                let now = held.borrow_and_update().clone();
                partitions.retain(|number, _| now.contains(number));
                sub.follow(&now).await?;
                continue;
            }
            polled = sub.poll(IDLE, POLL) => polled?,
        };
        match polled {
            Polled::Idle { .. } => {}
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    let partition = begin(tools, sub.as_mut(), &mut salts, &assignment, again).await?;
                    partitions.insert(assignment.partition, partition);
                }
                store_again = Instant::now() + again.wait();
                tools.tools.reports.health.well();
            }
            Polled::Revoked(numbers) => partitions.retain(|number, _| !numbers.contains(number)),
            Polled::Entries { partition, entries } => {
                if let Some(partition) = partitions.get_mut(&partition)
                    && !apply(tools, partition, &mut salts, entries).await?
                {
                    tracing::warn!("the live state has a hole; building it anew");
                    return Ok(());
                }
                if let Some(pause) = tools.pause {
                    tools.tools.pause(pause).await?;
                }
            }
        }
        if Instant::now() >= fence_again {
            fence_again = Instant::now() + FENCE_AGAIN;
            if !are_counted(tools, &partitions).await {
                tracing::warn!("the live state is lost; building it anew");
                return Ok(());
            }
        }
        if Instant::now() >= store_again && partitions.values().any(|partition| partition.from_log) {
            store_again = Instant::now() + again.wait();
            let whole = partitions.keys().all(|number| tools.progress.borrow().partitions.contains_key(number));
            if whole && tools.tools.store.ping().await.is_ok() {
                tracing::info!("the store is back; building the live state from it");
                return Ok(());
            }
        }
    }
}

/// Whether the counters still have all that was counted. Every partition has a fence from its begin on, at least as far as it was counted here.
async fn are_counted(tools: &LiveTools, partitions: &BTreeMap<u32, Partition>) -> bool {
    for partition in partitions.values() {
        match tools.live.fence(partition.shard).await {
            Ok(fence) if fence.is_none_or(|fence| fence < partition.next) => return false,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "whether the live state is whole is asked again later");
                return true;
            }
        }
    }
    true
}

/// Counts a batch; false if the live state has a hole.
async fn apply(tools: &LiveTools, partition: &mut Partition, salts: &mut Salts, entries: Vec<StoredEntry>) -> Result<bool, Halt> {
    let Some(last) = entries.last().map(|entry| entry.offset) else { return Ok(true) };
    // What cannot be read becomes a dead letter in the stored cursor.
    let records: Vec<_> = entries
        .iter()
        .filter_map(|entry| Some((entry.offset, entry.appended_ms, serde_json::from_slice::<LiveRecord<'_>>(&entry.payload).ok()?)))
        .collect();
    let wanted: HashSet<Of> =
        records.iter().filter(|(_, _, record)| record.previous.is_some()).map(|(_, _, record)| record.salt()).collect();
    if !wanted.is_empty()
        && let Err(error) = salts.prepare(wanted).await
    {
        tracing::warn!(%error, "without salts a visit that crosses midnight counts twice in the live panels");
    }
    let mut events = Vec::with_capacity(records.len());
    for (offset, appended_ms, record) in records {
        let yesterday = record
            .previous
            .as_deref()
            .and_then(|sealed| salts.open(record.salt(), record.site, record.visitor, sealed, record.session.is_some()));
        let at = At { offset, appended_ms, yesterday, repeats_stored: false };
        let Verdict::Counted(state) = partition.assigner.assign(at, &record.facts(), Arc::default) else { continue };
        if !record.bot.is_empty() {
            continue;
        }
        events.push(Seen {
            offset,
            site: record.site,
            ts: record.ts,
            visitor: state.visitor,
            name: Arc::from(record.name),
            path: Arc::from(record.path),
            country: Arc::from(record.country),
            source: Arc::from(record.source),
            device: Arc::from(record.device),
        });
    }
    let count = events.len() as u64;
    let batch = Batch { shard: partition.shard, first: partition.next, last, events };
    let applied = tools.tools.until_done("counting live", || tools.live.apply(batch.clone())).await?;
    if matches!(applied, Applied::Hole { .. }) {
        return Ok(false);
    }
    partition.next = last + 1;
    Name::LiveEvents.add(LogName::Live, count);
    Ok(true)
}

fn live_fault(error: LiveError) -> Halt {
    Halt::Fault(error.to_string())
}
