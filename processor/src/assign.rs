//! What becomes of one record: counted in a visit, or stored with a reason. Pure: a function of the records before it.

use std::sync::Arc;

use footfall_model::{DropReason, Hash64, LogName, Offset, SiteId};
use footfall_store::PackedAttributes;

use crate::{
    clock::Clock,
    ids::{Ids, WINDOW_SECONDS},
    memory::Memory,
    visits::{Facts, KEEP_SECONDS, State, Visits},
};

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts; its visit after it.
    Counted(State),
    /// It is stored with this reason and does not count.
    Dropped(DropReason),
}

/// The state of one partition: append clock, ids seen, visits.
#[derive(Clone, Debug)]
pub struct Assigner {
    log: LogName,
    memory: Memory,
    clock: Clock,
    ids: Ids,
    visits: Visits,
}

/// What an [`Assigner`] looks at beside the facts.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Offset of the record.
    pub offset: Offset,
    /// When the log took it.
    pub appended_ms: i64,
    /// The key's hash of the day before, unsealed.
    pub yesterday: Option<Hash64>,
    /// Its id was found among stored rows (import log only).
    pub repeats_stored: bool,
}

impl Assigner {
    /// Nothing yet.
    #[must_use]
    pub fn new(log: LogName, memory: Memory) -> Self {
        Self { log, memory, clock: Clock::default(), ids: Ids::default(), visits: Visits::new(log, memory.visits) }
    }

    /// An assigner to be set again from rows at and after `base`.
    #[must_use]
    pub fn rebuild(log: LogName, memory: Memory, base: Offset) -> Self {
        Self { clock: Clock::from(base), ..Self::new(log, memory) }
    }

    /// Begins a range. Ids of the import log are looked up in the store, so there only those of the range are kept.
    pub fn begin_range(&mut self) {
        if self.log == LogName::Import {
            self.ids.clear();
        }
    }

    /// Decides about one record. Records come in offset order. `attributes` is asked when it starts a visit.
    pub fn assign(&mut self, at: At, facts: &Facts, attributes: impl FnOnce() -> Arc<PackedAttributes>) -> Verdict {
        let now = self.clock.advance(at.offset, at.appended_ms);
        if let Some(id) = facts.given_id {
            let repeats = self.ids.note(facts.key.site, id, at.offset, self.window(at.offset));
            if repeats || at.repeats_stored {
                self.visits.forget_stale(now);
                return Verdict::Dropped(DropReason::DuplicateId);
            }
        }
        match self.visits.assign(at.offset, now, facts, at.yesterday, attributes) {
            Some(state) => Verdict::Counted(state),
            None => Verdict::Dropped(DropReason::NoVisit),
        }
    }

    /// Sets the clock from stored rows; in offset order, before [`Self::restore_visit`] and [`Self::restore_id`] of the same row.
    pub fn restore_clock(&mut self, offset: Offset, appended_ms: i64) {
        self.clock.advance(offset, appended_ms);
    }

    /// Takes an id from a stored row, in offset order.
    pub fn restore_id(&mut self, offset: Offset, site: SiteId, id: u64) {
        if self.log == LogName::Live {
            self.ids.note(site, id, offset, self.window(offset));
        }
    }

    /// Takes a visit as it was after its stored row, in offset order; only the last row of a visit matters.
    pub fn restore_visit(&mut self, offset: Offset, state: State) {
        self.visits.restore(offset, self.clock.at(offset), state);
    }

    /// Ends a rebuild: forgets what the last row's time has passed.
    pub fn restored(&mut self) {
        if let Some(now) = self.clock.now() {
            self.visits.forget_stale(now);
        }
    }

    /// The lowest offset that anything kept rests on, when `next` comes next. A visit rests on its last row, which tells all but the
    /// greatest time of its rows where events came late. So of the live log all rows are read that are young enough to matter.
    #[must_use]
    pub fn rebuild_from(&self, next: Offset) -> Offset {
        let window = match self.log {
            LogName::Live => self.clock.since(KEEP_SECONDS).max((next + 1).saturating_sub(self.memory.records())),
            LogName::Import => next,
        };
        self.visits.rests_on().unwrap_or(next).min(window).min(next)
    }

    /// Visits kept.
    #[must_use]
    pub fn visits(&self) -> usize {
        self.visits.len()
    }

    /// Ids kept.
    #[must_use]
    pub fn ids(&self) -> usize {
        self.ids.len()
    }

    /// The oldest offset whose id the record at `offset` may repeat.
    fn window(&self, offset: Offset) -> Offset {
        self.clock.since(WINDOW_SECONDS).max((offset + 1).saturating_sub(self.memory.records()))
    }
}
