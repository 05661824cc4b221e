//! The services of a cluster, and what one installation on them is called, so that many tests can share them.

use std::process::Stdio;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names a JSON file of [`Services`]: then every [`crate::App`] starts on these instead of on engines of its own.
pub const VARIABLE: &str = "FOOTFALL_TEST_CLUSTER";

/// Where the services are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Services {
    /// `HOST:PORT[,…]` of the brokers.
    pub kafka: String,
    /// How many there are.
    pub brokers: usize,
    /// `redis://:PASSWORD@HOST:PORT`
    pub redis: String,
    /// `postgres://USER:PASSWORD@HOST:PORT`, without a database.
    pub postgres: String,
    /// `http://USER:PASSWORD@HOST:PORT`, without a database.
    pub store: String,
}

impl Services {
    /// Those that the environment names, if it does.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_environment() -> anyhow::Result<Option<Self>> {
        let Some(file) = std::env::var_os(VARIABLE) else { return Ok(None) };
        let text = std::fs::read(&file).with_context(|| format!("{VARIABLE} names {}", file.display()))?;
        Ok(Some(serde_json::from_slice(&text)?))
    }

    /// An installation of its own on these services: a topic, a prefix and databases that nobody else uses.
    ///
    /// # Errors
    /// When its accounts database cannot be made.
    pub async fn installation(&self) -> anyhow::Result<Installation> {
        self.installation_called(&format!("t{}", &Uuid::new_v4().simple().to_string()[..12])).await
    }

    /// The same under a name that is free.
    ///
    /// # Errors
    /// As [`Services::installation`].
    pub async fn installation_called(&self, name: &str) -> anyhow::Result<Installation> {
        let made = tokio::process::Command::new("psql")
            .arg(format!("{}/postgres", self.postgres))
            .args(["-v", "ON_ERROR_STOP=1", "-qc"])
            .arg(format!("CREATE DATABASE {name}"))
            .stdin(Stdio::null())
            .output()
            .await
            .context("psql cannot be started")?;
        ensure!(made.status.success(), "create database {name}: {}", String::from_utf8_lossy(&made.stderr));
        Ok(Installation { services: self.clone(), name: name.to_owned() })
    }
}

/// What is one installation's on shared services.
#[derive(Clone, Debug)]
pub struct Installation {
    services: Services,
    /// Topic, prefix and databases are called after it.
    pub name: String,
}

impl Installation {
    /// The variables by which a process becomes part of it.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let Self { services, name } = self;
        let replication = if services.brokers >= 3 { "3" } else { "1" };
        [
            ("FOOTFALL_EVENT_LOG_URL", format!("kafka://{}/{name}", services.kafka)),
            ("FOOTFALL_KAFKA_PARTITIONS", "2".to_owned()),
            ("FOOTFALL_KAFKA_REPLICATION", replication.to_owned()),
            ("FOOTFALL_KAFKA_GROUP", format!("{name}-processor")),
            ("FOOTFALL_LIVE_URL", services.redis.clone()),
            ("FOOTFALL_LIVE_PREFIX", name.clone()),
            ("FOOTFALL_ACCOUNTS_URL", self.accounts_url()),
            ("FOOTFALL_STORE_URL", format!("{}/{name}", services.store)),
            ("FOOTFALL_SECRET", "for tests only, and at least 32 characters long".to_owned()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }

    /// The accounts database.
    #[must_use]
    pub fn accounts_url(&self) -> String {
        format!("{}/{}", self.services.postgres, self.name)
    }

    /// The analytics store: URL without credentials, user, password, database.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn store(&self) -> anyhow::Result<(String, String, String, String)> {
        let rest = self.services.store.strip_prefix("http://").context("the store has an http URL")?;
        let (login, host) = rest.split_once('@').context("the store's URL has a login")?;
        let (user, password) = login.split_once(':').context("the store's URL has a password")?;
        Ok((format!("http://{host}"), user.to_owned(), password.to_owned(), self.name.clone()))
    }
}
