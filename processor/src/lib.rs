//! The processor: reads the event log, assigns visits, writes to the analytics store exactly once, keeps live state and hourly
//! aggregates. Runs inside `serve`, or alone as a role.
//!
//! | file | question |
//! |---|---|
//! | `stored.rs` | how do records become rows, exactly once |
//! | `settle.rs`, `recover.rs` | what happens after a refusal or a restart |
//! | `visits.rs`, `ids.rs`, `clock.rs`, `assign.rs` | which visit, which repetition (pure) |
//! | `hash.rs` | how do look-ups stay quick |
//! | `range.rs`, `pace.rs` | where a range ends, when it is inserted (pure) |
//! | `decode.rs`, `build.rs`, `row.rs`, `salts.rs` | from entry to row |
//! | `live.rs` | how live state follows |
//! | `rollup.rs` | how hourly aggregates follow |
//! | `days.rs` | how figures of whole days follow |
//! | `import.rs` | what is special about imports |
//! | `progress.rs`, `metrics.rs` | what the rest of the process sees of it |
//! | `shared.rs` | what other processes see of it |

pub mod aftermath;
pub mod assign;
pub mod build;
pub mod clock;
pub mod days;
pub mod decode;
pub mod hash;
pub mod ids;
pub mod import;
pub mod live;
pub mod memory;
pub mod metrics;
pub mod pace;
pub mod partition;
pub mod progress;
pub mod range;
pub mod recover;
pub mod rollup;
pub mod row;
pub mod salts;
pub mod settle;
pub mod shared;
pub mod steps;
pub mod stored;
pub mod tools;
pub mod visits;

use std::sync::Arc;

use footfall_live::Live;
use footfall_log::EventLog;
use footfall_meta::Meta;
use footfall_model::LogName;
use footfall_store::{DaysWanted, Store};
use tokio::sync::{broadcast, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use progress::{Progress, Stored, Touched};
pub use shared::{Told, changed};

use crate::{
    memory::Memory,
    pace::Pace,
    progress::{Health, Reports},
    shared::Teller,
    steps::Watcher,
    tools::Tools,
};

/// Inserts that a slow listener may lag behind.
const TOUCHED_BUFFER: usize = 1_024;

/// What the processor works with.
#[derive(Clone)]
pub struct ProcessorDeps {
    /// The log of what happens now.
    pub live_log: Arc<dyn EventLog>,
    /// The log of imports and back-dated events.
    pub import_log: Arc<dyn EventLog>,
    /// The analytics store, migrated.
    pub store: Store,
    /// Live state.
    pub live: Arc<dyn Live>,
    /// Accounts, migrated.
    pub meta: Meta,
    /// Switches.
    pub options: Options,
}

/// Switches of the processor.
#[derive(Clone, Default)]
pub struct Options {
    /// How much each partition remembers, the same on all processors; [`Memory::share`] if none.
    pub memory: Option<Memory>,
    /// Time between two roll-ups; [`rollup::EVERY`] if none.
    pub rollup_every: Option<std::time::Duration>,
    /// Which days are worked out, and the time between two looks for them; [`days::WANTED`] and [`days::EVERY`] if none.
    pub days: Option<(DaysWanted, std::time::Duration)>,
    /// Pause after each batch of the live cursor, where counting costs a call to another machine: a flood then makes few, large batches.
    pub live_pause: Option<std::time::Duration>,
    /// Rows of one insert at most; [`range::MAX_ROWS`] if none. For tests with several full ranges.
    pub range_rows: Option<usize>,
    /// Listens to the steps of the stored cursors and may stop them; for crash tests.
    pub watcher: Option<Watcher>,
}

/// The processor of one process.
pub struct Processor;

impl Processor {
    /// Starts both stored cursors, the live cursor and the roll-up on the current runtime.
    #[must_use]
    pub fn spawn(deps: ProcessorDeps) -> Running {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (touched, _) = broadcast::channel(TOUCHED_BUFFER);
        let teller = Teller::new(Arc::clone(&deps.live));
        let pace = Pace::default();
        let tools = |log: &Arc<dyn EventLog>| Tools {
            log: Arc::clone(log),
            name: log.name(),
            store: deps.store.clone(),
            meta: deps.meta.clone(),
            pace: pace.clone(),
            reports: Reports::new(touched.clone(), teller.clone()),
            stop: stop.clone(),
            watcher: deps.options.watcher.clone(),
            memory: deps.options.memory,
            range_rows: deps.options.range_rows.unwrap_or(range::MAX_ROWS),
        };
        let (stored, imported) = (tools(&deps.live_log), tools(&deps.import_log));
        let (counting, rolling, over_days) = (tools(&deps.live_log), tools(&deps.live_log), tools(&deps.live_log));
        let running = Running {
            live: stored.reports.clone(),
            import: imported.reports.clone(),
            health: vec![
                ("stored cursor", stored.reports.health.clone()),
                ("import cursor", imported.reports.health.clone()),
                ("live cursor", counting.reports.health.clone()),
                ("roll-up", rolling.reports.health.clone()),
            ],
            stop: stop.clone(),
            tasks: tasks.clone(),
        };

        tasks.spawn(rollup::run(rollup::RollupTools {
            tools: rolling,
            progress: vec![(LogName::Live, stored.reports.progress.subscribe()), (LogName::Import, imported.reports.progress.subscribe())],
            touched: touched.subscribe(),
            every: deps.options.rollup_every.unwrap_or(rollup::EVERY),
        }));
        tasks.spawn(days::run(days::DaysTools {
            tools: over_days,
            progress: stored.reports.progress.subscribe(),
            wanted: deps.options.days.unwrap_or((days::WANTED, days::EVERY)),
        }));
        tasks.spawn(import::watch_recent(touched.subscribe(), Arc::clone(&deps.live), stop));
        tasks.spawn(live::run(live::LiveTools {
            tools: counting,
            live: deps.live,
            pause: deps.options.live_pause,
            held: stored.reports.held.subscribe(),
            progress: stored.reports.progress.subscribe(),
        }));
        tasks.spawn(stored::run(imported));
        tasks.spawn(stored::run(stored));
        tasks.close();
        running
    }
}

/// A running processor.
#[derive(Clone)]
pub struct Running {
    live: Reports,
    import: Reports,
    health: Vec<(&'static str, Health)>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// How far the stored cursor of a log is in the partitions that this process holds.
    #[must_use]
    pub fn progress(&self, log: LogName) -> watch::Receiver<Progress> {
        match log {
            LogName::Live => self.live.progress.subscribe(),
            LogName::Import => self.import.progress.subscribe(),
        }
    }

    /// What each part suffers from, if anything.
    #[must_use]
    pub fn health(&self) -> Vec<(&'static str, Option<String>)> {
        self.health.iter().map(|(part, health)| (*part, health.fault())).collect()
    }

    /// Ends all parts. A range under way is ended if its insert is quick, else left to its intent: the next start goes on there.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}
