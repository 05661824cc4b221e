//! The thread that watches over the topic: makes it, opens and shuts the gate, keeps figures for the status.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use footfall_model::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::runtime::Handle;

use super::{
    KafkaLogOptions,
    client::{self, Quiet},
    gate::Gate,
    producer::Producing,
    topic::{self, Trouble},
};
use crate::{LogError, file::lock};

/// Between two looks while everything is well …
const CALM: Duration = Duration::from_secs(1);
/// … and while something is not.
const KEEN: Duration = Duration::from_millis(200);
/// One partition's watermarks may take so long.
const WATERMARKS: Duration = Duration::from_secs(2);
/// So many looks must fail before the gate is shut for it: one slow answer is not an outage. One is enough if it is suspected already.
const MISSES: u32 = 2;

type Partitions = Vec<(u32, u32, Offset, Offset)>;

/// The thread; dropping ends it.
pub(super) struct Watch {
    seen: Arc<Mutex<Partitions>>,
    ended: Arc<AtomicBool>,
    gate: Arc<Gate>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.gate.nudge();
    }
}

impl Watch {
    pub fn start(options: Arc<KafkaLogOptions>, gate: Arc<Gate>, producer: Arc<Producing>, spills: bool) -> Result<Self, LogError> {
        let look = client::looking(&options)?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (nudge, nudges) = mpsc::channel();
        gate.watched_by(nudge);
        let this = Self { seen: Arc::clone(&seen), ended: Arc::default(), gate: Arc::clone(&gate) };
        let ended = Arc::clone(&this.ended);
        let watcher = Watcher { options, gate, producer, spills, look, runtime: Handle::current(), seen, topic: false, missed: 0 };
        std::thread::Builder::new()
            .name("kafka-watch".into())
            .spawn(move || watcher.run(&nudges, &ended))
            .map_err(|error| LogError::fault(format!("no thread for the event log: {error}")))?;
        Ok(this)
    }

    /// As last seen.
    pub fn partitions(&self) -> Partitions {
        lock(&self.seen).clone()
    }
}

struct Watcher {
    options: Arc<KafkaLogOptions>,
    gate: Arc<Gate>,
    producer: Arc<Producing>,
    /// The spill's task opens the gate, once it is empty.
    spills: bool,
    look: BaseConsumer<Quiet>,
    runtime: Handle,
    seen: Arc<Mutex<Partitions>>,
    /// Both topics were there.
    topic: bool,
    /// Looks that failed in a row.
    missed: u32,
}

impl Watcher {
    fn run(mut self, nudges: &mpsc::Receiver<()>, ended: &AtomicBool) {
        while !ended.load(Ordering::Acquire) {
            let well = self.look();
            while self.look.poll(Duration::ZERO).is_some() {}
            self.producer.mend();
            let pause = if well && self.gate.state().down.is_none() { CALM } else { KEEN };
            if nudges.recv_timeout(pause).is_ok() {
                while nudges.try_recv().is_ok() {}
            }
        }
    }

    fn look(&mut self) -> bool {
        if !self.topic {
            match topic::ensure(&self.options, &self.look, &self.runtime) {
                Ok(()) => self.topic = true,
                Err(why) => return self.miss(&why),
            }
        }
        let partitions = match topic::partitions(&self.options, &self.look, self.gate.is_suspected()) {
            Ok(partitions) => partitions,
            Err(Trouble::Missing) => {
                self.topic = false;
                self.missed = MISSES;
                return self.miss("the topic is not there yet");
            }
            Err(Trouble::Away(why)) => return self.miss(&why),
        };
        self.missed = 0;
        self.gate.heard(true, true);
        if !self.spills {
            self.gate.open();
        }
        self.measure(&partitions);
        true
    }

    fn miss(&mut self, why: &str) -> bool {
        self.missed += 1;
        self.gate.heard(self.topic, false);
        if self.missed >= MISSES || self.gate.is_suspected() || self.gate.state().down.is_some() {
            self.gate.shut(why);
        }
        false
    }

    fn measure(&self, partitions: &[i32]) {
        let mut seen = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let Ok((low, high)) = self.look.fetch_watermarks(&self.options.topic, *partition, WATERMARKS) else { return };
            seen.push((partition.cast_unsigned(), 0, low.max(0).cast_unsigned(), high.max(0).cast_unsigned()));
        }
        seen.sort_unstable();
        *lock(&self.seen) = seen;
    }
}
