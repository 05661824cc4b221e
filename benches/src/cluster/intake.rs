//! Collector to Kafka, then how soon an event is seen elsewhere.

use std::time::{Duration, Instant};

use anyhow::Context;
use footfall_testkit::App;

use super::{catching_up, latency, services::Cluster, sites};
use crate::{collector, figure, heading, stats, usage};

/// The collector gathers records for a moment before it writes them, so few senders that wait for their answers leave the machine idle.
const CONNECTIONS: [u64; 2] = [64, 160];
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
    let mut sent = collector::singles(&collector, CONNECTIONS[0], WARM_UP).await?.len() as u64;
    for connections in CONNECTIONS {
        sent += singles(cluster, &collector, connections, &installation.name).await?;
    }

    let bytes = cluster.topic_bytes(&installation.name)?;
    let meter = cluster.meter(&[("collector", &collector)]).await?;
    let begin = Instant::now();
    collector::batches(&collector, BATCHED).await?;
    let rate = BATCHED as f64 / begin.elapsed().as_secs_f64();
    figure("batches/s of 1,000 events, 4 connections", &format!("{:.1}/s", rate / 1e3), "");
    figure("  events/s", &format!("{rate:.0}/s"), "");
    figure("  collector, most memory so far", &megabytes(usage::peak(collector.pid().context("it runs")?)?), "<= 512 MB");
    meter.read()?.print(BATCHED);
    let batch_bytes = cluster.topic_bytes(&installation.name)? - bytes;
    figure("  bytes per event in Kafka", &format!("{:.0}", batch_bytes as f64 / BATCHED as f64), "");

    let waiting = sent + BATCHED;
    let (processor, rate) = tokio::join!(App::start(Cluster::role(&installation, "processor")), catching_up::rate_of(&web, waiting));
    let (processor, rate) = (processor?, rate?);
    figure(
        &format!("one processor from Kafka, these {waiting} events (one domain, as on one machine)"),
        &format!("{rate:.0}/s"),
        ">= 100,000/s",
    );
    catching_up::merged(&web).await?;
    let roles = latency::Roles { collector: &collector, processor: &processor, web: &web, topic: &installation.name };
    latency::run(cluster, roles, &probe).await?;
    drop((collector, processor));
    cluster.remove(&web, &installation).await
}

/// Sends single events over so many connections; how many there were.
async fn singles(cluster: &Cluster, app: &App, connections: u64, topic: &str) -> anyhow::Result<u64> {
    let bytes = cluster.topic_bytes(topic)?;
    let meter = cluster.meter(&[("collector", app)]).await?;
    let begin = Instant::now();
    let mut latencies = collector::singles(app, connections, FOR).await?;
    let spent = meter.read()?;
    let (count, rate) = (latencies.len() as u64, latencies.len() as f64 / begin.elapsed().as_secs_f64());
    figure(&format!("durable single-event requests/s, {connections} connections"), &format!("{rate:.0}/s"), ">= 15,000/s");
    figure("  p50", &stats::ms(stats::percentile(&mut latencies, 0.5)), "");
    figure("  p99", &stats::ms(stats::percentile(&mut latencies, 0.99)), "<= 30 ms");
    figure("  collector, memory", &megabytes(usage::resident(app.pid().context("it runs")?)?), "<= 512 MB");
    figure("  collector, CPU per 1,000 events", &stats::ms(spent.of("collector") * 1_000 / u32::try_from(count)?), "");
    spent.print(count);
    figure("  bytes per event in Kafka", &format!("{:.0}", (cluster.topic_bytes(topic)? - bytes) as f64 / count as f64), "");
    Ok(count)
}

/// Memory for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}
