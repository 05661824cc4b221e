//! Reading counters: one script per shard that has something of the domain, all shards at once; this process adds up.

use std::collections::{BTreeMap, HashMap, HashSet};

use footfall_model::{
    Offset, SiteId,
    report::{LiveEvent, LivePage, LiveView},
};
use fred::types::{Value, scripts::Script};
use futures::future::try_join_all;

use super::{
    counters::Counts,
    keys::{EpochKeys, Keys, hour_table, last_hour_of},
    link::Link,
    scripts,
    tally::{TOTAL_FIELD, event_of, is_other, path_of},
};
use crate::{
    Clock, LiveError, MinuteCounts, Shard,
    buckets::{AHEAD_MS, CURRENT_MS, HOUR_MS, MINUTE_MS, NEWEST, VIEW_MINUTES, oldest_hour, oldest_minute, start_of},
};

/// Visitors of a shard that are told by id, so that one who is in several shards counts once. Beyond, the numbers are added up: the log
/// keeps a visitor in one partition, so the difference is small, and ids by the hundred thousand would hold up Redis.
const VISITORS_BY_ID: usize = 20_000;
/// Paths of a shard that compete for the top pages.
const PATHS_COMPARED: usize = 2_000;
/// Minutes read by one call, with and without paths: what Redis does at once stays small.
const MINUTES_BY_PATH: usize = 60;
const MINUTES: usize = 1_500;

/// The reading half.
pub struct Reader<'a> {
    pub link: &'a Link,
    pub keys: &'a Keys,
    pub counts: &'a Counts,
    pub clock: &'a Clock,
}

impl Reader<'_> {
    /// The live panels, as [`crate::Counters::view`].
    pub async fn view(&self, site: SiteId, now_ms: i64, limit: usize) -> Result<LiveView, LiveError> {
        let shards = self.counts.shards(self.link, site).await?;
        let several = shards.len() > 1;
        let last_minute = start_of(now_ms, MINUTE_MS);
        let first_minute = last_minute - (VIEW_MINUTES - 1) * MINUTE_MS;
        let hours_as_of = self.clock.now_ms();
        let ask = |epoch: &EpochKeys| {
            let mut keys = vec![epoch.visitors(site), epoch.newest(site)];
            keys.extend(epoch.told_hours(site, hours_as_of));
            keys.extend((0..VIEW_MINUTES).map(|n| epoch.minute(site, first_minute + n * MINUTE_MS)));
            keys
        };
        let args: Vec<Value> = [
            first_minute.to_string(),
            (now_ms - CURRENT_MS + 1).to_string(),
            if several { VISITORS_BY_ID } else { 0 }.to_string(),
            PATHS_COMPARED.max(limit).to_string(),
        ]
        .into_iter()
        .map(Value::from)
        .collect();
        let answers = try_join_all(shards.into_iter().map(|shard| self.ask(&scripts::VIEW, shard, ask, &args))).await?;
        let mut sum = Sum { bars: vec![0; VIEW_MINUTES as usize], ..Sum::default() };
        for answer in answers.into_iter().flatten() {
            sum.add(answer)?;
        }
        Ok(sum.view(limit, oldest_hour(hours_as_of)))
    }

    /// Pageviews by minute, as [`crate::Counters::minutes`].
    pub async fn minutes(&self, site: SiteId, from_ms: i64, to_ms: i64, by_path: bool) -> Result<Vec<MinuteCounts>, LiveError> {
        let clock_ms = self.clock.now_ms();
        // As the memory engine: minutes that begin within.
        let first = -start_of(-from_ms.max(oldest_minute(clock_ms)), MINUTE_MS);
        let end = to_ms.min(clock_ms + AHEAD_MS + MINUTE_MS);
        if first >= end {
            return Ok(Vec::new());
        }
        let starts: Vec<i64> = (first..end).step_by(MINUTE_MS as usize).collect();
        let shards = self.counts.shards(self.link, site).await?;
        let mut minutes: BTreeMap<i64, (u64, BTreeMap<String, u64>)> = BTreeMap::new();
        for starts in starts.chunks(if by_path { MINUTES_BY_PATH } else { MINUTES }) {
            let ask = |epoch: &EpochKeys| starts.iter().map(|start| epoch.minute(site, *start)).collect::<Vec<_>>();
            let args = [Value::from(if by_path { "" } else { TOTAL_FIELD })];
            let answers = try_join_all(shards.iter().map(|shard| self.ask(&scripts::READ, *shard, ask, &args))).await?;
            for answer in answers.into_iter().flatten() {
                for (start, told) in starts.iter().zip(tables(answer)?) {
                    let pageviews: Vec<(String, u64)> = match told {
                        Value::Null => continue,
                        Value::Array(fields) if fields.is_empty() => continue,
                        Value::Array(_) => pairs(told)?,
                        total => vec![(TOTAL_FIELD.to_owned(), total.convert().map_err(odd)?)],
                    };
                    let minute = minutes.entry(*start).or_default();
                    for (field, count) in pageviews {
                        match path_of(&field) {
                            Some(path) => *minute.1.entry(path.to_owned()).or_default() += count,
                            None => minute.0 += count,
                        }
                    }
                }
            }
        }
        let told = |(minute, (pageviews, paths)): (i64, (u64, BTreeMap<_, _>))| MinuteCounts {
            minute,
            pageviews,
            paths: paths.into_iter().collect(),
        };
        Ok(minutes.into_iter().map(told).collect())
    }

    /// Pageviews by hour, as [`crate::Counters::hours`].
    pub async fn hours(&self, site: SiteId, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, u64)>, LiveError> {
        let clock_ms = self.clock.now_ms();
        let from_ms = from_ms.max(oldest_hour(clock_ms));
        let to_ms = to_ms.min(clock_ms + AHEAD_MS + HOUR_MS);
        if from_ms >= to_ms {
            return Ok(Vec::new());
        }
        let wanted: Vec<i64> = (hour_table(from_ms)..=hour_table(to_ms)).filter(|table| last_hour_of(*table) >= from_ms).collect();
        let shards = self.counts.shards(self.link, site).await?;
        let ask = |epoch: &EpochKeys| wanted.iter().map(|table| epoch.hours(site, *table)).collect::<Vec<_>>();
        let args = [Value::from("")];
        let answers = try_join_all(shards.into_iter().map(|shard| self.ask(&scripts::READ, shard, ask, &args))).await?;
        let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
        for answer in answers.into_iter().flatten() {
            for table in tables(answer)? {
                for (hour, count) in pairs(table)? {
                    let hour = hour.parse::<i64>().map_err(odd)? * HOUR_MS;
                    if (from_ms..to_ms).contains(&hour) {
                        *hours.entry(hour).or_default() += count;
                    }
                }
            }
        }
        Ok(hours.into_iter().collect())
    }

    /// Asks one shard, again where the epoch was another; none where the shard has nothing.
    async fn ask(
        &self,
        script: &Script,
        shard: Shard,
        ask: impl Fn(&EpochKeys) -> Vec<String>,
        args: &[Value],
    ) -> Result<Option<Vec<Value>>, LiveError> {
        let shard_keys = self.keys.shard(shard);
        for _ in 0..8 {
            let epoch = self.counts.epoch(shard);
            let mut keys = vec![shard_keys.fence()];
            keys.extend(ask(&shard_keys.epoch(&epoch)));
            let args = std::iter::once(Value::from(epoch)).chain(args.iter().cloned()).collect();
            let answer: Vec<Value> = self.link.run(script, keys, args).await?;
            match &answer[..] {
                [] => return Ok(None),
                [epoch] => self.counts.learn(shard, &epoch.as_string().unwrap_or_default(), None),
                _ => return Ok(Some(answer)),
            }
        }
        Err(LiveError("other processes rebuild the live state; trying again".to_owned()))
    }
}

/// What several shards know of the live panels, added up.
#[derive(Default)]
struct Sum {
    bars: Vec<u64>,
    /// Visitors known by number only.
    current: u64,
    visitors: u64,
    /// Visitors known by id, and whether they are current.
    ids: HashSet<[u8; 8]>,
    current_ids: HashSet<[u8; 8]>,
    paths: HashMap<String, u64>,
    newest: Vec<(Offset, LiveEvent)>,
    has_events: bool,
}

impl Sum {
    /// Adds the answer of `view.lua`.
    fn add(&mut self, answer: Vec<Value>) -> Result<(), LiveError> {
        let [_, current, visitors, ids, newest, there, bars, paths] =
            <[Value; 8]>::try_from(answer).map_err(|answer| odd(format!("{} values", answer.len())))?;
        let (current, visitors): (u64, u64) = (current.convert().map_err(odd)?, visitors.convert().map_err(odd)?);
        let ids = ids.into_owned_bytes().unwrap_or_default();
        if ids.is_empty() {
            self.current += current;
            self.visitors += visitors;
        }
        // They come in the order of their last event: the current ones at the end.
        let (ids, _) = ids.as_chunks::<8>();
        self.ids.extend(ids);
        self.current_ids.extend(&ids[ids.len().saturating_sub(current as usize)..]);
        for text in newest.convert::<Vec<String>>().map_err(odd)? {
            self.newest.extend(event_of(&text));
        }
        self.has_events |= there.convert::<u64>().map_err(odd)? > 0;
        for (bar, count) in self.bars.iter_mut().zip(bars.convert::<Vec<u64>>().map_err(odd)?) {
            *bar += count;
        }
        for (field, count) in pairs(paths)? {
            if let Some(path) = path_of(&field) {
                *self.paths.entry(path.to_owned()).or_default() += count;
            }
        }
        Ok(())
    }

    fn view(mut self, limit: usize, oldest_ms: i64) -> LiveView {
        let mut pages: Vec<(String, u64)> = self.paths.into_iter().collect();
        // What did not fit is not a page: it comes last.
        pages.sort_unstable_by(|one, other| (is_other(&one.0), other.1, &one.0).cmp(&(is_other(&other.0), one.1, &other.0)));
        pages.truncate(limit);
        self.newest.retain(|(_, event)| event.ts >= oldest_ms);
        self.newest.sort_by_key(|(offset, event)| std::cmp::Reverse((event.ts, *offset)));
        self.newest.truncate(NEWEST);
        LiveView {
            current_visitors: self.current + self.current_ids.len() as u64,
            pageviews: self.bars.iter().sum(),
            minutes: self.bars,
            visitors: self.visitors + self.ids.len() as u64,
            pages: pages.into_iter().map(|(path, pageviews)| LivePage { path, pageviews }).collect(),
            newest: self.newest.into_iter().map(|(_, event)| event).collect(),
            has_events: self.has_events,
        }
    }
}

/// The second part of an answer of `read.lua`: one value per table.
fn tables(answer: Vec<Value>) -> Result<Vec<Value>, LiveError> {
    match answer.into_iter().nth(1) {
        Some(Value::Array(tables)) => Ok(tables),
        _ => Err(odd("no tables")),
    }
}

/// Fields and counts that follow each other.
fn pairs(fields: Value) -> Result<Vec<(String, u64)>, LiveError> {
    let Value::Array(fields) = fields else { return Err(odd("no fields")) };
    let mut fields = fields.into_iter();
    let mut pairs = Vec::with_capacity(fields.len() / 2);
    while let (Some(field), Some(count)) = (fields.next(), fields.next()) {
        pairs.push((field.convert().map_err(odd)?, count.convert().map_err(odd)?));
    }
    Ok(pairs)
}

fn odd(error: impl std::fmt::Display) -> LiveError {
    LiveError(format!("redis gives an answer that cannot be read: {error}"))
}
