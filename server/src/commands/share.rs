//! `footfall share`: links by which somebody without an account sees a dashboard.

use anyhow::bail;
use clap::{Args, Subcommand};
use footfall_meta::SharedLink;
use serde_json::{Value, json};

use super::{CommandContext, print, site};
use crate::links::{self, AskedLink};

/// Add, list and remove shared links: who has one sees a dashboard without an account
#[derive(Args)]
#[command(after_help = "Examples:
  footfall share add --domain example.org --name Client
  footfall share add --domain example.org --name Agency --until 2026-12-31 --segment 7 --password-stdin < password.txt
  footfall share add --domain example.org --name Everybody --public
  footfall share remove --domain example.org Client")]
pub struct ShareArgs {
    #[command(subcommand)]
    command: ShareCommand,
}

#[derive(Subcommand)]
enum ShareCommand {
    /// Make a link, and print its address
    Add {
        /// The domain
        #[arg(long)]
        domain: String,
        /// What it is called
        #[arg(long)]
        name: String,
        /// Read the password that it asks for from the first line of stdin
        #[arg(long, conflicts_with = "public")]
        password_stdin: bool,
        /// The last day on which it opens, in the domain's zone
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: Option<String>,
        /// The number of a segment that all figures are limited to
        #[arg(long, value_name = "NUMBER")]
        segment: Option<i64>,
        /// Anybody sees the domain under its own name as well
        #[arg(long)]
        public: bool,
    },
    /// List the links of a domain
    List {
        /// The domain
        #[arg(long)]
        domain: String,
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a link: it opens nothing any more
    Remove {
        /// The domain
        #[arg(long)]
        domain: String,
        /// Its name
        name: String,
    },
}

/// Runs a sub-command.
pub async fn run(args: ShareArgs, context: &CommandContext) -> anyhow::Result<()> {
    let meta = context.meta().await?;
    let address = |link: &SharedLink| links::address_at(&context.config.base_url(), link);
    match args.command {
        ShareCommand::Add { domain, name, password_stdin, until, segment, public } => {
            let site = site::find(&meta, &domain).await?;
            let password = if password_stdin { Some(super::user::password_of_stdin()?) } else { None };
            let link = links::add(&meta, &site, AskedLink { name, password, until, segment, public }).await?;
            print(&address(&link));
        }
        ShareCommand::List { domain, json } => {
            let site = site::find(&meta, &domain).await?;
            let links = meta.links_of(site.id).await?;
            if json {
                let entry = |link: &SharedLink| {
                    json!({
                        "name": link.name, "url": address(link), "has_password": link.password_hash.is_some(),
                        "until": links::until(link, site.timezone), "segment": link.segment, "public": link.is_public,
                    })
                };
                print(&serde_json::to_string_pretty(&links.iter().map(entry).collect::<Vec<Value>>())?);
            } else {
                let widest = links.iter().map(|link| link.name.chars().count()).max().unwrap_or(0);
                for link in &links {
                    print(&format!("{:<widest$}  {}{}", link.name, address(link), described(link, site.timezone)));
                }
            }
        }
        ShareCommand::Remove { domain, name } => {
            let site = site::find(&meta, &domain).await?;
            let links = meta.links_of(site.id).await?;
            let Some(link) = links.iter().find(|link| link.name == name) else {
                bail!("{domain} has no shared link `{name}`; `footfall share list --domain {domain}` shows all")
            };
            meta.delete_link(site.id, link.id).await?;
        }
    }
    Ok(())
}

/// What else there is to know of a link.
fn described(link: &SharedLink, zone: chrono_tz::Tz) -> String {
    let mut parts = Vec::new();
    if link.is_public {
        parts.push("public".to_owned());
    }
    if link.password_hash.is_some() {
        parts.push("with password".to_owned());
    }
    if let Some(number) = link.segment {
        parts.push(format!("segment {number}"));
    }
    if let Some(day) = links::until(link, zone) {
        parts.push(format!("until {day}"));
    }
    if parts.is_empty() { String::new() } else { format!("  ({})", parts.join(", ")) }
}
