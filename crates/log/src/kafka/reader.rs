//! A subscription as its caller sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use footfall_model::Offset;
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{
    KafkaLogOptions, client,
    group::{Phase, Shared},
    place::{self, Place},
    poller,
    rebalance::Member,
    reread::reread,
};
use crate::{Committed, FetchLimit, Hold, Holder, Intent, LogError, Polled, StartAt, StoredEntry, Subscription};

/// The pause before a commit that the group did not take is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// One reader of the topic.
pub(super) struct KafkaSubscription {
    options: Arc<KafkaLogOptions>,
    group: String,
    start: StartAt,
    shared: Arc<Shared>,
    consumer: Arc<BaseConsumer<Member>>,
    /// The assignment of each partition that the caller knows of.
    told: BTreeMap<u32, u64>,
    /// What `follow` named last.
    followed: BTreeSet<u32>,
}

impl KafkaSubscription {
    /// `presence` is dropped once the client has ended, for a member: has left its group.
    pub fn open(options: Arc<KafkaLogOptions>, group: &str, start: StartAt, presence: watch::Receiver<()>) -> Result<Self, LogError> {
        let member = start == StartAt::Committed;
        let shared = Arc::new(Shared::new(options.session_timeout, member));
        let ear = Member { shared: Arc::clone(&shared), topic: options.topic.clone(), session_timeout: options.session_timeout };
        let consumer: Arc<BaseConsumer<Member>> = Arc::new(client::create(&client::consuming(&options, group), ear)?);
        if member {
            let named = consumer.subscribe(&[&options.topic]);
            named.map_err(|error| LogError::fault(format!("topic {}: {error}", options.topic)))?;
        }
        let (thread_consumer, thread_shared) = (Arc::clone(&consumer), Arc::clone(&shared));
        let (topic, buffer_bytes) = (options.topic.clone(), options.buffer_bytes);
        std::thread::Builder::new()
            .name("kafka-reader".into())
            .spawn(move || {
                poller::run(thread_consumer, &thread_shared, &topic, buffer_bytes);
                drop(presence);
            })
            .map_err(|error| LogError::fault(format!("no thread for the event log: {error}")))?;
        Ok(Self { options, group: group.to_owned(), start, shared, consumer, told: BTreeMap::new(), followed: BTreeSet::new() })
    }

    /// Commits for a partition, if it is still the one that the caller knows.
    async fn write(&self, partition: u32, place: Place) -> Result<(), LogError> {
        let epoch = *self.told.get(&partition).ok_or(LogError::Lost(partition))?;
        let deadline = Instant::now() + self.options.session_timeout;
        loop {
            if !self.shared.is_current(partition, epoch) || self.consumer.assignment_lost() {
                return Err(LogError::Lost(partition));
            }
            // The topic may be another one of the same name by now, which would take the place all the same.
            if let Some(why) = self.shared.with(|state| state.fault.clone()) {
                return Err(LogError::fault(why));
            }
            let error = match self.offer(partition, &place).await? {
                Ok(()) => {
                    self.shared.confirmed();
                    return Ok(());
                }
                Err(error) => error,
            };
            if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::OffsetMetadataTooLarge)) || Instant::now() >= deadline {
                let lost = !self.shared.is_current(partition, epoch);
                return Err(if lost { LogError::Lost(partition) } else { self.fault(partition, &error) });
            }
            // The group may be dividing the partitions anew: then this member either keeps this one and the next try succeeds,
            // or it hears that it does not.
            tracing::debug!(topic = self.options.topic, partition, %error, "a commit is tried again");
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn offer(&self, partition: u32, place: &Place) -> Result<Result<(), KafkaError>, LogError> {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&self.options.topic, partition.cast_signed(), rdkafka::Offset::Offset(place.offset.cast_signed()))
            .map_err(|error| self.fault(partition, &error))?;
        if let Some(mut element) = list.find_partition(&self.options.topic, partition.cast_signed()) {
            element.set_metadata(&place.text);
        }
        let consumer = Arc::clone(&self.consumer);
        let committed = tokio::task::spawn_blocking(move || consumer.commit(&list, CommitMode::Sync)).await;
        committed.map_err(|error| LogError::fault(format!("a commit ended badly: {error}")))
    }

    fn fault(&self, partition: u32, error: &KafkaError) -> LogError {
        LogError::fault(format!("topic {}, partition {partition}: {error}", self.options.topic))
    }

    fn known(&self, partition: u32) -> Option<Committed> {
        self.shared.with(|state| state.parts.get(&partition).and_then(|part| part.committed))
    }

    fn only_alone(&self, what: &str) -> Result<(), LogError> {
        match self.start {
            StartAt::Committed => Ok(()),
            StartAt::Offset(_) => Err(LogError::fault(format!("{what} is for members of a group"))),
        }
    }
}

#[async_trait]
impl Subscription for KafkaSubscription {
    async fn poll(&mut self, wait: Duration, limit: FetchLimit) -> Result<Polled, LogError> {
        let deadline = Instant::now() + wait;
        let shared = Arc::clone(&self.shared);
        loop {
            let news = shared.news.notified();
            if let Some(mut polled) = shared.take(limit, &mut self.told, self.options.buffer_bytes / 2)? {
                if let (Polled::Assigned(assigned), StartAt::Offset(from)) = (&mut polled, self.start) {
                    for assignment in assigned {
                        shared.with(|state| {
                            if let Some(part) = state.parts.get_mut(&assignment.partition) {
                                part.next = from;
                            }
                        });
                    }
                }
                return Ok(polled);
            }
            if timeout_at(deadline, news).await.is_err() {
                return Ok(Polled::Idle { at_end: shared.at_end() });
            }
        }
    }

    async fn intend(&mut self, partition: u32, intent: &Intent) -> Result<(), LogError> {
        self.only_alone("an intent")?;
        self.write(partition, place::intended(self.known(partition), intent)?).await
    }

    async fn commit(&mut self, partition: u32, committed: &Committed) -> Result<(), LogError> {
        self.only_alone("a commit")?;
        self.write(partition, place::settled(committed)?).await?;
        self.shared.with(|state| {
            if let Some(part) = state.parts.get_mut(&partition) {
                part.committed = Some(*committed);
            }
        });
        Ok(())
    }

    async fn reread(&mut self, partition: u32, first: Offset, last: Offset) -> Result<Vec<StoredEntry>, LogError> {
        let (options, group) = (Arc::clone(&self.options), self.group.clone());
        let read = tokio::task::spawn_blocking(move || reread(&options, &group, partition, first, last)).await;
        read.unwrap_or_else(|error| Err(LogError::fault(format!("reading again ended badly: {error}"))))
    }

    async fn release(&mut self, partitions: &[u32]) {
        self.shared.with(|state| {
            for partition in partitions {
                // Only the assignment that was revoked: the partition may be this member's again.
                if state.parts.get(partition).is_some_and(|part| part.revoked) {
                    state.parts.remove(partition);
                }
            }
        });
        for partition in partitions {
            self.told.remove(partition);
        }
        self.shared.turn.notify_all();
    }

    async fn follow(&mut self, partitions: &BTreeSet<u32>) -> Result<(), LogError> {
        if self.start == StartAt::Committed {
            return Err(LogError::fault("a member of a group reads the partitions that the group gives it"));
        }
        self.shared.with(|state| {
            for partition in partitions.difference(&self.followed) {
                state.wanted.insert(*partition);
            }
            for partition in self.followed.difference(partitions) {
                state.wanted.remove(partition);
                state.unwanted.insert(*partition);
                state.assigned.retain(|(_, assignment)| assignment.partition != *partition);
                if let Some(part) = state.parts.get_mut(partition) {
                    part.revoked = true;
                    part.forget();
                }
            }
        });
        self.followed.clone_from(partitions);
        self.shared.turn.notify_all();
        Ok(())
    }

    fn holder(&self, partition: u32) -> Holder {
        let (shared, epoch) = (Arc::clone(&self.shared), self.told.get(&partition).copied());
        Arc::new(move || epoch.map_or(Hold::Lost, |epoch| shared.hold(partition, epoch)))
    }

    fn at_end(&self) -> BTreeSet<u32> {
        self.shared.ended()
    }

    async fn seek(&mut self, partition: u32, next: Offset) -> Result<(), LogError> {
        let epoch = *self.told.get(&partition).ok_or(LogError::Lost(partition))?;
        let sought = self.shared.with(|state| {
            let part = state.parts.get_mut(&partition).filter(|part| part.epoch == epoch)?;
            part.forget();
            part.next = next;
            if part.phase == Phase::Reading {
                part.phase = Phase::Begin;
            }
            Some(())
        });
        self.shared.turn.notify_all();
        sought.ok_or(LogError::Lost(partition))
    }
}

impl Drop for KafkaSubscription {
    fn drop(&mut self) {
        self.shared.with(|state| state.closing = true);
        self.shared.turn.notify_all();
    }
}
