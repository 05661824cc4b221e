//! How soon an accepted event is on the dashboard, can be queried in the store, and is heard of by a browser.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use footfall_testkit::App;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::{collector, figure, heading, start, stats};

/// Prints the figures.
pub async fn run() -> anyhow::Result<()> {
    heading("Freshness");
    let app = start().await?;
    let site = app.site("example.org", "UTC").await?;
    let key = app.key("example.org", "stats:read").await?;
    app.pageview("example.org", "/first", 0).await?;
    collector::wait_for(&app, 1).await?;

    let mut shown = shown(&app, &key, &site.id, 60).await?;
    figure("event to the dashboard's pageviews, quiet, p50", &stats::ms(stats::percentile(&mut shown, 0.5)), "");
    figure("event to the dashboard's pageviews, quiet, p99", &stats::ms(stats::percentile(&mut shown, 0.99)), "");
    let mut quiet = queryable(&app, &key, 60, Duration::from_millis(400)).await?;
    figure("event to queryable, quiet, p50", &stats::ms(stats::percentile(&mut quiet, 0.5)), "<= 50 ms");
    figure("event to queryable, quiet, p99", &stats::ms(stats::percentile(&mut quiet, 0.99)), "");

    let (load, busy) = tokio::join!(half_load(&app, Duration::from_secs(15)), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut queryable = queryable(&app, &key, 100, Duration::ZERO).await?;
        let live = live(&app, &key, &site.id, 60).await?;
        queryable.sort_unstable();
        anyhow::Ok((queryable, live))
    });
    let rate = load?;
    let (mut queryable, mut live) = busy?;
    figure(&format!("event to queryable at {rate:.0} events/s, p99"), &stats::ms(stats::percentile(&mut queryable, 0.99)), "<= 500 ms");
    figure("event to live counter (SSE) under the same load, p99", &stats::ms(stats::percentile(&mut live, 0.99)), "<= 300 ms");
    Ok(())
}

/// Sends one event after the other and asks for the strip until its pageviews count it: live state answers for the newest minutes, before the
/// store has them.
async fn shown(app: &App, key: &str, site: &str, times: usize) -> anyhow::Result<Vec<Duration>> {
    let url = app.url(&format!("/api/analytics/kpis?domainId={site}&period=day"));
    let pageviews = async || {
        let answer: Value = app.http.get(&url).bearer_auth(key).send().await?.error_for_status()?.json().await?;
        answer["pageviews"].as_u64().context("an odd answer")
    };
    let mut latencies = Vec::with_capacity(times);
    for i in 0..times {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let before = pageviews().await?;
        app.pageview("example.org", &format!("/shown-{i}"), u32::try_from(i)? + 3_000_000).await?;
        let sent = Instant::now();
        while pageviews().await? == before {
            ensure!(sent.elapsed() < Duration::from_secs(20), "the event is not shown after 20 s");
        }
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// Sends one event after the other and asks for the total until it counts. The pause before each decides whether the processor is
/// at rest, or still within the quarter of a second that it leaves between inserts.
async fn queryable(app: &App, key: &str, times: usize, pause: Duration) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(times);
    for i in 0..times {
        tokio::time::sleep(pause).await;
        let path = format!("/probe-{}-{i}", uuid::Uuid::new_v4());
        let body = json!({ "site_id": "example.org", "metrics": ["pageviews"], "date_range": "all" });
        let before = pageviews(app, key, &body).await?;
        app.pageview("example.org", &path, u32::try_from(i)? + 1_000_000).await?;
        let sent = Instant::now();
        // Under load the total moves by itself: the probe's own row is what counts.
        loop {
            ensure!(sent.elapsed() < Duration::from_secs(20), "the event is not queryable after 20 s");
            if pageviews(app, key, &body).await? > before
                && app.sql(&format!("SELECT count() FROM footfall.events WHERE path = '{path}'")).await? == "1"
            {
                break;
            }
        }
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// All pageviews of a domain, as the store has them.
pub async fn pageviews(app: &App, key: &str, body: &Value) -> anyhow::Result<u64> {
    let answer = app.http.post(app.url("/api/v2/query")).bearer_auth(key).json(body).send().await?;
    let answer: Value = answer.error_for_status()?.json().await?;
    answer["results"][0]["metrics"][0].as_u64().context("an odd answer")
}

/// Few enough connections for about half of what the collector can take.
async fn half_load(app: &App, how_long: Duration) -> anyhow::Result<f64> {
    let latencies = collector::singles(app, 14, how_long).await?;
    Ok(latencies.len() as f64 / how_long.as_secs_f64())
}

/// Time from the acceptance of an event to the tick that shows it among the newest.
async fn live(app: &App, key: &str, site: &str, times: usize) -> anyhow::Result<Vec<Duration>> {
    let answer = app.http.get(app.url(&format!("/api/analytics/live?domainId={site}"))).bearer_auth(key).send().await?;
    ensure!(answer.status() == 200, "the stream was answered with {}", answer.status());
    let mut stream = answer.bytes_stream();
    let mut text = String::new();
    let mut latencies = Vec::with_capacity(times);
    let mut last = next_view(&mut stream, &mut text).await?;
    for i in 0..times {
        app.pageview("example.org", &format!("/live-{i}"), u32::try_from(i)? + 2_000_000).await?;
        let sent = Instant::now();
        let before = last["pageviews"].as_u64().unwrap_or(0);
        while last["pageviews"].as_u64().unwrap_or(0) <= before {
            last = next_view(&mut stream, &mut text).await?;
        }
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// The next message of a stream of live panels.
pub async fn next_view<E: std::error::Error + Send + Sync + 'static>(
    stream: &mut (impl futures::Stream<Item = Result<impl AsRef<[u8]>, E>> + Unpin),
    text: &mut String,
) -> anyhow::Result<Value> {
    loop {
        if let Some(end) = text.find("\n\n") {
            let message: String = text.drain(..end + 2).collect();
            if let Some(data) = message.lines().find_map(|line| line.strip_prefix("data:")) {
                return Ok(serde_json::from_str(data.trim())?);
            }
            continue;
        }
        match stream.next().await {
            Some(piece) => text.push_str(std::str::from_utf8(piece?.as_ref())?),
            None => bail!("the stream ended"),
        }
    }
}
