//! The counters against a list of everything that was ever counted: slow, and plainly right.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use common::{batch, event, shard, site};
use footfall_live::{
    Applied, Clock, Counters, HOUR_BUCKETS_MS, MINUTE_BUCKETS_MS, OTHER_PATHS, Seen, Snapshot,
    memory::{MemoryLive, MemoryLiveOptions},
    redis::{RedisLive, RedisLiveOptions},
};
use footfall_model::{Hash64, SiteId};
use footfall_testkit::redis::Redis;
use proptest::{prelude::*, test_runner::TestRunner};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const BEGIN: i64 = 1_800_000_000_000;
const SITES: u128 = 3;
const SHARDS: u32 = 2;

fn start_of(ms: i64, width: i64) -> i64 {
    ms - ms.rem_euclid(width)
}

/// One event before it has an offset.
#[derive(Clone, Debug)]
struct Draft {
    site: u128,
    ago: i64,
    visitor: u64,
    name: &'static str,
    path: u8,
}

#[derive(Clone, Debug)]
enum Step {
    /// Let time pass.
    Pass(i64),
    /// Apply new events, after so many old ones again; every `dropped`th is not counted.
    Apply { shard: u32, again: usize, drafts: Vec<Draft>, dropped: usize },
    /// Apply with records missing before.
    Skip { shard: u32, missing: u64 },
    /// Rebuild a shard from the list.
    Rebuild(u32),
    /// Forget a domain.
    Forget(u128),
}

fn draft() -> impl Strategy<Value = Draft> {
    let ago = prop_oneof![
        8 => 0..6 * MINUTE,
        4 => 0..40 * MINUTE,
        2 => 0..26 * HOUR,
        1 => 0..31 * 24 * HOUR,
        1 => -5 * MINUTE..0,
    ];
    let name = prop_oneof![6 => Just("pageview"), 2 => Just("engagement"), 1 => Just("signup")];
    (0..SITES, ago, 0_u64..6, name, 0_u8..5).prop_map(|(site, ago, visitor, name, path)| Draft { site, ago, visitor, name, path })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![0..MINUTE, 0..40 * MINUTE, 0..26 * HOUR].prop_map(Step::Pass),
        10 => (0..SHARDS, 0_usize..5, prop::collection::vec(draft(), 0..12), 2_usize..9)
            .prop_map(|(shard, again, drafts, dropped)| Step::Apply { shard, again, drafts, dropped }),
        1 => (0..SHARDS, 1_u64..4).prop_map(|(shard, missing)| Step::Skip { shard, missing }),
        2 => (0..SHARDS).prop_map(Step::Rebuild),
        1 => (0..SITES).prop_map(Step::Forget),
    ]
}

/// Everything counted, by shard. A dropped event has an offset and no entry.
#[derive(Default)]
struct Oracle {
    seen: BTreeMap<u32, Vec<Seen>>,
    next: BTreeMap<u32, u64>,
}

impl Oracle {
    fn of(&self, site: SiteId) -> Vec<&Seen> {
        self.seen.values().flatten().filter(|seen| seen.site == site).collect()
    }

    fn minutes(&self, site: SiteId, now: i64, from: i64, to: i64) -> BTreeMap<i64, BTreeMap<String, u64>> {
        let mut minutes: BTreeMap<i64, BTreeMap<String, u64>> = BTreeMap::new();
        for seen in self.of(site).into_iter().filter(|seen| &*seen.name == "pageview") {
            let minute = start_of(seen.ts, MINUTE);
            if (from..to).contains(&minute) && minute >= start_of(now, MINUTE) - MINUTE_BUCKETS_MS {
                *minutes.entry(minute).or_default().entry(seen.path.to_string()).or_default() += 1;
            }
        }
        minutes
    }

    fn hours(&self, site: SiteId, now: i64) -> BTreeMap<i64, u64> {
        let mut hours = BTreeMap::new();
        for seen in self.of(site).into_iter().filter(|seen| &*seen.name == "pageview") {
            let hour = start_of(seen.ts, HOUR);
            if hour >= start_of(now, HOUR) - HOUR_BUCKETS_MS {
                *hours.entry(hour).or_default() += 1;
            }
        }
        hours
    }

    fn visitors(&self, site: SiteId, from: i64) -> u64 {
        self.of(site).into_iter().filter(|seen| seen.ts >= from).map(|seen| seen.visitor).collect::<BTreeSet<_>>().len() as u64
    }

    /// What the store and the log would give for a shard: deliberately more than is kept, in no useful order.
    fn snapshot(&self, shard: u32, now: i64) -> Snapshot {
        let seen = self.seen.get(&shard).map_or(&[][..], Vec::as_slice);
        let mut minutes: BTreeMap<(SiteId, i64, String), u64> = BTreeMap::new();
        let mut hours: BTreeMap<(SiteId, i64), u64> = BTreeMap::new();
        for seen in seen.iter().filter(|seen| &*seen.name == "pageview") {
            *minutes.entry((seen.site, start_of(seen.ts, MINUTE), seen.path.to_string())).or_default() += 1;
            *hours.entry((seen.site, start_of(seen.ts, HOUR))).or_default() += 1;
        }
        let mut newest: Vec<Seen> = seen.iter().filter(|seen| &*seen.name != "engagement").cloned().collect();
        newest.sort_by_key(|seen| (seen.ts, seen.offset));
        Snapshot {
            next: self.next.get(&shard).copied().unwrap_or_default(),
            minutes: minutes.into_iter().map(|((site, minute, path), count)| (site, minute, path, count)).collect(),
            hours: hours.into_iter().map(|((site, hour), count)| (site, hour, count)).collect(),
            visitors: seen.iter().filter(|seen| seen.ts > now - 50 * MINUTE).map(|seen| (seen.site, seen.ts, seen.visitor)).collect(),
            newest,
        }
    }
}

async fn compare(live: &dyn Counters, oracle: &Oracle, now: i64) {
    for number in 0..SITES {
        let site = site(number);
        let view = live.view(site, now, 3).await.unwrap();
        let first = start_of(now, MINUTE) - 29 * MINUTE;
        let shown = oracle.minutes(site, now, first, first + 30 * MINUTE);
        let bar = |n: i64| shown.get(&(first + n * MINUTE)).map_or(0, |paths| paths.values().sum());
        assert_eq!(view.minutes, (0..30).map(bar).collect::<Vec<u64>>());
        assert_eq!(view.pageviews, view.minutes.iter().sum::<u64>());
        let mut pages: BTreeMap<&String, u64> = BTreeMap::new();
        shown.values().flatten().for_each(|(path, count)| *pages.entry(path).or_default() += count);
        let mut pages: Vec<_> = pages.into_iter().collect();
        pages.sort_by_key(|(path, count)| (std::cmp::Reverse(*count), *path));
        pages.truncate(3);
        assert_eq!(view.pages.iter().map(|page| (&page.path, page.pageviews)).collect::<Vec<_>>(), pages);
        assert_eq!(view.current_visitors, oracle.visitors(site, now - 5 * MINUTE + 1));
        assert_eq!(view.visitors, oracle.visitors(site, first));
        let mut newest: Vec<&Seen> = oracle.of(site).into_iter().filter(|seen| &*seen.name != "engagement").collect();
        newest.retain(|seen| seen.ts >= start_of(now, HOUR) - HOUR_BUCKETS_MS);
        newest.sort_by_key(|seen| std::cmp::Reverse((seen.ts, seen.offset)));
        let times: Vec<i64> = newest.iter().map(|seen| seen.ts).take(20).collect();
        assert_eq!(
            view.newest.iter().filter(|event| event.ts >= start_of(now, HOUR) - HOUR_BUCKETS_MS).map(|event| event.ts).collect::<Vec<_>>(),
            times
        );

        for (from, to) in [(now - 40 * HOUR, now + HOUR), (start_of(now, MINUTE) - 7 * MINUTE, start_of(now, MINUTE))] {
            let told = live.minutes(site, from, to, true).await.unwrap();
            assert!(told.iter().all(|of| of.pageviews == of.paths.iter().map(|(_, count)| count).sum::<u64>()));
            let told: BTreeMap<i64, BTreeMap<String, u64>> =
                told.into_iter().map(|of| (of.minute, of.paths.into_iter().collect())).collect();
            assert_eq!(told, oracle.minutes(site, now, from, to));
        }
        let hours: BTreeMap<i64, u64> = live.hours(site, 0, i64::MAX).await.unwrap().into_iter().collect();
        assert_eq!(hours, oracle.hours(site, now));
    }
}

async fn run(steps: Vec<Step>, start: impl FnOnce(Clock) -> Arc<dyn Counters>) {
    let time = Arc::new(AtomicI64::new(BEGIN));
    let live = start({
        let time = Arc::clone(&time);
        Clock::new(move || time.load(Ordering::Relaxed))
    });
    let mut oracle = Oracle::default();
    for number in 0..SHARDS {
        live.rebuild(shard(number), Snapshot::default()).await.unwrap();
    }
    for step in steps {
        let now = time.load(Ordering::Relaxed);
        match step {
            Step::Pass(ms) => drop(time.fetch_add(ms, Ordering::Relaxed)),
            Step::Apply { shard: number, again, drafts, dropped } => {
                let next = oracle.next.get(&number).copied().unwrap_or_default();
                let known = oracle.seen.entry(number).or_default();
                let repeated = known.iter().rev().take(again).rev().cloned().collect::<Vec<_>>();
                let first = repeated.first().map_or(next, |seen| seen.offset);
                let fresh: Vec<Seen> = drafts
                    .iter()
                    .zip(next..)
                    .filter(|(_, offset)| offset % dropped as u64 != 0)
                    .map(|(draft, offset)| {
                        let path = format!("/{}", draft.path);
                        event(offset).site(draft.site).at(now - draft.ago).visitor(draft.visitor).name(draft.name).path(&path).seen()
                    })
                    .collect();
                let end = next + drafts.len() as u64;
                if end == first {
                    continue;
                }
                let mut events = batch(first, repeated.into_iter().chain(fresh.iter().cloned()).collect());
                events.shard = shard(number);
                events.last = end - 1;
                assert_eq!(live.apply(events).await.unwrap(), Applied::Done);
                known.extend(fresh);
                oracle.next.insert(number, end);
            }
            Step::Skip { shard: number, missing } => {
                let next = oracle.next.get(&number).copied().unwrap_or_default();
                let mut events = batch(next + missing, vec![event(next + missing).at(now).seen()]);
                events.shard = shard(number);
                assert_eq!(live.apply(events).await.unwrap(), Applied::Hole { next: Some(next) });
            }
            Step::Rebuild(number) => live.rebuild(shard(number), oracle.snapshot(number, now)).await.unwrap(),
            Step::Forget(number) => {
                live.forget(site(number)).await.unwrap();
                oracle.seen.values_mut().for_each(|seen| seen.retain(|seen| seen.site != site(number)));
            }
        }
        for number in 0..SHARDS {
            let next = oracle.next.get(&number).copied().unwrap_or_default();
            assert_eq!(live.fence(shard(number)).await.unwrap(), Some(next));
        }
        compare(&*live, &oracle, time.load(Ordering::Relaxed)).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn memory_counts_like_a_list(steps in prop::collection::vec(step(), 1..30)) {
        let start = |clock| -> Arc<dyn Counters> { MemoryLive::new(MemoryLiveOptions { clock, ..MemoryLiveOptions::default() }) };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(steps, start));
    }
}

#[test]
fn redis_counts_like_a_list() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let redis = runtime.block_on(Redis::start()).unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(10));
    let case = std::cell::Cell::new(0);
    let outcome = runner.run(&prop::collection::vec(step(), 1..16), |steps| {
        case.set(case.get() + 1);
        // Each case has keys of its own.
        let prefix = format!("case{}", case.get());
        let start = |clock| -> Arc<dyn Counters> {
            RedisLive::connect(RedisLiveOptions { clock, prefix, ..RedisLiveOptions::new(redis.url()) }).unwrap()
        };
        runtime.block_on(run(steps, start));
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_flood_is_bounded_and_totals_stay_right() {
    let clock = Clock::new(|| BEGIN);
    let live = MemoryLive::new(MemoryLiveOptions { path_bytes: 64 << 10, max_visitors: 100, clock, ..MemoryLiveOptions::default() });
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    let flood = |n: u64| event(n).at(BEGIN - (n % 20) as i64 * MINUTE).visitor(n).path(&format!("/{n}")).seen();
    live.apply(batch(0, (0..5_000).map(flood).collect())).await.unwrap();
    let view = live.view(site(1), BEGIN, 100_000).await.unwrap();
    assert_eq!((view.pageviews, view.visitors), (5_000, 100));
    let other = view.pages.last().unwrap();
    assert_eq!(other.path, OTHER_PATHS);
    assert!(view.pages.len() < 250 && other.pageviews > 4_700, "{} pages", view.pages.len());
    let calm = event(5_000).site(2).at(BEGIN).path("/calm").visitor(0).seen();
    live.apply(batch(5_000, vec![calm])).await.unwrap();
    assert_eq!(live.view(site(2), BEGIN, 1).await.unwrap().pages[0].path, "/calm", "other domains keep their share");
    assert_eq!(live.view(site(1), BEGIN, 1).await.unwrap().newest.len(), 20);
}

#[tokio::test]
async fn what_is_old_is_swept_without_traffic_of_its_own() {
    let time = Arc::new(AtomicI64::new(BEGIN));
    let clock = {
        let time = Arc::clone(&time);
        Clock::new(move || time.load(Ordering::Relaxed))
    };
    let live = MemoryLive::new(MemoryLiveOptions { max_visitors: 10, clock, ..MemoryLiveOptions::default() });
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(batch(0, (0..10).map(|n| event(n).at(BEGIN).visitor(n).seen()).collect())).await.unwrap();
    time.fetch_add(36 * MINUTE, Ordering::Relaxed);
    live.apply(batch(10, vec![event(10).site(2).at(BEGIN + 36 * MINUTE).visitor(1).seen()])).await.unwrap();
    let view = live.view(site(2), BEGIN + 36 * MINUTE, 1).await.unwrap();
    assert_eq!(view.visitors, 1, "the room of those who left is free again");
    assert_eq!(live.view(site(1), BEGIN + 36 * MINUTE, 1).await.unwrap().visitors, 0);
    let far = Hash64(77);
    let snapshot = Snapshot { visitors: vec![(site(1), BEGIN + 9 * HOUR, far)], ..Snapshot::default() };
    live.rebuild(shard(1), snapshot).await.unwrap();
    assert_eq!(live.view(site(1), BEGIN + 9 * HOUR, 1).await.unwrap().visitors, 0, "hours ahead of the clock is not counted");
}
