//! `footfall site`: the measured domains.

use anyhow::{Context, anyhow};
use chrono::Utc;
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use footfall_meta::{DeletedSite, Meta, Site, SiteChange};
use footfall_model::Domain;
use serde_json::json;

use super::{CommandContext, print, user};
use crate::removal;

/// Add, list, rename, remove and restore measured domains
#[derive(Args)]
#[command(after_help = "Examples:
  footfall site add example.org --timezone Europe/Berlin
  footfall site list --json
  footfall site rename example.org example.com
  footfall site remove example.com
  footfall site restore example.com
  footfall site clear example.com")]
pub struct SiteArgs {
    #[command(subcommand)]
    command: SiteCommand,
}

#[derive(Subcommand)]
enum SiteCommand {
    /// Add a domain and print its id
    Add {
        /// Host name, without www.
        domain: String,
        /// IANA name of the zone in which its days begin
        #[arg(long, default_value = "UTC", value_name = "ZONE")]
        timezone: String,
        /// Whose it is: an e-mail address. By default the first owner's; before there is one, it waits for them
        #[arg(long, value_name = "EMAIL")]
        owner: Option<String>,
    },
    /// List all domains
    List {
        /// As a JSON array of {id, domain, timezone}
        #[arg(long)]
        json: bool,
        /// Those that were removed and can be restored, with the day on which they go for good
        #[arg(long)]
        removed: bool,
    },
    /// Rename a domain; its events stay with it, and for 72 hours they come under its former name too
    Rename {
        /// Present name
        from: String,
        /// New name
        to: String,
    },
    /// Remove a domain; it can be restored for 7 days
    Remove {
        /// Name
        domain: String,
        /// At once and for good, also one that was removed before
        #[arg(long)]
        for_good: bool,
    },
    /// Bring a removed domain back as it was
    Restore {
        /// Name
        domain: String,
    },
    /// Remove all data of a domain that arrived by now; name, settings and keys stay
    Clear {
        /// Name
        domain: String,
    },
}

/// Runs a sub-command.
pub async fn run(args: SiteArgs, context: &CommandContext) -> anyhow::Result<()> {
    match args.command {
        SiteCommand::Add { domain, timezone, owner } => {
            let domain: Domain = domain.parse()?;
            let timezone: Tz =
                timezone.parse().map_err(|_| anyhow!("`{timezone}` is not a time zone; use an IANA name, for example Europe/Berlin"))?;
            let meta = context.meta().await?;
            let owner = match owner {
                Some(email) => Some(user::find(&meta, &email).await?.id),
                None => meta.first_owner().await?,
            };
            let site = meta.create_site(&domain, timezone, owner).await?;
            print(&site.id.to_string());
        }
        SiteCommand::List { json, removed: false } => list(&context.meta().await?.sites().await?, json)?,
        SiteCommand::List { json, removed: true } => list_removed(&context.meta().await?.deleted_sites().await?, json)?,
        SiteCommand::Rename { from, to } => {
            let to: Domain = to.parse()?;
            let meta = context.meta().await?;
            let site = find(&meta, &from).await?;
            meta.change_site(site.id, SiteChange { domain: Some(to), timezone: None }).await?;
        }
        SiteCommand::Remove { domain, for_good: true } => {
            let meta = context.meta().await?;
            match removed(&meta, &domain).await? {
                Some(removed) => meta.delete_hidden_site(removed.site.id).await?,
                None => meta.delete_site(find(&meta, &domain).await?.id).await?,
            }
        }
        SiteCommand::Remove { domain, for_good: false } => {
            let meta = context.meta().await?;
            let site = find(&meta, &domain).await?;
            meta.hide_site(site.id, Utc::now()).await?;
        }
        SiteCommand::Restore { domain } => {
            let meta = context.meta().await?;
            let removed = removed(&meta, &domain).await?;
            let removed =
                removed.with_context(|| format!("{domain} was not removed; `footfall site list --removed` shows what can be restored"))?;
            meta.restore_site(removed.site.id).await?;
        }
        SiteCommand::Clear { domain } => {
            let meta = context.meta().await?;
            let site = find(&meta, &domain).await?;
            meta.clear_site(site.id, removal::end_of_second()).await?;
            print("its data is removed within a minute by the server, or when it starts");
        }
    }
    Ok(())
}

/// The domain with this name.
pub async fn find(meta: &Meta, name: &str) -> anyhow::Result<Site> {
    let domain: Domain = name.parse()?;
    meta.site_by_domain(&domain).await?.with_context(|| format!("{domain} is not measured here; `footfall site list` shows all domains"))
}

/// The removed domain with this name.
async fn removed(meta: &Meta, name: &str) -> anyhow::Result<Option<DeletedSite>> {
    Ok(meta.deleted_site_by_domain(&name.parse()?).await?)
}

fn list_removed(sites: &[DeletedSite], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let entry = |removed: &DeletedSite| json!({ "id": removed.site.id, "domain": removed.site.domain, "goesAt": removed.goes_at });
        print(&serde_json::to_string_pretty(&sites.iter().map(entry).collect::<Vec<_>>())?);
        return Ok(());
    }
    let widest = sites.iter().map(|removed| removed.site.domain.as_str().len()).max().unwrap_or(0);
    for DeletedSite { site, goes_at, .. } in sites {
        print(&format!("{}  {:<widest$}  goes {}", site.id, site.domain.as_str(), goes_at.format("%Y-%m-%d %H:%M UTC")));
    }
    Ok(())
}

fn list(sites: &[Site], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let entry = |site: &Site| json!({ "id": site.id, "domain": site.domain, "timezone": site.timezone.name() });
        print(&serde_json::to_string_pretty(&sites.iter().map(entry).collect::<Vec<_>>())?);
        return Ok(());
    }
    let widest = sites.iter().map(|site| site.domain.as_str().len()).max().unwrap_or(0);
    for site in sites {
        print(&format!("{}  {:<widest$}  {}", site.id, site.domain.as_str(), site.timezone.name()));
    }
    Ok(())
}
