//! Reading a range again, apart from any subscription.

use std::time::{Duration, Instant};

use footfall_model::Offset;
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{
    KafkaLogOptions,
    client::{self, Quiet},
    poller::{entry, lasting},
};
use crate::{LogError, StoredEntry};

/// Without any progress it is given up after this long.
const WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// What is there from `first` to `last`. Blocks.
pub(super) fn reread(
    options: &KafkaLogOptions,
    group: &str,
    partition: u32,
    first: Offset,
    last: Offset,
) -> Result<Vec<StoredEntry>, LogError> {
    let about = |error: KafkaError| LogError::fault(format!("topic {}, partition {partition}: {error}", options.topic));
    let mut config = client::consuming(options, group);
    config.set("statistics.interval.ms", "0");
    let consumer: BaseConsumer<Quiet> = client::create(&config, Quiet)?;
    let number = i32::try_from(partition).map_err(|_| about(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownPartition)))?;
    let (low, high) = consumer.fetch_watermarks(&options.topic, number, client::REQUEST).map_err(about)?;
    let (low, high) = (low.max(0).cast_unsigned(), high.max(0).cast_unsigned());
    if first > last || first < low || last >= high {
        return Err(LogError::fault(format!(
            "topic {}, partition {partition}: offsets {first} to {last} are not there; {low} to {high} (exclusive) are",
            options.topic
        )));
    }
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition_offset(&options.topic, number, rdkafka::Offset::Offset(first.cast_signed())).map_err(about)?;
    consumer.assign(&list).map_err(about)?;
    let mut entries = Vec::new();
    let mut progress = Instant::now();
    while progress.elapsed() < WITHIN {
        match consumer.poll(POLL) {
            None => {}
            Some(Ok(message)) => {
                progress = Instant::now();
                let found = entry(&message);
                let offset = found.offset;
                if offset <= last {
                    entries.push(found);
                }
                if offset >= last {
                    return Ok(entries);
                }
            }
            // The rest of the range is marks of transactions.
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(entries),
            Some(Err(error)) if lasting(&error) => return Err(about(error)),
            Some(Err(_)) => {}
        }
    }
    Err(LogError::fault(format!("topic {}, partition {partition}: no answer; check the brokers {}", options.topic, options.brokers)))
}
