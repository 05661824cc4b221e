//! The thread of a subscription: polls the client all the time, so that a long insert never costs the membership, and moves records
//! into the buffers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{
    group::{Phase, Shared},
    rebalance::{Member, look_up},
};
use crate::StoredEntry;

/// Longest poll of the client: what the caller asks for waits at most so long. Records do not wait.
const POLL: Duration = Duration::from_millis(20);
/// One question to the brokers.
const ASK: Duration = Duration::from_secs(2);
/// How long calls that still use the client may keep it after its subscription has gone.
const LAST_CALLS: Duration = Duration::from_secs(60);

/// Runs until the subscription is gone; then the member leaves the group.
pub(super) fn run(consumer: Arc<BaseConsumer<Member>>, shared: &Shared, topic: &str, buffer_bytes: usize) {
    while !shared.with(|state| state.closing) {
        serve(&consumer, shared, topic);
        flow(&consumer, shared, topic, buffer_bytes);
        match consumer.poll(POLL) {
            None => {}
            Some(Ok(message)) => keep(&message, shared),
            Some(Err(KafkaError::PartitionEOF(partition))) => ended(partition, shared),
            Some(Err(error)) => trouble(&error, shared, topic),
        }
    }
    // A commit may still be under way. Until the last call has ended the member must be polled, or its leaving would wait for ever.
    consumer.unsubscribe();
    let deadline = std::time::Instant::now() + LAST_CALLS;
    while Arc::strong_count(&consumer) > 1 && std::time::Instant::now() < deadline {
        let _ = consumer.poll(POLL);
    }
    drop(consumer);
}

fn keep(message: &impl Message, shared: &Shared) {
    let (partition, offset) = (message.partition().cast_unsigned(), message.offset().max(0).cast_unsigned());
    let kept = shared.with(|state| {
        let Some(part) = state.parts.get_mut(&partition) else { return false };
        if part.phase != Phase::Reading || part.revoked || offset < part.next {
            return false;
        }
        part.push(entry(message));
        true
    });
    if kept {
        shared.news.notify_one();
    }
}

/// A record as the reader sees it.
pub(super) fn entry(message: &impl Message) -> StoredEntry {
    StoredEntry {
        offset: message.offset().max(0).cast_unsigned(),
        appended_ms: message.timestamp().to_millis().unwrap_or_default(),
        payload: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
    }
}

fn ended(partition: i32, shared: &Shared) {
    shared.with(|state| {
        if let Some(part) = state.parts.get_mut(&partition.cast_unsigned()) {
            part.at_end = part.phase == Phase::Reading;
        }
    });
    shared.news.notify_one();
}

/// Brokers that are away come back; the rest is for the caller to begin anew.
fn trouble(error: &KafkaError, shared: &Shared, topic: &str) {
    use RDKafkaErrorCode as Code;
    let group = matches!(
        error.rdkafka_error_code(),
        Some(Code::GroupAuthorizationFailed | Code::InconsistentGroupProtocol | Code::InvalidSessionTimeout | Code::InvalidGroupId)
    );
    if group || lasting(error) {
        shared.fault(format!("topic {topic}: {error}"));
    } else {
        tracing::debug!(topic, %error, "Kafka consumer");
    }
}

/// Waiting does not help: what was to be read is not there, or not for this user.
pub(super) fn lasting(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = matches!(
        error.rdkafka_error_code(),
        Some(
            Code::AutoOffsetReset
                | Code::OffsetOutOfRange
                | Code::UnknownTopic
                | Code::UnknownTopicOrPartition
                | Code::UnknownPartition
                | Code::TopicAuthorizationFailed
        )
    );
    code || matches!(error, KafkaError::MessageConsumptionFatal(_))
}

/// Does what the caller asked for: partitions to follow, places to begin. What fails is tried again at the next turn.
pub(super) fn serve(consumer: &BaseConsumer<Member>, shared: &Shared, topic: &str) {
    let (unwanted, wanted, begin) = shared.with(|state| {
        let begin: Vec<_> = state
            .parts
            .iter()
            .filter(|(_, part)| part.phase == Phase::Begin && !part.revoked)
            .map(|(partition, part)| (*partition, part.epoch, part.next, part.attached))
            .collect();
        (std::mem::take(&mut state.unwanted), state.wanted.clone(), begin)
    });
    for partition in unwanted {
        let attached = shared.with(|state| state.parts.remove(&partition)).is_some_and(|part| part.attached);
        if attached && let Err(error) = consumer.incremental_unassign(&one(topic, partition, 0)) {
            shared.fault(format!("topic {topic}: partition {partition} cannot be let go of: {error}"));
        }
    }
    for partition in &wanted {
        match look_up(consumer, topic, &[partition.cast_signed()]) {
            Ok(found) => {
                let still = shared.with(|state| state.wanted.remove(partition));
                if still {
                    shared.assign(found, false);
                }
            }
            Err(error) => trouble(&error, shared, topic),
        }
    }
    for (partition, epoch, next, attached) in begin {
        match position(consumer, topic, partition, next, attached) {
            Ok(()) => shared.with(|state| {
                if let Some(part) = state.parts.get_mut(&partition)
                    && part.epoch == epoch
                {
                    part.attached = true;
                    // Another seek may have come meanwhile.
                    if part.next == next && part.phase == Phase::Begin {
                        part.phase = Phase::Reading;
                        part.paused = false;
                    }
                }
            }),
            Err(error) => tracing::debug!(topic, partition, next, %error, "a partition cannot be read yet"),
        }
    }
}

/// Reads on at an offset. One outside of what is there is waited for, or skipped to: the log only ever hands out offsets from `next` on.
fn position(consumer: &BaseConsumer<Member>, topic: &str, partition: u32, next: u64, attached: bool) -> Result<(), KafkaError> {
    let (low, high) = consumer.fetch_watermarks(topic, partition.cast_signed(), ASK)?;
    let at = next.cast_signed().clamp(low.max(0), high.max(0));
    let list = one(topic, partition, at);
    if !attached {
        return consumer.incremental_assign(&list);
    }
    let sought = consumer.seek_partitions(list, ASK)?;
    for element in sought.elements() {
        element.error()?;
    }
    consumer.resume(&one(topic, partition, at))
}

/// Holds back partitions that the caller is slow to take, lets the others go on.
fn flow(consumer: &BaseConsumer<Member>, shared: &Shared, topic: &str, buffer_bytes: usize) {
    let mut changes = Vec::new();
    shared.with(|state| {
        for (partition, part) in &mut state.parts {
            let pause = match part.phase {
                Phase::Reading if !part.paused && part.bytes >= buffer_bytes => true,
                Phase::Reading if part.paused && part.bytes <= buffer_bytes / 2 => false,
                _ => continue,
            };
            part.paused = pause;
            changes.push((*partition, pause));
        }
    });
    for (partition, pause) in changes {
        let list = one(topic, partition, 0);
        let outcome = if pause { consumer.pause(&list) } else { consumer.resume(&list) };
        if let Err(error) = outcome {
            shared.fault(format!("topic {topic}: partition {partition}: {error}"));
        }
    }
}

fn one(topic: &str, partition: u32, offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    // Fails only for offsets below zero.
    let _ = list.add_partition_offset(topic, partition.cast_signed(), Offset::Offset(offset.max(0)));
    list
}
