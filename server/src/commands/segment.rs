//! `footfall segment`: filters of a domain that are saved under a name.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{CommandContext, print, query::parse_filter, site};
use crate::settings;

/// Add, list and remove saved filters of a domain
#[derive(Args)]
#[command(after_help = "Examples:
  footfall segment add --domain example.org --name Germany --filter '[\"is\",\"visit:country\",[\"DE\"]]'
  footfall segment list --domain example.org
  footfall query --domain example.org --filter '[\"is\",\"segment\",[7]]'")]
pub struct SegmentArgs {
    #[command(subcommand)]
    command: SegmentCommand,
}

#[derive(Subcommand)]
enum SegmentCommand {
    /// Save filters for everybody who sees the domain, and print the segment's number
    Add {
        /// The domain
        #[arg(long)]
        domain: String,
        /// What it is called
        #[arg(long)]
        name: String,
        /// A filter in JSON; several must all hold
        #[arg(long, required = true, value_name = "JSON", value_parser = parse_filter)]
        filter: Vec<Value>,
    },
    /// List the segments of a domain; those of single people are not shown
    List {
        /// The domain
        #[arg(long)]
        domain: String,
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a segment
    Remove {
        /// The domain
        #[arg(long)]
        domain: String,
        /// Its number
        segment: i64,
    },
}

/// Runs a sub-command.
pub async fn run(args: SegmentArgs, context: &CommandContext) -> anyhow::Result<()> {
    let meta = context.meta().await?;
    match args.command {
        SegmentCommand::Add { domain, name, filter } => {
            let site = site::find(&meta, &domain).await?;
            let name = settings::name(&name)?;
            settings::filters(&filter, &settings::for_questions(&meta, site.id, None).await?)?;
            print(&settings::add_segment(&meta, site.id, None, &name, filter).await?.id.to_string());
        }
        SegmentCommand::List { domain, json } => {
            let site = site::find(&meta, &domain).await?;
            let segments = meta.segments_of(site.id, None).await?;
            if json {
                let entries: Vec<Value> =
                    segments.iter().map(|segment| json!({ "id": segment.id, "name": segment.name, "filters": segment.filters })).collect();
                print(&serde_json::to_string_pretty(&entries)?);
            } else {
                let widest = segments.iter().map(|segment| segment.name.chars().count()).max().unwrap_or(0);
                for segment in segments {
                    print(&format!("{:>4}  {:<widest$}  {}", segment.id, segment.name, Value::Array(segment.filters)));
                }
            }
        }
        SegmentCommand::Remove { domain, segment } => {
            let site = site::find(&meta, &domain).await?;
            if !meta.delete_segment(site.id, None, segment).await? {
                bail!("{domain} has no segment {segment}; `footfall segment list --domain {domain}` shows all");
            }
        }
    }
    Ok(())
}
