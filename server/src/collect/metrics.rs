//! What the collector counts. Label values are closed sets: names of steps, reasons, statuses.

use std::{sync::OnceLock, time::Duration};

use footfall_model::DropReason;
use metrics::{Counter, counter};

use super::pipeline::STEPS;

/// Handles are made at the first event, when the recorder is certainly installed, and cost an atomic addition from then on.
#[derive(Default)]
pub struct Metrics {
    handles: OnceLock<Handles>,
}

struct Handles {
    accepted: Counter,
    backdated: Counter,
    dropped: Vec<Counter>,
    refused_appends: Counter,
    steps: Vec<(Counter, Counter)>,
}

impl Metrics {
    fn handles(&self) -> &Handles {
        self.handles.get_or_init(|| Handles {
            accepted: counter!("footfall_collect_events_accepted_total"),
            backdated: counter!("footfall_collect_events_backdated_total"),
            dropped: DropReason::ALL
                .iter()
                .map(|reason| counter!("footfall_collect_events_dropped_total", "reason" => reason.code()))
                .collect(),
            refused_appends: counter!("footfall_collect_events_unavailable_total"),
            steps: STEPS
                .iter()
                .map(|(name, _)| {
                    (
                        counter!("footfall_collect_step_events_total", "step" => *name),
                        counter!("footfall_collect_step_nanoseconds_total", "step" => *name),
                    )
                })
                .collect(),
        })
    }

    /// Events that are durable.
    pub fn accepted(&self, events: usize) {
        self.handles().accepted.increment(events as u64);
    }

    /// Of these, events that went to the import log.
    pub fn backdated(&self, events: usize) {
        self.handles().backdated.increment(events as u64);
    }

    /// Events that do not count.
    pub fn dropped(&self, reason: DropReason, events: u64) {
        if let Some(at) = DropReason::ALL.iter().position(|known| *known == reason) {
            self.handles().dropped[at].increment(events);
        }
    }

    /// Events that the log could not take now.
    pub fn unavailable(&self, events: usize) {
        self.handles().refused_appends.increment(events as u64);
    }

    /// One event went through the step at this place of the list.
    pub fn step(&self, at: usize, took: Duration) {
        let (events, nanoseconds) = &self.handles().steps[at];
        events.increment(1);
        nanoseconds.increment(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}
