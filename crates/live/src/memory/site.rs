//! What one shard brought of one domain, and how the panels read it.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use footfall_model::{
    Hash64,
    report::{LiveEvent, LivePage, LiveView},
};

use super::counters::Budget;
use crate::{
    MinuteCounts, OTHER_PATHS, PATHS_PER_MINUTE, Seen, VISITOR_SETS_MS,
    buckets::{
        CURRENT_MS, HOUR_MS, MINUTE_MS, NEWEST, VIEW_MINUTES, is_pageview, keeps_hour, keeps_minute, keeps_newest, keeps_visitor,
        oldest_hour, oldest_minute, start_of,
    },
};

/// What a path costs in a minute: the pair at the table's usual load.
const ENTRY_BYTES: usize = 40;
/// What a path's text costs beside its bytes: counts of the shared text, its place in the set.
const TEXT_BYTES: usize = 40;
/// Pageviews of one minute.
#[derive(Default)]
struct Minute {
    pageviews: u64,
    /// By path; text is shared by all minutes of the domain.
    paths: HashMap<Arc<str>, u32>,
}

/// One domain in one shard.
#[derive(Default)]
pub(super) struct Site {
    minutes: BTreeMap<i64, Minute>,
    hours: BTreeMap<i64, u64>,
    /// Last event of each visitor of the last 35 minutes.
    visitors: HashMap<Hash64, i64>,
    /// Newest events by (time, offset), oldest first.
    newest: VecDeque<Seen>,
    /// Each path's text once.
    texts: HashSet<Arc<str>>,
    /// What the paths of all minutes cost.
    path_bytes: usize,
}

impl Site {
    pub fn path_bytes(&self) -> usize {
        self.path_bytes
    }

    pub fn visitors(&self) -> usize {
        self.visitors.len()
    }

    /// Counts one event.
    pub fn count(&mut self, seen: &Seen, now_ms: i64, budget: &mut Budget) {
        if is_pageview(seen) {
            self.set_minute(start_of(seen.ts, MINUTE_MS), &seen.path, 1, now_ms, budget);
            self.set_hour(start_of(seen.ts, HOUR_MS), 1, now_ms);
        }
        self.see(seen.visitor, seen.ts, now_ms, budget);
        self.keep_newest(seen, now_ms);
    }

    /// Adds pageviews to a minute.
    pub fn set_minute(&mut self, minute: i64, path: &str, count: u64, now_ms: i64, budget: &mut Budget) {
        if !keeps_minute(minute, now_ms) {
            return;
        }
        let minute = self.minutes.entry(minute).or_default();
        minute.pageviews += count;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if let Some(known) = minute.paths.get_mut(path) {
            *known = known.saturating_add(count);
            return;
        }
        let room = minute.paths.len() < PATHS_PER_MINUTE + usize::from(minute.paths.contains_key(OTHER_PATHS));
        let text_bytes = if self.texts.contains(path) { 0 } else { path.len() + TEXT_BYTES };
        let path = if path == OTHER_PATHS || (room && budget.path(ENTRY_BYTES + text_bytes, self.path_bytes)) {
            self.path_bytes += ENTRY_BYTES + text_bytes;
            path
        } else {
            OTHER_PATHS
        };
        let text = self.texts.get(path).cloned().unwrap_or_else(|| path.into());
        self.texts.insert(Arc::clone(&text));
        let known = minute.paths.entry(text).or_default();
        *known = known.saturating_add(count);
    }

    /// Adds pageviews to an hour.
    pub fn set_hour(&mut self, hour: i64, count: u64, now_ms: i64) {
        if keeps_hour(hour, now_ms) {
            *self.hours.entry(hour).or_default() += count;
        }
    }

    /// Notes that a visitor did something.
    pub fn see(&mut self, visitor: Hash64, ts: i64, now_ms: i64, budget: &mut Budget) {
        if !keeps_visitor(ts, now_ms) {
            return;
        }
        match self.visitors.get_mut(&visitor) {
            Some(last) => *last = ts.max(*last),
            None if budget.visitor() => drop(self.visitors.insert(visitor, ts)),
            None => {}
        }
    }

    /// Keeps an event if it is among the newest.
    pub fn keep_newest(&mut self, seen: &Seen, now_ms: i64) {
        if !keeps_newest(seen, now_ms) {
            return;
        }
        let at = self.newest.partition_point(|kept| (kept.ts, kept.offset) <= (seen.ts, seen.offset));
        self.newest.insert(at, seen.clone());
        if self.newest.len() > NEWEST {
            self.newest.pop_front();
        }
    }

    /// Takes out what is too old; `false` when nothing is left.
    pub fn sweep(&mut self, now_ms: i64) -> bool {
        self.minutes = self.minutes.split_off(&oldest_minute(now_ms));
        self.hours = self.hours.split_off(&oldest_hour(now_ms));
        self.visitors.retain(|_, last| *last > now_ms.saturating_sub(VISITOR_SETS_MS));
        self.visitors.shrink_to(self.visitors.len() * 2);
        self.texts.retain(|text| Arc::strong_count(text) > 1);
        let entries: usize = self.minutes.values().map(|minute| minute.paths.len()).sum();
        self.path_bytes = entries * ENTRY_BYTES + self.texts.iter().map(|text| text.len() + TEXT_BYTES).sum::<usize>();
        self.newest.retain(|seen| seen.ts >= oldest_hour(now_ms));
        !(self.minutes.is_empty() && self.hours.is_empty() && self.visitors.is_empty() && self.newest.is_empty())
    }
}

/// Sums by key, in the order of the keys.
fn added<K: Ord>(pairs: impl IntoIterator<Item = (K, u64)>) -> BTreeMap<K, u64> {
    let mut sums = BTreeMap::new();
    for (key, count) in pairs {
        *sums.entry(key).or_default() += count;
    }
    sums
}

/// The live panels of a domain from all its shards.
pub(super) fn view(parts: &[&Site], now_ms: i64, limit: usize) -> LiveView {
    let last_minute = start_of(now_ms, MINUTE_MS);
    let first_minute = last_minute - (VIEW_MINUTES - 1) * MINUTE_MS;
    let mut bars = vec![0; VIEW_MINUTES as usize];
    let mut paths: HashMap<&str, u64> = HashMap::new();
    for (start, minute) in parts.iter().flat_map(|site| site.minutes.range(first_minute..=last_minute)) {
        bars[((start - first_minute) / MINUTE_MS) as usize] += minute.pageviews;
        for (path, count) in &minute.paths {
            *paths.entry(path).or_default() += u64::from(*count);
        }
    }
    let mut pages: Vec<(&str, u64)> = paths.into_iter().collect();
    // What did not fit is not a page: it comes last.
    pages.sort_unstable_by_key(|(path, count)| (*path == OTHER_PATHS, std::cmp::Reverse(*count), *path));
    pages.truncate(limit);
    LiveView {
        current_visitors: visitors_since(parts, now_ms - CURRENT_MS + 1),
        pageviews: bars.iter().sum(),
        minutes: bars,
        visitors: visitors_since(parts, first_minute),
        pages: pages.into_iter().map(|(path, pageviews)| LivePage { path: path.to_owned(), pageviews }).collect(),
        newest: newest(parts),
        has_events: !parts.is_empty(),
    }
}

/// Distinct visitors with an event at or after a time.
fn visitors_since(parts: &[&Site], from_ms: i64) -> u64 {
    let recent = |site: &&Site| site.visitors.iter().filter(|(_, last)| **last >= from_ms).map(|(visitor, _)| *visitor).collect::<Vec<_>>();
    match parts {
        [site] => site.visitors.values().filter(|last| **last >= from_ms).count() as u64,
        _ => parts.iter().flat_map(recent).collect::<HashSet<_>>().len() as u64,
    }
}

fn newest(parts: &[&Site]) -> Vec<LiveEvent> {
    let mut newest: Vec<&Seen> = parts.iter().flat_map(|site| &site.newest).collect();
    newest.sort_by_key(|seen| std::cmp::Reverse((seen.ts, seen.offset)));
    let event = |seen: &Seen| LiveEvent {
        ts: seen.ts,
        name: seen.name.to_string(),
        path: seen.path.to_string(),
        country: seen.country.to_string(),
        source: seen.source.to_string(),
        device: seen.device.to_string(),
    };
    newest.into_iter().take(NEWEST).map(event).collect()
}

/// Pageviews by minute; minutes without any are left out.
pub(super) fn minutes(parts: &[&Site], from_ms: i64, to_ms: i64, by_path: bool) -> Vec<MinuteCounts> {
    if from_ms >= to_ms {
        return Vec::new();
    }
    let within = parts.iter().flat_map(|site| site.minutes.range(from_ms..to_ms));
    let paths_of = |start: i64| {
        let minutes = parts.iter().filter_map(|site| site.minutes.get(&start));
        let paths = minutes.flat_map(|minute| minute.paths.iter().map(|(path, count)| (&**path, u64::from(*count))));
        added(paths).into_iter().map(|(path, count)| (path.to_owned(), count)).collect()
    };
    added(within.map(|(start, minute)| (*start, minute.pageviews)))
        .into_iter()
        .map(|(minute, pageviews)| MinuteCounts { minute, pageviews, paths: if by_path { paths_of(minute) } else { Vec::new() } })
        .collect()
}

/// Pageviews by hour; hours without any are left out.
pub(super) fn hours(parts: &[&Site], from_ms: i64, to_ms: i64) -> Vec<(i64, u64)> {
    if from_ms >= to_ms {
        return Vec::new();
    }
    let all = parts.iter().flat_map(|site| site.hours.range(from_ms..to_ms));
    added(all.map(|(hour, count)| (*hour, *count))).into_iter().collect()
}
