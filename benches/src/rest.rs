//! What the product takes when nothing happens, and how soon it is there.

use std::time::{Duration, Instant};

use anyhow::Context;
use footfall_testkit::process;

use crate::{figure, heading, start, stats};

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
    let before = cpu_ticks(&pids)?;
    let window = Duration::from_secs(30);
    tokio::time::sleep(window).await;
    // The kernel counts hundredths of a second.
    let percent = (cpu_ticks(&pids)? - before) as f64 / window.as_secs_f64();
    figure("idle CPU, all processes, share of one core", &format!("{percent:.1} %"), "<= 1.5 %");
    let rss: u64 = pids.iter().map(|pid| resident_kib(*pid)).sum::<anyhow::Result<u64>>()?;
    figure("idle memory, all processes, resident", &format!("{} MB", rss * 1024 / 1_000_000), "<= 350 MB");
    let size = std::fs::metadata(crate::binary())?.len();
    figure("size of the binary, without the engine's library", &format!("{} MB", size / 1_000_000), "");
    Ok(())
}

fn cpu_ticks(pids: &[u32]) -> anyhow::Result<u64> {
    let mut sum = 0;
    for pid in pids {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        for at in [11, 12] {
            sum += fields.get(at).context("an odd stat file")?.parse::<u64>()?;
        }
    }
    Ok(sum)
}

fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("an odd status file")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
