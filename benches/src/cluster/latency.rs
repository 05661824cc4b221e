//! From the collector through Kafka, processor and Redis to a browser at another process, at rates that are held steady; and what Redis
//! and the others do for an event at these rates.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use footfall_testkit::{App, Site};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::{
    domain, pick,
    services::{Cluster, Reading},
};
use crate::{collector, figure, freshness, heading, stats, wire};

const PROBES: usize = 60;
const CONNECTIONS: u32 = 16;
/// Events a second.
const RATES: [u32; 2] = [1_000, 5_000];

/// The processes of one installation.
#[derive(Clone, Copy)]
pub struct Roles<'a> {
    /// Takes events.
    pub collector: &'a App,
    /// Stores and counts them.
    pub processor: &'a App,
    /// Shows them.
    pub web: &'a App,
    /// The topic between.
    pub topic: &'a str,
}

/// Prints the figures. Probes go to a domain of their own, so that what is seen is the probe.
pub async fn run(cluster: &Cluster, roles: Roles<'_>, probe: &Site) -> anyhow::Result<()> {
    heading("Event to the live counter, through Kafka, processor and Redis");
    let key = roles.web.key(&probe.domain, "stats:read").await?;
    // The first one comes when all that was sent before is counted.
    live(roles, &key, probe, 1).await?;
    let mut quiet = live(roles, &key, probe, PROBES).await?;
    figure("POST to tick (SSE of another process), quiet, p50", &stats::ms(stats::percentile(&mut quiet, 0.5)), "");
    figure("POST to tick, quiet, p99", &stats::ms(stats::percentile(&mut quiet, 0.99)), "<= 500 ms");
    let mut stored = queryable(roles, &key, probe, PROBES / 2).await?;
    figure("POST to queryable in the store, quiet, p50", &stats::ms(stats::percentile(&mut stored, 0.5)), "");
    for rate in RATES {
        under_load(cluster, roles, &key, probe, rate).await?;
    }
    Ok(())
}

async fn under_load(cluster: &Cluster, roles: Roles<'_>, key: &str, probe: &Site, rate: u32) -> anyhow::Result<()> {
    let sent = Arc::new(Sent::default());
    let (load, seen) = tokio::join!(paced(roles.collector, rate, sent.clone()), async {
        let seen = watched(cluster, roles, key, probe, &sent).await;
        sent.enough.store(true, Ordering::Release);
        seen
    });
    let (mut posts, (mut seen, mut stored)) = (load?, seen?);
    figure(&format!("at {rate} events/s over 24 domains: POST, p99"), &stats::ms(stats::percentile(&mut posts, 0.99)), "");
    figure("  POST to tick, p50", &stats::ms(stats::percentile(&mut seen.live, 0.5)), "");
    figure("  POST to tick, p99", &stats::ms(stats::percentile(&mut seen.live, 0.99)), "<= 500 ms");
    figure("  POST to queryable in the store, p50", &stats::ms(stats::percentile(&mut stored, 0.5)), "");
    figure("  POST to queryable in the store, p99", &stats::ms(stats::percentile(&mut stored, 0.99)), "");
    seen.spent.print(seen.count);
    let each = |calls: u64| format!("{:.3}", calls as f64 / seen.count as f64);
    figure("  Redis: calls of scripts per event", &each(seen.scripts), "");
    figure("  Redis: commands per event, those in scripts too", &each(seen.commands), "");
    figure("  bytes per event in Kafka", &format!("{:.0}", seen.bytes as f64 / seen.count as f64), "");
    Ok(())
}

/// What was seen during the load.
struct Seen {
    live: Vec<Duration>,
    spent: Reading,
    count: u64,
    scripts: u64,
    commands: u64,
    bytes: u64,
}

/// Costs are taken while ticks are watched; then the store is asked again and again, which costs by itself.
async fn watched(cluster: &Cluster, roles: Roles<'_>, key: &str, probe: &Site, sent: &Sent) -> anyhow::Result<(Seen, Vec<Duration>)> {
    tokio::time::sleep(Duration::from_secs(2)).await;
    let so_far = async || {
        let (scripts, commands) = (cluster.redis_calls(Some("evalsha")).await?, cluster.redis_calls(None).await?);
        anyhow::Ok((scripts, commands, cluster.topic_bytes(roles.topic)?, sent.count.load(Ordering::Acquire)))
    };
    let (scripts, commands, bytes, count) = so_far().await?;
    let meter = cluster.meter(&[("collector", roles.collector), ("processor", roles.processor), ("web", roles.web)]).await?;
    let live = live(roles, key, probe, PROBES).await?;
    let (spent, now) = (meter.read()?, so_far().await?);
    let seen = Seen {
        live,
        spent,
        count: now.3 - count,
        scripts: now.0 - scripts,
        commands: now.1 - commands,
        bytes: now.2.saturating_sub(bytes),
    };
    Ok((seen, queryable(roles, key, probe, PROBES / 2).await?))
}

/// A load under way.
#[derive(Default)]
struct Sent {
    count: AtomicU64,
    enough: AtomicBool,
}

/// Sends so many events a second until it is enough; how long each took.
async fn paced(app: &App, rate: u32, sent: Arc<Sent>) -> anyhow::Result<Vec<Duration>> {
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|seed| {
            let (base, all) = (app.url(""), sent.clone());
            tokio::spawn(async move {
                let mut rng = StdRng::seed_from_u64(u64::from(seed));
                let requests: Vec<_> = (0..1_000)
                    .map(|_| {
                        let name = domain(pick(&mut rng));
                        wire::post(&collector::event(&mut rng, &name).to_string(), rng.random_range(0..50_000))
                    })
                    .collect();
                let mut connection = wire::Connection::open(&base).await?;
                let mut turns = tokio::time::interval(Duration::from_secs(1) * CONNECTIONS / rate);
                turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
                let mut latencies = Vec::new();
                while !all.enough.load(Ordering::Acquire) {
                    turns.tick().await;
                    let sent = Instant::now();
                    let status = connection.send(&requests[rng.random_range(0..requests.len())]).await?;
                    ensure!(status == 202, "an event was answered with {status}");
                    latencies.push(sent.elapsed());
                    all.count.fetch_add(1, Ordering::AcqRel);
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

/// Time from the beginning of a request to the tick that counts it. Pauses of all lengths, as ticks are at least a quarter of a second apart.
async fn live(roles: Roles<'_>, key: &str, probe: &Site, times: usize) -> anyhow::Result<Vec<Duration>> {
    let url = roles.web.url(&format!("/api/analytics/live?domainId={}", probe.id));
    let answer = roles.web.http.get(url).bearer_auth(key).send().await?;
    ensure!(answer.status() == 200, "the stream was answered with {}", answer.status());
    let (mut stream, mut text) = (answer.bytes_stream(), String::new());
    let mut latencies = Vec::with_capacity(times);
    let views = |view: &serde_json::Value| view["pageviews"].as_u64().unwrap_or(0);
    let mut last = freshness::next_view(&mut stream, &mut text).await?;
    for i in 0..times {
        tokio::time::sleep(Duration::from_millis(i as u64 * 37 % 500)).await;
        let sent = Instant::now();
        roles.collector.pageview(&probe.domain, &format!("/live-{i}"), u32::try_from(i)? + 2_000_000).await?;
        let before = views(&last);
        while views(&last) <= before {
            last = freshness::next_view(&mut stream, &mut text).await?;
        }
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// Time from the beginning of a request to a query that counts it.
async fn queryable(roles: Roles<'_>, key: &str, probe: &Site, times: usize) -> anyhow::Result<Vec<Duration>> {
    let body = json!({ "site_id": probe.domain, "metrics": ["pageviews"], "date_range": "all" });
    let mut latencies = Vec::with_capacity(times);
    for i in 0..times {
        tokio::time::sleep(Duration::from_millis(i as u64 * 37 % 500)).await;
        let before = freshness::pageviews(roles.web, key, &body).await?;
        let sent = Instant::now();
        roles.collector.pageview(&probe.domain, &format!("/stored-{i}"), u32::try_from(i)? + 1_000_000).await?;
        while freshness::pageviews(roles.web, key, &body).await? <= before {
            ensure!(sent.elapsed() < Duration::from_secs(20), "the event is not queryable after 20 s");
        }
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}
