//! What a batch or a snapshot adds up to, and how it is laid out for `apply.lua`. No I/O here.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    iter, mem,
    sync::Arc,
};

use footfall_model::{Hash64, Offset, SiteId, report::LiveEvent};
use fred::types::Value;

use super::keys::{EpochKeys, Keys, hour_table, last_hour_of};
use crate::{
    HOUR_BUCKETS_MS, MINUTE_BUCKETS_MS, OTHER_PATHS, Seen, Snapshot,
    buckets::{HOUR_MS, MINUTE_MS, NEWEST, is_pageview, keeps_hour, keeps_minute, keeps_newest, keeps_visitor, start_of},
    ticks_channel,
};

/// What is kept longer than told, so that a reader with a clock of its own finds it whole.
const SLACK_MS: i64 = 10 * MINUTE_MS;
/// Minutes, paths or visitors in one block of a snapshot: what a script does at once stays small.
const ENTRIES_PER_BLOCK: usize = 500;

/// Pageviews of one minute, paths in the order in which they came.
#[derive(Default)]
struct Minute {
    pageviews: u64,
    paths: Vec<(Arc<str>, u64)>,
    places: HashMap<Arc<str>, usize>,
}

impl Minute {
    fn add(&mut self, path: Arc<str>, count: u64) {
        self.pageviews += count;
        match self.places.entry(path) {
            Entry::Occupied(place) => self.paths[*place.get()].1 += count,
            Entry::Vacant(place) => {
                self.paths.push((Arc::clone(place.key()), count));
                place.insert(self.paths.len() - 1);
            }
        }
    }
}

/// What is added to one domain.
#[derive(Default)]
pub struct SiteTally {
    minutes: BTreeMap<i64, Minute>,
    hours: BTreeMap<i64, u64>,
    visitors: HashMap<Hash64, i64>,
    newest: BTreeMap<(i64, Offset), Seen>,
}

impl SiteTally {
    fn see(&mut self, visitor: Hash64, ts: i64) {
        let last = self.visitors.entry(visitor).or_insert(ts);
        *last = ts.max(*last);
    }

    fn keep_newest(&mut self, seen: &Seen) {
        self.newest.insert((seen.ts, seen.offset), seen.clone());
        if self.newest.len() > NEWEST {
            self.newest.pop_first();
        }
    }

    fn is_empty(&self) -> bool {
        self.minutes.is_empty() && self.hours.is_empty() && self.visitors.is_empty() && self.newest.is_empty()
    }
}

/// What is added, by domain.
#[derive(Default)]
pub struct Tally {
    sites: BTreeMap<SiteId, SiteTally>,
    now_ms: i64,
}

impl Tally {
    /// Adds up the events at or above an offset.
    pub fn of_events(events: &[Seen], from: Offset, now_ms: i64) -> Self {
        let mut tally = Self { sites: BTreeMap::new(), now_ms };
        for seen in events.iter().filter(|seen| seen.offset >= from) {
            // A domain is told that it changed even where nothing of the event is kept.
            let site = tally.sites.entry(seen.site).or_default();
            if is_pageview(seen) {
                let (minute, hour) = (start_of(seen.ts, MINUTE_MS), start_of(seen.ts, HOUR_MS));
                if keeps_minute(minute, now_ms) {
                    site.minutes.entry(minute).or_default().add(Arc::clone(&seen.path), 1);
                }
                if keeps_hour(hour, now_ms) {
                    *site.hours.entry(hour).or_default() += 1;
                }
            }
            if keeps_visitor(seen.ts, now_ms) {
                site.see(seen.visitor, seen.ts);
            }
            if keeps_newest(seen, now_ms) {
                site.keep_newest(seen);
            }
        }
        tally
    }

    /// Adds up a snapshot.
    pub fn of_snapshot(snapshot: Snapshot, now_ms: i64) -> Self {
        let mut tally = Self { sites: BTreeMap::new(), now_ms };
        for (site, minute, path, count) in snapshot.minutes {
            if keeps_minute(minute, now_ms) && count > 0 {
                tally.sites.entry(site).or_default().minutes.entry(minute).or_default().add(path.into(), count);
            }
        }
        for (site, hour, count) in snapshot.hours {
            if keeps_hour(hour, now_ms) && count > 0 {
                *tally.sites.entry(site).or_default().hours.entry(hour).or_default() += count;
            }
        }
        for (site, ts, visitor) in snapshot.visitors {
            if keeps_visitor(ts, now_ms) {
                tally.sites.entry(site).or_default().see(visitor, ts);
            }
        }
        for seen in &snapshot.newest {
            if keeps_newest(seen, now_ms) {
                tally.sites.entry(seen.site).or_default().keep_newest(seen);
            }
        }
        tally
    }

    /// The domains that something is added to, or that are told.
    pub fn sites(&self) -> impl Iterator<Item = SiteId> {
        self.sites.keys().copied()
    }

    /// One block per domain: for a batch, which is counted at once.
    pub fn write(&self, keys: &Keys, epoch: &EpochKeys, call: &mut Call) {
        for (site, tally) in &self.sites {
            Block {
                minutes: tally.minutes.iter().map(|(start, minute)| (*start, minute)).collect(),
                hours: by_table(&tally.hours),
                visitors: tally.visitors.iter().map(|(visitor, ts)| (*visitor, *ts)).collect(),
                newest: tally.newest.values().collect(),
            }
            .write(*site, keys, epoch, self.now_ms, call);
        }
    }

    /// Many small blocks: for a snapshot, which is written piece by piece. At least one call; each is laid out when it is asked for, because all of
    /// them take several times the memory of what is added.
    pub fn pieces<'a>(&'a self, keys: &'a Keys, epoch: &'a EpochKeys, per_call: usize) -> impl Iterator<Item = Call> + 'a {
        let sites = self.sites.iter().filter(|(_, tally)| !tally.is_empty());
        let mut blocks = sites.flat_map(|(site, tally)| tally.blocks().into_iter().map(|block| (*site, block)));
        let mut is_first = true;
        iter::from_fn(move || {
            let mut call = Call::default();
            while call.args.len() < per_call
                && let Some((site, block)) = blocks.next()
            {
                block.write(site, keys, epoch, self.now_ms, &mut call);
            }
            let is_one = mem::take(&mut is_first) || !call.args.is_empty();
            is_one.then_some(call)
        })
    }
}

impl SiteTally {
    /// In blocks that are small enough for a script.
    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = vec![Block { hours: by_table(&self.hours), newest: self.newest.values().collect(), ..Block::default() }];
        let (mut minutes, mut paths) = (Vec::new(), 0);
        for (start, minute) in &self.minutes {
            minutes.push((*start, minute));
            paths += minute.paths.len();
            if minutes.len() + paths >= ENTRIES_PER_BLOCK {
                blocks.push(Block { minutes: mem::take(&mut minutes), ..Block::default() });
                paths = 0;
            }
        }
        if !minutes.is_empty() {
            blocks.push(Block { minutes, ..Block::default() });
        }
        let visitors: Vec<(Hash64, i64)> = self.visitors.iter().map(|(visitor, ts)| (*visitor, *ts)).collect();
        blocks.extend(visitors.chunks(ENTRIES_PER_BLOCK).map(|visitors| Block { visitors: visitors.to_vec(), ..Block::default() }));
        blocks
    }
}

/// Keys and arguments of a script, as far as they are written.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub keys: Vec<String>,
    pub args: Vec<Value>,
}

impl Call {
    fn arg(&mut self, arg: impl Into<Value>) {
        self.args.push(arg.into());
    }

    fn number(&mut self, number: impl ToString) {
        self.args.push(number.to_string().into());
    }
}

/// What a script adds to one domain in one go.
#[derive(Default)]
struct Block<'a> {
    minutes: Vec<(i64, &'a Minute)>,
    hours: Vec<(i64, Vec<(i64, u64)>)>,
    visitors: Vec<(Hash64, i64)>,
    newest: Vec<&'a Seen>,
}

impl Block<'_> {
    fn write(&self, site: SiteId, keys: &Keys, epoch: &EpochKeys, now_ms: i64, call: &mut Call) {
        call.arg(keys.channel(&ticks_channel(site)));
        for count in [self.minutes.len(), self.hours.len(), self.visitors.len(), self.newest.len()] {
            call.number(count);
        }
        for (start, minute) in &self.minutes {
            call.keys.extend([epoch.minute(site, *start), epoch.spent(site, *start)]);
            call.number(seconds_left(*start + MINUTE_MS + MINUTE_BUCKETS_MS, now_ms));
            call.number(minute.pageviews);
            call.number(minute.paths.len());
            for (path, count) in &minute.paths {
                call.arg(path_field(path));
                call.number(count);
            }
        }
        for (table, hours) in &self.hours {
            call.keys.push(epoch.hours(site, *table));
            call.number(seconds_left(last_hour_of(*table) + HOUR_MS + HOUR_BUCKETS_MS, now_ms));
            call.number(hours.len());
            for (hour, count) in hours {
                call.number(hour.div_euclid(HOUR_MS));
                call.number(count);
            }
        }
        if !self.visitors.is_empty() {
            call.keys.push(epoch.visitors(site));
        }
        for (visitor, ts) in &self.visitors {
            call.number(ts);
            call.arg(&visitor.0.to_be_bytes()[..]);
        }
        if !self.newest.is_empty() {
            call.keys.push(epoch.newest(site));
        }
        for seen in &self.newest {
            call.number(seen.ts);
            call.arg(event_text(seen));
        }
    }
}

fn by_table(hours: &BTreeMap<i64, u64>) -> Vec<(i64, Vec<(i64, u64)>)> {
    let mut tables: BTreeMap<i64, Vec<(i64, u64)>> = BTreeMap::new();
    for (hour, count) in hours {
        tables.entry(hour_table(*hour)).or_default().push((*hour, *count));
    }
    tables.into_iter().collect()
}

fn seconds_left(end_ms: i64, now_ms: i64) -> i64 {
    ((end_ms + SLACK_MS - now_ms) / 1_000).max(60)
}

/// The field of a total in a minute's table.
pub const TOTAL_FIELD: &str = "t";

/// A path's field in a minute's table: never the total's, whatever the path.
fn path_field(path: &str) -> String {
    format!("p{path}")
}

/// The path of a field; none for the total's.
pub fn path_of(field: &str) -> Option<&str> {
    field.strip_prefix('p')
}

/// An event as text that sorts by offset among events of one time.
fn event_text(seen: &Seen) -> String {
    let shown = (&*seen.name, &*seen.path, &*seen.country, &*seen.source, &*seen.device);
    format!("{:020}{}", seen.offset, serde_json::json!([seen.ts, shown.0, shown.1, shown.2, shown.3, shown.4]))
}

/// An event by its text, and its offset.
pub fn event_of(text: &str) -> Option<(Offset, LiveEvent)> {
    let (offset, rest) = text.split_at_checked(20)?;
    let (ts, name, path, country, source, device) = serde_json::from_str(rest).ok()?;
    Some((offset.parse().ok()?, LiveEvent { ts, name, path, country, source, device }))
}

/// Whether a path is what did not fit.
pub fn is_other(path: &str) -> bool {
    path == OTHER_PATHS
}
