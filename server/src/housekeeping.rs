//! What has to happen now and then: salts made ahead and destroyed in time, sign-ins that ended, former names of domains, domains that were deleted
//! and data that goes.

use std::time::Duration;

use chrono::Utc;
use footfall_meta::{Meta, MetaError};
use tokio_util::sync::CancellationToken;

use crate::removal::Remover;

/// Salts are due to the second at most twice a day; a minute late is the most this adds.
const EVERY: Duration = Duration::from_secs(60);

/// Runs until `closing` is cancelled. A fault is logged and tried again a minute later.
pub async fn run(meta: Meta, remover: Option<Remover>, closing: CancellationToken) {
    loop {
        if let Err(error) = accounts(&meta).await {
            tracing::warn!(%error, "salts, sign-ins or domains could not be tidied; trying again in a minute");
        }
        if let Some(remover) = &remover
            && let Err(error) = remover.go_on().await
        {
            tracing::warn!(error = format!("{error:#}"), "data that is to go could not be removed; trying again in a minute");
        }
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn accounts(meta: &Meta) -> Result<(), MetaError> {
    let now = Utc::now();
    meta.ensure_salts(now).await?;
    meta.purge_salts(now).await?;
    meta.purge_sessions(now).await?;
    meta.forget_former_names(now).await?;
    for site in meta.delete_due_sites(now).await? {
        tracing::info!(site = %site, "a deleted domain was not restored in time: it goes for good");
    }
    Ok(())
}
