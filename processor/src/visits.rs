//! Which visit an event belongs to.
//!
//! # Rule
//! A visit belongs to one *key*: a domain and the hash of a visitor, or of a session id where the sender gave one. An event
//! joins a visit of its key if its time lies within 30 minutes of the visit's `[start, last]` (both ends included) and at
//! most 24 hours after its start; otherwise it starts a new visit. `start` is the time of the first event **in log order** and
//! never moves; `last` is the greatest time seen. Where several visits of a key fit, the one with the greatest start wins.
//! Engagement extends a visit but never starts one. Wall clock and other people's events play no part.
//!
//! # Midnight
//! The hashes change with the UTC day. For its first minutes a record also carries yesterday's hash (unsealed by the caller),
//! so it can join a visit that still runs under yesterday's key. From then on the other day's hash is the visit's *alias*:
//! both keys lead to it. A visit knows one alias at most: a third day does not join. The caller stores the alias sealed, so that
//! nothing durable chains a person over days.
//!
//! # What is kept
//! Every stored row carries the visit's whole state after it, so the last stored row of each visit is all that a restart needs
//! ([`Visits::restore`]). Visits lie in a list ordered by their last row. Forgotten are, always from the head of that list:
//! - visits untouched for [`KEEP_SECONDS`] of append time. A live record is at most 30 minutes old when accepted and at most 5
//!   minutes early, so no record can still want a visit that long after its last row;
//! - visits of an import that its sorted time has passed by more than the gap;
//! - the oldest, where there are more than the cap ([`Memory::visits`](crate::memory::Memory)).
//!
//! Each rule looks only at the sequence of records, never at the wall clock or at how the sequence was cut into ranges. So a
//! restart at any place, rebuilding from stored rows, assigns exactly as if it had not happened (property test `tests/visits.rs`).

use std::sync::Arc;

use footfall_model::{Hash64, LogName, Offset, Record, SiteId};
use footfall_store::{PackedAttributes, event_id, visit_id};
use hashbrown::HashTable;
use uuid::Uuid;

use crate::hash::hash_of;

/// A visit ends after this long without an event of its own (definitions.md, Visitors and visits).
pub const GAP_MS: i64 = 30 * 60_000;
/// A visit ends at the latest this long after its start.
pub const LONGEST_MS: i64 = 24 * 3_600_000;
/// Append time after which an untouched visit is forgotten: 30 min late + 5 min early + 30 min gap, and some slack.
pub const KEEP_SECONDS: i64 = 70 * 60;

/// Whose visit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Domain.
    pub site: SiteId,
    /// Hash of the visitor or of the session id.
    pub hash: Hash64,
    /// Whether `hash` is a session id's.
    pub session: bool,
    /// Imports keep to themselves.
    pub import: Option<Uuid>,
}

/// What an event is to its visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A pageview.
    Pageview,
    /// Time and depth of an earlier pageview: extends a visit, never starts one.
    Engagement,
    /// Any other event; an interactive one ends a bounce.
    Custom {
        /// Ends a bounce.
        interactive: bool,
    },
}

/// What the rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The key that the event looks under.
    pub key: Key,
    /// The event's own visitor hash.
    pub visitor: Hash64,
    /// When it happened, UTC milliseconds.
    pub ts: i64,
    /// What it is.
    pub kind: Kind,
    /// [`footfall_store::event_id`] where the sender gave an id.
    pub given_id: Option<u64>,
}

impl Facts {
    /// The facts of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        Self {
            key: Key {
                site: record.site,
                hash: record.session.unwrap_or(record.visitor),
                session: record.session.is_some(),
                import: record.import,
            },
            visitor: record.visitor,
            ts: record.ts,
            kind: Kind::of(&record.name, record.interactive),
            given_id: record.id_given.then(|| event_id(record.id)),
        }
    }
}

impl Kind {
    /// The kind of an event of this name.
    #[must_use]
    pub fn of(name: &str, interactive: bool) -> Self {
        match name {
            "pageview" => Self::Pageview,
            "engagement" => Self::Engagement,
            _ => Self::Custom { interactive },
        }
    }
}

/// A visit after one of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// [`visit_id`] of its key and start.
    pub id: u64,
    /// The key of the first event.
    pub key: Key,
    /// The other day's hash under which the visit is found too.
    pub alias: Option<Hash64>,
    /// Visitor id of the first event: that of every event of the visit.
    pub visitor: Hash64,
    /// Time of the first event in log order, UTC milliseconds.
    pub start: i64,
    /// Greatest time of any event.
    pub last: i64,
    /// Smallest time of an event that is not an engagement.
    pub first_active: i64,
    /// Greatest time of an event that is not an engagement.
    pub last_active: i64,
    /// Pageviews so far.
    pub pageviews: u32,
    /// An interactive custom event happened.
    pub interactive: bool,
    /// First-touch attributes: those of the first event.
    pub attributes: Arc<PackedAttributes>,
}

impl State {
    /// Whether an event of this time belongs to the visit.
    #[must_use]
    pub fn takes(&self, ts: i64) -> bool {
        ts >= self.start - GAP_MS && ts <= self.last + GAP_MS && ts - self.start <= LONGEST_MS
    }

    fn start(log: LogName, facts: &Facts, alias: Option<Hash64>, attributes: Arc<PackedAttributes>) -> Self {
        let session = if facts.key.session { facts.key.hash.0 } else { 0 };
        let mut state = Self {
            id: visit_id(log, facts.visitor, session, facts.ts),
            key: facts.key,
            alias,
            visitor: facts.visitor,
            start: facts.ts,
            last: facts.ts,
            first_active: facts.ts,
            last_active: facts.ts,
            pageviews: 0,
            interactive: false,
            attributes,
        };
        state.add(facts);
        state
    }

    fn add(&mut self, facts: &Facts) {
        self.last = self.last.max(facts.ts);
        match facts.kind {
            Kind::Engagement => return,
            Kind::Pageview => self.pageviews = self.pageviews.saturating_add(1),
            Kind::Custom { interactive } => self.interactive |= interactive,
        }
        self.first_active = self.first_active.min(facts.ts);
        self.last_active = self.last_active.max(facts.ts);
    }
}

type Slot = u32;
const NONE: Slot = Slot::MAX;

/// A visit in the list.
#[derive(Clone, Debug)]
struct Node {
    state: State,
    /// Offset of its last row.
    touched: Offset,
    /// Append clock at its last row, seconds.
    touched_at: i64,
    older: Slot,
    newer: Slot,
}

/// Under which of its keys a visit is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    slot: Slot,
    by_alias: bool,
}

impl Link {
    fn key(self, nodes: &[Node]) -> Key {
        let State { key, alias, .. } = &nodes[self.slot as usize].state;
        match alias {
            Some(hash) if self.by_alias => Key { hash: *hash, ..*key },
            _ => *key,
        }
    }
}

/// The kept visits of one partition.
#[derive(Clone, Debug)]
pub struct Visits {
    log: LogName,
    nodes: Vec<Node>,
    free: Vec<Slot>,
    /// By the hash of the key, which stands in the node.
    links: HashTable<Link>,
    /// Least recently touched.
    head: Slot,
    /// Most recently touched.
    tail: Slot,
    cap: usize,
    no_attributes: Arc<PackedAttributes>,
}

impl Visits {
    /// Nothing yet; keeps at most `cap` visits.
    #[must_use]
    pub fn new(log: LogName, cap: usize) -> Self {
        Self {
            log,
            nodes: Vec::new(),
            free: Vec::new(),
            links: HashTable::new(),
            head: NONE,
            tail: NONE,
            cap: cap.clamp(1, NONE as usize - 1),
            no_attributes: Arc::default(),
        }
    }

    /// Number of visits kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lowest offset that a kept visit rests on.
    #[must_use]
    pub fn rests_on(&self) -> Option<Offset> {
        self.nodes.get(self.head as usize).map(|node| node.touched)
    }

    /// Assigns the event at `offset`; `now` is the append clock in seconds, `yesterday` the hash of the day before in place of
    /// the key's; `attributes` is asked when it starts a visit. None for an engagement without a visit.
    pub fn assign(
        &mut self,
        offset: Offset,
        now: i64,
        facts: &Facts,
        yesterday: Option<Hash64>,
        attributes: impl FnOnce() -> Arc<PackedAttributes>,
    ) -> Option<State> {
        self.forget_stale(now);
        self.forget_passed(facts);
        let key = facts.key;
        let other = yesterday.filter(|hash| *hash != key.hash);
        let Some(slot) = self.find(key, other, facts.ts) else {
            if facts.kind == Kind::Engagement {
                return None;
            }
            let state = State::start(self.log, facts, other, attributes());
            self.insert(state.clone(), offset, now);
            return Some(state);
        };
        let node = &mut self.nodes[slot as usize];
        node.state.add(facts);
        node.touched = offset;
        node.touched_at = now;
        let primary = node.state.key;
        if primary.hash != key.hash && node.state.alias.is_none() {
            node.state.alias = Some(key.hash);
            self.link(Link { slot, by_alias: true });
        }
        self.unlink(slot);
        self.link_tail(slot);
        Some(self.nodes[slot as usize].state.clone())
    }

    /// Takes a visit as it was after its row at `offset`. Rows come in offset order; only the last one of a visit matters.
    pub fn restore(&mut self, offset: Offset, at: i64, state: State) {
        self.forget_stale(at);
        let known = self.under(state.key).find(|slot| self.nodes[*slot as usize].state.id == state.id);
        if let Some(slot) = known {
            self.remove(slot);
        }
        self.insert(state, offset, at);
    }

    /// Forgets what the append clock has passed.
    pub fn forget_stale(&mut self, now: i64) {
        while let Some(node) = self.nodes.get(self.head as usize) {
            if now - node.touched_at <= KEEP_SECONDS {
                return;
            }
            self.remove(self.head);
        }
    }

    /// Forgets what the sorted time of the event's import has passed.
    fn forget_passed(&mut self, facts: &Facts) {
        if facts.key.import.is_none() {
            return;
        }
        while let Some(node) = self.nodes.get(self.head as usize) {
            if node.state.key.import != facts.key.import || facts.ts - node.state.last <= GAP_MS {
                return;
            }
            self.remove(self.head);
        }
    }

    fn find(&self, key: Key, yesterday: Option<Hash64>, ts: i64) -> Option<Slot> {
        let own = self.under(key);
        let before = yesterday.into_iter().flat_map(|hash| self.under(Key { hash, ..key }));
        // A visit that already has another day's alias does not take a third day.
        let before = before.filter(|slot| {
            let state = &self.nodes[*slot as usize].state;
            state.alias.is_none_or(|alias| alias == key.hash || state.key.hash == key.hash)
        });
        own.chain(before).filter(|slot| self.nodes[*slot as usize].state.takes(ts)).max_by_key(|slot| {
            let state = &self.nodes[*slot as usize].state;
            (state.start, state.id)
        })
    }

    /// The visits found under a key: nearly always one.
    fn under(&self, key: Key) -> impl Iterator<Item = Slot> {
        self.links.iter_hash(hash_of(&key)).filter(move |link| link.key(&self.nodes) == key).map(|link| link.slot)
    }

    fn insert(&mut self, state: State, offset: Offset, at: i64) {
        if self.len() >= self.cap {
            self.remove(self.head);
        }
        let has_alias = state.alias.is_some();
        let node = Node { state, touched: offset, touched_at: at, older: NONE, newer: NONE };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.nodes[slot as usize] = node;
                slot
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as Slot
            }
        };
        self.link(Link { slot, by_alias: false });
        if has_alias {
            self.link(Link { slot, by_alias: true });
        }
        self.link_tail(slot);
    }

    fn remove(&mut self, slot: Slot) {
        self.unlink(slot);
        let has_alias = self.nodes[slot as usize].state.alias.is_some();
        self.drop_link(Link { slot, by_alias: false });
        if has_alias {
            self.drop_link(Link { slot, by_alias: true });
        }
        // What the node holds on the heap is let go now, not when the slot is used again.
        self.nodes[slot as usize].state.attributes = Arc::clone(&self.no_attributes);
        self.free.push(slot);
        if self.is_empty() {
            self.nodes.clear();
            self.free.clear();
            self.head = NONE;
            self.tail = NONE;
        }
    }

    fn link(&mut self, link: Link) {
        let Self { links, nodes, .. } = self;
        links.insert_unique(hash_of(&link.key(nodes)), link, |other| hash_of(&other.key(nodes)));
    }

    fn drop_link(&mut self, link: Link) {
        if let Ok(found) = self.links.find_entry(hash_of(&link.key(&self.nodes)), |other| *other == link) {
            found.remove();
        }
    }

    fn link_tail(&mut self, slot: Slot) {
        let tail = self.tail;
        let node = &mut self.nodes[slot as usize];
        node.older = tail;
        node.newer = NONE;
        match self.nodes.get_mut(tail as usize) {
            Some(before) => before.newer = slot,
            None => self.head = slot,
        }
        self.tail = slot;
    }

    fn unlink(&mut self, slot: Slot) {
        let (older, newer) = (self.nodes[slot as usize].older, self.nodes[slot as usize].newer);
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = newer,
            None => self.head = newer,
        }
        match self.nodes.get_mut(newer as usize) {
            Some(node) => node.older = older,
            None => self.tail = older,
        }
    }
}
