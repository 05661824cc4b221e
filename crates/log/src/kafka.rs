//! The event log of clusters: a Kafka topic (Redpanda too), shared by every replica.
//!
//! # Shape
//! ```text
//! append ─▶ gate: up ─▶ producer (idempotent, acks=all) ─▶ delivery reports ─▶ answers
//!            │    down, no spill ─▶ 503
//!            └─ down, with spill ─▶ local file log ─▶ forwarder (transactions) ─▶ topic ─▶ gate up again
//! watcher thread: makes the topics, asks who leads them, watermarks for the status, opens the gate
//! subscription: a thread that polls all the time ─▶ bounded buffers per partition ─▶ poll
//! ```
//!
//! # Constraints
//! - An append is answered `Ok` only after its delivery report (`acks=all`; topics are made with `min.insync.replicas=2` where
//!   they have three replicas), or when it is durable in the local spill.
//! - The key of a record is its domain's id, hashed as Java clients do, so that a domain's records share a partition.
//! - What was handed to the producer is never put into the spill as well: it may still arrive. Its sender gets an error.
//!   What is in the spill was never handed to the producer. So nothing comes twice.
//! - While the spill holds anything, everything goes there: order within a domain. The forwarder waits for the producer to have
//!   nothing under way before it begins, and appends wait for its last step.
//! - Offsets of a partition have gaps: Kafka marks ends of transactions in the partition itself. Nobody may count on `offset + 1`.
//! - Committed metadata holds the intent, so an intent's text must stay below [`place::MAX_BYTES`].
//!
//! # Generations
//! The topic cannot know that it replaced an older one of its name: positions and assignments carry generation 0 and the processor
//! numbers them.
//!
//! # Faults
//! Brokers that are away are not a fault of a subscription: it answers [`Polled::Idle`](crate::Polled::Idle) with `at_end: false`
//! and goes on by itself when they are back. It is a [`LogError::Fault`] that the topic is gone, was replaced or shortened under the
//! reader, or that access is refused: subscribe anew.

mod client;
mod forward;
mod gate;
mod group;
mod place;
mod poller;
mod producer;
mod reader;
mod rebalance;
mod reread;
mod spill;
mod topic;
mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use footfall_model::{LogName, Position};

use crate::{AppendError, DeadEntry, Entry, EventLog, LogError, LogStatus, StartAt, Subscription};
pub use forward::{Forwarded, Forwarder};
use reader::KafkaSubscription;
use watch::Watch;

/// Longest payload: brokers refuse messages of more than a megabyte, and one in the spill that they refuse would hold up all behind it.
const MAX_PAYLOAD: usize = 950_000;
/// A start waits this long for the brokers; they may come later.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// How brokers are spoken to.
#[derive(Clone, Debug, Default)]
pub struct KafkaSecurity {
    /// Encrypt connections.
    pub tls: Option<KafkaTls>,
    /// Sign in.
    pub sasl: Option<KafkaSasl>,
}

/// Files for encrypted connections, PEM.
#[derive(Clone, Debug, Default)]
pub struct KafkaTls {
    /// Whom to trust. None: whom the system trusts.
    pub ca: Option<PathBuf>,
    /// The client's certificate.
    pub cert: Option<PathBuf>,
    /// The client's key.
    pub key: Option<PathBuf>,
}

/// A user of the brokers.
#[derive(Clone)]
pub struct KafkaSasl {
    /// How the password is shown.
    pub mechanism: SaslMechanism,
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for KafkaSasl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSasl").field("mechanism", &self.mechanism).field("user", &self.user).finish_non_exhaustive()
    }
}

/// How a password is shown to the brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslMechanism {
    /// As it is: only over TLS.
    Plain,
    /// SCRAM-SHA-256
    ScramSha256,
    /// SCRAM-SHA-512
    ScramSha512,
}

impl SaslMechanism {
    /// The name that brokers know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Where entries go while the brokers are away. Their positions name the partition [`SPILLED`] until they are in the topic.
#[derive(Clone, Debug)]
pub struct KafkaSpill {
    /// A folder of this process's own, kept over restarts.
    pub dir: PathBuf,
    /// Greatest size. Default 1 GiB.
    pub max_bytes: u64,
}

impl KafkaSpill {
    /// A spill of the default size in this folder.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), max_bytes: 1 << 30 }
    }
}

/// The partition in the position of an entry that went into the spill: its place in the topic is not known yet.
pub const SPILLED: u32 = u32::MAX;

/// How a [`KafkaLog`] is set up.
#[derive(Clone, Debug)]
pub struct KafkaLogOptions {
    /// `host:port,…`
    pub brokers: String,
    /// The topic; dead letters go to `<topic>.dlq`.
    pub topic: String,
    /// Which log.
    pub name: LogName,
    /// Partitions of a topic that has to be made. Default 12.
    pub partitions: u32,
    /// Replicas of a topic that has to be made. Default 3.
    pub replication: u32,
    /// How long a topic that has to be made keeps records. Default 7 days.
    pub retention: Duration,
    /// Before the name of every group but the one of `called`. Default `footfall.<topic>.`
    pub group_prefix: String,
    /// A group, and what it is called among the brokers, where an operator chose that.
    pub called: Option<(String, String)>,
    /// TLS and sign-in.
    pub security: KafkaSecurity,
    /// Greatest sum of bytes that may wait for delivery; beyond it appends are answered [`AppendError::Busy`]. Default 64 MiB.
    pub max_pending_bytes: usize,
    /// Longest wait for a delivery report. Default 5 s.
    pub delivery_timeout: Duration,
    /// A member that is silent for so long loses its partitions. Default 10 s.
    pub session_timeout: Duration,
    /// Bytes read ahead per partition. Default 8 MiB.
    pub buffer_bytes: usize,
    /// Where entries go while the brokers are away. Default: nowhere, appends are refused.
    pub spill: Option<KafkaSpill>,
}

impl KafkaLogOptions {
    /// Defaults for a topic.
    #[must_use]
    pub fn new(brokers: impl Into<String>, topic: impl Into<String>, name: LogName) -> Self {
        let topic = topic.into();
        Self {
            brokers: brokers.into(),
            name,
            partitions: 12,
            replication: 3,
            retention: Duration::from_secs(7 * 24 * 3_600),
            group_prefix: format!("footfall.{topic}."),
            called: None,
            security: KafkaSecurity::default(),
            max_pending_bytes: 64 << 20,
            delivery_timeout: Duration::from_secs(5),
            session_timeout: Duration::from_secs(10),
            buffer_bytes: 8 << 20,
            spill: None,
            topic,
        }
    }

    /// The topic of dead letters.
    #[must_use]
    pub fn dead_letters(&self) -> String {
        format!("{}.dlq", self.topic)
    }

    /// What a group is called among the brokers.
    #[must_use]
    pub fn group(&self, name: &str) -> String {
        match &self.called {
            Some((group, called)) if group == name => called.clone(),
            _ => format!("{}{name}", self.group_prefix),
        }
    }
}

/// The event log of clusters.
pub struct KafkaLog {
    options: Arc<KafkaLogOptions>,
    gate: Arc<gate::Gate>,
    producer: Arc<producer::Producing>,
    watch: Watch,
    spill: Option<spill::Spill>,
    /// Each subscription's thread holds a receiver until its client has ended.
    readers: tokio::sync::watch::Sender<()>,
}

impl KafkaLog {
    /// Opens the log. Topics that are missing are made; brokers that are away are waited for in the background.
    ///
    /// # Errors
    /// The options contradict each other, or the spill's folder cannot be used.
    pub async fn open(options: KafkaLogOptions) -> Result<Arc<Self>, LogError> {
        let options = Arc::new(options);
        let gate = Arc::new(gate::Gate::new(Arc::clone(&options)));
        let producer = Arc::new(producer::Producing::new(Arc::clone(&options), Arc::clone(&gate))?);
        let spill = match &options.spill {
            Some(folder) => Some(spill::Spill::open(folder, Arc::clone(&options), Arc::clone(&gate), Arc::clone(&producer)).await?),
            None => None,
        };
        let watch = Watch::start(Arc::clone(&options), Arc::clone(&gate), Arc::clone(&producer), spill.is_some())?;
        gate.wait_up(OPEN_WITHIN).await;
        Ok(Arc::new(Self { options, gate, producer, watch, spill, readers: tokio::sync::watch::Sender::new(()) }))
    }

    /// Waits until everything handed to the producer has its answer, for at most the delivery timeout, and until the subscriptions, which the
    /// caller has dropped, have left their groups: others get their partitions at once. The spill stays for the next start.
    pub async fn close(&self) {
        self.gate.close();
        if let Some(spill) = &self.spill {
            spill.close().await;
        }
        tokio::join!(self.producer.flush(), self.readers.closed());
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.gate.close();
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    fn name(&self) -> LogName {
        self.options.name
    }

    async fn append(&self, entries: Vec<Entry>) -> Vec<Result<Position, AppendError>> {
        if entries.is_empty() {
            return Vec::new();
        }
        let count = entries.len();
        let refuse = |error: AppendError| (0..count).map(|_| Err(error.clone())).collect();
        if entries.iter().any(|entry| entry.payload.len() > MAX_PAYLOAD) {
            return refuse(AppendError::Unavailable(format!("an entry has more than {MAX_PAYLOAD} bytes; send less at once")));
        }
        // Held while an entry goes into the spill: the gate does not open meanwhile.
        let pass = self.gate.turnstile.read().await;
        let state = self.gate.state();
        match (&state.down, &self.spill) {
            (None, _) => match self.producer.send(entries, state.epoch) {
                Ok(answers) => {
                    drop(pass);
                    answers.await
                }
                Err(error) => refuse(error),
            },
            (Some(_), Some(spill)) if !state.closed => spill.append(entries).await,
            (Some(why), _) => refuse(AppendError::Unavailable(why.clone())),
        }
    }

    async fn subscribe(&self, group: &str, start: StartAt) -> Result<Box<dyn Subscription>, LogError> {
        // A member that comes before the topic would only learn that it is not there.
        self.gate.wait_topic(OPEN_WITHIN).await?;
        Ok(Box::new(KafkaSubscription::open(Arc::clone(&self.options), group, start, self.readers.subscribe())?))
    }

    async fn status(&self) -> LogStatus {
        let state = self.gate.state();
        let spilled = match &self.spill {
            Some(spill) => Some(spill.log.status().await),
            None => None,
        };
        let accepting = match (&state.down, &spilled) {
            (None, _) => true,
            (Some(_), Some(spilled)) => !state.closed && spilled.accepting,
            (Some(_), None) => false,
        };
        LogStatus {
            accepting,
            fault: state.down.map(|why| spilled.as_ref().and_then(|spilled| spilled.fault.clone()).unwrap_or(why)),
            bytes: spilled.as_ref().map_or(0, |spilled| spilled.bytes),
            bytes_limit: spilled.as_ref().map_or(0, |spilled| spilled.bytes_limit),
            partitions: self.watch.partitions(),
            expired_unread: 0,
        }
    }

    async fn bury(&self, entries: Vec<DeadEntry>) -> Result<(), LogError> {
        self.producer.bury(entries).await
    }
}
