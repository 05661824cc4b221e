//! The group's decisions: taking partitions on, and letting go of them in good order. Runs inside the thread's poll.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    types::RDKafkaRespErr,
};

use super::{client, group::Shared, place, poller};
use crate::Assignment;

/// One question about a new partition may take so long.
const ASK: Duration = Duration::from_secs(3);
/// The pause before it is asked again.
const AGAIN: Duration = Duration::from_millis(100);

/// The reader's ear: hears of the group and of the brokers.
pub(super) struct Member {
    pub shared: Arc<Shared>,
    pub topic: String,
    pub session_timeout: Duration,
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }
    fn stats(&self, report: Statistics) {
        self.shared.report(&report);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::trace!(%error, reason, "Kafka consumer");
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<i32> = list.elements_for_topic(&self.topic).iter().map(|element| element.partition()).collect();
        let outcome = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.take_on(consumer, &partitions)
        } else {
            self.let_go(consumer, &partitions);
            consumer.incremental_unassign(list)
        };
        if let Err(error) = outcome {
            self.shared.fault(format!("topic {}: the group's decision cannot be followed: {error}", self.topic));
        }
    }
}

impl Member {
    fn take_on(&self, consumer: &BaseConsumer<Self>, partitions: &[i32]) -> KafkaResult<()> {
        let deadline = Instant::now() + self.session_timeout;
        let assignments = loop {
            match look_up(consumer, &self.topic, partitions) {
                Ok(assignments) => break assignments,
                Err(error) if Instant::now() >= deadline || self.shared.with(|state| state.closing) => {
                    self.shared.fault(format!("topic {}: the group's place cannot be read: {error}", self.topic));
                    break Vec::new();
                }
                Err(_) => self.shared.doze(AGAIN),
            }
        };
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            let known = assignments.iter().find(|assignment| assignment.partition == partition.cast_unsigned());
            let start = known.map_or(0, |assignment| assignment.start);
            list.add_partition_offset(&self.topic, *partition, Offset::Offset(start.cast_signed()))?;
        }
        consumer.incremental_assign(&list)?;
        // Nothing is to be read before the caller said where to begin.
        consumer.pause(&list)?;
        tracing::debug!(topic = self.topic, ?partitions, "partitions taken on");
        self.shared.assign(assignments, true);
        Ok(())
    }

    /// Waits until the caller has finished with partitions, unless they are lost already.
    fn let_go(&self, consumer: &BaseConsumer<Self>, partitions: &[i32]) {
        let lost = consumer.assignment_lost();
        tracing::debug!(topic = self.topic, ?partitions, lost, "partitions to let go of");
        let mine = || partitions.iter().map(|partition| partition.cast_unsigned());
        self.shared.with(|state| {
            for partition in mine() {
                let untold = state.assigned.iter().any(|(_, assignment)| assignment.partition == partition);
                state.assigned.retain(|(_, assignment)| assignment.partition != partition);
                if untold || lost {
                    state.parts.remove(&partition);
                } else if let Some(part) = state.parts.get_mut(&partition) {
                    part.revoked = true;
                    part.forget();
                }
                if !untold {
                    state.revoked.push(partition);
                }
            }
        });
        self.shared.news.notify_one();
        let deadline = Instant::now() + self.session_timeout / 3;
        while Instant::now() < deadline {
            let done = self
                .shared
                .with(|state| state.closing || state.fault.is_some() || mine().all(|partition| !state.parts.contains_key(&partition)));
            if done || consumer.assignment_lost() {
                break;
            }
            poller::serve(consumer, &self.shared, &self.topic);
            self.shared.doze(AGAIN);
        }
        self.shared.with(|state| {
            for partition in mine() {
                if state.parts.remove(&partition).is_some() && !state.closing {
                    tracing::warn!(topic = self.topic, partition, "a partition goes to another member before its range was finished");
                }
            }
        });
    }
}

/// Asks for the group's place in partitions and for their ends.
pub(super) fn look_up(consumer: &BaseConsumer<Member>, topic: &str, partitions: &[i32]) -> KafkaResult<Vec<Assignment>> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition(topic, *partition);
    }
    let metadata = consumer.fetch_metadata(Some(topic), ASK)?;
    let all = metadata.topics().iter().find(|known| known.name() == topic).map_or(0, |known| known.partitions().len());
    if all == 0 {
        return Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition));
    }
    let places = consumer.committed_offsets(list, ASK)?;
    let mut assignments = Vec::with_capacity(partitions.len());
    for element in places.elements_for_topic(topic) {
        element.error()?;
        let (low, high) = consumer.fetch_watermarks(topic, element.partition(), ASK)?;
        let (committed, intent) = match element.offset() {
            Offset::Offset(offset) => place::read(offset.max(0).cast_unsigned(), element.metadata()),
            _ => (None, None),
        };
        assignments.push(Assignment {
            partition: element.partition().cast_unsigned(),
            partitions: all,
            generation: 0,
            committed,
            intent,
            start: low.max(0).cast_unsigned(),
            end: high.max(0).cast_unsigned(),
        });
    }
    Ok(assignments)
}
