//! Making the topics, and asking whether they can take entries.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode,
    metadata::MetadataTopic,
};
use tokio::runtime::Handle;

use super::{
    KafkaLogOptions,
    client::{self, Quiet},
};

/// A question to the brokers may take so long …
const ASK: Duration = Duration::from_secs(3);
/// … and where an outage is suspected already, so long.
const ASK_SUSPECTED: Duration = Duration::from_secs(1);

/// Makes the topics that are missing. Blocks.
pub(super) fn ensure(options: &KafkaLogOptions, look: &BaseConsumer<Quiet>, runtime: &Handle) -> Result<(), String> {
    let known = look.fetch_metadata(None, ASK).map_err(|error| error.to_string())?;
    let wanted = [options.topic.clone(), options.dead_letters()];
    let missing: Vec<&String> = wanted.iter().filter(|name| !known.topics().iter().any(|topic| topic.name() == name.as_str())).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let in_sync = if options.replication >= 3 { "2" } else { "1" };
    let retention = client::ms(options.retention);
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .map(|name| {
            NewTopic::new(name, i32::try_from(options.partitions).unwrap_or(1), TopicReplication::Fixed(options.replication.cast_signed()))
                .set("min.insync.replicas", in_sync)
                .set("unclean.leader.election.enable", "false")
                .set("message.timestamp.type", "LogAppendTime")
                .set("cleanup.policy", "delete")
                .set("retention.ms", &retention)
        })
        .collect();
    // Made for this and dropped: one that is kept gathers log lines that nobody takes.
    let admin: AdminClient<Quiet> = client::create(&client::base(options), Quiet).map_err(|error| error.to_string())?;
    let limits = AdminOptions::new().operation_timeout(Some(client::REQUEST)).request_timeout(Some(client::REQUEST));
    let answers = runtime.block_on(admin.create_topics(&topics, &limits)).map_err(|error| error.to_string())?;
    for answer in answers {
        match answer {
            Ok(name) => tracing::info!(topic = name, options.partitions, options.replication, "made a Kafka topic"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err(format!("topic {name} cannot be made: {code}")),
        }
    }
    Ok(())
}

/// The partitions, if each has a leader and enough replicas. Blocks.
pub(super) fn partitions(options: &KafkaLogOptions, look: &BaseConsumer<Quiet>, suspected: bool) -> Result<Vec<i32>, Trouble> {
    let known = look
        .fetch_metadata(Some(&options.topic), if suspected { ASK_SUSPECTED } else { ASK })
        .map_err(|error| Trouble::Away(error.to_string()))?;
    let Some(topic) = known.topics().iter().find(|topic| topic.name() == options.topic) else { return Err(Trouble::Missing) };
    match topic.error().map(RDKafkaErrorCode::from) {
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => return Err(Trouble::Missing),
        Some(code) => return Err(Trouble::Away(format!("topic {}: {code}", options.topic))),
        None if topic.partitions().is_empty() => return Err(Trouble::Missing),
        None => {}
    }
    check(topic).map_err(Trouble::Away)?;
    Ok(topic.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
}

/// Why the topic takes no entries.
pub(super) enum Trouble {
    /// It is not there.
    Missing,
    /// Its brokers are not, or not enough of them.
    Away(String),
}

fn check(topic: &MetadataTopic) -> Result<(), String> {
    for partition in topic.partitions() {
        let in_sync = if partition.replicas().len() >= 3 { 2 } else { 1 };
        if partition.leader() < 0 {
            return Err(format!("partition {} of {} has no leader", partition.id(), topic.name()));
        }
        if partition.isr().len() < in_sync {
            return Err(format!("partition {} of {} has {} replica(s) in sync", partition.id(), topic.name(), partition.isr().len()));
        }
    }
    Ok(())
}
