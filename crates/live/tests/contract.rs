//! What every live engine promises. A new engine implements [`Engine`] and is added at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use common::{batch, event, shard, site};
use footfall_live::{
    Allowance, Applied, Limit, Live, OTHER_PATHS, PATHS_PER_MINUTE, Snapshot, decode_post,
    memory::{MemoryLive, MemoryLiveOptions},
    redis::{RedisLive, RedisLiveOptions},
    ticks_channel,
};
use footfall_model::{Hash64, report::LivePage};
use footfall_testkit::redis::Redis;
use tokio::sync::broadcast::Receiver;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Makes empty live state.
#[async_trait]
trait Engine: Send {
    async fn start(&mut self) -> Arc<dyn Live>;
}

/// The middle of the running minute, by the engine's clock: no event of a test falls into the next one by accident.
fn now_ms() -> i64 {
    let now = chrono::Utc::now().timestamp_millis();
    now - now.rem_euclid(MINUTE) + MINUTE / 2
}

async fn at_zero(live: &dyn Live) {
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
}

async fn heard(receiver: &mut Receiver<Bytes>) -> Bytes {
    tokio::time::timeout(Duration::from_secs(60), receiver.recv()).await.expect("a message comes").unwrap()
}

async fn knows_nothing_at_first(engine: &mut dyn Engine) {
    let live = engine.start().await;
    assert_eq!(live.fence(shard(0)).await.unwrap(), None);
    let applied = live.apply(batch(0, vec![event(0).at(now_ms()).seen()])).await.unwrap();
    assert_eq!(applied, Applied::Hole { next: None });
    let view = live.view(site(1), now_ms(), 10).await.unwrap();
    assert_eq!((view.current_visitors, view.pageviews, view.minutes, view.has_events), (0, 0, vec![0; 30], false));
}

async fn counts_what_happened(engine: &mut dyn Engine) {
    let live = engine.start().await;
    at_zero(&*live).await;
    let now = now_ms();
    let events = vec![
        event(0).at(now - 31 * MINUTE).path("/old").visitor(1).seen(),
        event(1).at(now - 10 * MINUTE).path("/a").visitor(2).seen(),
        event(2).at(now - 2 * MINUTE).path("/a").visitor(3).seen(),
        event(3).at(now - MINUTE).path("/b").visitor(3).seen(),
        event(4).at(now).name("engagement").path("/a").visitor(4).seen(),
        event(5).at(now).name("signup").path("/b").visitor(3).seen(),
        event(6).at(now).site(2).visitor(9).seen(),
    ];
    assert_eq!(live.apply(batch(0, events)).await.unwrap(), Applied::Done);
    let view = live.view(site(1), now, 10).await.unwrap();
    assert_eq!(view.current_visitors, 2, "3, and 4 by its engagement");
    assert_eq!(view.visitors, 3);
    assert_eq!(view.pageviews, 3);
    let mut bars = vec![0; 30];
    (bars[19], bars[27], bars[28]) = (1, 1, 1);
    assert_eq!(view.minutes, bars);
    let page = |path: &str, pageviews| LivePage { path: path.into(), pageviews };
    assert_eq!(view.pages, [page("/a", 2), page("/b", 1)]);
    assert_eq!(live.view(site(1), now, 1).await.unwrap().pages, [page("/a", 2)]);
    let newest: Vec<(&str, &str)> = view.newest.iter().map(|event| (&*event.name, &*event.path)).collect();
    assert_eq!(newest, [("signup", "/b"), ("pageview", "/b"), ("pageview", "/a"), ("pageview", "/a"), ("pageview", "/old")]);
    assert!(view.has_events);
    assert_eq!(live.view(site(2), now, 10).await.unwrap().pageviews, 1);
}

async fn shows_at_most_twenty_events(engine: &mut dyn Engine) {
    let live = engine.start().await;
    at_zero(&*live).await;
    let now = now_ms();
    let events = (0..30).map(|n| event(n).at(now - 100 + n as i64).path(&format!("/{n}")).seen()).collect();
    live.apply(batch(0, events)).await.unwrap();
    let newest = live.view(site(1), now, 10).await.unwrap().newest;
    let paths: Vec<String> = newest.into_iter().map(|event| event.path).collect();
    assert_eq!(paths, (10..30).rev().map(|n| format!("/{n}")).collect::<Vec<_>>());
}

async fn skips_what_was_applied_and_tells_of_holes(engine: &mut dyn Engine) {
    let live = engine.start().await;
    at_zero(&*live).await;
    let now = now_ms();
    let some = |first: u64, last: u64| batch(first, (first..=last).map(|n| event(n).at(now).seen()).collect());
    assert_eq!(live.apply(some(0, 4)).await.unwrap(), Applied::Done);
    assert_eq!(live.apply(some(0, 4)).await.unwrap(), Applied::Done, "again");
    assert_eq!(live.apply(some(2, 6)).await.unwrap(), Applied::Done, "half again");
    assert_eq!(live.fence(shard(0)).await.unwrap(), Some(7));
    assert_eq!(live.apply(some(8, 9)).await.unwrap(), Applied::Hole { next: Some(7) });
    assert_eq!(live.fence(shard(0)).await.unwrap(), Some(7));
    assert_eq!(live.view(site(1), now, 10).await.unwrap().pageviews, 7);
    let mut dropped = some(7, 7);
    dropped.last = 9;
    dropped.events.clear();
    assert_eq!(live.apply(dropped).await.unwrap(), Applied::Done);
    assert_eq!(live.fence(shard(0)).await.unwrap(), Some(10), "events that do not count move the fence too");
}

async fn a_rebuild_replaces_one_shard(engine: &mut dyn Engine) {
    let live = engine.start().await;
    let now = now_ms();
    let minute = now - now.rem_euclid(MINUTE);
    let hour = now - now.rem_euclid(HOUR);
    for number in [0, 1] {
        live.rebuild(shard(number), Snapshot::default()).await.unwrap();
        let mut events = batch(0, vec![event(0).at(now).visitor(7).path("/x").seen()]);
        events.shard = shard(number);
        live.apply(events).await.unwrap();
    }
    assert_eq!(live.view(site(1), now, 10).await.unwrap().visitors, 1, "one visitor over both shards");
    let snapshot = Snapshot {
        next: 50,
        minutes: vec![
            (site(1), minute, "/s".into(), 4),
            (site(1), minute, OTHER_PATHS.into(), 100),
            (site(3), minute - MINUTE, "/t".into(), 2),
        ],
        hours: vec![(site(1), hour, 104), (site(1), hour - 5 * HOUR, 6)],
        visitors: vec![
            (site(1), now - 3 * MINUTE, Hash64(8)),
            (site(1), now - 20 * MINUTE, Hash64(8)),
            (site(1), now - 20 * MINUTE, Hash64(9)),
        ],
        newest: vec![event(40).at(now - 1).path("/n").seen()],
    };
    live.rebuild(shard(0), snapshot.clone()).await.unwrap();
    assert_eq!(live.fence(shard(0)).await.unwrap(), Some(50));
    assert_eq!(live.fence(shard(1)).await.unwrap(), Some(1));
    let view = live.view(site(1), now, 10).await.unwrap();
    assert_eq!((view.pageviews, view.visitors, view.current_visitors), (105, 3, 2));
    let pages: Vec<(&str, u64)> = view.pages.iter().map(|page| (&*page.path, page.pageviews)).collect();
    assert_eq!(pages, [("/s", 4), ("/x", 1), (OTHER_PATHS, 100)], "what is not a page comes last");
    assert_eq!(view.newest.iter().map(|event| &*event.path).collect::<Vec<_>>(), ["/x", "/n"]);
    assert_eq!(live.hours(site(1), hour - 24 * HOUR, hour + HOUR).await.unwrap(), [(hour - 5 * HOUR, 6), (hour, 105)]);
    live.rebuild(shard(0), snapshot).await.unwrap();
    assert_eq!(live.view(site(1), now, 10).await.unwrap(), view, "twice is once");
}

async fn answers_by_minute_and_hour(engine: &mut dyn Engine) {
    let live = engine.start().await;
    at_zero(&*live).await;
    let now = now_ms();
    let minute = now - now.rem_euclid(MINUTE);
    let hour = now - now.rem_euclid(HOUR);
    let events = vec![
        event(0).at(now).path("/a").seen(),
        event(1).at(now).path("/b").seen(),
        event(2).at(now - 3 * MINUTE).path("/a").seen(),
        event(3).at(now - 25 * HOUR).path("/yesterday").seen(),
        event(4).at(now - 31 * 24 * HOUR).path("/past").seen(),
        event(5).at(now).name("engagement").seen(),
    ];
    live.apply(batch(0, events)).await.unwrap();
    let minutes = live.minutes(site(1), minute - 3 * MINUTE, minute + MINUTE, true).await.unwrap();
    let told: Vec<_> = minutes.into_iter().map(|of| (of.minute, of.pageviews, of.paths)).collect();
    let path = |path: &str| (path.to_owned(), 1);
    assert_eq!(told, [(minute - 3 * MINUTE, 1, vec![path("/a")]), (minute, 2, vec![path("/a"), path("/b")])]);
    let without = live.minutes(site(1), minute - 3 * MINUTE, minute, false).await.unwrap();
    assert_eq!((without.len(), without[0].pageviews, without[0].paths.len()), (1, 1, 0), "the end is exclusive");
    assert!(live.minutes(site(1), minute - 26 * HOUR, minute - 24 * HOUR, false).await.unwrap().is_empty(), "24 hours are kept");
    let hours = live.hours(site(1), hour - 40 * 24 * HOUR, hour + HOUR).await.unwrap();
    assert_eq!(hours.iter().map(|(_, count)| count).sum::<u64>(), 4, "30 days are kept");
    assert!(hours.is_sorted() && hours[0].0 == hour - 25 * HOUR);
    assert!(live.minutes(site(1), minute, minute - 1, true).await.unwrap().is_empty());
    assert!(live.hours(site(5), 0, now).await.unwrap().is_empty());
}

async fn bounds_the_paths_of_a_minute(engine: &mut dyn Engine) {
    let live = engine.start().await;
    at_zero(&*live).await;
    let now = now_ms();
    let count = PATHS_PER_MINUTE as u64 + 50;
    live.apply(batch(0, (0..count).map(|n| event(n).at(now).path(&format!("/{n}")).seen()).collect())).await.unwrap();
    live.apply(batch(count, vec![event(count).at(now).path("/0").seen()])).await.unwrap();
    let minutes = live.minutes(site(1), now - MINUTE, now + MINUTE, true).await.unwrap();
    assert_eq!(minutes[0].pageviews, count + 1);
    assert_eq!(minutes[0].paths.len(), PATHS_PER_MINUTE + 1);
    let of = |path: &str| minutes[0].paths.iter().find(|(known, _)| known == path).map(|(_, count)| *count);
    assert_eq!((of(OTHER_PATHS), of("/0")), (Some(50), Some(2)), "a path that is known goes on counting");
}

async fn forgets_a_domain(engine: &mut dyn Engine) {
    let live = engine.start().await;
    at_zero(&*live).await;
    let now = now_ms();
    live.apply(batch(0, vec![event(0).at(now).seen(), event(1).at(now).site(2).seen()])).await.unwrap();
    live.forget(site(1)).await.unwrap();
    assert!(!live.view(site(1), now, 10).await.unwrap().has_events);
    assert_eq!(live.view(site(2), now, 10).await.unwrap().pageviews, 1);
    assert_eq!(live.fence(shard(0)).await.unwrap(), Some(2));
    live.apply(batch(2, vec![event(2).at(now).seen()])).await.unwrap();
    assert_eq!(live.view(site(1), now, 10).await.unwrap().pageviews, 1);
}

async fn announces_changes(engine: &mut dyn Engine) {
    let live = engine.start().await;
    at_zero(&*live).await;
    let (mut one, mut two) =
        (live.subscribe(&ticks_channel(site(1))).await.unwrap(), live.subscribe(&ticks_channel(site(2))).await.unwrap());
    live.apply(batch(0, vec![event(0).at(now_ms()).seen()])).await.unwrap();
    heard(&mut one).await;
    live.forget(site(2)).await.unwrap();
    heard(&mut two).await;
    assert!(one.try_recv().is_err() && two.try_recv().is_err(), "only the domain that changed");
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    heard(&mut one).await;
}

async fn passes_messages_on(engine: &mut dyn Engine) {
    let live = engine.start().await;
    live.publish("salts", Bytes::from_static(b"to nobody")).await.unwrap();
    let (mut one, mut two) = (live.subscribe("salts").await.unwrap(), live.subscribe("salts").await.unwrap());
    let mut other = live.subscribe("domains").await.unwrap();
    live.publish("salts", Bytes::from_static(b"new")).await.unwrap();
    assert_eq!((heard(&mut one).await, heard(&mut two).await), (Bytes::from_static(b"new"), Bytes::from_static(b"new")));
    assert!(other.try_recv().is_err());
}

async fn limits_by_key(engine: &mut dyn Engine) {
    let live = engine.start().await;
    // Half a token below zero after three: what refills during the test changes nothing.
    let slow = Limit { rate: 0.001, burst: 2.5 };
    let key = |name: &str, limit| (name.to_owned(), limit);
    for _ in 0..3 {
        assert_eq!(live.take(&[key("a", slow)], 1).await.unwrap(), [Allowance::Pass]);
    }
    let refused = live.take(&[key("a", slow)], 1).await.unwrap();
    assert!(matches!(refused[..], [Allowance::Wait(wait)] if wait > Duration::ZERO), "{refused:?}");
    assert_eq!(live.take(&[key("b", slow)], 1).await.unwrap(), [Allowance::Pass], "another key");
    let off = Limit { rate: 0.0, burst: 0.0 };
    assert_eq!(live.take(&[key("a", off)], 1_000).await.unwrap(), [Allowance::Pass], "no limit");
}

async fn a_request_may_put_a_bucket_in_debt(engine: &mut dyn Engine) {
    let live = engine.start().await;
    let limit = [("a".to_owned(), Limit { rate: 1.0, burst: 5.0 })];
    assert_eq!(live.take(&limit, 105).await.unwrap(), [Allowance::Pass]);
    let [Allowance::Wait(wait)] = live.take(&limit, 1).await.unwrap()[..] else { panic!("in debt") };
    assert!(wait > Duration::from_secs(90) && wait < Duration::from_secs(110), "{wait:?}");
}

async fn who_is_refused_takes_nothing_from_others(engine: &mut dyn Engine) {
    let live = engine.start().await;
    let (client, domain) =
        (("client".to_owned(), Limit { rate: 0.001, burst: 0.5 }), ("domain".to_owned(), Limit { rate: 0.001, burst: 1.5 }));
    let both = [client, domain.clone()];
    assert_eq!(live.take(&both, 1).await.unwrap(), [Allowance::Pass, Allowance::Pass]);
    for _ in 0..10 {
        assert!(matches!(live.take(&both, 1).await.unwrap()[..], [Allowance::Wait(_), Allowance::Pass]));
    }
    assert_eq!(live.take(&[domain], 1).await.unwrap(), [Allowance::Pass], "the other client's share is still there");
}

async fn caches_for_a_while(engine: &mut dyn Engine) {
    let live = engine.start().await;
    assert_eq!(live.get("k").await.unwrap(), None);
    live.put("k", Bytes::from_static(b"one"), Duration::from_secs(600)).await.unwrap();
    live.put("k", Bytes::from_static(b"two"), Duration::from_secs(600)).await.unwrap();
    assert_eq!(live.get("k").await.unwrap(), Some(Bytes::from_static(b"two")));
    live.put("short", Bytes::from_static(b"x"), Duration::from_millis(20)).await.unwrap();
    let gone = async {
        while live.get("short").await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("it expires");
    assert!(live.get("k").await.unwrap().is_some());
}

async fn locks_by_a_value_that_is_new(engine: &mut dyn Engine) {
    let live = engine.start().await;
    let long = Duration::from_secs(600);
    assert!(live.put_new("lock", Bytes::from_static(b"one"), long).await.unwrap());
    assert!(!live.put_new("lock", Bytes::from_static(b"two"), long).await.unwrap());
    assert_eq!(live.get("lock").await.unwrap(), Some(Bytes::from_static(b"one")));
    live.remove("lock").await.unwrap();
    live.remove("lock").await.unwrap();
    assert_eq!(live.get("lock").await.unwrap(), None);
    assert!(live.put_new("lock", Bytes::from_static(b"three"), Duration::from_millis(20)).await.unwrap());
    let again = async {
        while !live.put_new("lock", Bytes::from_static(b"four"), long).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("a holder that is gone loses it");
    assert_eq!(live.get("lock").await.unwrap(), Some(Bytes::from_static(b"four")));
}

async fn shows_boards_to_all(engine: &mut dyn Engine) {
    let live = engine.start().await;
    assert!(live.read_board("jobs").await.unwrap().is_empty());
    let mut told = live.subscribe("jobs").await.unwrap();
    let field = |name: &str, value: &'static [u8]| (name.to_owned(), Bytes::from_static(value));
    let fields = vec![field("a", b"1"), field("b", b"\xff\x00")];
    live.post("jobs", fields.clone()).await.unwrap();
    assert_eq!(decode_post(&heard(&mut told).await), Some(fields.clone()));
    assert_eq!(live.read_board("jobs").await.unwrap(), fields.into_iter().collect());
    live.post("jobs", vec![field("a", b""), field("c", b"3")]).await.unwrap();
    assert_eq!(decode_post(&heard(&mut told).await), Some(vec![field("a", b""), field("c", b"3")]));
    let board = live.read_board("jobs").await.unwrap();
    assert_eq!((board.len(), board.get("a"), board.get("c")), (2, None, Some(&Bytes::from_static(b"3"))));
    assert!(live.read_board("others").await.unwrap().is_empty());
}

/// Every promise for every engine.
macro_rules! every_engine {
    ([$($name:ident),* $(,)?]) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(&mut super::MemoryEngine).await })*
        }
        mod redis {
            $(#[tokio::test] async fn $name() { super::$name(&mut super::RedisEngine::default()).await })*
        }
    };
}

struct MemoryEngine;

#[async_trait]
impl Engine for MemoryEngine {
    async fn start(&mut self) -> Arc<dyn Live> {
        MemoryLive::new(MemoryLiveOptions::default())
    }
}

/// A server per test: it lives as long as the engine.
#[derive(Default)]
struct RedisEngine(Option<Redis>);

#[async_trait]
impl Engine for RedisEngine {
    async fn start(&mut self) -> Arc<dyn Live> {
        let redis = Redis::start().await.unwrap();
        let live = RedisLive::connect(RedisLiveOptions::new(redis.url())).unwrap();
        self.0 = Some(redis);
        live
    }
}

every_engine!([
    knows_nothing_at_first,
    counts_what_happened,
    shows_at_most_twenty_events,
    skips_what_was_applied_and_tells_of_holes,
    a_rebuild_replaces_one_shard,
    answers_by_minute_and_hour,
    bounds_the_paths_of_a_minute,
    forgets_a_domain,
    announces_changes,
    passes_messages_on,
    limits_by_key,
    a_request_may_put_a_bucket_in_debt,
    who_is_refused_takes_nothing_from_others,
    caches_for_a_while,
    locks_by_a_value_that_is_new,
    shows_boards_to_all,
]);
