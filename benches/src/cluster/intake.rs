//! Collector to Kafka, then how soon an event is seen elsewhere.

use std::time::{Duration, Instant};

use anyhow::Context;
use footfall_testkit::App;

use super::{latency, services::Cluster, sites};
use crate::{collector, figure, heading, stats, usage};

const CONNECTIONS: u64 = 64;
/// Java compiles what runs often; the collector fills its caches.
const WARM_UP: Duration = Duration::from_secs(5);
const FOR: Duration = Duration::from_secs(15);
const BATCHED: u64 = 1_000_000;

/// Prints the figures.
pub async fn run(cluster: &Cluster) -> anyhow::Result<()> {
    let installation = cluster.services.installation().await?;
    let (collector, web) =
        tokio::try_join!(App::start(Cluster::role(&installation, "capture")), App::start(Cluster::role(&installation, "query,auth")))?;
    sites(&web).await?;
    let probe = web.site("probe.example", "UTC").await?;

    heading("Collector to Kafka");
    let mut sent = collector::singles(&collector, CONNECTIONS, WARM_UP).await?.len() as u64;
    let (bytes, pid) = (cluster.topic_bytes(&installation.name)?, collector.pid().context("it runs")?);
    let meter = cluster.meter(&[("collector", &collector)]).await?;
    let begin = Instant::now();
    let mut latencies = collector::singles(&collector, CONNECTIONS, FOR).await?;
    let spent = meter.read()?;
    let (count, rate) = (latencies.len() as u64, latencies.len() as f64 / begin.elapsed().as_secs_f64());
    sent += count;
    figure(&format!("durable single-event requests/s, {CONNECTIONS} connections"), &format!("{rate:.0}/s"), ">= 15,000/s");
    figure("  p50", &stats::ms(stats::percentile(&mut latencies, 0.5)), "");
    figure("  p99", &stats::ms(stats::percentile(&mut latencies, 0.99)), "<= 30 ms");
    figure("  collector, memory", &megabytes(usage::resident(pid)?), "<= 512 MB");
    figure("  collector, CPU per 1,000 events", &stats::ms(spent.of("collector") * 1_000 / u32::try_from(count)?), "");
    spent.print(count);
    let single_bytes = cluster.topic_bytes(&installation.name)? - bytes;
    figure("  bytes per event in Kafka", &format!("{:.0}", single_bytes as f64 / count as f64), "");

    let bytes = cluster.topic_bytes(&installation.name)?;
    let meter = cluster.meter(&[("collector", &collector)]).await?;
    let begin = Instant::now();
    collector::batches(&collector, BATCHED).await?;
    let rate = BATCHED as f64 / begin.elapsed().as_secs_f64();
    figure("batches/s of 1,000 events, 4 connections", &format!("{:.1}/s", rate / 1e3), "");
    figure("  events/s", &format!("{rate:.0}/s"), "");
    figure("  collector, most memory so far", &megabytes(usage::peak(pid)?), "<= 512 MB");
    meter.read()?.print(BATCHED);
    let batch_bytes = cluster.topic_bytes(&installation.name)? - bytes;
    figure("  bytes per event in Kafka", &format!("{:.0}", batch_bytes as f64 / BATCHED as f64), "");

    let processor = App::start(Cluster::role(&installation, "processor")).await?;
    collector::wait_for(&web, sent + BATCHED).await?;
    latency::run(cluster, latency::Roles { collector: &collector, processor: &processor, web: &web, topic: &installation.name }, &probe)
        .await
}

/// Memory for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}
