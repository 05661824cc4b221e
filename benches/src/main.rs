//! `make bench`: the product's figures on this machine, measured from outside on the release binary.
//!
//! Load generator and server share the machine. Each figure names what was measured; goals stand beside it. Nothing here
//! passes or fails: figures are for reading, and ratios between runs on one machine mean more than absolute numbers.

mod cluster;
mod collector;
mod dashboard;
mod freshness;
mod machine;
mod rest;
mod stats;
mod usage;
mod wire;

use std::path::PathBuf;

use footfall_testkit::{App, AppOptions};

/// Where figures go: stdout, one line each.
#[expect(clippy::print_stdout, reason = "printing figures is what this program is for")]
pub fn figure(name: &str, value: &str, goal: &str) {
    println!("{name:<58} {value:>16}   goal {goal}");
}

/// A heading.
#[expect(clippy::print_stdout, reason = "printing figures is what this program is for")]
pub fn heading(text: &str) {
    println!("\n{text}");
}

/// A server of its own for one group of figures.
pub async fn start() -> anyhow::Result<App> {
    App::start(AppOptions::new(binary())).await
}

/// The release binary.
pub fn binary() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/footfall"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    machine::print();
    if wanted("rest") {
        rest::run().await?;
    }
    if wanted("collector") {
        collector::run().await?;
    }
    if wanted("freshness") {
        freshness::run().await?;
    }
    if wanted("dashboard") {
        dashboard::run(1_000_000).await?;
    }
    if wanted("dashboard10m") {
        dashboard::run(10_000_000).await?;
    }
    let half = match only.as_deref() {
        Some("cluster-intake") => Some(cluster::Half::Intake),
        Some("cluster-backlog") => Some(cluster::Half::Backlog),
        _ => None,
    };
    if wanted("cluster") || half.is_some() {
        // For a quick look: `cluster 500000`.
        let backlog = std::env::args().nth(2).map_or(Ok(cluster::BACKLOG), |number| number.parse())?;
        cluster::run(half, backlog).await?;
    }
    Ok(())
}
