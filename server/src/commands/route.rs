//! `footfall route`: the routes of a domain's pages.

use clap::{Args, Subcommand};
use footfall_meta::List;

use super::{CommandContext, lists};
use crate::settings;

/// Add, list and remove routes: patterns that stand for all pages of one kind
#[derive(Args)]
#[command(after_help = "Examples:
  footfall route add --domain example.org /blog/:slug
  footfall route list --domain example.org
  footfall query --domain example.org --by event:route")]
pub struct RouteArgs {
    #[command(subcommand)]
    command: RouteCommand,
}

#[derive(Subcommand)]
enum RouteCommand {
    /// Add a route; the first one that fits a page decides
    Add {
        /// The domain
        #[arg(long)]
        domain: String,
        /// The pattern: `:name` stands for one part between slashes, `*` for anything
        pattern: String,
    },
    /// List the routes, one a line, in their order
    List {
        /// The domain
        #[arg(long)]
        domain: String,
    },
    /// Remove a route; its pages are told apart again
    Remove {
        /// The domain
        #[arg(long)]
        domain: String,
        /// The pattern
        pattern: String,
    },
}

/// Runs a sub-command.
pub async fn run(args: RouteArgs, context: &CommandContext) -> anyhow::Result<()> {
    match args.command {
        RouteCommand::Add { domain, pattern } => {
            lists::add(context, &domain, List::Routes, |known| settings::with_route(known, &pattern)).await
        }
        RouteCommand::List { domain } => lists::show(context, &domain, List::Routes).await,
        RouteCommand::Remove { domain, pattern } => lists::remove(context, &domain, List::Routes, &pattern).await,
    }
}
