//! Domains that go, and domains of which only the data goes: what API, pages, commands and housekeeping share. The rules are in
//! `footfall_meta::removal`.
//!
//! What arrived before a moment may still be on its way to the store. So the store is told to remove it more than once: at once, and again when both
//! logs are stored past that moment. A process that ends in between leaves that to the housekeeping of the next one.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use footfall_live::Live;
use footfall_meta::{Meta, MetaError};
use footfall_model::{LogName, SiteId};
use footfall_processor::Told;
use footfall_store::Store;
use tokio::{sync::oneshot, time::Instant};

use crate::App;

/// Who asked waits so long for the store; then it goes on by itself.
const PATIENCE: Duration = Duration::from_secs(20);
/// Logs that are being stored are past a moment within this; what takes longer is left to the housekeeping.
const SETTLES_IN: Duration = Duration::from_secs(30);
/// Collectors may take events of a domain that is gone for some seconds, as they remember their list.
const REMEMBERED: TimeDelta = TimeDelta::seconds(10);
/// Between two looks at the logs.
const LOOK: Duration = Duration::from_millis(250);

/// What removes.
#[derive(Clone)]
pub struct Remover {
    /// Accounts.
    pub meta: Meta,
    /// The analytics store.
    pub store: Store,
    /// Live state.
    pub live: std::sync::Arc<dyn Live>,
    /// How far the logs are stored.
    pub told: std::sync::Arc<Told>,
}

/// Removes everything of a domain that arrived before the end of this second. True: it is gone; false: it goes within minutes.
///
/// # Errors
/// When there is no such domain, an import into it is under way, or the accounts fail.
pub async fn clear(app: &App, site: SiteId) -> Result<bool, MetaError> {
    let until = end_of_second();
    app.meta.clear_site(site, until).await?;
    let Some(store) = app.store.clone() else { return Ok(false) };
    let remover = Remover { meta: app.meta.clone(), store, live: app.live.clone(), told: app.told.clone() };
    let (first, done) = oneshot::channel();
    // A task of its own: it ends, whoever waits for it.
    tokio::spawn(async move {
        let cleared = remover.clear(site, until).await;
        if let Err(error) = &cleared {
            tracing::warn!(site = %site, error = format!("{error:#}"), "the data of a domain could not be removed; trying again in a minute");
        }
        let is_done = cleared.is_ok();
        let _ = first.send(is_done);
        if is_done
            && remover.settles(until).await
            && let Err(error) = remover.finish_clearing(site, until).await
        {
            tracing::warn!(site = %site, error = format!("{error:#}"), "the data of a domain is removed once more in a minute");
        }
    });
    Ok(matches!(tokio::time::timeout(PATIENCE, done).await, Ok(Ok(true))))
}

/// The end of the running second: the store keeps no smaller part of when something arrived.
#[must_use]
pub fn end_of_second() -> DateTime<Utc> {
    let now = Utc::now();
    now.duration_trunc(TimeDelta::seconds(1)).unwrap_or(now) + TimeDelta::seconds(1)
}

impl Remover {
    /// Removes what arrived before a moment, which is waited for: who is told that it is done can rely on what comes from then on.
    async fn clear(&self, site: SiteId, until: DateTime<Utc>) -> anyhow::Result<()> {
        tokio::time::sleep((until - Utc::now()).to_std().unwrap_or_default()).await;
        self.store.clear_site(site, until.timestamp()).await?;
        self.meta.forget_hours(site, until).await?;
        // Live state is built anew in a moment; until then it must not tell of what is gone.
        self.live.forget(site).await?;
        let running = until.timestamp_millis() / HOUR_MS * HOUR_MS;
        let mut hours = self.store.hours_of_site(site).await?;
        hours.push(running);
        let hours: Vec<_> = hours.into_iter().map(|hour| (site, hour)).collect();
        footfall_processor::changed(&self.meta, &self.store, self.live.as_ref(), &hours).await?;
        Ok(())
    }

    async fn finish_clearing(&self, site: SiteId, until: DateTime<Utc>) -> anyhow::Result<()> {
        self.clear(site, until).await?;
        self.meta.mark_site_cleared(site, until).await?;
        tracing::info!(site = %site, "everything of a domain that arrived before a moment was removed");
        Ok(())
    }

    /// Goes on with what was begun, and ends what is over: the time of former names, and that in which a domain can be restored.
    ///
    /// # Errors
    /// When accounts, store or live state fail; then call it again.
    pub async fn go_on(&self) -> anyhow::Result<()> {
        for (site, until) in self.meta.sites_to_clear().await? {
            if self.is_settled(until) {
                self.finish_clearing(site, until).await?;
            } else {
                self.clear(site, until).await?;
            }
        }
        for (site, deleted_at) in self.meta.sites_to_purge().await? {
            let is_last = self.is_settled(deleted_at + REMEMBERED);
            self.store.delete_site(site).await?;
            self.live.forget(site).await?;
            if is_last {
                self.meta.mark_site_purged(site).await?;
                tracing::info!(site = %site, "the events of a deleted domain were removed");
            }
        }
        Ok(())
    }

    /// Whether everything that arrived before a moment is in the store.
    fn is_settled(&self, until: DateTime<Utc>) -> bool {
        let is_past = |log| self.told.progress(log).borrow().watermark_ms().is_some_and(|stored| stored >= until.timestamp_millis());
        is_past(LogName::Live) && is_past(LogName::Import)
    }

    async fn settles(&self, until: DateTime<Utc>) -> bool {
        let give_up = Instant::now() + SETTLES_IN;
        while !self.is_settled(until) {
            if Instant::now() >= give_up {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        true
    }
}

const HOUR_MS: i64 = 3_600_000;
