//! The connection: made from a URL, kept for as long as the process lives, and plain about what is wrong.
//!
//! A command has one second. Where Redis is away it fails at once, so that nobody waits for what can do without; only in the
//! first moments of a process it waits for the first connection. What may have been carried out is never sent again by itself: whoever sends
//! knows whether that is safe. Only a command that a cluster sends elsewhere, or that was not sent yet, has a second attempt.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use fred::{
    bytes_utils::Str,
    clients::{Client, SubscriberClient, WithOptions},
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, pem::PemObject},
    },
    rustls_native_certs,
    types::{
        Builder, ClusterHash, CustomCommand, FromValue, RespVersion, Value,
        config::{Config, Options, ReconnectPolicy, TlsConnector, UnresponsiveConfig},
        scripts::Script,
    },
};
use tokio::task::JoinHandle;

use super::RedisLiveOptions;
use crate::LiveError;

/// Attempts to connect follow each other after this long, doubled each time, at most [`MOST_WAIT_MS`].
const FIRST_WAIT_MS: u32 = 100;
const MOST_WAIT_MS: u32 = 2_000;
/// A pause before a connection task that ended begins anew; it ends only by what waiting rarely heals, such as a wrong password.
const AGAIN: Duration = Duration::from_secs(2);
/// Messages that may wait for this process before subscribers are told to look again at everything.
const MESSAGES: usize = 4_096;
/// A silent subscription is tried this often: it may have died without a word.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The connections of one process.
pub struct Link {
    client: Client,
    commands: WithOptions<Client>,
    subscriber: SubscriberClient,
    timeout: Duration,
    begun: Instant,
    /// When it was last connected anew because Redis was not the primary.
    looked: Mutex<Option<Instant>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Link {
    /// The clients, not yet connecting: who must hear of the first connection listens before [`Link::start`].
    pub fn open(options: &RedisLiveOptions) -> Result<Self, LiveError> {
        let config = config(options)?;
        let timeout = options.command_timeout;
        let mut builder = Builder::from_config(config.clone());
        configure(&mut builder, timeout);
        let client = builder.build().map_err(|error| bad_url(&error))?;
        // In this version of the protocol a subscriber may send other commands too, which its heartbeat needs.
        let mut builder = Builder::from_config(Config { version: RespVersion::RESP3, ..config });
        configure(&mut builder, timeout);
        let subscriber = builder.build_subscriber_client().map_err(|error| bad_url(&error))?;
        let once = Options { max_attempts: Some(2), timeout: Some(timeout), fail_fast: true, ..Options::default() };
        let commands = client.with_options(&once);
        Ok(Self { client, commands, subscriber, timeout, begun: Instant::now(), looked: Mutex::default(), tasks: Vec::new() })
    }

    /// Begins to connect.
    pub fn start(&mut self) {
        self.tasks = vec![keep(self.client.clone()), keep(self.subscriber.clone()), watch(self.subscriber.clone(), self.timeout)];
    }

    /// For plain commands.
    pub async fn commands(&self) -> &WithOptions<Client> {
        self.first_moments().await;
        &self.commands
    }

    /// For subscriptions.
    pub fn subscriber(&self) -> &SubscriberClient {
        &self.subscriber
    }

    /// Whether commands have somewhere to go.
    pub fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    /// Runs a script, and brings its text along where Redis does not know it.
    pub async fn run<R: FromValue>(&self, script: &Script, keys: Vec<String>, args: Vec<Value>) -> Result<R, LiveError> {
        self.first_moments().await;
        // By name: only so do the options above apply to scripts.
        let slot = keys.first().map_or(ClusterHash::Random, |key| ClusterHash::from(key.as_str()));
        let words = |first: &Str| {
            let counted = [Value::from(first.clone()), Value::from(keys.len().to_string())];
            counted.into_iter().chain(keys.iter().map(Value::from)).chain(args.iter().cloned()).collect::<Vec<Value>>()
        };
        let known: Result<Value, Error> =
            self.commands.custom(CustomCommand::new_static("EVALSHA", slot.clone(), false), words(script.sha1())).await;
        let answer = match (known, script.lua()) {
            (Err(error), Some(text)) if error.details().starts_with("NOSCRIPT") => {
                self.commands.custom(CustomCommand::new_static("EVAL", slot, false), words(text)).await
            }
            (answer, _) => answer,
        };
        answer.and_then(Value::convert).map_err(|error| self.fault(&error))
    }

    /// What went wrong, in words; reconnects where Redis is not the primary any more.
    pub fn fault(&self, error: &Error) -> LiveError {
        let details = error.details();
        let (kind, text) = match details.split(' ').next().unwrap_or_default() {
            "OOM" => ("refused", "redis is out of memory; give it more or raise maxmemory".to_owned()),
            "READONLY" | "MASTERDOWN" => {
                self.look_for_the_primary();
                ("refused", "redis answers as a read-only replica; waiting for a primary".to_owned())
            }
            "LOADING" => ("refused", "redis is still loading its data".to_owned()),
            "MISCONF" => ("refused", "redis cannot write to its disk and refuses changes; see its log".to_owned()),
            "CLUSTERDOWN" => ("refused", "a part of the redis cluster is down".to_owned()),
            "NOAUTH" | "WRONGPASS" | "NOPERM" => {
                ("refused", format!("redis refuses access: {details}; check user and password of its URL"))
            }
            _ => match error.kind() {
                ErrorKind::Timeout => ("timeout", format!("redis did not answer within {} ms", self.timeout.as_millis())),
                ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Routing | ErrorKind::Cluster | ErrorKind::Sentinel => {
                    ("away", format!("redis is not reachable: {details}"))
                }
                _ => ("refused", format!("redis: {details}")),
            },
        };
        metrics::counter!("footfall_live_faults_total", "kind" => kind).increment(1);
        LiveError(text)
    }

    /// Connects anew, once per [`AGAIN`] however many commands are refused.
    fn look_for_the_primary(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.is_none_or(|looked| looked.elapsed() >= AGAIN) {
            *looked = Some(Instant::now());
            let client = self.client.clone();
            tokio::spawn(async move { client.force_reconnection().await });
        }
    }

    /// What is left of the time in which a new process waits for its first connection.
    pub fn grace(&self) -> Duration {
        self.timeout.saturating_sub(self.begun.elapsed())
    }

    async fn first_moments(&self) {
        let left = self.grace();
        if !left.is_zero() && !self.client.is_connected() {
            let _ = tokio::time::timeout(left, self.client.wait_for_connect()).await;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (client, subscriber) = (self.client.clone(), self.subscriber.clone());
            runtime.spawn(async move {
                let _ = client.quit().await;
                let _ = subscriber.quit().await;
            });
        }
    }
}

/// Keeps a client's connection task running.
fn keep<C: ClientLike + 'static>(client: C) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match client.connect().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => tracing::warn!(error = error.details(), "the connection to redis ended; connecting anew"),
                Err(error) => tracing::warn!(%error, "the connection to redis ended; connecting anew"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    })
}

/// Finds out that a subscription has died silently.
fn watch(subscriber: SubscriberClient, timeout: Duration) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let answer = tokio::time::timeout(timeout, subscriber.ping::<Value>(None)).await;
            if subscriber.is_connected() && !matches!(answer, Ok(Ok(_))) {
                let _ = subscriber.force_reconnection().await;
            }
        }
    })
}

fn configure(builder: &mut Builder, timeout: Duration) {
    builder
        .set_policy(ReconnectPolicy::new_exponential(0, FIRST_WAIT_MS, MOST_WAIT_MS, 2))
        .with_performance_config(|performance| {
            performance.broadcast_channel_capacity = MESSAGES;
            performance.default_command_timeout = timeout * 2;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = timeout * 2;
            connection.internal_command_timeout = timeout * 2;
            connection.auto_client_setname = false;
            connection.tcp.nodelay = Some(true);
            connection.unresponsive = UnresponsiveConfig { max_timeout: Some(timeout * 3), interval: timeout };
        });
}

fn config(options: &RedisLiveOptions) -> Result<Config, LiveError> {
    // TLS is set below, by this process's own provider and roots.
    let (url, tls) = match options.url.split_once("://") {
        Some((scheme, rest)) if scheme == "rediss" || scheme.starts_with("rediss-") => {
            (format!("{}://{rest}", scheme.replacen("rediss", "redis", 1)), true)
        }
        _ => (options.url.clone(), false),
    };
    let schemes = ["redis", "redis-sentinel", "redis-cluster"];
    if !url.split_once("://").is_some_and(|(scheme, _)| schemes.contains(&scheme)) {
        return Err(LiveError(
            "the URL of live state has no scheme of redis; begin it with redis://, redis-sentinel:// or redis-cluster://".to_owned(),
        ));
    }
    let mut config = Config::from_url(&url).map_err(|error| bad_url(&error))?;
    config.fail_fast = false;
    if options.username.is_some() {
        config.username.clone_from(&options.username);
    }
    if options.password.is_some() {
        config.password.clone_from(&options.password);
    }
    if tls {
        config.tls = Some(TlsConnector::from(tls_config(options.ca_file.as_ref())?).into());
    }
    Ok(config)
}

fn bad_url(error: &Error) -> LiveError {
    LiveError(format!("the URL of redis cannot be used: {}; give redis://[user:password@]host[:port][/database]", error.details()))
}

/// The system's certificates, or those of a file.
fn tls_config(ca_file: Option<&PathBuf>) -> Result<ClientConfig, LiveError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca_file {
        let fault = |error: String| LiveError(format!("the certificates in {} cannot be read: {error}", file.display()));
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| fault(error.to_string()))? {
            let certificate = certificate.map_err(|error| fault(error.to_string()))?;
            roots.add(certificate).map_err(|error| fault(error.to_string()))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(LiveError("no trusted certificates are installed; name a file with the certificate that signed redis's".to_owned()));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| LiveError(format!("TLS cannot be set up: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
