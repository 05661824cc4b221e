//! `footfall shield`: what a domain does not count.

use anyhow::bail;
use clap::{Args, Subcommand};
use footfall_meta::ShieldKind;

use super::{CommandContext, print, site};
use crate::settings;

/// Add, list and remove shields: what a domain does not count
#[derive(Args)]
#[command(after_help = "Examples:
  footfall shield add --domain example.org ip 203.0.113.0/24
  footfall shield add --domain example.org path '/admin*'
  footfall shield add --domain example.org host '*.example.org'
  footfall shield list --domain example.org

A refused event is dropped with its reason (shield_ip and so on); what was counted before stays.")]
pub struct ShieldArgs {
    #[command(subcommand)]
    command: ShieldCommand,
}

#[derive(Subcommand)]
enum ShieldCommand {
    /// Add a shield
    Add {
        /// The domain
        #[arg(long)]
        domain: String,
        /// What it looks at: ip, country or path, which then do not count, or host, of which only these count
        kind: ShieldKind,
        /// What it looks for; in paths and hosts * stands for any characters
        value: String,
    },
    /// List the shields, one a line
    List {
        /// The domain
        #[arg(long)]
        domain: String,
    },
    /// Remove a shield
    Remove {
        /// The domain
        #[arg(long)]
        domain: String,
        /// As it is listed
        kind: ShieldKind,
        /// As it is listed
        value: String,
    },
}

/// Runs a sub-command.
pub async fn run(args: ShieldArgs, context: &CommandContext) -> anyhow::Result<()> {
    let meta = context.meta().await?;
    match args.command {
        ShieldCommand::Add { domain, kind, value } => {
            let site = site::find(&meta, &domain).await?;
            settings::add_shield(&meta, site.id, kind, &settings::shield(kind, &value)?).await?;
        }
        ShieldCommand::List { domain } => {
            let site = site::find(&meta, &domain).await?;
            for shield in meta.shields_of(site.id).await? {
                print(&format!("{:<7}  {}", shield.kind.code(), shield.value));
            }
        }
        ShieldCommand::Remove { domain, kind, value } => {
            let site = site::find(&meta, &domain).await?;
            let shields = meta.shields_of(site.id).await?;
            let found = shields.iter().find(|shield| shield.kind == kind && shield.value == value);
            let Some(found) = found else {
                bail!("{domain} has no shield {kind} `{value}`; `footfall shield list --domain {domain}` shows all")
            };
            meta.delete_shield(site.id, found.id).await?;
        }
    }
    Ok(())
}
