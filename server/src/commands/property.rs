//! `footfall property`: the custom properties that reports of a domain offer.

use clap::{Args, Subcommand};
use footfall_meta::List;

use super::{CommandContext, lists};
use crate::settings;

/// Add, list and remove the custom properties that reports of a domain offer
#[derive(Args)]
#[command(after_help = "Examples:
  footfall property add --domain example.org plan
  footfall property list --domain example.org
  footfall query --domain example.org --by event:props:plan")]
pub struct PropertyArgs {
    #[command(subcommand)]
    command: PropertyCommand,
}

#[derive(Subcommand)]
enum PropertyCommand {
    /// Add a property
    Add {
        /// The domain
        #[arg(long)]
        domain: String,
        /// Its name, as events have it
        property: String,
    },
    /// List the properties, one a line
    List {
        /// The domain
        #[arg(long)]
        domain: String,
    },
    /// Remove a property from what is offered; events keep it
    Remove {
        /// The domain
        #[arg(long)]
        domain: String,
        /// Its name
        property: String,
    },
}

/// Runs a sub-command.
pub async fn run(args: PropertyArgs, context: &CommandContext) -> anyhow::Result<()> {
    match args.command {
        PropertyCommand::Add { domain, property } => {
            lists::add(context, &domain, List::Properties, |known| settings::with_property(known, &property)).await
        }
        PropertyCommand::List { domain } => lists::show(context, &domain, List::Properties).await,
        PropertyCommand::Remove { domain, property } => lists::remove(context, &domain, List::Properties, &property).await,
    }
}
