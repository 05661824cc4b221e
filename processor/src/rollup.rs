//! Hourly aggregates: recomputed from the store as absolute values, for the time when the store is away.
//!
//! Every hour touched by a stored row is recomputed as a whole, at the latest [`EVERY`] later; writing is idempotent and the
//! newer computation wins by the store's own clock. The roll-up cursor of a partition moves in the transaction that writes the last of
//! its hours, so after a crash the store is asked which hours were touched since. Hours touched through the import log wait
//! until it is quiet: an import touches the same hours again and again.
//!
//! At most 5 % of a core: the pause after a pass is nineteen times as long as the pass. What waits is shown as lag.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use footfall_meta::{Figures, HourFigures, Meta, RollupCursor};
use footfall_model::{LogName, Offset, SiteId};
use footfall_store::{HourCounts, Shard, Store};
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

use crate::{
    metrics::Name,
    progress::{Progress, Touched},
    tools::{Halt, Tools},
};

/// The running hour is recomputed this often.
pub const EVERY: Duration = Duration::from_secs(5);
/// The share of a core: one part work, this many parts pause.
const PAUSE: u32 = 19;
/// An import is at its end when nothing came through its log for this long.
const IMPORT_QUIET: Duration = Duration::from_secs(2);
/// Imported hours wait at most this long.
const IMPORT_LONGEST: Duration = Duration::from_secs(60);
/// Hours asked for in one query.
const HOURS_PER_QUERY: usize = 100;

/// Which cursor.
type At = (LogName, u32, u32);

/// The seams of the roll-up.
pub struct RollupTools {
    /// Store, accounts, stop.
    pub tools: Tools,
    /// How far the stored cursors are.
    pub progress: Vec<(LogName, watch::Receiver<Progress>)>,
    /// What each insert touched.
    pub touched: broadcast::Receiver<Arc<Touched>>,
    /// Time between passes; [`EVERY`] but in tests.
    pub every: Duration,
}

/// What is known and not yet written.
#[derive(Default)]
struct Pending {
    /// Touched hours, and since when they wait.
    hours: HashMap<(SiteId, i64), Instant>,
    /// The same, through the import log.
    imported: HashMap<(SiteId, i64), Instant>,
    import_touched: Option<Instant>,
    /// Per partition: (written up to, known up to).
    cursors: BTreeMap<At, (Offset, Offset)>,
}

impl Pending {
    fn touch(&mut self, log: LogName, hours: impl IntoIterator<Item = (SiteId, i64)>) {
        let now = Instant::now();
        let into = match log {
            LogName::Live => &mut self.hours,
            LogName::Import => {
                self.import_touched = Some(now);
                &mut self.imported
            }
        };
        for hour in hours {
            into.entry(hour).or_insert(now);
        }
    }

    fn take(&mut self, touched: &Touched) {
        self.touch(touched.log, touched.hours.iter().flat_map(|(site, hours)| hours.iter().map(|hour| (*site, *hour))));
        if let Some((_, known)) = self.cursors.get_mut(&(touched.log, touched.generation, touched.partition)) {
            *known = touched.next.max(*known);
        }
    }

    /// Whether the imported hours may go now.
    fn import_due(&self) -> bool {
        let quiet = self.import_touched.is_none_or(|at| at.elapsed() >= IMPORT_QUIET);
        quiet || self.imported.values().any(|since| since.elapsed() >= IMPORT_LONGEST)
    }
}

/// Runs until the process goes down.
pub async fn run(mut roll: RollupTools) {
    let mut pending = Pending::default();
    let mut next_pass = Instant::now();
    loop {
        let due = tokio::time::sleep_until(next_pass);
        tokio::select! {
            () = roll.tools.stop.cancelled() => return,
            () = due => {
                let began = Instant::now();
                match pass(&roll, &mut pending).await {
                    Ok(()) => roll.tools.reports.health.well(),
                    Err(Halt::Stopped) => return,
                    Err(fault) => {
                        tracing::warn!(%fault, "hourly aggregates could not be written; trying again");
                        roll.tools.reports.health.ill(fault.to_string());
                    }
                }
                next_pass = Instant::now() + roll.every.max(began.elapsed() * PAUSE);
            }
            touched = roll.touched.recv() => match touched {
                Ok(touched) => pending.take(&touched),
                // Some were missed: ask the store from the cursors on.
                Err(broadcast::error::RecvError::Lagged(_)) => pending.cursors.clear(),
                Err(broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

async fn pass(roll: &RollupTools, pending: &mut Pending) -> Result<(), Halt> {
    let tools = &roll.tools;
    for (log, progress) in &roll.progress {
        let partitions = progress.borrow().partitions.clone();
        // What is held by another process meanwhile is read anew when it comes back.
        pending.cursors.retain(|(of, generation, number), _| {
            of != log || partitions.get(number).is_some_and(|stored| stored.generation == *generation)
        });
        for (number, stored) in partitions {
            let at = (*log, stored.generation, number);
            if pending.cursors.contains_key(&at) {
                continue;
            }
            let shard = Shard { log: *log, generation: stored.generation, partition: number };
            let written = tools.meta.rollup_cursor(*log, stored.generation, number).await.map_err(fault)?.unwrap_or(0);
            if written < stored.next {
                let hours = tools.store.touched_hours(shard, written, stored.next).await.map_err(fault)?;
                pending.touch(*log, hours);
            }
            pending.cursors.insert(at, (written, stored.next.max(written)));
        }
    }

    let import = pending.import_due();
    let mut hours: Vec<(SiteId, i64)> = pending.hours.keys().copied().collect();
    if import {
        hours.extend(pending.imported.keys().filter(|hour| !pending.hours.contains_key(*hour)));
    }
    let cursors: Vec<(At, Offset)> = pending
        .cursors
        .iter()
        .filter(|((log, _, _), (written, known))| known > written && (import || *log == LogName::Live))
        .map(|(at, (_, known))| (*at, *known))
        .collect();
    let oldest = pending.hours.values().chain(pending.imported.values()).min().map_or(0, |since| since.elapsed().as_secs());
    Name::RollupLagSeconds.set(LogName::Live, oldest);

    hours.sort_unstable();
    for some in hours.chunks(HOURS_PER_QUERY) {
        recompute(&tools.meta, &tools.store, some).await.map_err(fault)?;
        Name::RollupHours.add(LogName::Live, some.len() as u64);
        for hour in some {
            pending.hours.remove(hour);
            if import {
                pending.imported.remove(hour);
            }
        }
    }
    for ((log, generation, partition), next) in cursors {
        tools.meta.apply_rollup(&[], Some(RollupCursor { log, generation, partition, next })).await.map_err(fault)?;
        if let Some((written, _)) = pending.cursors.get_mut(&(log, generation, partition)) {
            *written = next;
        }
    }
    Ok(())
}

/// Why hours could not be recomputed.
#[derive(Debug, thiserror::Error)]
#[error("hourly aggregates: {0}")]
pub struct RollupError(String);

/// Recomputes hours (domain, start in UTC ms) from the store and writes them; zeros where nothing is left.
///
/// # Errors
/// The store or the accounts database failed; hours before the fault are written.
pub async fn recompute(meta: &Meta, store: &Store, hours: &[(SiteId, i64)]) -> Result<(), RollupError> {
    let failed = |error: &dyn std::fmt::Display| RollupError(error.to_string());
    for some in hours.chunks(HOURS_PER_QUERY) {
        let rolled = store.roll_up(&some.iter().copied().collect()).await.map_err(|error| failed(&error))?;
        let hours: Vec<HourFigures> = rolled
            .into_iter()
            .map(|hour| HourFigures {
                site: hour.site,
                hour_ms: hour.hour_ms,
                version: hour.version,
                total: figures(hour.total),
                paths: hour.paths.into_iter().map(|(path, counts)| (path, figures(counts))).collect(),
            })
            .collect();
        meta.apply_rollup(&hours, None).await.map_err(|error| failed(&error))?;
    }
    Ok(())
}

const fn figures(counts: HourCounts) -> Figures {
    Figures { pageviews: counts.pageviews, visitors: counts.visitors, visits: counts.visits }
}

fn fault(error: impl std::fmt::Display) -> Halt {
    Halt::Fault(error.to_string())
}
