//! `footfall seed`: made-up traffic.

use axum::{body::Body, http::Request};
use clap::Args;

use super::{
    CommandContext,
    import::{bar, call, escape},
    print,
};

/// Fill a domain with made-up, realistic traffic, the same for the same seed
///
/// For trying things out and for benchmarks. It takes the same exactly-once path as an import.
#[derive(Args)]
#[command(after_help = "Examples:
  footfall seed --domain example.org
  footfall seed --domain example.org --days 90 --events 1000000 --seed 7")]
pub struct SeedArgs {
    /// The domain
    #[arg(long)]
    domain: String,
    /// Days before now to spread the events over
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Events to make, time-on-page reports included
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Another seed makes other traffic
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Makes the traffic.
pub async fn run(args: SeedArgs, context: &CommandContext) -> anyhow::Result<()> {
    let SeedArgs { domain, days, events, seed } = args;
    let query = format!("/seed?domain={}&days={days}&events={events}&seed={seed}", escape(&domain));
    let progress = call(context, Request::post(query).body(Body::empty())?, bar(Some(events))).await?;
    print(&format!("{} events in {domain}", progress.appended));
    Ok(())
}
