//! What commands do with a list of a domain.

use footfall_meta::{List, MetaError};

use super::{CommandContext, print, site};
use crate::settings::Wrong;

/// Adds to a list: `with` makes the new one.
pub async fn add(
    context: &CommandContext,
    domain: &str,
    list: List,
    with: impl FnOnce(Vec<String>) -> Result<Vec<String>, Wrong> + Send,
) -> anyhow::Result<()> {
    let meta = context.meta().await?;
    let site = site::find(&meta, domain).await?;
    meta.change_list(site.id, list, |known| with(known).map_err(|wrong| MetaError::refused(wrong.to_string()))).await?;
    Ok(())
}

/// Prints a list, one value a line.
pub async fn show(context: &CommandContext, domain: &str, list: List) -> anyhow::Result<()> {
    let meta = context.meta().await?;
    let site = site::find(&meta, domain).await?;
    meta.list_of(site.id, list).await?.iter().for_each(|value| print(value));
    Ok(())
}

/// Removes a value, if it is there.
pub async fn remove(context: &CommandContext, domain: &str, list: List, value: &str) -> anyhow::Result<()> {
    let meta = context.meta().await?;
    let site = site::find(&meta, domain).await?;
    meta.change_list(site.id, list, |known| Ok(known.into_iter().filter(|known| known != value).collect())).await?;
    Ok(())
}
