//! An installation split by roles: three brokers behind proxies, Redis, PostgreSQL, an analytics store behind a proxy, two collectors, two
//! processors, one process with pages.

use std::{collections::HashSet, time::Duration};

use footfall_testkit::{
    App, AppOptions,
    clock::Clock,
    eventually,
    kafka::{Kafka, KafkaOptions},
    postgres::Postgres,
    process,
    proxy::Proxy,
    redis::Redis,
    services::{Installation, Services},
    store::StoreServer,
};
use serde_json::Value;

use crate::load::{self, DOMAINS, Load, SETTLED};

/// After so long of silence a processor counts as dead.
pub const SESSION: Duration = Duration::from_secs(6);
/// Most memory of one process: the greatest limit of any role.
const MOST_MEMORY_KB: u64 = 1 << 20;

pub struct World {
    pub kafka: Kafka,
    pub redis: Redis,
    pub postgres: Postgres,
    pub store: StoreServer,
    pub store_proxy: Proxy,
    broker_proxies: Vec<Proxy>,
    installation: Installation,
    clock: Clock,
    pub collectors: Vec<App>,
    pub processors: Vec<App>,
    pub web: App,
    key: String,
    site: String,
}

fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_footfall")
}

impl World {
    pub async fn start() -> Self {
        let mut broker_proxies = Vec::new();
        for _ in 0..3 {
            broker_proxies.push(Proxy::bind().await.unwrap());
        }
        let advertised = broker_proxies.iter().map(Proxy::port).collect();
        let kafka = Kafka::start_with(KafkaOptions { brokers: 3, advertised, secured: false });
        let (kafka, redis, postgres, store) =
            tokio::join!(kafka, Redis::start(), Postgres::start(), StoreServer::start(std::path::Path::new(binary())));
        let (kafka, redis, postgres, store) = (kafka.unwrap(), redis.unwrap(), postgres.unwrap(), store.unwrap());
        for (number, proxy) in broker_proxies.iter().enumerate() {
            proxy.set_target(kafka.port(number));
        }
        let store_proxy = Proxy::to(store.port()).await.unwrap();
        let services = Services {
            kafka: kafka.bootstrap().to_owned(),
            brokers: 3,
            redis: redis.url(),
            postgres: postgres.url(),
            store: store.url().unwrap(),
        };
        let installation = services.installation().await.unwrap();
        let proxied =
            format!("{}/{}", services.store.replace(&store.port().to_string(), &store_proxy.port().to_string()), installation.name);
        let role = |roles: &str| {
            AppOptions::new(binary())
                .on(&installation)
                .env("FOOTFALL_STORE_URL", &proxied)
                .env("FOOTFALL_KAFKA_SESSION_TIMEOUT", &format!("{}s", SESSION.as_secs()))
                .env("FOOTFALL_LOG_LEVEL", "info,librdkafka=error")
                .env("FOOTFALL_ROLES", roles)
        };
        // Several processes begin at the same time on empty databases.
        let started = tokio::try_join!(
            App::start(role("capture")),
            App::start(role("capture")),
            App::start(role("processor")),
            App::start(role("processor")),
            App::start(role("query,auth"))
        );
        let (one, two, three, four, web) = started.unwrap();
        Self {
            kafka,
            redis,
            postgres,
            store,
            store_proxy,
            broker_proxies,
            installation,
            clock: Clock::make().unwrap(),
            collectors: vec![one, two],
            processors: vec![three, four],
            web,
            key: String::new(),
            site: String::new(),
        }
    }

    /// Where events may be sent.
    pub fn bases(&self) -> Vec<String> {
        self.collectors.iter().map(|collector| collector.url("")).collect()
    }

    /// Sends one event and waits until every way shows it: the aggregates have something to tell when the store goes.
    pub async fn first_event(&mut self) {
        self.key = self.web.key(DOMAINS[0], "stats:read").await.unwrap();
        let list: Value = serde_json::from_str(&self.web.run(&["site", "list", "--json"]).await.unwrap()).unwrap();
        let site = list.as_array().unwrap().iter().find(|site| site["domain"] == DOMAINS[0]).unwrap();
        self.site = site["id"].as_str().unwrap().to_owned();
        self.collectors[0].pageview(DOMAINS[0], "/first", 1).await.unwrap();
        let shown = eventually(SETTLED, async || {
            let kpis = self.kpis().await?;
            (kpis["pageviews"] == 1 && kpis["visitors"] == 1).then_some(())
        })
        .await;
        assert!(shown.is_some(), "the first pageview is not shown; logs:\n{}", self.logs());
        let meta = footfall_meta::Meta::open(&self.web.accounts_url()).await.unwrap();
        let id = footfall_model::SiteId(self.site.parse().unwrap());
        let rolled = eventually(SETTLED, async || {
            let hours = meta.hourly_totals(id, 0, i64::MAX).await.ok()?;
            (!hours.is_empty()).then_some(())
        })
        .await;
        assert!(rolled.is_some(), "the first pageview is not in the hourly aggregates; logs:\n{}", self.logs());
    }

    async fn kpis(&self) -> Option<Value> {
        let url = self.web.url(&format!("/api/analytics/kpis?domainId={}&period=24h", self.site));
        let answer = self.web.http.get(url).bearer_auth(&self.key).send().await.ok()?;
        if answer.status() == 200 { answer.json().await.ok() } else { None }
    }

    /// With the store away the figures are those of the aggregates, and say so.
    pub async fn is_degraded(&self) {
        let mut last = None;
        let shown = eventually(SETTLED, async || {
            last = self.kpis().await;
            let kpis = last.as_ref()?;
            (kpis["meta"]["degraded"] == true && kpis["pageviews"].as_u64()? > 0).then_some(())
        })
        .await;
        assert!(shown.is_some(), "without the store the figures are {last:?}; logs:\n{}", self.logs());
    }

    /// In the end the live half hour is what the store has of it.
    pub async fn live_agrees(&self) {
        let mut last = (0, 0);
        let agrees = eventually(SETTLED, async || {
            let url = self.web.url(&format!("/api/analytics/kpis?domainId={}&period=30m", self.site));
            let answer: Value = self.web.http.get(url).bearer_auth(&self.key).send().await.ok()?.json().await.ok()?;
            let sql = format!(
                "SELECT count() FROM footfall.events WHERE site_id = '{}' AND name = 'pageview' AND drop_reason = '' AND bot = '' \
                 AND toStartOfMinute(ts) > toStartOfMinute(now()) - INTERVAL 30 MINUTE AND ts < now() + INTERVAL 5 MINUTE",
                self.site
            );
            last = (answer["pageviews"].as_u64()?, self.web.sql(&sql).await.ok()?.parse().ok()?);
            (last.0 == last.1).then_some(())
        })
        .await;
        assert!(agrees.is_some(), "live state counts {} pageviews, the store {}; logs:\n{}", last.0, last.1, self.logs());
    }

    /// Waits until every process of a role says that it is ready, or any of them that it is not.
    pub async fn until_ready(&self, role: &str, ready: bool) {
        let apps: Vec<&App> = match role {
            "capture" => self.collectors.iter().collect(),
            "processor" => self.processors.iter().collect(),
            _ => vec![&self.web],
        };
        let mut answers = Vec::new();
        let met = eventually(SETTLED, async || {
            answers.clear();
            for app in &apps {
                let answer = app.http.get(app.url("/ready")).timeout(Duration::from_secs(8)).send().await.ok()?;
                answers.push((answer.status().as_u16(), answer.text().await.ok()?));
            }
            let all = answers.iter().all(|(status, _)| *status == 200);
            (all == ready).then_some(())
        })
        .await;
        assert!(met.is_some(), "{role} does not become {}: {answers:?}; logs:\n{}", if ready { "ready" } else { "unready" }, self.logs());
    }

    pub async fn signal_processor(&self, which: usize, signal: &str) {
        process::kill(self.processors[which].pid().unwrap(), signal).await.unwrap();
    }

    /// A processor more.
    pub async fn another_processor(&self) -> App {
        App::start(self.processors[0].options().clone()).await.unwrap()
    }

    pub fn each_broker_proxy(&self, act: impl Fn(&Proxy)) {
        self.broker_proxies.iter().for_each(act);
    }

    /// Removes the group's commits; its members have ended.
    pub async fn forget_group(&self) {
        let group = format!("{}-processor", self.installation.name);
        let gone = eventually(SETTLED, async || self.kafka.delete_group(&group).await.ok()).await;
        assert!(gone.is_some(), "the group cannot be removed while its dead members count as alive");
    }

    /// One collector and one processor with a clock that is so many seconds ahead.
    pub async fn with_clocks(&mut self, shift: i64, moment: Duration, load: &Load) {
        let variables = self.clock.shifted_by(shift);
        self.restart_first(|app| variables.iter().for_each(|(name, value)| app.set_env(name, Some(value))), load).await;
        assert!(load.flows().await, "events are accepted with clocks that differ; logs:\n{}", self.logs());
        tokio::time::sleep(moment).await;
        self.restart_first(|app| variables.iter().for_each(|(name, _)| app.set_env(name, None)), load).await;
    }

    async fn restart_first(&mut self, mut change: impl FnMut(&mut App), load: &Load) {
        for app in [&mut self.collectors[0], &mut self.processors[0]] {
            app.stop().await.unwrap();
            change(app);
            app.resume().await.unwrap();
        }
        *load.bases.lock().unwrap() = self.bases();
    }

    /// No process outgrows the greatest limit of its role.
    pub fn stays_small(&self) {
        for app in self.collectors.iter().chain(&self.processors).chain([&self.web]) {
            let Some(pid) = app.pid() else { continue };
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let kb = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            assert!(kb.unwrap_or(0) < MOST_MEMORY_KB, "a process has grown to {kb:?} kB");
        }
    }

    /// Every record of the topic.
    pub async fn records(&self) -> HashSet<(u32, u64)> {
        load::records(self.kafka.bootstrap(), &self.installation.name).await
    }

    /// The last lines of every process.
    pub fn logs(&self) -> String {
        let named = |name: String, app: &App| {
            let log = app.log();
            let lines: Vec<&str> = log.lines().collect();
            format!("── {name}\n{}\n", lines[lines.len().saturating_sub(25)..].join("\n"))
        };
        let collectors = self.collectors.iter().enumerate().map(|(number, app)| named(format!("collector {number}"), app));
        let processors = self.processors.iter().enumerate().map(|(number, app)| named(format!("processor {number}"), app));
        collectors.chain(processors).chain([named("web".to_owned(), &self.web)]).collect()
    }
}
