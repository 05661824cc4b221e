//! Forwarding: the entries of a local file log go into the topic, each exactly once, in order.
//!
//! A batch of entries and the place reached in the file are written in one Kafka transaction, under an id that belongs to the file.
//! Readers see only finished transactions. Whatever is interrupted, the next start asks the brokers how far they are: the transaction
//! was finished, with its place, or nothing of it counts. The place is also kept in the file itself, after the brokers have it: it
//! lets the file give up what it no longer needs, and it is still there when the brokers have forgotten theirs (they do so after
//! `offsets.retention.minutes` without a member, a week by default).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use footfall_model::Offset;
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};

use super::{
    KafkaLogOptions,
    client::{self, Quiet},
};
use crate::{Committed, Entry, EventLog, FetchLimit, LogError, Polled, StartAt, StoredEntry, Subscription, file::FileLog};

/// Entries of one transaction.
const BATCH: FetchLimit = FetchLimit { entries: 5_000, bytes: 8 << 20 };
/// One call to the brokers about a transaction.
const CALL: Duration = Duration::from_secs(15);
/// An interrupted transaction holds back readers for so long, if nobody takes it up again.
const TRANSACTION: Duration = Duration::from_secs(20);
/// Reading the file.
const READ: Duration = Duration::from_secs(10);

/// Makes a record of the topic from an entry of the file.
pub type Convert = Arc<dyn Fn(StoredEntry) -> Entry + Send + Sync>;

/// How far a forwarder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// The next entry of the file to forward: everything below is in the topic.
    pub next: Offset,
    /// The end of the file.
    pub end: Offset,
}

/// Forwards one file into one topic. One at a time per file: the lock of the file sees to that.
pub struct Forwarder {
    route: Route,
    session: Option<Session>,
}

/// From where to where.
struct Route {
    options: Arc<KafkaLogOptions>,
    source: Arc<FileLog>,
    group: String,
    from: Offset,
    convert: Convert,
}

/// A connection with its place in the file.
struct Session {
    clients: Option<Clients>,
    file: Box<dyn Subscription>,
    next: Offset,
}

/// Who writes, and who knows the group.
type Clients = Arc<(BaseProducer<Unheard>, BaseConsumer<Quiet>)>;

impl Drop for Session {
    fn drop(&mut self) {
        // Ending clients blocks.
        let clients = self.clients.take();
        let _ = std::thread::Builder::new().name("kafka-discard".into()).spawn(move || drop(clients));
    }
}

/// Delivery reports of a transaction do not matter: it is finished or it is not.
struct Unheard;

impl rdkafka::ClientContext for Unheard {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }
    fn stats(&self, _: rdkafka::Statistics) {}
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "Kafka forwarder");
    }
}

impl ProducerContext for Unheard {
    type DeliveryOpaque = ();
    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

impl Forwarder {
    /// A forwarder of `source` into the topic, from the offset `from` on or from where it was before. `group` names it in the file and,
    /// with the file's id, among the brokers.
    #[must_use]
    pub fn new(options: Arc<KafkaLogOptions>, source: Arc<FileLog>, group: &str, from: Offset, convert: Convert) -> Self {
        Self { route: Route { options, source, group: group.to_owned(), from, convert }, session: None }
    }

    /// Forwards what the file holds now.
    ///
    /// # Errors
    /// The brokers or the file do not answer: call again, nothing was lost and nothing comes twice.
    pub async fn forward(&mut self) -> Result<Offset, LogError> {
        loop {
            let forwarded = self.step().await?;
            if forwarded.next >= forwarded.end {
                return Ok(forwarded.next);
            }
        }
    }

    /// Forwards one batch.
    ///
    /// # Errors
    /// As [`Forwarder::forward`].
    pub async fn step(&mut self) -> Result<Forwarded, LogError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.route.connect().await?,
        };
        // On an error, and where the caller gives up half way, the next step begins from what the brokers say.
        let forwarded = self.route.one_batch(&mut session).await?;
        self.session = Some(session);
        Ok(forwarded)
    }
}

impl Route {
    async fn one_batch(&self, session: &mut Session) -> Result<Forwarded, LogError> {
        let end = self.source.status().await.partitions.first().map_or(0, |(_, _, _, end)| *end);
        if session.next >= end {
            return Ok(Forwarded { next: session.next, end });
        }
        let entries = match session.file.poll(READ, BATCH).await? {
            Polled::Entries { entries, .. } => entries,
            other => return Err(LogError::fault(format!("entries to forward expected, not {other:?}"))),
        };
        let next = entries.last().map_or(session.next, |last| last.offset + 1);
        let records: Vec<Entry> = entries.into_iter().map(|entry| (self.convert)(entry)).collect();
        let (clients, options) = (session.clients.clone(), Arc::clone(&self.options));
        let sent = tokio::task::spawn_blocking(move || {
            clients.map_or(Err(KafkaError::Canceled), |clients| transact(&options, &clients.0, &clients.1, &records, next))
        })
        .await;
        sent.map_err(|error| LogError::fault(format!("forwarding ended badly: {error}")))?.map_err(|error| self.fault(&error))?;
        session.next = next;
        session.file.commit(0, &Committed { next, rebuild_from: next }).await?;
        Ok(Forwarded { next, end: end.max(next) })
    }

    async fn connect(&self) -> Result<Session, LogError> {
        let mut file = self.source.subscribe(&self.group, StartAt::Committed).await?;
        let local = match file.poll(READ, BATCH).await? {
            Polled::Assigned(assigned) => {
                assigned.first().and_then(|assignment| assignment.committed).map_or(0, |committed| committed.next)
            }
            other => return Err(LogError::fault(format!("an assignment expected, not {other:?}"))),
        };
        let id = format!("{}-{}", self.group, self.source.id());
        let options = Arc::clone(&self.options);
        let opened = tokio::task::spawn_blocking(move || -> Result<_, LogError> {
            let mut config = client::producing(&options);
            config
                .set("transactional.id", options.group(&id))
                .set("transaction.timeout.ms", client::ms(TRANSACTION))
                .set("message.timeout.ms", client::ms(TRANSACTION / 2));
            let producer: BaseProducer<Unheard> = client::create(&config, Unheard)?;
            let about = |error: KafkaError| LogError::fault(format!("topic {}: {error}", options.topic));
            producer.init_transactions(CALL).map_err(about)?;
            let mut config = client::consuming(&options, &id);
            config.set("statistics.interval.ms", "0");
            let place: BaseConsumer<Quiet> = client::create(&config, Quiet)?;
            let mut list = TopicPartitionList::with_capacity(1);
            list.add_partition(&options.topic, 0);
            let committed = place.committed_offsets(list, CALL).map_err(about)?;
            let mut remote = 0;
            for element in committed.elements() {
                element.error().map_err(about)?;
                if let rdkafka::Offset::Offset(offset) = element.offset() {
                    remote = offset.max(0).cast_unsigned();
                }
            }
            Ok((Arc::new((producer, place)), remote))
        });
        let (clients, remote) = opened.await.map_err(|error| LogError::fault(format!("connecting ended badly: {error}")))??;
        let next = remote.max(local).max(self.from);
        tracing::info!(topic = self.options.topic, next, "forwarding into Kafka");
        file.seek(0, next).await?;
        Ok(Session { clients: Some(clients), file, next })
    }

    fn fault(&self, error: &KafkaError) -> LogError {
        LogError::fault(format!("topic {}: {error}", self.options.topic))
    }
}

/// One transaction. Blocks.
fn transact(
    options: &KafkaLogOptions,
    producer: &BaseProducer<Unheard>,
    place: &BaseConsumer<Quiet>,
    records: &[Entry],
    next: Offset,
) -> Result<(), KafkaError> {
    producer.begin_transaction()?;
    for record in records {
        let mut offered = BaseRecord::to(&options.topic).key(record.key.0.as_bytes().as_slice()).payload(record.payload.as_ref());
        while let Err((error, back)) = producer.send(offered) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error);
            }
            producer.poll(Duration::from_millis(10));
            offered = back;
        }
    }
    // The library's own flush looks only ten times a second.
    let deadline = Instant::now() + TRANSACTION / 2;
    while producer.in_flight_count() > 0 && Instant::now() < deadline {
        producer.poll(Duration::from_millis(1));
    }
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition_offset(&options.topic, 0, rdkafka::Offset::Offset(next.cast_signed()))?;
    let Some(group) = place.group_metadata() else { return Err(KafkaError::Canceled) };
    producer.send_offsets_to_transaction(&list, &group, CALL)?;
    producer.commit_transaction(CALL)
}
