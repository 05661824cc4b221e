//! What the dashboard asks, on a month of one domain's traffic, and what an event costs on disk.

use std::time::{Duration, Instant};

use anyhow::Context;
use footfall_testkit::{App, eventually};

use crate::{figure, heading, start, stats};

const TIMES: usize = 15;

/// Prints the figures for so many events.
pub async fn run(events: u64) -> anyhow::Result<()> {
    heading(&format!("Dashboard, {events} events of one domain in 30 days"));
    let app = start().await?;
    let site = app.site("example.org", "Europe/Berlin").await?;
    let key = app.key("example.org", "stats:read").await?;
    let begin = Instant::now();
    app.run(&["seed", "--domain", "example.org", "--days", "30", "--events", &events.to_string(), "--seed", "7"]).await?;
    figure("seed, sorted and stored", &format!("{:.0}/s", events as f64 / begin.elapsed().as_secs_f64()), "");
    app.sql("OPTIMIZE TABLE footfall.events FINAL").await?;
    app.sql("OPTIMIZE TABLE footfall.sessions FINAL").await?;

    let common = format!("domainId={}&period=30d", site.id);
    let mut asked: Vec<(String, String)> = vec![
        ("kpis with comparison".into(), format!("/api/analytics/kpis?{common}&compare=previous")),
        ("timeseries by day".into(), format!("/api/analytics/timeseries?{common}&interval=day")),
        ("top pages".into(), format!("/api/analytics/top-pages?{common}")),
    ];
    for dimension in ["entry_page", "exit_page", "channel", "source", "referrer", "campaign", "country", "browser", "os", "device"] {
        asked.push((format!("breakdown by {dimension}"), format!("/api/analytics/breakdown?{common}&dimension={dimension}")));
    }
    let mut whole = Duration::ZERO;
    let goal = if events > 1_000_000 { "p95 <= 150 ms" } else { "" };
    for (name, path) in &asked {
        let mut latencies = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            empty_cache(&app).await?;
            let begin = Instant::now();
            let answer = app.http.get(app.url(path)).bearer_auth(&key).send().await?;
            anyhow::ensure!(answer.status() == 200, "{path} was answered with {}", answer.status());
            answer.bytes().await?;
            latencies.push(begin.elapsed());
        }
        whole += stats::percentile(&mut latencies, 0.5);
        figure(&format!("{name}, p95"), &stats::ms(stats::percentile(&mut latencies, 0.95)), goal);
    }
    figure("sum of the medians, one after the other", &stats::ms(whole), "");
    let at_once = async |wanted: &[(String, String)]| {
        let mut together = Vec::new();
        for _ in 0..TIMES {
            empty_cache(&app).await?;
            let begin = Instant::now();
            let answers = wanted.iter().map(|(_, path)| {
                let request = app.http.get(app.url(path)).bearer_auth(&key);
                async move { anyhow::Ok(request.send().await?.error_for_status()?.bytes().await?) }
            });
            futures::future::try_join_all(answers).await?;
            together.push(begin.elapsed());
        }
        anyhow::Ok(stats::percentile(&mut together, 0.5))
    };
    let shown = ["kpis", "timeseries", "top pages", "by source", "by country", "by browser"];
    let first_view: Vec<_> = asked.iter().filter(|(name, _)| shown.iter().any(|part| name.contains(part))).cloned().collect();
    let goal = if events > 1_000_000 { "" } else { "<= 150 ms" };
    figure("what the page shows first, six reports at once, p50", &stats::ms(at_once(&first_view).await?), goal);
    figure("every tab, thirteen reports at once, p50", &stats::ms(at_once(&asked).await?), "");

    let bytes: f64 = app
        .sql("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'footfall' AND table IN ('events', 'sessions')")
        .await?
        .parse()?;
    figure("bytes on disk per event (events and sessions)", &format!("{:.1}", bytes / events as f64), "<= 30");
    Ok(())
}

/// A new event makes every cached answer stale, as it would on a busy site.
async fn empty_cache(app: &App) -> anyhow::Result<()> {
    let count = async || app.sql("SELECT count() FROM footfall.events").await.ok()?.parse::<u64>().ok();
    let before = count().await;
    app.pageview("example.org", "/", 1).await?;
    eventually(Duration::from_secs(10), async || (count().await > before).then_some(())).await.context("an event is not stored")
}
