//! The product on shared services, split by roles: one broker, Redis with a password, PostgreSQL, the embedded engine as the analytics
//! store. What an event costs in each part feeds the capacity model of `docs/operate/scale.md`.
//!
//! Services, roles and load generator share the machine: rates are those of all of them together, and the cost of a part is its own
//! processor time, which the others do not change much.

mod backlog;
mod catching_up;
mod intake;
mod latency;
mod services;

use footfall_testkit::{App, Site};

use crate::{figure, heading};
use services::Cluster;

/// Events that wait for a processor, unless the command line says otherwise.
pub const BACKLOG: u64 = 5_000_000;
/// Domains that the traffic spreads over, by Zipf's law: the first has a quarter of it.
const DOMAINS: usize = 24;

/// The half that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// From the collector to a browser.
    Intake,
    /// From a backlog to the store.
    Backlog,
}

/// Prints the figures of one half, or of both.
pub async fn run(only: Option<Half>, backlog: u64) -> anyhow::Result<()> {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    heading("Cluster: one broker, Redis, PostgreSQL, ClickHouse");
    figure("load of the machine before (the last minute, runnable)", load.split(' ').next().unwrap_or("unknown"), "0");
    let cluster = Cluster::start().await?;
    if only != Some(Half::Backlog) {
        intake::run(&cluster).await?;
    }
    if only != Some(Half::Intake) {
        catching_up::run(&cluster, backlog).await?;
    }
    Ok(())
}

/// Measures the domains `example.org`, `d1.example`, ….
async fn sites(app: &App) -> anyhow::Result<Vec<Site>> {
    let mut sites = Vec::new();
    for rank in 0..DOMAINS {
        sites.push(app.site(&domain(rank), "UTC").await?);
    }
    Ok(sites)
}

fn domain(rank: usize) -> String {
    if rank == 0 { "example.org".to_owned() } else { format!("d{rank}.example") }
}

/// Picks a domain: few have most of the traffic.
fn pick(rng: &mut impl rand::Rng) -> usize {
    use rand::RngExt;
    let whole: f64 = (1..=DOMAINS).map(|rank| 1.0 / rank as f64).sum();
    let mut at = rng.random::<f64>() * whole;
    for rank in 0..DOMAINS {
        at -= 1.0 / (rank + 1) as f64;
        if at <= 0.0 {
            return rank;
        }
    }
    DOMAINS - 1
}
