//! Whether entries may go to the brokers now.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use tokio::{sync::RwLock, sync::watch, time::Instant};

use super::KafkaLogOptions;
use crate::{AppendError, LogError, file::lock};

/// After a failed delivery the gate stays shut for this long, twice as long after each that follows …
const SHUT: Duration = Duration::from_millis(250);
/// … up to this: brokers that answer but cannot store would else have every sender wait for the delivery timeout.
const SHUT_LONGEST: Duration = Duration::from_secs(8);

/// What is known of the brokers.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Why entries may not go to the brokers.
    pub down: Option<String>,
    /// Raised each time the gate opens: an answer to an entry from before does not shut it again.
    pub epoch: u64,
    /// The topics are there.
    pub topic: bool,
    /// The topic has leaders and enough replicas, as far as the brokers say.
    pub reachable: bool,
    /// The log is being closed.
    pub closed: bool,
}

/// The gate.
pub(super) struct Gate {
    /// Held for reading while an entry goes to the producer's queue or into the spill, for writing to open the gate.
    pub turnstile: RwLock<()>,
    state: watch::Sender<State>,
    /// Not before this may it open, and how long it was shut last.
    shut: Mutex<(Instant, Duration)>,
    /// What the client library said last of a connection: the reason behind "cannot be reached".
    complaint: Mutex<Option<String>>,
    /// Has the watcher look at once.
    nudge: Mutex<Option<mpsc::Sender<()>>>,
    /// Every connection of the producer was lost. Not yet an outage: a reset looks the same for a moment.
    suspected: AtomicBool,
    options: Arc<KafkaLogOptions>,
}

impl Gate {
    pub fn new(options: Arc<KafkaLogOptions>) -> Self {
        let down = Some(format!("the brokers {} were not reached yet", options.brokers));
        Self {
            turnstile: RwLock::new(()),
            state: watch::Sender::new(State { down, epoch: 0, topic: false, reachable: false, closed: false }),
            shut: Mutex::new((Instant::now(), Duration::ZERO)),
            complaint: Mutex::default(),
            nudge: Mutex::default(),
            suspected: AtomicBool::new(false),
            options,
        }
    }

    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub fn changes(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Shuts the gate.
    pub fn shut(&self, why: &str) {
        let complaint = lock(&self.complaint).clone().map(|complaint| format!(" ({complaint})")).unwrap_or_default();
        let why = format!("{why}{complaint}");
        self.state.send_if_modified(|state| {
            state.reachable = false;
            let was_up = state.down.is_none();
            if was_up {
                tracing::error!(topic = self.options.topic, why, spills = self.options.spill.is_some(), "the event log's brokers are away");
            }
            state.down = Some(format!("{why}; check the brokers {}", self.options.brokers));
            was_up
        });
    }

    /// Who looks when asked to.
    pub fn watched_by(&self, nudge: mpsc::Sender<()>) {
        *lock(&self.nudge) = Some(nudge);
    }

    pub fn nudge(&self) {
        if let Some(nudge) = &*lock(&self.nudge) {
            let _ = nudge.send(());
        }
    }

    /// All connections were lost: the watcher is to look. Entries wait in the producer meanwhile.
    pub fn suspect(&self) {
        if !self.suspected.swap(true, Ordering::AcqRel) {
            self.nudge();
        }
    }

    pub fn is_suspected(&self) -> bool {
        self.suspected.load(Ordering::Acquire)
    }

    /// A connection failed.
    pub fn complain(&self, why: &str) {
        *lock(&self.complaint) = Some(why.to_owned());
    }

    /// A delivery failed of an entry that was sent in this epoch.
    pub fn failed(&self, epoch: u64, why: &str) {
        let state = self.state();
        if state.epoch == epoch && state.down.is_none() {
            let mut shut = lock(&self.shut);
            let longer = (shut.1 * 2).clamp(SHUT, SHUT_LONGEST);
            *shut = (Instant::now() + longer, longer);
            drop(shut);
            self.shut(why);
        }
    }

    /// An entry was delivered.
    pub fn delivered(&self) {
        let mut shut = lock(&self.shut);
        if !shut.1.is_zero() {
            shut.1 = Duration::ZERO;
        }
    }

    /// What the brokers say of the topic.
    pub fn heard(&self, topic: bool, reachable: bool) {
        if reachable {
            *lock(&self.complaint) = None;
            self.suspected.store(false, Ordering::Release);
        }
        let reachable = reachable && lock(&self.shut).0 <= Instant::now();
        self.state.send_if_modified(|state| {
            let changed = state.topic != topic || state.reachable != reachable;
            (state.topic, state.reachable) = (topic, reachable);
            changed
        });
    }

    /// Opens the gate. The caller holds the turnstile where a spill could be written meanwhile.
    pub fn open(&self) {
        self.state.send_if_modified(|state| {
            let opens = state.down.is_some() && state.reachable && !state.closed;
            if opens {
                state.down = None;
                state.epoch += 1;
                tracing::info!(topic = self.options.topic, "the event log's brokers take entries");
            }
            opens
        });
    }

    pub fn close(&self) {
        self.state.send_modify(|state| {
            state.closed = true;
            state.down = Some("the log is closed".into());
        });
    }

    /// Waits until the gate is open, but not for ever.
    pub async fn wait_up(&self, within: Duration) {
        let mut changes = self.changes();
        let _ = tokio::time::timeout(within, changes.wait_for(|state| state.down.is_none())).await;
    }

    /// Waits until the topic is there.
    pub async fn wait_topic(&self, within: Duration) -> Result<(), LogError> {
        let mut changes = self.changes();
        match tokio::time::timeout(within, changes.wait_for(|state| state.topic || state.closed)).await {
            Ok(Ok(state)) if !state.closed => Ok(()),
            _ => Err(LogError::fault(self.state().down.unwrap_or_else(|| "the topic is not there yet".into()))),
        }
    }
}

/// The log ended while an entry was under way.
pub(super) fn gone() -> AppendError {
    AppendError::Unavailable("the log is closed".into())
}
