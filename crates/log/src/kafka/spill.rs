//! The spill: a local file log that takes entries while the brokers are away, and the task that forwards them afterwards.

use std::{sync::Arc, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use footfall_model::{Position, SiteId};
use tokio::{sync::Mutex, task::JoinHandle};
use uuid::Uuid;

use super::{
    KafkaLogOptions, KafkaSpill, SPILLED,
    forward::{Forwarded, Forwarder},
    gate::Gate,
    producer::Producing,
};
use crate::{
    AppendError, Entry, EventLog, LogError, StoredEntry,
    file::{FileLog, FileLogOptions},
};

/// The forwarder's name in the file.
const GROUP: &str = "forward";
/// With so few entries left, appends wait for the rest to be forwarded.
const NEARLY: u64 = 2_000;
/// Appends wait for the rest no longer than this; then they go into the spill as before.
const HOLD: Duration = Duration::from_secs(3);
/// The pause after a step that failed.
const AGAIN: Duration = Duration::from_millis(300);
/// The pause while the producer still has entries under way.
const SETTLE: Duration = Duration::from_millis(20);
/// A key before each payload.
const KEY_BYTES: usize = 16;

/// The spill.
pub(super) struct Spill {
    pub log: Arc<FileLog>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Spill {
    /// Opens the file and begins to forward what an earlier process left in it.
    pub async fn open(
        folder: &KafkaSpill,
        options: Arc<KafkaLogOptions>,
        gate: Arc<Gate>,
        producer: Arc<Producing>,
    ) -> Result<Self, LogError> {
        let mut file = FileLogOptions::new(&folder.dir, options.name);
        file.max_bytes = folder.max_bytes;
        file.retention = Duration::ZERO;
        file.groups = vec![GROUP.into()];
        let log = FileLog::open(file).await?;
        let forwarder = Forwarder::new(options, Arc::clone(&log), GROUP, 0, Arc::new(|entry| unwrap(&entry)));
        let task = tokio::spawn(run(gate, producer, Arc::clone(&log), forwarder));
        Ok(Self { log, task: Mutex::new(Some(task)) })
    }

    /// Makes entries durable here.
    pub async fn append(&self, entries: Vec<Entry>) -> Vec<Result<Position, AppendError>> {
        metrics::counter!("footfall_log_spilled_total").increment(entries.len() as u64);
        let wrapped = entries.into_iter().map(|entry| wrap(&entry)).collect();
        let mut answers = self.log.append(wrapped).await;
        for position in answers.iter_mut().flatten() {
            (position.generation, position.partition) = (0, SPILLED);
        }
        answers
    }

    pub async fn close(&self) {
        if let Some(task) = self.task.lock().await.take() {
            task.abort();
            let _ = task.await;
        }
        self.log.close().await;
    }
}

/// Entries keep their key before the payload: the file knows only payloads.
fn wrap(entry: &Entry) -> Entry {
    let mut payload = BytesMut::with_capacity(KEY_BYTES + entry.payload.len());
    payload.put_slice(entry.key.0.as_bytes());
    payload.put_slice(&entry.payload);
    Entry { key: entry.key, payload: payload.freeze() }
}

fn unwrap(entry: &StoredEntry) -> Entry {
    match entry.payload.split_first_chunk::<KEY_BYTES>() {
        Some((key, _)) => Entry { key: SiteId(Uuid::from_bytes(*key)), payload: entry.payload.slice(KEY_BYTES..) },
        None => Entry { key: SiteId(Uuid::nil()), payload: Bytes::clone(&entry.payload) },
    }
}

/// Whenever the brokers are back: forward, then open the gate.
async fn run(gate: Arc<Gate>, producer: Arc<Producing>, log: Arc<FileLog>, mut forwarder: Forwarder) {
    let mut changes = gate.changes();
    loop {
        let woken = changes.wait_for(|state| state.closed || (state.down.is_some() && state.reachable)).await.map(|state| state.closed);
        if !matches!(woken, Ok(false)) {
            return;
        }
        if !producer.is_idle() {
            // What was under way when the gate was shut is older than the spill: it arrives, or fails, first.
            tokio::time::sleep(SETTLE).await;
            continue;
        }
        if let Err(error) = drain(&gate, &log, &mut forwarder).await {
            tracing::warn!(%error, "spilled entries wait for the brokers");
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn drain(gate: &Gate, log: &FileLog, forwarder: &mut Forwarder) -> Result<(), LogError> {
    // A file that never held anything has nothing to ask the brokers about.
    let empty = async || log.status().await.partitions.first().is_none_or(|(_, _, _, end)| *end == 0);
    if !empty().await {
        loop {
            let Forwarded { next, end } = forwarder.step().await?;
            if end - next <= NEARLY {
                break;
            }
        }
    }
    // Nobody appends from here on.
    let _turnstile = gate.turnstile.write().await;
    if !empty().await {
        let rest = tokio::time::timeout(HOLD, forwarder.forward()).await;
        rest.unwrap_or_else(|_| Err(LogError::fault("the brokers are too slow for the rest of the spill")))?;
    }
    gate.open();
    Ok(())
}
