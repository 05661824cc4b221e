//! Writing: entries to the producer's queue, delivery reports to their callers.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use footfall_model::{LogName, Position};
use rdkafka::{
    ClientContext, Message, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};
use tokio::sync::oneshot;

use super::{KafkaLogOptions, client, gate::Gate, gate::gone};
use crate::{AppendError, DeadEntry, Entry, LogError, file::lock};

/// What an entry costs beside its payload, rounded up.
const ENTRY_OVERHEAD: usize = 256;

type Answers = Vec<Result<Position, AppendError>>;
type Native = ThreadedProducer<Reports>;

/// The producer and the bound on what waits in it.
pub(super) struct Producing {
    options: Arc<KafkaLogOptions>,
    gate: Arc<Gate>,
    native: RwLock<Arc<Native>>,
    pending: Arc<AtomicUsize>,
}

/// One call's entries, until each has its answer.
struct Batch {
    name: LogName,
    epoch: u64,
    answers: Mutex<Answers>,
    missing: AtomicUsize,
    done: Mutex<Option<oneshot::Sender<Answers>>>,
    /// Room in the queue, given back with the last answer.
    bytes: usize,
    pending: Arc<AtomicUsize>,
}

/// One entry of a batch.
pub(super) struct Ticket {
    batch: Arc<Batch>,
    nth: usize,
}

impl Batch {
    /// A batch of so many entries, and where its answers come.
    fn new(producing: &Producing, epoch: u64, count: usize, bytes: usize) -> (Arc<Self>, oneshot::Receiver<Answers>) {
        let (done, answers) = oneshot::channel();
        let batch = Self {
            name: producing.options.name,
            epoch,
            answers: Mutex::new(vec![Err(gone()); count]),
            missing: AtomicUsize::new(count),
            done: Mutex::new(Some(done)),
            bytes,
            pending: Arc::clone(&producing.pending),
        };
        (Arc::new(batch), answers)
    }

    fn answer(&self, nth: usize, answer: Result<Position, AppendError>) {
        if let Some(slot) = lock(&self.answers).get_mut(nth) {
            *slot = answer;
        }
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.pending.fetch_sub(self.bytes, Ordering::AcqRel);
            if let Some(done) = lock(&self.done).take() {
                let _ = done.send(std::mem::take(&mut *lock(&self.answers)));
            }
        }
    }
}

/// Takes delivery reports.
pub(super) struct Reports {
    gate: Arc<Gate>,
    topic: String,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }
    fn stats(&self, _: Statistics) {}
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "Kafka producer");
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.gate.suspect();
        } else {
            self.gate.complain(reason);
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Self::DeliveryOpaque) {
        let answer = match result {
            Ok(message) => {
                self.gate.delivered();
                Ok(Position {
                    log: ticket.batch.name,
                    generation: 0,
                    partition: u32::try_from(message.partition()).unwrap_or_default(),
                    offset: u64::try_from(message.offset()).unwrap_or_default(),
                })
            }
            Err((error, _)) => {
                let code = error.rdkafka_error_code();
                let own_fault = matches!(
                    code,
                    Some(
                        RDKafkaErrorCode::MessageSizeTooLarge
                            | RDKafkaErrorCode::InvalidMessage
                            | RDKafkaErrorCode::PurgeQueue
                            | RDKafkaErrorCode::PurgeInflight
                    )
                );
                let why = format!("topic {}: {}", self.topic, code.map_or_else(|| error.to_string(), |code| code.to_string()));
                if !own_fault {
                    self.gate.failed(ticket.batch.epoch, &why);
                }
                Err(AppendError::Unavailable(why))
            }
        };
        ticket.batch.answer(ticket.nth, answer);
    }
}

impl Producing {
    pub fn new(options: Arc<KafkaLogOptions>, gate: Arc<Gate>) -> Result<Self, LogError> {
        let native = Arc::new(connect(&options, &gate)?);
        Ok(Self { options, gate, native: RwLock::new(native), pending: Arc::default() })
    }

    fn native(&self) -> Arc<Native> {
        Arc::clone(&self.native.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts entries into the producer's queue, in order; the answers come with the delivery reports.
    pub fn send(&self, entries: Vec<Entry>, epoch: u64) -> Result<impl Future<Output = Answers> + use<>, AppendError> {
        let bytes = entries.iter().map(|entry| entry.payload.len() + ENTRY_OVERHEAD).sum();
        let most = self.options.max_pending_bytes;
        self.pending
            .try_update(Ordering::AcqRel, Ordering::Acquire, |now| (now == 0 || now + bytes <= most).then_some(now + bytes))
            .map_err(|_| AppendError::Busy)?;
        let count = entries.len();
        let (batch, answers) = Batch::new(self, epoch, count, bytes);
        let native = self.native();
        let mut full = false;
        for (nth, entry) in entries.iter().enumerate() {
            if full {
                // Nothing behind a refused entry may overtake it.
                batch.answer(nth, Err(AppendError::Busy));
                continue;
            }
            let record = BaseRecord::with_opaque_to(&self.options.topic, Box::new(Ticket { batch: Arc::clone(&batch), nth }))
                .key(entry.key.0.as_bytes().as_slice())
                .payload(entry.payload.as_ref());
            if let Err((error, _)) = native.send(record) {
                full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                batch.answer(nth, Err(if full { AppendError::Busy } else { AppendError::Unavailable(error.to_string()) }));
            }
        }
        drop(batch);
        Ok(async move { answers.await.unwrap_or_else(|_| vec![Err(gone()); count]) })
    }

    /// Writes dead letters to their topic.
    pub async fn bury(&self, entries: Vec<DeadEntry>) -> Result<(), LogError> {
        if entries.is_empty() {
            return Ok(());
        }
        let (topic, native) = (self.options.dead_letters(), self.native());
        // Of no epoch and without a bound: dead letters neither shut the gate nor wait for room.
        let (batch, answers) = Batch::new(self, u64::MAX, entries.len(), 0);
        for (nth, entry) in entries.iter().enumerate() {
            let position = &entry.position;
            let place = format!("{}/{}/{}/{}", position.log.topic(), position.generation, position.partition, position.offset);
            let headers = OwnedHeaders::new_with_capacity(2)
                .insert(Header { key: "position", value: Some(&place) })
                .insert(Header { key: "reason", value: Some(&entry.reason) });
            let key = entry.key.map(|key| key.0.into_bytes());
            let mut record = BaseRecord::<[u8], [u8], _>::with_opaque_to(&topic, Box::new(Ticket { batch: Arc::clone(&batch), nth }))
                .payload(entry.payload.as_ref())
                .headers(headers);
            if let Some(key) = &key {
                record = record.key(key.as_slice());
            }
            if let Err((error, _)) = native.send(record) {
                batch.answer(nth, Err(AppendError::Unavailable(error.to_string())));
            }
        }
        drop(batch);
        let answers = answers.await.unwrap_or_default();
        match answers.into_iter().find_map(Result::err) {
            None => Ok(()),
            Some(error) => Err(LogError::fault(format!("dead letters were not written to {topic}: {error}"))),
        }
    }

    /// Nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.native().in_flight_count() == 0
    }

    /// A producer that can never write again is replaced; what it held was answered with errors.
    pub fn mend(&self) {
        let Some((code, reason)) = self.native().client().fatal_error() else { return };
        tracing::error!(topic = self.options.topic, %code, reason, "the Kafka producer gave up and is replaced");
        match connect(&self.options, &self.gate) {
            Ok(native) => *self.native.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(native),
            Err(error) => tracing::error!(%error, "no new Kafka producer"),
        }
    }

    /// Waits for what is under way.
    pub async fn flush(&self) {
        let (native, within) = (self.native(), self.options.delivery_timeout);
        let _ = tokio::task::spawn_blocking(move || native.flush(within)).await;
    }
}

impl Drop for Producing {
    fn drop(&mut self) {
        let (native, within) = (self.native(), self.options.delivery_timeout);
        // Flushing blocks; callers that still wait get their answers.
        let _ = std::thread::Builder::new().name("kafka-flush".into()).spawn(move || native.flush(within));
    }
}

fn connect(options: &KafkaLogOptions, gate: &Arc<Gate>) -> Result<Native, LogError> {
    client::create(&client::producing(options), Reports { gate: Arc::clone(gate), topic: options.topic.clone() })
}
