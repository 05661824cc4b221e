//! `footfall promote`: move a one-machine installation to a cluster.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use axum::{body::Body, http::Request};
use clap::Args;
use footfall_config::Role;

use super::{CommandContext, print};
use crate::{boot, promote::Said};

/// Move this one-machine installation to a cluster while it goes on accepting events
///
/// Copies accounts and events, compares both sides by counts and checksums, then forwards what this server still accepts until it is
/// stopped. Until the comparison has succeeded nothing changes; a promotion that was cut off goes on when it is started again.
#[derive(Args)]
#[command(after_help = "The file holds the cluster's settings as --config takes them, at least event_log_url, live_url, store_url,
accounts_url and secret.

Examples:
  footfall promote --to cluster.toml
  footfall promote --to cluster.toml --data /var/lib/footfall")]
pub struct PromoteArgs {
    /// The cluster's settings (TOML)
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Asks the running server, or does the work here where none runs.
pub async fn run(args: PromoteArgs, context: &CommandContext) -> anyhow::Result<()> {
    let seams = &context.config.seams;
    for url in [&seams.event_log_url, &seams.store_url, &seams.accounts_url] {
        ensure!(!boot::is_shared(url), "{url} is a cluster's already; promote an installation that keeps its state in a data folder");
    }
    let text = std::fs::read_to_string(&args.to).with_context(|| format!("{} cannot be read", args.to.display()))?;
    let show = |said: &Said| {
        if !said.text.is_empty() {
            print(&said.text);
        }
    };
    context.ask_server(Role::Capture, Request::post("/promote").body(Body::from(text))?, show).await?;
    print("next: start the cluster's processes with the same settings, move the traffic to them, then stop this server");
    Ok(())
}
