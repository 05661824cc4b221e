//! How far a stored cursor is, for the other parts of this process: the live cursor (what to follow, where to begin), the roll-up (what was
//! touched), metrics and readiness. Other processes hear of it by `shared.rs`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use footfall_model::{LogName, Offset, SiteId};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};

use crate::shared::Teller;

/// One partition of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Generation of the log.
    pub generation: u32,
    /// Everything below is settled.
    pub next: Offset,
    /// Lowest offset that the state at `next` rests on.
    pub rebuild_from: Offset,
    /// Everything appended up to this time is settled, UTC milliseconds.
    pub until_ms: i64,
}

/// Partitions of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// By number.
    pub partitions: BTreeMap<u32, Stored>,
}

impl Progress {
    /// The least settled time over the partitions, UTC milliseconds; none before the first assignment.
    #[must_use]
    pub fn watermark_ms(&self) -> Option<i64> {
        self.partitions.values().map(|stored| stored.until_ms).min()
    }
}

/// What one insert changed.
#[derive(Clone, Debug)]
pub struct Touched {
    /// Through which log.
    pub log: LogName,
    /// Partition, its generation, and the offset after the range.
    pub partition: u32,
    /// Generation of the log.
    pub generation: u32,
    /// Everything below is settled.
    pub next: Offset,
    /// Domains with new rows, and the start of each hour (UTC ms) with rows that count.
    pub hours: HashMap<SiteId, HashSet<i64>>,
    /// Greatest time of a row that counts, UTC milliseconds.
    pub newest_ms: i64,
}

/// What a part of the processor is suffering from, for readiness.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Option<String>>>);

impl Health {
    /// It works.
    pub fn well(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// It does not, and why.
    pub fn ill(&self, fault: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.into());
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where a stored cursor tells what it did.
#[derive(Clone)]
pub struct Reports {
    /// Partitions that this process holds, from their assignment on.
    pub held: watch::Sender<BTreeSet<u32>>,
    /// How far it is in those whose state is whole.
    pub progress: watch::Sender<Progress>,
    /// What each insert changed. Slow receivers lose the oldest.
    pub touched: broadcast::Sender<Arc<Touched>>,
    /// Tells other processes.
    pub teller: Teller,
    /// How it feels.
    pub health: Health,
}

impl Reports {
    /// Nothing told yet.
    #[must_use]
    pub fn new(touched: broadcast::Sender<Arc<Touched>>, teller: Teller) -> Self {
        Self { held: watch::Sender::default(), progress: watch::Sender::default(), touched, teller, health: Health::default() }
    }
}
