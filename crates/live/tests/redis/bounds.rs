//! Bounds of memory and time.

use std::time::Duration;

use bytes::Bytes;
use footfall_live::{Boards, Cache, Counters, Limit, Limits, OTHER_PATHS, Snapshot};
use footfall_testkit::{eventually, redis::Redis};

use super::{MINUTE, WITHIN, common, connect, now_ms, some};
use common::{batch, event, shard, site};

#[tokio::test]
async fn every_key_has_a_time_to_live() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(some(0, 4)).await.unwrap();
    let minute = now_ms() - MINUTE / 2;
    let minutes = vec![(site(1), minute, "/a".to_owned(), 3), (site(2), minute - 60 * MINUTE, OTHER_PATHS.to_owned(), 1)];
    live.rebuild(shard(1), Snapshot { minutes, hours: vec![(site(1), 0, 1)], newest: some(0, 3).events, ..Snapshot::default() })
        .await
        .unwrap();
    live.apply(some(5, 9)).await.unwrap();
    live.put("k", Bytes::from_static(b"v"), Duration::from_secs(60)).await.unwrap();
    live.put_new("l", Bytes::from_static(b"v"), Duration::from_secs(60)).await.unwrap();
    live.post("board", vec![("a".to_owned(), Bytes::from_static(b"1"))]).await.unwrap();
    live.take(&[("client".to_owned(), Limit { rate: 0.001, burst: 10.0 })], 1).await.unwrap();
    let limited = eventually(WITHIN, async || (redis.cli(&["keys", "*limits*"]).await.unwrap().trim() != "").then_some(())).await;
    limited.expect("the limit is exchanged");
    let keys = redis.cli(&["--scan"]).await.unwrap();
    assert!(keys.lines().count() >= 15, "{keys}");
    for key in keys.lines() {
        assert!(key.starts_with("footfall:"), "{key}");
        let left: i64 = redis.cli(&["pttl", key]).await.unwrap().trim().parse().unwrap();
        assert!(left > 0, "{key} stays for ever");
    }
}

#[tokio::test]
async fn a_flood_of_made_up_paths_is_bounded() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    let now = now_ms();
    // A whole hour that no view of the last half hour shows any of.
    let hour_ago = now - now.rem_euclid(60 * MINUTE) - 120 * MINUTE;
    let long = "x".repeat(200);
    let flood = |n: u64| event(n).at(hour_ago + (n % 60) as i64 * MINUTE).visitor(n).path(&format!("/{n}/{long}")).seen();
    for first in (0..40_000).step_by(4_000) {
        live.apply(batch(first, (first..first + 4_000).map(flood).collect())).await.unwrap();
    }
    let minutes = live.minutes(site(1), hour_ago, hour_ago + 60 * MINUTE, true).await.unwrap();
    assert_eq!(minutes.iter().map(|minute| minute.pageviews).sum::<u64>(), 40_000, "totals stay right");
    let (mut kept, mut bytes, mut counted) = (0, 0, 0);
    for (path, count) in minutes.iter().flat_map(|minute| &minute.paths) {
        counted += count;
        if path != OTHER_PATHS {
            kept += 1;
            bytes += path.len();
        }
    }
    assert_eq!(counted, 40_000);
    assert!(kept > 3_000 && bytes < (32 << 20) / 24, "{kept} paths of {bytes} bytes");
    live.apply(batch(40_000, vec![event(40_000).at(now).path("/calm").seen()])).await.unwrap();
    assert_eq!(live.view(site(1), now, 1).await.unwrap().pages[0].path, "/calm", "another hour has room of its own");
}

#[tokio::test]
async fn top_pages_are_right_among_very_many() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    let now = now_ms();
    let mut events = Vec::new();
    for n in 0..3_600_u64 {
        events.push(event(n).at(now - (n % 4) as i64 * MINUTE).path(&format!("/{n}")).visitor(n).seen());
    }
    for n in 3_600..3_610 {
        events.push(event(n).at(now).path("/top").visitor(n).seen());
    }
    live.apply(batch(0, events)).await.unwrap();
    let view = live.view(site(1), now, 3).await.unwrap();
    assert_eq!((view.pageviews, view.visitors, view.current_visitors), (3_610, 3_610, 3_610));
    assert_eq!((&*view.pages[0].path, view.pages[0].pageviews, view.pages.len()), ("/top", 10, 3));
}
