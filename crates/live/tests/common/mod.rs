//! What the tests of live state share.
#![allow(dead_code, reason = "each test file uses its part")]

use footfall_live::{Batch, Seen, Shard};
use footfall_model::{Hash64, Offset, SiteId};
use uuid::Uuid;

pub fn site(number: u128) -> SiteId {
    SiteId(Uuid::from_u128(number))
}

pub fn shard(partition: u32) -> Shard {
    Shard { generation: 0, partition }
}

/// A batch of shard 0 that begins at an offset and ends with its last event.
pub fn batch(first: Offset, events: Vec<Seen>) -> Batch {
    let last = events.last().map_or(first, |seen| seen.offset);
    Batch { shard: shard(0), first, last, events }
}

/// A pageview of `/` on site 1 by visitor 1.
pub fn event(offset: Offset) -> Event {
    Event(Seen {
        offset,
        site: site(1),
        ts: 0,
        visitor: Hash64(1),
        name: "pageview".into(),
        path: "/".into(),
        country: "DE".into(),
        source: "".into(),
        device: "Mobile".into(),
    })
}

pub struct Event(Seen);

impl Event {
    pub fn at(mut self, ts: i64) -> Self {
        self.0.ts = ts;
        self
    }

    pub fn site(mut self, number: u128) -> Self {
        self.0.site = site(number);
        self
    }

    pub fn visitor(mut self, visitor: u64) -> Self {
        self.0.visitor = Hash64(visitor);
        self
    }

    pub fn name(mut self, name: &str) -> Self {
        self.0.name = name.into();
        self
    }

    pub fn path(mut self, path: &str) -> Self {
        self.0.path = path.into();
        self
    }

    pub fn seen(self) -> Seen {
        self.0
    }
}
