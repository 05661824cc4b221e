//! A backlog in the topic, and one or two processors that come for it.

use std::time::{Duration, Instant};

use anyhow::Context;
use footfall_testkit::{App, Site, eventually, proxy::Proxy, services::Installation};

use super::{
    backlog::{self, PARTITIONS},
    intake::megabytes,
    services::Cluster,
    sites,
};
use crate::{figure, heading, stats, usage};

/// The rate is taken between these shares of the backlog: joining the group and sharing the partitions at the start, and the last partial range, are
/// not part of it.
const BETWEEN: (f64, f64) = (0.25, 0.95);
const LOOKS: Duration = Duration::from_millis(250);
/// Live state that is told of nothing for so long is up to date.
const QUIET: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(600);
/// With a slow way to the store: events, and bytes a second of each connection.
const SLOW: (u64, u64) = (800_000, 4 << 20);
/// With a store that keeps nothing.
const ALONE: u64 = 2_000_000;
const DASHBOARDS: u32 = 20;

/// Prints the figures.
pub async fn run(cluster: &Cluster, events: u64) -> anyhow::Result<()> {
    heading(&format!("Processor from Kafka, backlog of {events} events of 24 domains in {PARTITIONS} partitions"));
    let one = Backlog::make(cluster, events).await?;
    let bytes = cluster.topic_bytes(&one.installation.name)? as f64 / events as f64;
    figure("bytes per event in Kafka", &format!("{bytes:.0}"), "");
    let meter = cluster.meter(&[]).await?;
    let (scripts, commands) = (cluster.redis_calls(Some("evalsha")).await?, cluster.redis_calls(None).await?);
    let begin = Instant::now();
    let (processors, rate) = one.catch_up(cluster, 1, None).await?;
    figure("one processor, events/s", &format!("{rate:.0}/s"), ">= 100,000/s");
    let pid = processors[0].pid().context("it runs")?;
    let counted = one.counted_live(cluster).await?;
    figure("  all stored and counted live, start included, after", &format!("{:.1} s", (counted - begin).as_secs_f64()), "");
    merged(&one.web).await?;
    figure("  most memory", &megabytes(usage::peak(pid)?), "<= 1024 MB");
    figure("  CPU per million events: processor", &format!("{:.2} s", usage::cpu(pid)?.as_secs_f64() * 1e6 / events as f64), "");
    meter.read()?.print(events);
    let each = |calls: u64| format!("{:.4}", calls as f64 / events as f64);
    figure("  Redis: calls of scripts per event", &each(cluster.redis_calls(Some("evalsha")).await? - scripts), "");
    figure("  Redis: commands per event, those in scripts too", &each(cluster.redis_calls(None).await? - commands), "");
    one.costs(cluster).await?;
    drop(processors);
    cluster.remove(&one.web, &one.installation).await?;

    let two = Backlog::make(cluster, events).await?;
    let (processors, pair) = two.catch_up(cluster, 2, None).await?;
    figure("two processors, events/s", &format!("{pair:.0}/s"), "");
    for processor in &processors {
        figure("  most memory", &megabytes(usage::peak(processor.pid().context("it runs")?)?), "<= 1024 MB");
    }
    figure("  two to one, all on the same cores as ClickHouse and Kafka", &format!("{:.2}", pair / rate), "");
    drop(processors);
    cluster.remove(&two.web, &two.installation).await?;
    alone(cluster, events.min(ALONE)).await?;
    with_room(cluster, events.min(SLOW.0)).await
}

/// What a processor does where ClickHouse has cores of its own: tables that keep nothing leave of the store only the reading of rows.
async fn alone(cluster: &Cluster, events: u64) -> anyhow::Result<()> {
    let backlog = Backlog::make(cluster, events).await?;
    for sql in [
        "DROP VIEW footfall.sessions_of_events",
        "CREATE TABLE footfall.nothing AS footfall.events ENGINE = Null",
        "EXCHANGE TABLES footfall.events AND footfall.nothing",
    ] {
        backlog.web.sql(sql).await?;
    }
    let meter = cluster.meter(&[]).await?;
    let processor = App::start(Cluster::role(&backlog.installation, "processor")).await?;
    let rate = rate(events, async || sent(&processor).await.unwrap_or(0)).await?;
    figure("one processor, the store takes rows and keeps none, events/s", &format!("{rate:.0}/s"), ">= 100,000/s");
    let pid = processor.pid().context("it runs")?;
    figure("  CPU per million events: processor", &format!("{:.2} s", usage::cpu(pid)?.as_secs_f64() * 1e6 / events as f64), "");
    meter.read()?.print(events);
    drop(processor);
    cluster.remove(&backlog.web, &backlog.installation).await
}

/// Rows that a processor has sent to the store.
async fn sent(processor: &App) -> anyhow::Result<u64> {
    let metrics = processor.http.get(processor.metrics_url()).send().await?.text().await?;
    let rows = metrics.lines().filter(|line| line.starts_with("footfall_processor_rows_total{"));
    Ok(rows.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
}

/// Events a second that arrive in the store.
pub async fn rate_of(app: &App, events: u64) -> anyhow::Result<f64> {
    // Right after the start the table may not be there yet.
    rate(events, async || count(app).await.unwrap_or(0)).await
}

/// Waits until nothing is merged any more.
pub async fn merged(app: &App) -> anyhow::Result<()> {
    let quiet = eventually(PATIENCE, async || {
        let merges = app.sql("SELECT count() FROM system.merges").await.ok()?;
        tokio::time::sleep(LOOKS).await;
        (merges == "0").then_some(())
    });
    quiet.await.context("merges do not end")
}

async fn count(app: &App) -> anyhow::Result<u64> {
    Ok(app.sql("SELECT count() FROM footfall.events").await?.parse()?)
}

/// Events a second, where `count` tells how many are through.
async fn rate(events: u64, count: impl AsyncFn() -> u64) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let (low, high) = (events as f64 * BETWEEN.0, events as f64 * BETWEEN.1);
    let (mut before, mut crossed_low, mut crossed_high) = ((Duration::ZERO, 0.0), None, None);
    while begin.elapsed() < PATIENCE {
        let count = count().await as f64;
        let now = (begin.elapsed(), count);
        // Rows come in steps of a range: the moment between two looks at which the mark was passed.
        let passed = |mark: f64| {
            (before.1 < mark && count >= mark).then(|| before.0 + (now.0 - before.0).mul_f64((mark - before.1) / (count - before.1)))
        };
        crossed_low = crossed_low.or(passed(low));
        crossed_high = crossed_high.or(passed(high));
        if let (Some(from), Some(to)) = (crossed_low, crossed_high)
            && count >= events as f64
        {
            return Ok((high - low) / (to - from).as_secs_f64());
        }
        before = now;
        tokio::time::sleep(LOOKS).await;
    }
    anyhow::bail!("the backlog was not stored within {} s: {} of {events}", PATIENCE.as_secs(), before.1)
}

/// What one machine cannot show where everything shares its cores: each processor waits for a slow network to the store instead of for a core.
async fn with_room(cluster: &Cluster, events: u64) -> anyhow::Result<()> {
    let mut rates = Vec::new();
    for count in [1, 2] {
        let backlog = Backlog::make(cluster, events).await?;
        let (processors, rate) = backlog.catch_up(cluster, count, Some(SLOW.1)).await?;
        drop(processors);
        cluster.remove(&backlog.web, &backlog.installation).await?;
        rates.push(rate);
    }
    figure("one processor, 4 MiB/s to the store, events/s", &format!("{:.0}/s", rates[0]), "");
    figure("two processors, 4 MiB/s each, events/s", &format!("{:.0}/s", rates[1]), "");
    figure("  two to one", &format!("{:.2}", rates[1] / rates[0]), "");
    Ok(())
}

/// An installation with events that nobody has stored.
struct Backlog {
    installation: Installation,
    /// Shows the domains.
    web: App,
    first: Site,
    events: u64,
}

impl Backlog {
    async fn make(cluster: &Cluster, events: u64) -> anyhow::Result<Self> {
        let installation = cluster.services.installation().await?;
        let web = App::start(Cluster::role(&installation, "query,auth")).await?;
        let sites = sites(&web).await?;
        // Makes the topic and the day's salt.
        let mut collector = App::start(Cluster::role(&installation, "capture")).await?;
        collector.pageview("example.org", "/", 1).await?;
        collector.stop().await?;
        let known = sites.iter().map(|site| Ok((site.id.parse()?, site.domain.clone()))).collect::<anyhow::Result<Vec<_>>>()?;
        backlog::produce(&cluster.services.kafka, &installation.name, &known, events).await?;
        let first = sites.into_iter().next().context("there are domains")?;
        Ok(Self { installation, web, first, events })
    }

    /// Starts processors and waits until all is stored; events a second meanwhile.
    async fn catch_up(&self, cluster: &Cluster, count: usize, bytes_per_second: Option<u64>) -> anyhow::Result<(Vec<App>, f64)> {
        let slow = Proxy::to(cluster.store.port()).await?;
        let mut options = Cluster::role(&self.installation, "processor");
        if bytes_per_second.is_some() {
            let url = cluster.services.store.replace(&format!(":{}", cluster.store.port()), &format!(":{}", slow.port()));
            options = options.env("FOOTFALL_STORE_URL", &format!("{url}/{}", self.installation.name));
        }
        slow.throttle(bytes_per_second.unwrap_or(0));
        let processors = futures::future::try_join_all((0..count).map(|_| App::start(options.clone())));
        let (processors, rate) = tokio::join!(processors, rate_of(&self.web, self.events));
        Ok((processors?, rate?))
    }

    /// Waits until live state is told of nothing more; when it was told last.
    async fn counted_live(&self, cluster: &Cluster) -> anyhow::Result<Instant> {
        let (mut calls, mut last) = (cluster.redis_calls(Some("evalsha")).await?, Instant::now());
        while last.elapsed() < QUIET {
            tokio::time::sleep(LOOKS).await;
            let now = cluster.redis_calls(Some("evalsha")).await?;
            if now > calls {
                (calls, last) = (now, Instant::now());
            }
        }
        Ok(last)
    }

    /// Disk, and what a dashboard takes.
    async fn costs(&self, cluster: &Cluster) -> anyhow::Result<()> {
        for table in ["events", "sessions"] {
            self.web.sql(&format!("OPTIMIZE TABLE footfall.{table} FINAL")).await?;
        }
        let sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table IN ('events', 'sessions') AND database = '";
        let bytes: f64 = self.web.sql(&format!("{sql}{}'", self.installation.name)).await?.parse()?;
        figure("  bytes per event in ClickHouse, merged", &format!("{:.1}", bytes / self.events as f64), "<= 30");
        let used = cluster.redis.cli(&["info", "memory"]).await?;
        let used: u64 =
            used.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok()).context("Redis has no memory")?;
        figure("  Redis, memory", &megabytes(used), "");

        let key = self.web.key(&self.first.domain, "stats:read").await?;
        let common = format!("domainId={}&period=24h", self.first.id);
        let mut paths = vec![
            format!("/api/analytics/kpis?{common}&compare=previous"),
            format!("/api/analytics/timeseries?{common}&interval=hour"),
            format!("/api/analytics/top-pages?{common}"),
        ];
        paths.extend(["source", "country", "browser"].map(|dimension| format!("/api/analytics/breakdown?{common}&dimension={dimension}")));
        let of_domain = self.web.sql(&format!("SELECT count() FROM footfall.events WHERE site_id = '{}'", self.first.id)).await?;
        let collector = App::start(Cluster::role(&self.installation, "capture")).await?;
        let (mut latencies, mut store, mut web) = (Vec::new(), Duration::ZERO, Duration::ZERO);
        for visitor in 0..DASHBOARDS {
            // A new event makes kept answers stale.
            let before = count(&self.web).await?;
            collector.pageview(&self.first.domain, "/", visitor).await?;
            eventually(PATIENCE, async || (count(&self.web).await.ok()? > before).then_some(())).await.context("an event is not stored")?;
            tokio::time::sleep(LOOKS).await;
            let meter = cluster.meter(&[("web", &self.web)]).await?;
            let begin = Instant::now();
            let answers = paths.iter().map(async |path| {
                let answer = self.web.http.get(self.web.url(path)).bearer_auth(&key).send().await?.error_for_status()?;
                anyhow::Ok(answer.bytes().await?)
            });
            futures::future::try_join_all(answers).await?;
            latencies.push(begin.elapsed());
            let spent = meter.read()?;
            store += spent.of("ClickHouse");
            web += spent.of("web");
        }
        figure(&format!("  dashboard, six reports of {of_domain} events, p50"), &stats::ms(stats::percentile(&mut latencies, 0.5)), "");
        figure("  CPU per dashboard: ClickHouse", &stats::ms(store / DASHBOARDS), "");
        figure("  CPU per dashboard: web", &stats::ms(web / DASHBOARDS), "");
        Ok(())
    }
}
