//! Demo data: made-up traffic in a domain, as an import, so that it can be removed again without touching anything else.

use anyhow::{Context, bail};
use chrono::Utc;
use footfall_live::Live;
use footfall_meta::{ImportJob, ImportState, Meta, Site};
use footfall_model::SiteId;
use footfall_store::Store;
use tokio::sync::watch;

use crate::{
    import::{DEMO, Imports, NoLines, Progress, Source, traffic::Traffic},
    services::Services,
};

/// A month of a small site: enough for every panel, made and stored within seconds.
const DAYS: u32 = 31;
const EVENTS: u64 = 30_000;

/// Whether demo data is, or is being, loaded.
///
/// # Errors
/// When the accounts cannot be read.
pub async fn is_loaded(meta: &Meta, site: SiteId) -> anyhow::Result<bool> {
    Ok(job(meta, site).await?.is_some())
}

/// Loads demo data; returns once it can be queried. Loading what is loaded does nothing.
///
/// # Errors
/// When another import is running, or something it needs is away.
pub async fn load(imports: &Imports, site: &Site) -> anyhow::Result<()> {
    if job(&imports.meta, site.id).await?.is_some_and(|job| job.state == ImportState::Done) {
        return Ok(());
    }
    let traffic = Traffic {
        site: site.id,
        hostname: site.domain.as_str().to_owned(),
        days: DAYS,
        events: EVENTS,
        seed: 7,
        until_ms: Utc::now().timestamp_millis(),
    };
    let (progress, _) = watch::channel(Progress::default());
    imports.run(site.id, DEMO.to_owned(), Source::<NoLines>::Traffic(traffic), &progress).await
}

/// Removes demo data, and nothing else. The hourly aggregates and live state follow by themselves.
///
/// # Errors
/// When it is still loading, or the store is away; then a second try finishes the removal.
pub async fn remove(meta: &Meta, store: &Store, live: &dyn Live, site: SiteId) -> anyhow::Result<()> {
    let Some(job) = job(meta, site).await? else { return Ok(()) };
    if job.state == ImportState::Running {
        bail!("the demo data is still loading; try again in a moment");
    }
    let hours = store.hours_of_import(site, job.id).await.context("the analytics store is away; nothing was removed")?;
    store.delete_import(site, job.id).await.context("the analytics store is away; try again in a moment")?;
    // Live state is built anew in a moment; until then it must not tell of what is gone.
    live.forget(site).await?;
    let hours: Vec<_> = hours.into_iter().map(|hour| (site, hour)).collect();
    footfall_processor::changed(meta, store, live, &hours).await?;
    meta.end_import(job.id, ImportState::Undone, Utc::now()).await?;
    Ok(())
}

/// Goes on with demo data whose loading was cut off by the end of the process.
///
/// # Errors
/// When the accounts cannot be read.
pub async fn resume(services: &Services) -> anyhow::Result<()> {
    let Some(capture) = &services.capture else { return Ok(()) };
    for site in services.meta.sites().await? {
        if job(&services.meta, site.id).await?.is_some_and(|job| job.state == ImportState::Running) {
            let imports = capture.imports.clone();
            tokio::spawn(async move {
                if let Err(error) = load(&imports, &site).await {
                    tracing::warn!(domain = %site.domain, error = format!("{error:#}"), "the demo data could not be loaded to its end; the next start goes on");
                }
            });
        }
    }
    Ok(())
}

async fn job(meta: &Meta, site: SiteId) -> anyhow::Result<Option<ImportJob>> {
    let jobs = meta.imports_of(site).await?;
    let loaded = |job: &ImportJob| job.fingerprint == DEMO && matches!(job.state, ImportState::Running | ImportState::Done);
    Ok(jobs.into_iter().find(loaded))
}
