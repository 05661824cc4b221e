//! A private Kafka cluster (KRaft, no ZooKeeper): one or three brokers on free loopback ports in a temporary folder, gone with the
//! value, and also when the test process dies.
//!
//! Each broker has a listener of its own for the other brokers, so that a proxy before the clients' listener cuts off clients alone.

mod broker;
mod tls;

use std::{net::TcpListener, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};
use tempfile::TempDir;

use crate::eventually;
use broker::Broker;
pub use tls::Certificates;

/// What to do where its jars are missing.
const INSTALL: &str = "Kafka's jars are missing; run: scripts/setup.sh tests";
/// Cold starts of three brokers on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(120);
/// How often a cluster is laid out at most.
const STARTS: usize = 3;
/// How the fault of a broker that does not stay begins.
const ENDED: &str = "a Kafka broker ended";
/// Longest wait of one administrative call.
const ADMIN: Duration = Duration::from_secs(30);

/// The user of secured listeners.
pub const USER: &str = "footfall";
/// Its password.
pub const PASSWORD: &str = "only for tests";

/// How a cluster is set up.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// 1 or 3.
    pub brokers: usize,
    /// The ports that clients are told, one per broker: those of proxies. None: the brokers' own.
    pub advertised: Vec<u16>,
    /// Also listen with SASL over TLS (PLAIN, SCRAM-SHA-256) and with TLS client certificates.
    pub secured: bool,
}

/// A running cluster.
pub struct Kafka {
    brokers: Vec<Broker>,
    bootstrap: String,
    certificates: Option<Certificates>,
    _folder: TempDir,
}

impl Kafka {
    /// Starts a cluster of 1 or 3 brokers.
    ///
    /// # Errors
    /// When the jars or Java are missing (the text says what to do), or it does not start.
    pub async fn start(brokers: usize) -> anyhow::Result<Self> {
        Self::start_with(KafkaOptions { brokers, advertised: Vec::new(), secured: false }).await
    }

    /// Starts a cluster. Its ports were free when they were chosen; where another process was quicker a broker ends, and others are chosen.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub async fn start_with(options: KafkaOptions) -> anyhow::Result<Self> {
        for _ in 1..STARTS {
            match Self::start_once(&options).await {
                Err(error) if error.to_string().starts_with(ENDED) => {}
                started => return started,
            }
        }
        Self::start_once(&options).await
    }

    async fn start_once(options: &KafkaOptions) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("footfall-kafka-")?;
        let certificates = if options.secured { Some(Certificates::make(&folder.path().join("tls"))?) } else { None };
        let brokers = broker::lay_out(options, folder.path(), certificates.as_ref())?;
        let bootstrap = match options.advertised.as_slice() {
            [] => brokers.iter().map(|broker| format!("127.0.0.1:{}", broker.client_port())).collect::<Vec<_>>(),
            ports => ports.iter().map(|port| format!("127.0.0.1:{port}")).collect(),
        };
        let mut this = Self { brokers, bootstrap: bootstrap.join(","), certificates, _folder: folder };
        let formats = this.brokers.iter().map(Broker::format).collect::<anyhow::Result<Vec<_>>>()?;
        for format in formats {
            let output = format.wait_with_output()?;
            ensure!(output.status.success(), "formatting Kafka's folder: {}", String::from_utf8_lossy(&output.stderr));
        }
        for broker in &mut this.brokers {
            broker.start()?;
        }
        this.ready().await?;
        Ok(this)
    }

    /// Where clients begin: `127.0.0.1:port,…`.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Where clients begin that go around the proxies.
    #[must_use]
    pub fn direct_bootstrap(&self) -> String {
        self.brokers.iter().map(|broker| format!("127.0.0.1:{}", broker.ports.internal)).collect::<Vec<_>>().join(",")
    }

    /// The port on which a broker (0, 1, …) listens to clients itself, whatever it tells them.
    #[must_use]
    pub fn port(&self, broker: usize) -> u16 {
        self.brokers[broker].client_port()
    }

    /// The address of the listener with SASL over TLS.
    #[must_use]
    pub fn sasl_bootstrap(&self) -> String {
        format!("localhost:{}", self.brokers[0].ports.sasl)
    }

    /// The address of the listener that wants a client certificate.
    #[must_use]
    pub fn tls_bootstrap(&self) -> String {
        format!("localhost:{}", self.brokers[0].ports.tls)
    }

    /// The certificates of a secured cluster.
    #[must_use]
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// What a broker writes.
    #[must_use]
    pub fn log_file(&self, broker: usize) -> PathBuf {
        self.brokers[broker].log_file()
    }

    /// The process of a broker.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pid(&self, broker: usize) -> anyhow::Result<u32> {
        self.brokers[broker].pid()
    }

    /// Ends a broker at once (SIGKILL).
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&mut self, broker: usize) -> anyhow::Result<()> {
        self.brokers[broker].end("KILL").await
    }

    /// Lets a broker end in an orderly way (SIGTERM), and waits for it.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn stop(&mut self, broker: usize) -> anyhow::Result<()> {
        self.brokers[broker].end("TERM").await
    }

    /// Starts a broker that was ended, with its data; returns before it is ready.
    ///
    /// # Errors
    /// When Java cannot be started.
    pub fn restart(&mut self, broker: usize) -> anyhow::Result<()> {
        self.brokers[broker].start()
    }

    /// Waits until all running brokers are known to each other.
    ///
    /// # Errors
    /// When they do not answer in time; with what they said last.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let expected = self.brokers.iter().filter(|broker| broker.is_running()).count();
        // Around the proxies, which may not lead anywhere yet.
        let bootstrap: Vec<String> =
            self.brokers.iter().filter(|broker| broker.is_running()).map(|broker| format!("127.0.0.1:{}", broker.ports.internal)).collect();
        let client: Arc<BaseConsumer> = Arc::new(config(&bootstrap.join(",")).create()?);
        let brokers = &mut self.brokers;
        let found = eventually(START_WITHIN, async || {
            if let Some(ended) = brokers.iter_mut().find_map(Broker::ended) {
                return Some(Err(ended));
            }
            let client = Arc::clone(&client);
            let asked = tokio::task::spawn_blocking(move || client.fetch_metadata(None, Duration::from_secs(2))).await;
            match asked {
                Ok(Ok(metadata)) if metadata.brokers().len() >= expected => Some(Ok(())),
                _ => None,
            }
        });
        match found.await {
            Some(Ok(())) => Ok(()),
            Some(Err(said)) => bail!("{ENDED}: {said}"),
            None => bail!("Kafka did not answer in time: {}", self.brokers.iter().map(Broker::said).collect::<Vec<_>>().join("\n")),
        }
    }

    /// Deletes a topic and waits until nothing of it is left.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub async fn delete_topic(&self, name: &str) -> anyhow::Result<()> {
        for answer in self.admin()?.delete_topics(&[name], &admin_options()).await? {
            answer.map_err(|(name, code)| anyhow::anyhow!("delete topic {name}: {code}"))?;
        }
        let client: Arc<BaseConsumer> = Arc::new(config(&self.bootstrap).create()?);
        let gone = eventually(ADMIN, async || {
            let client = Arc::clone(&client);
            let metadata = tokio::task::spawn_blocking(move || client.fetch_metadata(None, Duration::from_secs(2))).await.ok()?.ok()?;
            (!metadata.topics().iter().any(|topic| topic.name() == name)).then_some(())
        });
        gone.await.with_context(|| format!("topic {name} is still there"))
    }

    /// Deletes a group without members, and with it what it committed.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub async fn delete_group(&self, name: &str) -> anyhow::Result<()> {
        for answer in self.admin()?.delete_groups(&[name], &admin_options()).await? {
            answer.map_err(|(name, code)| anyhow::anyhow!("delete group {name}: {code}"))?;
        }
        Ok(())
    }

    fn admin(&self) -> anyhow::Result<AdminClient<DefaultClientContext>> {
        Ok(config(&self.bootstrap).create()?)
    }
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("reconnect.backoff.max.ms", "500").set("log_level", "0");
    config
}

fn admin_options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(ADMIN)).request_timeout(Some(ADMIN))
}

/// A port that is free now.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The jars that set-up copied.
fn jars() -> anyhow::Result<PathBuf> {
    let jars = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/kafka/lib");
    jars.canonicalize().context(INSTALL)
}
