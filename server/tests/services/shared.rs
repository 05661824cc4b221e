//! One of each service, an installation on them, and what is expected of it.

use std::path::Path;

use footfall_testkit::{
    App, AppOptions, Totals, eventually,
    kafka::Kafka,
    postgres::Postgres,
    redis::Redis,
    services::{Installation, Services},
    store::StoreServer,
};

use crate::load::{self, Load, SETTLED};

pub const BINARY: &str = env!("CARGO_BIN_EXE_footfall");

/// One of each service, and an installation on them.
pub struct Shared {
    pub kafka: Kafka,
    _redis: Redis,
    _postgres: Postgres,
    pub store: StoreServer,
    pub installation: Installation,
}

impl Shared {
    pub async fn start() -> Self {
        let (kafka, redis, postgres, store) =
            tokio::join!(Kafka::start(1), Redis::start(), Postgres::start(), StoreServer::start(Path::new(BINARY)));
        let (kafka, redis, postgres, store) = (kafka.unwrap(), redis.unwrap(), postgres.unwrap(), store.unwrap());
        let services = Services {
            kafka: kafka.bootstrap().to_owned(),
            brokers: 1,
            redis: redis.url(),
            postgres: postgres.url(),
            store: store.url().unwrap(),
        };
        let installation = services.installation().await.unwrap();
        Self { kafka, _redis: redis, _postgres: postgres, store, installation }
    }

    pub fn role(&self, roles: &str) -> AppOptions {
        AppOptions::new(BINARY).on(&self.installation).env("FOOTFALL_ROLES", roles).env("FOOTFALL_KAFKA_SESSION_TIMEOUT", "6s")
    }

    /// A collector, a processor and a process with pages.
    pub async fn each_role(&self) -> (App, App, App) {
        self.each_role_with(self.role("capture")).await
    }

    /// The same with a collector of one's own.
    pub async fn each_role_with(&self, capture: AppOptions) -> (App, App, App) {
        tokio::try_join!(App::start(capture), App::start(self.role("processor")), App::start(self.role("query,auth"))).unwrap()
    }

    /// Ends the load and checks that each record is in one place, each id counted once.
    pub async fn ends_well(&self, load: Load, capture: &App, processor: &App, web: &App) {
        let ledger = load.stop().await;
        let logs = || format!("{}\n── processor\n{}", capture.log(), processor.log());
        load::settle(web, capture, &logs).await;
        let records = load::records(self.kafka.bootstrap(), &self.installation.name).await;
        load::check(web, &ledger, &load::Places { records: Some(records), logs: Box::new(logs) }).await;
    }

    /// The settings of this installation as a file.
    pub fn settings(&self, folder: &Path) -> std::path::PathBuf {
        let lines = self.installation.env().into_iter().map(|(name, value)| {
            format!("{} = {}\n", name.trim_start_matches("FOOTFALL_").to_lowercase(), serde_json::to_string(&value).unwrap())
        });
        let file = folder.join("cluster.toml");
        std::fs::write(&file, lines.collect::<String>()).unwrap();
        file
    }
}

pub async fn expect(app: &App, key: &str, domain: &str, expected: Totals) {
    let mut last = None;
    let met = eventually(SETTLED, async || {
        last = app.totals(key, domain).await.ok();
        (last == Some(expected)).then_some(())
    })
    .await;
    assert!(met.is_some(), "wanted {expected:?}, last seen {last:?}; log:\n{}", app.log());
}

pub fn views(count: u64) -> Totals {
    Totals { visitors: count, visits: count, pageviews: count, events: count }
}
