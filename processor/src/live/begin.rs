//! Where a partition's counters begin: with what the store has, or with the last half hour of the log.

use std::{sync::Arc, time::Duration};

use footfall_live::{HOUR_BUCKETS_MS, LiveError, MINUTE_BUCKETS_MS, PATHS_PER_MINUTE, Seen, Shard, Snapshot, VISITOR_SETS_MS};
use footfall_log::{Assignment, Subscription};
use footfall_model::{LogName, Offset};
use footfall_store::{LiveWanted, SeenRow};

use super::{LiveTools, Partition, live_fault, search::Search};
use crate::{
    assign::Assigner,
    build::Home,
    metrics::Name,
    progress::Stored,
    recover,
    salts::Salts,
    shared::Rebuilds,
    tools::{Halt, now_ms},
};

/// How long a start waits for the stored cursor and the store before it begins from the log.
const STORE_WAIT: Duration = Duration::from_secs(5);
/// How long building a partition from the store may take: nothing is counted meanwhile.
const BUILD_WAIT: Duration = Duration::from_secs(30);
/// Waits before a start from the log looks whether the store is back: the first, and the longest where the store is there but does not manage.
const STORE_AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// What a start from the log reads: all that the live panels show.
const WITHOUT_STORE_MS: i64 = 30 * 60_000;
/// Paths of minutes, and visitors, that are read of a partition: together some 200 MB until they are written. As many paths as one domain may have in
/// shared live state, and five domains' visitors.
const PATHS: usize = 400_000;
const VISITORS: usize = 1_000_000;

/// When the store is tried again.
pub(super) struct Again {
    wait: Duration,
    /// The store did not manage in this session.
    gave_up: bool,
}

impl Default for Again {
    fn default() -> Self {
        Self { wait: STORE_AGAIN.0, gave_up: false }
    }
}

impl Again {
    /// A session begins.
    pub(super) const fn begin(&mut self) {
        self.gave_up = false;
    }

    /// How long a partition that began from the log goes on like that.
    pub(super) const fn wait(&self) -> Duration {
        self.wait
    }

    /// The store was asked for a partition, and managed or did not.
    fn tried(&mut self, managed: bool) {
        self.gave_up = !managed;
        self.wait = if managed { STORE_AGAIN.0 } else { (self.wait * 2).min(STORE_AGAIN.1) };
    }
}

/// Begins a partition: from the store where it answers, else from the log.
pub(super) async fn begin(
    tools: &LiveTools,
    sub: &mut dyn Subscription,
    salts: &mut Salts,
    assignment: &Assignment,
    again: &mut Again,
) -> Result<Partition, Halt> {
    let from_store = tokio::select! {
        () = tools.tools.stop.cancelled() => return Err(Halt::Stopped),
        from_store = try_store(tools, salts, assignment, again) => from_store,
    };
    let partition = match from_store {
        Some(partition) => partition,
        None => from_log(tools, sub, assignment).await?,
    };
    sub.seek(assignment.partition, partition.next).await?;
    Ok(partition)
}

/// From the store, unless it is away or did not manage for a partition before.
async fn try_store(tools: &LiveTools, salts: &mut Salts, assignment: &Assignment, again: &mut Again) -> Option<Partition> {
    if again.gave_up {
        return None;
    }
    let stored = tokio::time::timeout(STORE_WAIT, stored_place(tools, assignment.partition)).await.ok().flatten()?;
    let partition = from_store(tools, salts, assignment, stored).await;
    again.tried(partition.is_some());
    partition
}

/// Where the stored cursor is, as soon as it knows.
async fn stored_place(tools: &LiveTools, partition: u32) -> Option<Stored> {
    let mut progress = tools.progress.clone();
    let progress = progress.wait_for(|progress| progress.partitions.contains_key(&partition)).await.ok()?;
    progress.partitions.get(&partition).copied()
}

async fn from_store(tools: &LiveTools, salts: &mut Salts, assignment: &Assignment, stored: Stored) -> Option<Partition> {
    let home =
        Home { log: LogName::Live, generation: stored.generation, partition: assignment.partition, memory: tools.tools.memory(assignment) };
    let shard = Shard { generation: home.generation, partition: home.partition };
    let read = async {
        let text = |error: LiveError| error.to_string();
        let rebuilds = Rebuilds::read(tools.live.as_ref()).await.map_err(text)?;
        let is_ahead = tools.live.fence(shard).await.map_err(text)?.is_some_and(|fence| fence >= stored.next);
        let assigner =
            recover::rebuild(&tools.tools, salts, home, stored.rebuild_from, stored.next).await.map_err(|halt| halt.to_string())?;
        if !(is_ahead && rebuilds.is_built(shard)) {
            Name::LiveRebuilds.add(LogName::Live, 1);
            let snapshot = snapshot(tools, home, stored.next).await?;
            // Which holds what earlier generations counted.
            for generation in 0..shard.generation {
                let old = Shard { generation, partition: shard.partition };
                if let Some(next) = tools.live.fence(old).await.map_err(text)? {
                    tools.live.rebuild(old, Snapshot { next, ..Snapshot::default() }).await.map_err(text)?;
                }
            }
            tools.live.rebuild(shard, snapshot).await.map_err(text)?;
            rebuilds.note(tools.live.as_ref(), shard, true).await.map_err(text)?;
        }
        Ok::<_, String>(Partition { shard, next: stored.next, assigner, from_log: false })
    };
    match tokio::time::timeout(BUILD_WAIT, read).await {
        Ok(Ok(partition)) => Some(partition),
        Ok(Err(error)) => {
            tracing::warn!(error, "the live state cannot be built from the store; beginning from the log");
            None
        }
        Err(_) => {
            tracing::warn!("the store takes too long to build the live state from; beginning from the log");
            None
        }
    }
}

async fn snapshot(tools: &LiveTools, home: Home, next: Offset) -> Result<Snapshot, String> {
    let now = now_ms();
    let wanted = LiveWanted {
        below: next,
        minutes_from: now - MINUTE_BUCKETS_MS,
        hours_from: now - HOUR_BUCKETS_MS,
        visitors_from: now - VISITOR_SETS_MS,
        paths_per_minute: PATHS_PER_MINUTE,
        paths: PATHS,
        visitors: VISITORS,
        imports: home.partition == 0,
    };
    let rows = tools.tools.store.live_rows(home.shard(), wanted).await.map_err(|error| error.to_string())?;
    let seen = |row: SeenRow| Seen {
        offset: row.offset,
        site: row.site,
        ts: row.ts,
        visitor: row.visitor,
        name: Arc::from(row.name),
        path: Arc::from(row.path),
        country: Arc::from(row.country),
        source: Arc::from(row.source),
        device: Arc::from(row.device),
    };
    let newest = rows.newest.into_iter().map(seen).collect();
    Ok(Snapshot { next, minutes: rows.minutes, hours: rows.hours, visitors: rows.visitors, newest })
}

/// Begins with the records of the last half hour that the log holds.
async fn from_log(tools: &LiveTools, sub: &mut dyn Subscription, assignment: &Assignment) -> Result<Partition, Halt> {
    let known = tools.tools.meta.log_generation(LogName::Live, assignment.partition).await.unwrap_or(0);
    let shard = Shard { generation: assignment.generation.max(known), partition: assignment.partition };
    let since = now_ms() - WITHOUT_STORE_MS;
    let mut search = Search::new(assignment.start, assignment.end, since);
    while let Some((first, last)) = search.wanted() {
        let found = tokio::select! {
            () = tools.tools.stop.cancelled() => return Err(Halt::Stopped),
            found = sub.reread(assignment.partition, first, last) => found?,
        };
        search.found(last, found.first().map(|entry| (entry.offset, entry.appended_ms)));
    }
    let low = search.place();
    // Counters that reach into what is read go on; what they have is skipped by the fence.
    let is_within = |fence: Offset| (low..=assignment.end).contains(&fence);
    if !tools.live.fence(shard).await.map_err(live_fault)?.is_some_and(is_within) {
        Name::LiveRebuilds.add(LogName::Live, 1);
        Rebuilds::read(tools.live.as_ref()).await.map_err(live_fault)?.note(tools.live.as_ref(), shard, false).await.map_err(live_fault)?;
        tools.live.rebuild(shard, Snapshot { next: low, ..Snapshot::default() }).await.map_err(live_fault)?;
    }
    Ok(Partition { shard, next: low, assigner: Assigner::rebuild(LogName::Live, tools.tools.memory(assignment), low), from_log: true })
}
