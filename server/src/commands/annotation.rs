//! `footfall annotation`: notes at moments of a domain's time.

use anyhow::bail;
use chrono::Utc;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{CommandContext, print, site};
use crate::settings;

/// Add, list and remove notes at moments of a domain's time
#[derive(Args)]
#[command(after_help = "Examples:
  footfall annotation add --domain example.org 'Release 2.0'
  footfall annotation add --domain example.org --at 2026-05-04T12:00:00+02:00 'Newsletter sent'
  footfall annotation list --domain example.org")]
pub struct AnnotationArgs {
    #[command(subcommand)]
    command: AnnotationCommand,
}

#[derive(Subcommand)]
enum AnnotationCommand {
    /// Add a note and print its number
    Add {
        /// The domain
        #[arg(long)]
        domain: String,
        /// When, RFC 3339; now by default
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// What happened
        note: String,
    },
    /// List the notes of a domain, by time
    List {
        /// The domain
        #[arg(long)]
        domain: String,
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a note
    Remove {
        /// The domain
        #[arg(long)]
        domain: String,
        /// Its number
        annotation: i64,
    },
}

/// Runs a sub-command.
pub async fn run(args: AnnotationArgs, context: &CommandContext) -> anyhow::Result<()> {
    let meta = context.meta().await?;
    match args.command {
        AnnotationCommand::Add { domain, at, note } => {
            let site = site::find(&meta, &domain).await?;
            let at = at.as_deref().map_or_else(|| Ok(Utc::now()), settings::moment)?;
            let note = settings::note(&note)?;
            print(&meta.create_annotation(site.id, at, &note).await?.id.to_string());
        }
        AnnotationCommand::List { domain, json } => {
            let site = site::find(&meta, &domain).await?;
            let notes = meta.annotations_of(site.id).await?;
            if json {
                let entries: Vec<Value> = notes.iter().map(|note| json!({ "id": note.id, "at": note.at, "note": note.note })).collect();
                print(&serde_json::to_string_pretty(&entries)?);
            } else {
                for note in notes {
                    print(&format!("{:>4}  {}  {}", note.id, note.at.with_timezone(&site.timezone).to_rfc3339(), note.note));
                }
            }
        }
        AnnotationCommand::Remove { domain, annotation } => {
            let site = site::find(&meta, &domain).await?;
            if !meta.delete_annotation(site.id, annotation).await? {
                bail!("{domain} has no annotation {annotation}; `footfall annotation list --domain {domain}` shows all");
            }
        }
    }
    Ok(())
}
