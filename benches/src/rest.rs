//! What the product takes when nothing happens, and how soon it is there.

use std::time::{Duration, Instant};

use anyhow::Context;
use footfall_testkit::process;

use crate::{figure, heading, start, stats, usage};

/// Prints the figures.
pub async fn run() -> anyhow::Result<()> {
    heading("At rest");
    let begin = Instant::now();
    let mut app = start().await?;
    app.http.get(app.url("/")).send().await?.error_for_status()?.bytes().await?;
    figure("cold start on an empty folder to the first page", &stats::ms(begin.elapsed()), "<= 2 s");
    app.stop().await?;
    let begin = Instant::now();
    app.resume().await?;
    app.http.get(app.url("/")).send().await?.error_for_status()?.bytes().await?;
    figure("second start to the first page", &stats::ms(begin.elapsed()), "<= 2 s");

    let server = app.pid().context("it runs")?;
    let mut pids = vec![server];
    pids.extend(process::children(server, "engine")?);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let cpu = || pids.iter().map(|pid| usage::cpu(*pid)).sum::<anyhow::Result<Duration>>();
    let before = cpu()?;
    let window = Duration::from_secs(30);
    tokio::time::sleep(window).await;
    let percent = (cpu()? - before).as_secs_f64() / window.as_secs_f64() * 100.0;
    figure("idle CPU, all processes, share of one core", &format!("{percent:.1} %"), "<= 1.5 %");
    let rss: u64 = pids.iter().map(|pid| usage::resident(*pid)).sum::<anyhow::Result<u64>>()?;
    figure("idle memory, all processes, resident", &format!("{} MB", rss / 1_000_000), "<= 350 MB");
    let size = std::fs::metadata(crate::binary())?.len();
    figure("size of the binary, without the engine's library", &format!("{} MB", size / 1_000_000), "");
    Ok(())
}
