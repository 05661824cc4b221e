//! Figures of whole days ([`footfall_store::Store::roll`]), so that reports over months need not read all their rows.
//!
//! Only a matter of speed: reports read rows where a day has no figures, or was touched since. One process does it, the one that holds the first
//! partition of the live log; should two of them think so, both work for nothing, and right. At most half a core: the pause after a piece of work
//! is as long as the work was. What fails is left for an hour, so that it holds up nothing else.

use std::{collections::HashMap, time::Duration};

use chrono_tz::Tz;
use footfall_model::{LogName, SiteId};
use footfall_store::{DaysWanted, LONGEST_ROLL, Unlisted};
use tokio::{sync::watch, time::Instant};

use crate::{metrics::Name, progress::Progress, tools::Tools};

/// Between two looks for days that changed.
pub const EVERY: Duration = Duration::from_secs(60);
/// Between two passes that tidy up. Reports know of replaced figures for some minutes.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);
/// What failed is tried again after this.
const RETRY_AFTER: Duration = Duration::from_secs(3_600);
/// A day is worked out when nothing has touched it for ten minutes: late events come in groups. Days of fewer than 5,000 events are as
/// fast to read: a year of them is fewer than 2 million.
pub const WANTED: DaysWanted = DaysWanted { events: 5_000, quiet: Duration::from_secs(600) };

/// The seams of this task.
pub struct DaysTools {
    /// Store, accounts for the zones of domains, stop.
    pub tools: Tools,
    /// Which partitions of the live log are held.
    pub progress: watch::Receiver<Progress>,
    /// What to work out, and how often to look: [`WANTED`] and [`EVERY`] but in tests.
    pub wanted: (DaysWanted, Duration),
}

/// Runs until the process goes down.
pub async fn run(days: DaysTools) {
    // What is cut off is in no list, and never used.
    tokio::select! {
        () = days.tools.stop.cancelled() => {}
        () = work(&days) => {}
    }
}

async fn work(days: &DaysTools) {
    let (mut unlisted, mut tidied, mut failed) = (Unlisted::default(), Instant::now(), HashMap::new());
    let mut is_well = true;
    loop {
        tokio::time::sleep(days.wanted.1).await;
        if !days.progress.borrow().partitions.contains_key(&0) {
            continue;
        }
        let done = pass(days, &mut failed).await;
        let done = if tidied.elapsed() >= TIDY_EVERY {
            tidied = Instant::now();
            done.and(tidy(days, &mut unlisted).await)
        } else {
            done
        };
        // Nobody is worse off than before, so the process is well; and once is enough to be told.
        if let (true, Err(error)) = (is_well, &done) {
            tracing::warn!(%error, "figures of days could not be worked out, so reports read rows; trying again");
        }
        is_well = done.is_ok();
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;
/// Runs that failed, by domain and first day, and when.
type Failed = HashMap<(SiteId, i64), Instant>;

async fn pass(days: &DaysTools, failed: &mut Failed) -> Result<(), Fault> {
    let (store, meta) = (&days.tools.store, &days.tools.meta);
    failed.retain(|_, at| at.elapsed() < RETRY_AFTER);
    let zones: HashMap<SiteId, Tz> = meta.sites_with_data().await?.into_iter().map(|site| (site.id, site.timezone)).collect();
    let mut fault = None;
    for run in store.days_to_roll(days.wanted.0, &|site| zones.get(&site).copied().unwrap_or(Tz::UTC)).await? {
        let key = (run.site, run.days().start);
        if failed.contains_key(&key) {
            continue;
        }
        let began = Instant::now();
        match store.roll(&run).await {
            Ok(()) => Name::RolledDays.add(LogName::Live, run.days().count() as u64),
            Err(error) => {
                failed.insert(key, Instant::now());
                fault = Some(error);
            }
        }
        tokio::time::sleep(began.elapsed()).await;
    }
    fault.map_or(Ok(()), |error| Err(error.into()))
}

async fn tidy(days: &DaysTools, unlisted: &mut Unlisted) -> Result<(), Fault> {
    *unlisted = days.tools.store.sweep_days(unlisted, 2 * LONGEST_ROLL).await?;
    Ok(())
}
