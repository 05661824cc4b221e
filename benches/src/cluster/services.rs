//! The services that all measurements share, and what they and the roles take.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use footfall_testkit::{
    App, AppOptions,
    kafka::Kafka,
    postgres::Postgres,
    redis::{Redis, RedisOptions},
    services::{Installation, Services},
    store::StoreServer,
};

use crate::{binary, figure, usage};

/// One broker, Redis with a password, PostgreSQL, the analytics store.
pub struct Cluster {
    kafka: Kafka,
    pub redis: Redis,
    postgres: Postgres,
    pub store: StoreServer,
    pub services: Services,
}

impl Cluster {
    /// Starts them.
    pub async fn start() -> anyhow::Result<Self> {
        // As `deploy/redis/redis.conf` has it; the test kit alone would wait for the disk at every command.
        let more = ["--appendfsync", "everysec"].map(str::to_owned).to_vec();
        let redis = Redis::start_with(RedisOptions { more, ..RedisOptions::default() });
        let binary = binary();
        let (kafka, redis, postgres, store) = tokio::try_join!(Kafka::start(1), redis, Postgres::start(), StoreServer::start(&binary))?;
        let services =
            Services { kafka: kafka.bootstrap().to_owned(), brokers: 1, redis: redis.url(), postgres: postgres.url(), store: store.url()? };
        Ok(Self { kafka, redis, postgres, store, services })
    }

    /// How a process with these roles is started. Limits are kept, which costs what it costs, but never reached.
    pub fn role(installation: &Installation, roles: &str) -> AppOptions {
        AppOptions::new(binary())
            .on(installation)
            .env("FOOTFALL_ROLES", roles)
            .env("FOOTFALL_RATE_LIMIT_CLIENT", "1000000")
            .env("FOOTFALL_RATE_LIMIT_DOMAIN", "1000000")
            .env("FOOTFALL_LOG_LEVEL", "info,librdkafka=error")
    }

    /// Bytes of a topic on the broker's disk, without indexes.
    pub fn topic_bytes(&self, topic: &str) -> anyhow::Result<u64> {
        let command = std::fs::read_to_string(format!("/proc/{}/cmdline", self.kafka.pid(0)?))?;
        let settings = command.split('\0').find(|word| word.ends_with("server.properties")).context("the broker has no settings")?;
        let settings = std::fs::read_to_string(settings)?;
        let folder = settings.lines().find_map(|line| line.strip_prefix("log.dirs=")).context("the broker has no folder")?;
        Ok([0, 1].iter().map(|partition| usage::on_disk(&PathBuf::from(folder).join(format!("{topic}-{partition}")), "log")).sum())
    }

    /// Gives the disk of an installation back.
    pub async fn remove(&self, web: &App, installation: &Installation) -> anyhow::Result<()> {
        web.sql(&format!("DROP DATABASE {} SYNC", installation.name)).await?;
        self.kafka.delete_topic(&installation.name).await
    }

    /// Calls of a command since the start (`evalsha`), or of all of them, those within scripts included.
    pub async fn redis_calls(&self, command: Option<&str>) -> anyhow::Result<u64> {
        let calls = |line: &str| line.split_once("calls=")?.1.split(',').next()?.parse::<u64>().ok();
        let wanted = command.map(|command| format!("cmdstat_{command}:"));
        let told = self.redis.cli(&["info", "commandstats"]).await?;
        Ok(told.lines().filter(|line| wanted.as_ref().is_none_or(|wanted| line.starts_with(wanted))).filter_map(calls).sum())
    }

    /// Begins to count what services and these processes take.
    pub async fn meter(&self, roles: &[(&'static str, &App)]) -> anyhow::Result<Meter> {
        let info = self.redis.cli(&["info", "server"]).await?;
        let redis = info.lines().find_map(|line| line.strip_prefix("process_id:")).context("Redis has no id")?.trim().parse()?;
        let postmaster = std::fs::read_to_string(self.postgres.file("data/postmaster.pid"))?;
        let postgres = postmaster.lines().next().context("PostgreSQL has no id")?.trim().parse()?;
        let mut parts = Vec::new();
        for (name, app) in roles {
            parts.push(Part { name, pid: app.pid().context("it runs")?, with_children: false });
        }
        parts.push(Part { name: "Kafka broker", pid: self.kafka.pid(0)?, with_children: false });
        parts.push(Part { name: "ClickHouse", pid: self.store.pid().context("the store runs")?, with_children: false });
        parts.push(Part { name: "Redis", pid: redis, with_children: false });
        parts.push(Part { name: "PostgreSQL", pid: postgres, with_children: true });
        let before = parts.iter().map(Part::cpu).collect::<anyhow::Result<_>>()?;
        Ok(Meter { parts, before, begun: Instant::now(), own: usage::cpu(std::process::id())? })
    }
}

struct Part {
    name: &'static str,
    pid: u32,
    with_children: bool,
}

impl Part {
    fn cpu(&self) -> anyhow::Result<Duration> {
        if self.with_children { usage::cpu_of_all(self.pid) } else { usage::cpu(self.pid) }
    }
}

/// Processor time of all parts from one moment on.
pub struct Meter {
    parts: Vec<Part>,
    before: Vec<Duration>,
    begun: Instant,
    own: Duration,
}

impl Meter {
    /// What was taken so far.
    pub fn read(&self) -> anyhow::Result<Reading> {
        let spent = |(part, before): (&Part, &Duration)| Ok((part.name, part.cpu()?.saturating_sub(*before)));
        Ok(Reading {
            spent: self.parts.iter().zip(&self.before).map(spent).collect::<anyhow::Result<_>>()?,
            own: usage::cpu(std::process::id())?.saturating_sub(self.own),
            lasted: self.begun.elapsed(),
        })
    }
}

/// Processor time of all parts between two moments.
pub struct Reading {
    spent: Vec<(&'static str, Duration)>,
    own: Duration,
    lasted: Duration,
}

impl Reading {
    /// Prints the time per million events, and how busy the machine was.
    pub fn print(&self, events: u64) {
        for (name, spent) in &self.spent {
            figure(&format!("  CPU per million events: {name}"), &format!("{:.2} s", spent.as_secs_f64() * 1e6 / events as f64), "");
        }
        let busy: Duration = self.spent.iter().map(|(_, spent)| *spent).sum();
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let share = |time: Duration| format!("{:.0} %", time.as_secs_f64() / self.lasted.as_secs_f64() / cores * 100.0);
        figure("  of the machine: all of them", &share(busy), "");
        figure("  of the machine: the load generator", &share(self.own), "");
    }

    /// What one part took.
    pub fn of(&self, name: &str) -> Duration {
        self.spent.iter().find(|(part, _)| *part == name).map_or(Duration::ZERO, |(_, spent)| *spent)
    }
}
