//! Durable single-event requests, batches, and the way from the log into the store.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use footfall_testkit::{App, eventually, process};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::{figure, heading, start, stats, wire};

const CONNECTIONS: u64 = 64;
const FOR: Duration = Duration::from_secs(10);
const BACKLOG: u64 = 1_000_000;

/// Prints the figures.
pub async fn run() -> anyhow::Result<()> {
    heading("Collector and processor");
    let app = start().await?;
    app.site("example.org", "UTC").await?;
    let begin = Instant::now();
    let mut latencies = singles(&app, CONNECTIONS, FOR).await?;
    let rate = latencies.len() as f64 / begin.elapsed().as_secs_f64();
    figure(&format!("durable single-event requests/s, {CONNECTIONS} connections"), &format!("{rate:.0}/s"), ">= 20,000/s");
    figure("  p50", &stats::ms(stats::percentile(&mut latencies, 0.5)), "");
    figure("  p99", &stats::ms(stats::percentile(&mut latencies, 0.99)), "<= 20 ms");
    let sent = latencies.len() as u64;
    wait_for(&app, sent).await?;

    // With the engine stopped the log fills; afterwards only the processor and the engine work.
    let engine = *process::children(app.pid().context("it runs")?, "engine")?.first().context("the engine is a child")?;
    process::kill(engine, "STOP").await?;
    let begin = Instant::now();
    batches(&app, BACKLOG).await?;
    figure("events/s in batches of 1,000, 4 connections", &format!("{:.0}/s", BACKLOG as f64 / begin.elapsed().as_secs_f64()), "");
    process::kill(engine, "CONT").await?;
    let begin = Instant::now();
    wait_for(&app, sent + BACKLOG).await?;
    figure("processor, log to store, backlog of 1M", &format!("{:.0}/s", BACKLOG as f64 / begin.elapsed().as_secs_f64()), ">= 100,000/s");
    Ok(())
}

/// Sends single events over keep-alive connections; one latency each.
pub async fn singles(app: &App, connections: u64, how_long: Duration) -> anyhow::Result<Vec<Duration>> {
    let base = app.url("");
    let tasks: Vec<_> = (0..connections)
        .map(|seed| {
            let base = base.clone();
            tokio::spawn(async move {
                let mut rng = StdRng::seed_from_u64(seed);
                let requests: Vec<_> =
                    (0..500).map(|_| wire::post(&event(&mut rng, "example.org").to_string(), rng.random_range(0..50_000))).collect();
                let mut connection = wire::Connection::open(&base).await?;
                let mut latencies = Vec::with_capacity(20_000);
                let begin = Instant::now();
                while begin.elapsed() < how_long {
                    let sent = Instant::now();
                    let status = connection.send(&requests[rng.random_range(0..requests.len())]).await?;
                    ensure!(status == 202, "an event was answered with {status}");
                    latencies.push(sent.elapsed());
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(all)
}

/// A pageview as the tracker sends it.
pub fn event(rng: &mut StdRng, domain: &str) -> serde_json::Value {
    let referrer = ["", "https://www.google.com/", "https://news.ycombinator.com/item?id=1"][rng.random_range(0..3)];
    json!({
        "domain": domain,
        "url": format!("https://{domain}/page-{}", rng.random_range(0..200)),
        "referrer": referrer,
        "viewport": { "width": 1440, "height": 900 },
        "title": "A page",
    })
}

/// Sends events in batches of 1,000 over 4 connections.
pub async fn batches(app: &App, events: u64) -> anyhow::Result<()> {
    let base = app.url("");
    let tasks: Vec<_> = (0..4)
        .map(|seed| {
            let base = base.clone();
            tokio::spawn(async move {
                let mut rng = StdRng::seed_from_u64(seed);
                let mut connection = wire::Connection::open(&base).await?;
                let requests: Vec<_> = (0..100)
                    .map(|_| {
                        let batch: Vec<_> = (0..1_000).map(|_| event(&mut rng, "example.org")).collect();
                        wire::post(&serde_json::Value::from(batch).to_string(), rng.random_range(0..50_000))
                    })
                    .collect();
                for i in 0..usize::try_from(events / 4_000)? {
                    let status = connection.send(&requests[i % requests.len()]).await?;
                    ensure!(status == 202, "a batch was answered with {status}");
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Waits until so many events are stored.
pub async fn wait_for(app: &App, events: u64) -> anyhow::Result<()> {
    let stored = eventually(Duration::from_secs(300), async || {
        let count: u64 = app.sql("SELECT count() FROM footfall.events").await.ok()?.parse().ok()?;
        (count >= events).then_some(())
    })
    .await;
    stored.context("the events did not reach the store within 5 minutes")
}
