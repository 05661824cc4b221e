//! Figures of whole days ([`footfall_store::Store::roll_some_days`]), so that reports over months need not read all their rows.
//!
//! Only a matter of speed: reports read rows where a day has no figures, or was touched since. One process does it, the one that holds the first
//! partition of the live log; should two of them think so, both work for nothing, and right. At most half a core: the pause after a piece of work
//! is as long as the work was.

use std::{collections::HashMap, time::Duration};

use chrono_tz::Tz;
use footfall_model::{LogName, SiteId};
use footfall_store::{DaysWanted, Unlisted};
use tokio::{sync::watch, time::Instant};

use crate::{metrics::Name, progress::Progress, tools::Tools};

/// Between two looks for days that changed.
pub const EVERY: Duration = Duration::from_secs(60);
/// Between two passes that tidy up. Reports know of replaced figures for some minutes.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);
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
    let (wanted, every) = days.wanted;
    let (mut unlisted, mut tidied) = (Unlisted::default(), Instant::now());
    let mut pause = every;
    loop {
        tokio::select! {
            () = days.tools.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = every;
        if !days.progress.borrow().partitions.contains_key(&0) {
            continue;
        }
        let began = Instant::now();
        let done = async {
            let zones: HashMap<SiteId, Tz> = days.tools.meta.sites().await?.into_iter().map(|site| (site.id, site.timezone)).collect();
            let zone = |site| zones.get(&site).copied().unwrap_or(Tz::UTC);
            let rolled = days.tools.store.roll_some_days(wanted, &zone).await?;
            if rolled == 0 && tidied.elapsed() >= TIDY_EVERY {
                unlisted = days.tools.store.sweep_days(&unlisted).await?;
                tidied = Instant::now();
            }
            Ok::<usize, Box<dyn std::error::Error + Send + Sync>>(rolled)
        };
        // What is cut off here is in no list, and never used.
        let done = tokio::select! {
            () = days.tools.stop.cancelled() => return,
            done = done => done,
        };
        match done {
            Ok(rolled) => {
                Name::RolledDays.add(LogName::Live, rolled as u64);
                if rolled > 0 {
                    pause = began.elapsed().min(every);
                }
            }
            // Nobody is worse off than before, so the process is well.
            Err(error) => tracing::warn!(%error, "figures of days could not be worked out; trying again"),
        }
    }
}
