//! What all clients of the brokers have in common: addresses, security, time limits, log lines.

use std::{path::Path, time::Duration};

use rdkafka::{
    ClientConfig, ClientContext, Statistics,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, ConsumerContext},
    error::KafkaError,
};

use super::KafkaLogOptions;
use crate::LogError;

/// A request is given up after this long.
pub(super) const REQUEST: Duration = Duration::from_secs(10);
/// Longest fetch of one partition. Group commits are capped alike.
const FETCH_BYTES: usize = 1 << 20;

/// Settings of every client.
pub(super) fn base(options: &KafkaLogOptions) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.brokers)
        .set("client.id", "footfall")
        .set("socket.nagle.disable", "true")
        .set("socket.keepalive.enable", "true")
        .set("socket.timeout.ms", ms(REQUEST))
        .set("socket.connection.setup.timeout.ms", "5000")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("log.connection.close", "false")
        // Its default of five minutes is long for a topic that was made anew.
        .set("topic.metadata.refresh.interval.ms", "30000")
        // Only a topic that this log made has the right settings.
        .set("allow.auto.create.topics", "false")
        .set_log_level(RDKafkaLogLevel::Info);
    let (tls, sasl) = (&options.security.tls, &options.security.sasl);
    let protocol = match (tls, sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    if let Some(tls) = tls {
        config.set("ssl.ca.location", tls.ca.as_deref().map_or("probe".to_owned(), text));
        if let Some(cert) = &tls.cert {
            config.set("ssl.certificate.location", text(cert));
        }
        if let Some(key) = &tls.key {
            config.set("ssl.key.location", text(key));
        }
    }
    if let Some(sasl) = sasl {
        config.set("sasl.mechanisms", sasl.mechanism.name()).set("sasl.username", &sasl.user).set("sasl.password", &sasl.password);
    }
    config
}

/// Settings of whoever writes records.
pub(super) fn producing(options: &KafkaLogOptions) -> ClientConfig {
    let mut config = base(options);
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        .set("compression.type", "lz4")
        .set("linger.ms", "1")
        // The log's own bound is what counts.
        .set("queue.buffering.max.messages", "1000000")
        .set("queue.buffering.max.kbytes", (options.max_pending_bytes / 512).clamp(65_536, 2_097_151).to_string())
        .set("message.timeout.ms", ms(options.delivery_timeout));
    config
}

/// Settings of whoever reads records.
pub(super) fn consuming(options: &KafkaLogOptions, group: &str) -> ClientConfig {
    let mut config = base(options);
    config
        .set("group.id", options.group(group))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.error.backoff.ms", "100")
        // Its default of a second would hold back a reader that pauses and goes on.
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.message.max.bytes", FETCH_BYTES.to_string())
        .set("queued.max.messages.kbytes", "4096")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", ms(options.session_timeout))
        .set("heartbeat.interval.ms", ms((options.session_timeout / 10).clamp(Duration::from_millis(200), Duration::from_secs(3))))
        .set("statistics.interval.ms", "500");
    config
}

/// A client that only looks things up.
pub(super) fn looking(options: &KafkaLogOptions) -> Result<BaseConsumer<Quiet>, LogError> {
    let mut config = base(options);
    config.set("isolation.level", "read_committed");
    create(&config, Quiet)
}

/// Makes a client.
pub(super) fn create<C: ClientContext, T: FromClientConfigAndContext<C>>(config: &ClientConfig, context: C) -> Result<T, LogError> {
    T::from_config_and_context(config, context)
        .map_err(|error| LogError::fault(format!("the Kafka client refuses its settings: {error}; check addresses, user and certificates")))
}

/// Milliseconds as a setting.
pub(super) fn ms(time: Duration) -> String {
    time.as_millis().to_string()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A client whose events interest nobody but the log.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
    fn stats(&self, _: Statistics) {}
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "Kafka client");
    }
}
impl ConsumerContext for Quiet {}

/// A line of the client library. What matters of the network's state is said once by the log itself, so it is for debugging only.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    let network = matches!(facility, "FAIL" | "ERROR" | "CONNFAIL" | "REQTMOUT" | "SESSTMOUT" | "CONFWARN");
    match level {
        RDKafkaLogLevel::Debug => tracing::trace!(facility, message, "Kafka client"),
        _ if network => tracing::debug!(facility, message, "Kafka client"),
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Notice => tracing::debug!(facility, message, "Kafka client"),
        _ => tracing::warn!(facility, message, "Kafka client"),
    }
}
