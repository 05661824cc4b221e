//! `footfall site`: the measured domains.

use anyhow::{Context, anyhow};
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use footfall_meta::{Meta, Site, SiteChange};
use footfall_model::Domain;
use serde_json::json;

use super::{CommandContext, print, user};

/// Add, list, rename and remove measured domains
#[derive(Args)]
#[command(after_help = "Examples:
  footfall site add example.org --timezone Europe/Berlin
  footfall site list --json
  footfall site rename example.org example.com
  footfall site remove example.com")]
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
    },
    /// Rename a domain; its events stay with it
    Rename {
        /// Present name
        from: String,
        /// New name
        to: String,
    },
    /// Remove a domain with all its figures
    Remove {
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
        SiteCommand::List { json } => list(&context.meta().await?.sites().await?, json)?,
        SiteCommand::Rename { from, to } => {
            let to: Domain = to.parse()?;
            let meta = context.meta().await?;
            let site = find(&meta, &from).await?;
            meta.change_site(site.id, SiteChange { domain: Some(to), timezone: None }).await?;
        }
        SiteCommand::Remove { domain } => {
            let meta = context.meta().await?;
            let site = find(&meta, &domain).await?;
            meta.delete_site(site.id).await?;
        }
    }
    Ok(())
}

/// The domain with this name.
pub async fn find(meta: &Meta, name: &str) -> anyhow::Result<Site> {
    let domain: Domain = name.parse()?;
    meta.site_by_domain(&domain).await?.with_context(|| format!("{domain} is not measured here; `footfall site list` shows all domains"))
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
