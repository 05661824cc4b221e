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

use crate::load::SETTLED;

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
