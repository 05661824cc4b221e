//! `footfall channel`: a domain's own rules of channels.

use clap::{Args, Subcommand};
use footfall_meta::{List, MetaError};
use serde_json::Value;

use super::{CommandContext, lists, print, query::parse_filter, site};
use crate::settings::{self, AskedRule};

/// Add, list and remove a domain's own rules of channels
#[derive(Args)]
#[command(after_help = "Examples:
  footfall channel add --domain example.org Partners --filter '[\"is\",\"visit:utm_source\",[\"acme\",\"globex\"]]'
  footfall channel list --domain example.org
  footfall query --domain example.org --by visit:channel

The first rule that applies to a visit says its channel, in all of history at once; where none does, the rules in docs/definitions.md do.")]
pub struct ChannelArgs {
    #[command(subcommand)]
    command: ChannelCommand,
}

#[derive(Subcommand)]
enum ChannelCommand {
    /// Add a rule after the others
    Add {
        /// The domain
        #[arg(long)]
        domain: String,
        /// The channel's name in reports, also one of those that everybody has
        channel: String,
        /// A filter in JSON about where a visit came from; several must all hold
        #[arg(long, required = true, value_name = "JSON", value_parser = parse_filter)]
        filter: Vec<Value>,
    },
    /// List the rules, one a line, in their order
    List {
        /// The domain
        #[arg(long)]
        domain: String,
    },
    /// Remove all rules of a channel
    Remove {
        /// The domain
        #[arg(long)]
        domain: String,
        /// The channel
        channel: String,
    },
}

/// Runs a sub-command.
pub async fn run(args: ChannelArgs, context: &CommandContext) -> anyhow::Result<()> {
    match args.command {
        ChannelCommand::Add { domain, channel, filter } => {
            let rule = AskedRule { channel, filters: filter };
            lists::add(context, &domain, List::Channels, |known| settings::with_channel_rule(known, &rule)).await
        }
        ChannelCommand::List { domain } => {
            let meta = context.meta().await?;
            let site = site::find(&meta, &domain).await?;
            for rule in settings::stored_rules(&meta.list_of(site.id, List::Channels).await?)? {
                let filters: Vec<String> = rule.filters.iter().map(Value::to_string).collect();
                print(&format!("{}  {}", rule.channel, filters.join(" ")));
            }
            Ok(())
        }
        ChannelCommand::Remove { domain, channel } => {
            let meta = context.meta().await?;
            let site = site::find(&meta, &domain).await?;
            let without = |known: Vec<String>| {
                let rules = settings::stored_rules(&known)?;
                if !rules.iter().any(|rule| rule.channel == channel) {
                    return Err(MetaError::NotFound(format!(
                        "{domain} has no rule of the channel {channel}; `footfall channel list` shows them"
                    )));
                }
                Ok(known.into_iter().zip(rules).filter(|(_, rule)| rule.channel != channel).map(|(text, _)| text).collect())
            };
            meta.change_list(site.id, List::Channels, without).await?;
            Ok(())
        }
    }
}
