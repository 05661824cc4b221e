//! `footfall promote`: a one-machine installation becomes a cluster's, while it goes on accepting events.
//!
//! 1. *Copying*: accounts, then every domain's events month by month, as bytes. The installation works as before meanwhile.
//! 2. *Standstill*: local processing ends where it is; from here on events wait in the local log. What came since the first copy is
//!    copied, and all of it compared: each table of the accounts, and each domain's days by count and checksum. If anything differs or
//!    fails, local processing goes on and nothing has changed.
//! 3. *Forwarding*: what the log holds from there on goes to Kafka in order, each entry exactly once (`footfall_log::kafka::Forwarder`), and
//!    so does everything that this server still accepts, until it is stopped. A restart goes on forwarding.
//!
//! **Resumable**: copies leave out what is there already. The state below the data folder says which promotion this is, and from where on it
//! forwards. **Positions**: the partition 0 of the target gets generations of its own before anything is copied, so its new records and the
//! copied rows never have the same place.
//!
//! A visit that is under way at the standstill goes on as a new one, as its state does not move.

mod forward;
pub mod routes;
mod state;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context, bail, ensure};
use footfall_config::{Config, Sources};
use footfall_log::{EventLog, StartAt, file::FileLog};
use footfall_meta::{ImportState, Meta};
use footfall_model::{LogName, Offset, SiteId};
use footfall_processor::{ProcessorDeps, stored::GROUP};
use footfall_store::Store;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use self::state::{Forwarding, State};
use crate::{boot, control, services::SharedProcessor};

/// A line of what a promotion says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Said {
    /// What happens now.
    pub text: String,
    /// Everything is at its new place but what comes from now on.
    pub done: bool,
    /// Why it ended early.
    pub failed: Option<String>,
}

impl control::Line for Said {
    fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

/// What a promotion works with.
pub struct Promotion {
    /// The data folder.
    pub data: PathBuf,
    /// Both local logs.
    pub files: [Arc<FileLog>; 2],
    /// What processes them now, if anything.
    pub processor: SharedProcessor,
    /// What it works with.
    pub deps: ProcessorDeps,
    /// Cancelled when the process is to end.
    pub closing: CancellationToken,
    /// One at a time.
    pub running: Mutex<()>,
}

/// Where everything goes.
struct Target {
    config: Config,
    meta: Meta,
    store: Store,
    logs: [boot::KafkaTarget; 2],
}

impl Target {
    async fn open(text: &str) -> anyhow::Result<Self> {
        let sources = Sources::from_parts([], [], Some(text))?;
        let config = Config::load(&sources)?;
        let seams = &config.seams;
        let urls = [
            ("event_log_url", &seams.event_log_url),
            ("store_url", &seams.store_url),
            ("accounts_url", &seams.accounts_url),
            ("live_url", &seams.live_url),
        ];
        for (setting, url) in urls {
            ensure!(
                boot::is_shared(url),
                "the target's settings have {setting} = {url}, which belongs to one machine; name the cluster's service"
            );
        }
        let meta = boot::open_accounts(&config).await.context("the target's accounts")?;
        let store = boot::open_store(&config, &meta, boot::Purpose::Once).await.context("the target's analytics store")?.store;
        let logs = boot::kafka_targets(&config).await?;
        Ok(Self { config, meta, store, logs })
    }
}

impl Promotion {
    /// Goes on forwarding where an earlier start was promoted; whether it was.
    ///
    /// # Errors
    /// When the state cannot be read, or the target cannot be opened.
    pub fn resume(self: &Arc<Self>) -> anyhow::Result<bool> {
        let Some(state) = State::read(&self.data)? else { return Ok(false) };
        let Some(forwarding) = state.forwarding else { return Ok(false) };
        let this = Arc::clone(self);
        tokio::spawn(async move { this.forward(state.target, forwarding).await });
        Ok(true)
    }

    /// Moves everything to where the settings `text` say.
    ///
    /// # Errors
    /// What could not be done; until the standstill is over nothing has changed, and a repetition goes on where it was.
    pub async fn run(self: &Arc<Self>, text: &str, said: &watch::Sender<Said>) -> anyhow::Result<()> {
        let Ok(_turn) = self.running.try_lock() else { bail!("a promotion is running; wait for its end") };
        let say = |text: String| {
            tracing::info!("promotion: {text}");
            said.send_replace(Said { text, ..Said::default() });
        };
        let mut state = match State::read(&self.data)? {
            Some(state) if state.forwarding.is_some() => {
                bail!("this installation was promoted already; it forwards what it still accepts")
            }
            Some(state) if state.target == text => state,
            _ => State::new(text),
        };
        self.no_import_runs().await?;
        say("opening the target".to_owned());
        let target = Target::open(text).await?;
        if !state.is_begun {
            self.is_fit(&target).await?;
            state.is_begun = true;
            state.write(&self.data)?;
        }
        self.copy(&target, &state.name(), &say).await?;

        self.no_import_runs().await?;
        say("standing still: events are accepted and wait".to_owned());
        let places = self.stand_still().await?;
        let moved = async {
            self.copy(&target, &state.name(), &say).await?;
            self.compare(&target, &say).await
        };
        if let Err(error) = moved.await {
            say("going on as before".to_owned());
            self.processor.start(&self.deps);
            return Err(error.context("nothing has changed; run the command again"));
        }
        // From here on the target has the events. Should this be cut off, the next start forwards.
        state.forwarding = Some(Forwarding { live: places[0], import: places[1] });
        if let Err(error) = state.write(&self.data) {
            self.processor.start(&self.deps);
            return Err(error);
        }
        say("forwarding what came meanwhile".to_owned());
        let waiting = forward::start(self, &target.logs, places).await;
        for (_, mut caught_up) in waiting {
            tokio::select! {
                () = self.closing.cancelled() => bail!("the server is stopping; its next start goes on forwarding"),
                caught = caught_up.wait_for(|caught| *caught) => drop(caught?),
            }
        }
        let name = target.config.seams.event_log_url.clone();
        said.send_replace(Said {
            text: format!("everything is at its new place; this server forwards what it still accepts to {name} until it is stopped"),
            done: true,
            failed: None,
        });
        Ok(())
    }

    /// Forwards for ever, trying again while the target is away.
    async fn forward(self: Arc<Self>, text: String, from: Forwarding) {
        loop {
            match Target::open(&text).await {
                Ok(target) => {
                    let tasks = forward::start(&self, &target.logs, [from.live, from.import]).await;
                    for (task, _) in tasks {
                        let _ = task.await;
                    }
                    return;
                }
                Err(error) => tracing::error!(
                    error = format!("{error:#}"),
                    "the target of the promotion cannot be opened; events wait in the local log"
                ),
            }
            tokio::select! {
                () = self.closing.cancelled() => return,
                () = tokio::time::sleep(std::time::Duration::from_secs(5)) => {}
            }
        }
    }

    /// Whether this can be moved there.
    async fn is_fit(&self, target: &Target) -> anyhow::Result<()> {
        for log in &target.logs {
            let status = log.log.status().await;
            ensure!(status.accepting, "the target's topic {} takes no entries: {}", log.options.topic, status.fault.unwrap_or_default());
            let held: u64 = status.partitions.iter().map(|(_, _, start, end)| end - start).sum();
            ensure!(held == 0, "the target's topic {} holds {held} records; promote into an empty one", log.options.topic);
        }
        Ok(())
    }

    /// An import goes through the local processor to its end.
    async fn no_import_runs(&self) -> anyhow::Result<()> {
        for site in self.deps.meta.sites_with_data().await? {
            let jobs = self.deps.meta.imports_of(site.id).await?;
            ensure!(
                jobs.iter().all(|job| job.state != ImportState::Running),
                "an import into {} is running, or was cut off; wait for its end or give its file again",
                site.domain
            );
        }
        Ok(())
    }

    /// Makes the target have what there is now.
    async fn copy(&self, target: &Target, name: &str, say: &(impl Fn(String) + Sync)) -> anyhow::Result<()> {
        self.deps.meta.copy_to(&target.meta, &|_, _| {}).await.context("copying the accounts")?;
        for (file, log) in self.files.iter().zip([LogName::Live, LogName::Import]) {
            let known = self.deps.meta.log_generation(log, 0).await?.max(file.generation());
            target.meta.raise_log_generation(log, 0, known).await?;
        }
        say("accounts copied".to_owned());
        for site in self.deps.meta.sites_with_data().await? {
            for (month, rows) in self.deps.store.months(site.id).await? {
                let sent = self.deps.store.copy_site_month(&target.store, site.id, month, name, &|_| {}).await;
                let sent = sent.with_context(|| format!("copying {} of {month}", site.domain))?;
                say(format!("{} {month}: {rows} events, {sent} copied now", site.domain));
            }
            self.deps.store.copy_dead_letters(&target.store, Some(site.id)).await?;
        }
        self.deps.store.copy_dead_letters(&target.store, None).await?;
        Ok(())
    }

    /// Ends local processing; the next offset of both logs, below which everything is stored.
    async fn stand_still(&self) -> anyhow::Result<[Offset; 2]> {
        self.processor.stop().await;
        let mut places = [0; 2];
        for (file, place) in self.files.iter().zip(&mut places) {
            match place_of(file).await {
                Ok(next) => *place = next,
                Err(error) => {
                    self.processor.start(&self.deps);
                    return Err(error);
                }
            }
        }
        Ok(places)
    }

    /// Whether both sides hold the same.
    async fn compare(&self, target: &Target, say: &(impl Fn(String) + Sync)) -> anyhow::Result<()> {
        let (here, mut there) = (self.deps.meta.checksums().await?, target.meta.checksums().await?);
        // The target has generations of its own.
        there.remove("cursors");
        for (table, sum) in here.iter().filter(|(table, _)| **table != "cursors") {
            ensure!(there.get(table) == Some(sum), "the table {table} of the accounts differs: {sum:?} here, {:?} there", there.get(table));
        }
        let mut events = 0;
        let mut sites: BTreeMap<Option<SiteId>, String> = [(None, "records of no domain".to_owned())].into();
        for site in self.deps.meta.sites_with_data().await? {
            let (here, there) = (self.deps.store.checksums(site.id).await?, target.store.checksums(site.id).await?);
            for (day, sum) in &here {
                ensure!(
                    there.get(day) == Some(sum),
                    "{} differs on the day that begins at {day}: {sum:?} here, {:?} there",
                    site.domain,
                    there.get(day)
                );
            }
            ensure!(here.len() == there.len(), "{} has events on {} days here, on {} there", site.domain, here.len(), there.len());
            events += here.values().map(|sum| sum.events).sum::<u64>();
            sites.insert(Some(site.id), site.domain.to_string());
        }
        for (site, name) in sites {
            let (here, there) = (self.deps.store.letters(site).await?, target.store.letters(site).await?);
            ensure!(here == there, "the dead letters of {name} differ: {here:?} here, {there:?} there");
        }
        say(format!("compared: {} tables of the accounts and {events} events are the same on both sides", here.len() - 1));
        Ok(())
    }
}

/// Where local processing stands.
async fn place_of(file: &Arc<FileLog>) -> anyhow::Result<Offset> {
    let mut sub = file.subscribe(GROUP, StartAt::Committed).await?;
    let limit = footfall_log::FetchLimit { entries: 1, bytes: 1 };
    let footfall_log::Polled::Assigned(assigned) = sub.poll(std::time::Duration::from_secs(5), limit).await? else {
        bail!("the event log does not say where processing stands")
    };
    let Some(assignment) = assigned.first() else { bail!("the event log has no partition") };
    ensure!(assignment.intent.is_none(), "a range was not ended in time; run the command again");
    Ok(assignment.committed.map_or(assignment.start, |committed| committed.next))
}
