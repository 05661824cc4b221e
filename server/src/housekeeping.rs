//! What has to happen now and then: salts made ahead and destroyed in time, sign-ins that ended, events of deleted domains.

use std::time::Duration;

use chrono::Utc;
use footfall_meta::{Meta, MetaError};
use footfall_store::Store;
use tokio_util::sync::CancellationToken;

/// Salts are due to the second at most twice a day; a minute late is the most this adds.
const EVERY: Duration = Duration::from_secs(60);

/// Runs until `closing` is cancelled. A fault is logged and tried again a minute later.
pub async fn run(meta: Meta, store: Option<Store>, closing: CancellationToken) {
    loop {
        if let Err(error) = salts_and_sessions(&meta).await {
            tracing::warn!(%error, "salts or sign-ins could not be tidied; trying again in a minute");
        }
        if let Some(store) = &store
            && let Err(error) = deleted_sites(&meta, store).await
        {
            tracing::warn!(error = format!("{error:#}"), "events of deleted domains could not be removed; trying again in a minute");
        }
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn salts_and_sessions(meta: &Meta) -> Result<(), MetaError> {
    let now = Utc::now();
    meta.ensure_salts(now).await?;
    meta.purge_salts(now).await?;
    meta.purge_sessions(now).await?;
    Ok(())
}

async fn deleted_sites(meta: &Meta, store: &Store) -> anyhow::Result<()> {
    for site in meta.sites_to_purge().await? {
        store.delete_site(site).await?;
        meta.mark_site_purged(site).await?;
        tracing::info!(site = %site, "the events of a deleted domain were removed");
    }
    Ok(())
}
