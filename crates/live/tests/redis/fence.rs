//! The fence against other processes, losses and half-done work.

use footfall_live::{
    Applied, Counters, Snapshot,
    redis::{RedisLive, RedisLiveOptions},
};
use footfall_testkit::{
    eventually,
    redis::{Redis, RedisOptions},
};

use super::{HOUR, MINUTE, WITHIN, calls, clock_at, common, connect, now_ms, pageviews, some};
use common::{shard, site};

#[tokio::test]
async fn a_zombie_counts_nothing_twice() {
    let redis = Redis::start().await.unwrap();
    let (one, other) = (connect(&redis), connect(&redis));
    one.rebuild(shard(0), Snapshot::default()).await.unwrap();
    assert_eq!(one.apply(some(0, 4)).await.unwrap(), Applied::Done);
    assert_eq!(other.apply(some(0, 4)).await.unwrap(), Applied::Done, "the same again");
    assert_eq!(other.apply(some(3, 9)).await.unwrap(), Applied::Done, "half of it again");
    assert_eq!(one.apply(some(5, 7)).await.unwrap(), Applied::Done, "the first one is behind now");
    assert_eq!(one.apply(some(8, 11)).await.unwrap(), Applied::Done);
    assert_eq!((pageviews(&one).await, pageviews(&other).await), (12, 12));
    assert_eq!(other.apply(some(20, 21)).await.unwrap(), Applied::Hole { next: Some(12) });
    // A rebuild by one: the other still knows the old epoch.
    one.rebuild(shard(0), Snapshot { next: 12, ..Snapshot::default() }).await.unwrap();
    assert_eq!(pageviews(&other).await, 0);
    assert_eq!(other.apply(some(10, 13)).await.unwrap(), Applied::Done);
    assert_eq!((pageviews(&one).await, pageviews(&other).await), (2, 2));
    other.forget(site(1)).await.unwrap();
    assert!(!one.view(site(1), now_ms(), 1).await.unwrap().has_events);
}

#[tokio::test]
async fn two_who_count_at_once_agree() {
    let redis = Redis::start().await.unwrap();
    let lives = [connect(&redis), connect(&redis), connect(&redis)];
    lives[0].rebuild(shard(0), Snapshot::default()).await.unwrap();
    let tasks = lives.clone().map(|live| {
        tokio::spawn(async move {
            for n in 0..50 {
                assert_eq!(live.apply(some(n * 10, n * 10 + 12)).await.unwrap(), Applied::Done);
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    for live in &lives {
        assert_eq!((live.fence(shard(0)).await.unwrap(), pageviews(live).await), (Some(503), 503));
    }
}

#[tokio::test]
async fn what_is_flushed_is_a_hole_and_scripts_come_back() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(some(0, 4)).await.unwrap();
    redis.cli(&["script", "flush"]).await.unwrap();
    assert_eq!(live.apply(some(5, 6)).await.unwrap(), Applied::Done);
    redis.cli(&["flushall"]).await.unwrap();
    assert_eq!(live.apply(some(7, 8)).await.unwrap(), Applied::Hole { next: None });
    assert_eq!(live.fence(shard(0)).await.unwrap(), None);
    assert!(!live.view(site(1), now_ms(), 1).await.unwrap().has_events);
    live.rebuild(shard(0), Snapshot { next: 7, ..Snapshot::default() }).await.unwrap();
    assert_eq!(live.apply(some(7, 8)).await.unwrap(), Applied::Done);
    assert_eq!(pageviews(&live).await, 2, "readers find it again too");
}

#[tokio::test]
async fn without_memory_a_batch_counts_as_a_whole_or_not_at_all() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(some(0, 4)).await.unwrap();
    redis.cli(&["config", "set", "maxmemory", "1"]).await.unwrap();
    let refused = live.apply(some(5, 9)).await.unwrap_err().to_string();
    assert!(refused.contains("out of memory"), "{refused}");
    assert_eq!((live.fence(shard(0)).await.unwrap(), pageviews(&live).await), (Some(5), 5), "reading goes on");
    redis.cli(&["config", "set", "maxmemory", "0"]).await.unwrap();
    assert_eq!(live.apply(some(5, 9)).await.unwrap(), Applied::Done);
    assert_eq!(pageviews(&live).await, 10);
}

/// A snapshot of so many domains with a page each in so many minutes.
fn wide(sites: u128, minutes: i64) -> Snapshot {
    let start = now_ms() - MINUTE / 2;
    let minute = |site_number, n| (site(site_number), start - n * MINUTE, format!("/{n}"), 1);
    Snapshot {
        next: 1,
        minutes: (1..=sites).flat_map(|number| (0..minutes).map(move |n| minute(number, n))).collect(),
        hours: (1..=sites).map(|number| (site(number), start - start.rem_euclid(HOUR), 1)).collect(),
        ..Snapshot::default()
    }
}

async fn keys(redis: &Redis) -> u64 {
    redis.cli(&["dbsize"]).await.unwrap().trim().rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_rebuild_leaves_nothing_of_the_one_before() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), wide(20, 100)).await.unwrap();
    assert!(keys(&redis).await > 2_000);
    live.rebuild(shard(0), wide(1, 1)).await.unwrap();
    let left = redis.cli(&["keys", "footfall:{*"]).await.unwrap();
    assert!(left.lines().count() < 10, "{left}");
    assert_eq!(live.view(site(1), now_ms(), 1).await.unwrap().pageviews, 1);
}

#[tokio::test]
async fn a_rebuild_that_fails_tidies_up() {
    let redis = Redis::start_with(RedisOptions { maxmemory: Some("6mb".to_owned()), ..RedisOptions::default() }).await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), wide(1, 1)).await.unwrap();
    let refused = live.rebuild(shard(0), wide(200, 1_000)).await.unwrap_err().to_string();
    assert!(refused.contains("out of memory"), "{refused}");
    let left = redis.cli(&["keys", "footfall:{*"]).await.unwrap();
    assert!(left.lines().count() < 10, "{left}");
    assert_eq!(live.view(site(1), now_ms(), 1).await.unwrap().pageviews, 1, "the one before still counts");
    live.rebuild(shard(0), wide(2, 1)).await.unwrap();
    assert_eq!(live.view(site(2), now_ms(), 1).await.unwrap().pageviews, 1);
}

/// Begins a rebuild and drops it half way.
async fn begin_and_drop(redis: &Redis, live: &RedisLive) {
    tokio::select! {
        outcome = live.rebuild(shard(0), wide(100, 1_400)) => panic!("too fast: {outcome:?}"),
        under_way = eventually(WITHIN, async || (keys(redis).await > 1_000).then_some(())) => under_way.expect("it writes"),
    }
}

#[tokio::test]
async fn a_rebuild_that_nobody_waits_for_tidies_up() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), wide(1, 1)).await.unwrap();
    begin_and_drop(&redis, &live).await;
    let left = async || redis.cli(&["keys", "footfall:{*"]).await.unwrap().lines().count();
    let tidy = eventually(WITHIN, async || (left().await < 10).then_some(())).await;
    assert!(tidy.is_some(), "{} keys are left", left().await);
    assert_eq!(live.view(site(1), now_ms(), 1).await.unwrap().pageviews, 1, "the one before still counts");
    live.rebuild(shard(0), wide(2, 1)).await.unwrap();
    assert_eq!(live.view(site(2), now_ms(), 1).await.unwrap().pageviews, 1);
}

#[tokio::test]
async fn a_killed_rebuild_is_never_seen_and_cleaned_up_later() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), wide(1, 1)).await.unwrap();
    // A process of its own, as far as tasks go: nothing of it runs on when it ends.
    let kill = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { begin_and_drop(&redis, &connect(&redis)).await });
    };
    std::thread::scope(|threads| threads.spawn(kill).join()).unwrap();
    assert_eq!(live.view(site(1), now_ms(), 1).await.unwrap().pageviews, 1, "the one before still counts");
    assert_eq!(live.view(site(2), now_ms(), 1).await.unwrap().pageviews, 0);
    live.rebuild(shard(0), wide(1, 1)).await.unwrap();
    assert!(keys(&redis).await > 1_000, "it might still be under way");
    let clock = clock_at(chrono::Utc::now().timestamp_millis() + 11 * MINUTE);
    let later = RedisLive::connect(RedisLiveOptions { clock, ..RedisLiveOptions::new(redis.url()) }).unwrap();
    later.rebuild(shard(0), wide(1, 1)).await.unwrap();
    let left = redis.cli(&["keys", "footfall:{*"]).await.unwrap();
    assert!(left.lines().count() < 10, "{}", left.lines().count());
}

#[tokio::test]
async fn two_generations_of_a_partition_add_up() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(some(0, 4)).await.unwrap();
    let mut next = some(0, 1);
    next.shard.generation = 1;
    live.rebuild(next.shard, Snapshot::default()).await.unwrap();
    live.apply(next).await.unwrap();
    assert_eq!(pageviews(&live).await, 7, "the topic is new, what was counted before stays");
}

#[tokio::test]
async fn a_lone_event_is_one_command_and_many_are_few() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(some(0, 0)).await.unwrap();
    let scripts = async || calls(&redis, "evalsha").await + calls(&redis, "eval").await;
    let others = async || calls(&redis, "hmget").await;
    let (before, before_inner) = (scripts().await, others().await);
    live.apply(some(1, 1)).await.unwrap();
    assert_eq!(scripts().await - before, 1);
    assert_eq!(others().await - before_inner, 1, "the one within the script");
    let before = scripts().await;
    let now = now_ms();
    for n in 0..20_u64 {
        let first = 2 + n * 500;
        let event = |n: u64| common::event(n).site(u128::from(n % 10)).at(now).visitor(n).path(&format!("/{}", n % 100)).seen();
        live.apply(common::batch(first, (first..first + 500).map(event).collect())).await.unwrap();
    }
    assert_eq!(live.fence(shard(0)).await.unwrap(), Some(10_002));
    // 20 batches, and a note for each of the 9 domains that were new.
    assert_eq!(scripts().await - before, 29);
    let read = async || {
        live.view(site(1), now, 10).await.unwrap();
        live.minutes(site(1), now - HOUR / 2, now, true).await.unwrap();
        live.hours(site(1), now - 24 * HOUR, now).await.unwrap();
    };
    read().await;
    let before = scripts().await;
    read().await;
    assert_eq!(scripts().await - before, 3, "one per shard and question");
}
