//! Sentinel, cluster, TLS, and a server that is not the primary.

use bytes::Bytes;
use footfall_live::{
    Allowance, Applied, Boards, Cache, Counters, Limit, Limits, Messages, Snapshot,
    redis::{RedisLive, RedisLiveOptions},
    ticks_channel,
};
use footfall_testkit::{
    eventually,
    redis::{Redis, RedisCluster, RedisOptions, Sentinel},
};

use super::{WITHIN, answers, common, heard, now_ms, pageviews, some};
use common::{batch, event, shard, site};

#[tokio::test]
async fn follows_sentinel_to_the_new_primary() {
    let mut sentinel = Sentinel::start(3).await.unwrap();
    let live = RedisLive::connect(RedisLiveOptions::new(sentinel.url())).unwrap();
    answers(&live).await;
    let mut salts = live.subscribe("salts").await.unwrap();
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(some(0, 4)).await.unwrap();
    let caught_up = eventually(WITHIN, async || {
        let told = sentinel.servers[1].cli(&["hget", "footfall:{0.0}:fence", "next"]).await.unwrap();
        (told.trim() == "5").then_some(())
    });
    caught_up.await.expect("the replica has it");
    sentinel.servers[0].kill().await.unwrap();
    let done = eventually(WITHIN, async || live.apply(some(5, 9)).await.ok()).await;
    assert_eq!(done, Some(Applied::Done));
    assert_eq!(pageviews(&live).await, 10);
    assert_eq!(heard(&mut salts).await, Bytes::new(), "look again");
    live.publish("salts", Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(heard(&mut salts).await, Bytes::from_static(b"new"));
}

#[tokio::test]
async fn works_in_a_cluster() {
    let cluster = RedisCluster::start().await.unwrap();
    let live = RedisLive::connect(RedisLiveOptions::new(cluster.url())).unwrap();
    let other = RedisLive::connect(RedisLiveOptions::new(cluster.url())).unwrap();
    answers(&live).await;
    answers(&other).await;
    let mut ticks = other.subscribe(&ticks_channel(site(1))).await.unwrap();
    let now = now_ms();
    for number in 0..8 {
        live.rebuild(shard(number), Snapshot::default()).await.unwrap();
        let mut events = batch(0, (0..10).map(|n| event(n).at(now).visitor(n).path(&format!("/{n}")).seen()).collect());
        events.shard = shard(number);
        assert_eq!(live.apply(events).await.unwrap(), Applied::Done);
    }
    heard(&mut ticks).await;
    let view = other.view(site(1), now, 2).await.unwrap();
    assert_eq!((view.pageviews, view.visitors, view.pages[0].pageviews, view.newest.len()), (80, 10, 8, 20));
    live.rebuild(shard(3), Snapshot { next: 10, ..Snapshot::default() }).await.unwrap();
    assert_eq!(other.view(site(1), now, 2).await.unwrap().pageviews, 70);
    let mut fed = 0;
    for server in &cluster.servers {
        fed += usize::from(!server.cli(&["keys", "footfall:{*"]).await.unwrap().trim().is_empty());
    }
    assert!(fed > 1, "the shards are spread");
    other.forget(site(1)).await.unwrap();
    assert!(!live.view(site(1), now, 2).await.unwrap().has_events);
    live.put("k", Bytes::from_static(b"v"), WITHIN).await.unwrap();
    assert_eq!(other.get("k").await.unwrap(), Some(Bytes::from_static(b"v")));
    let mut board = other.subscribe("jobs").await.unwrap();
    live.post("jobs", vec![("a".to_owned(), Bytes::from_static(b"1"))]).await.unwrap();
    heard(&mut board).await;
    assert_eq!(other.read_board("jobs").await.unwrap().len(), 1);
    let limit = [("domain".to_owned(), Limit { rate: 0.001, burst: 1_000.0 }), ("other".to_owned(), Limit { rate: 1.0, burst: 1e9 })];
    live.take(&limit, 1_000).await.unwrap();
    let refused = eventually(WITHIN, async || matches!(other.take(&limit, 1).await.unwrap()[0], Allowance::Wait(_)).then_some(())).await;
    refused.expect("limits are shared");
}

#[tokio::test]
async fn speaks_tls_with_a_password_of_its_own() {
    let redis = Redis::start_with(RedisOptions { tls: true, ..RedisOptions::default() }).await.unwrap();
    let options = RedisLiveOptions {
        password: Some(redis.password().to_owned()),
        ca_file: Some(redis.ca_file()),
        ..RedisLiveOptions::new(redis.bare_url())
    };
    let live = RedisLive::connect(options.clone()).unwrap();
    let mut salts = live.subscribe("salts").await.unwrap();
    answers(&live).await;
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(some(0, 4)).await.unwrap();
    assert_eq!(pageviews(&live).await, 5);
    live.publish("salts", Bytes::from_static(b"new")).await.unwrap();
    while heard(&mut salts).await != Bytes::from_static(b"new") {}

    let untrusting = RedisLive::connect(RedisLiveOptions { ca_file: None, ..options.clone() });
    if let Ok(untrusting) = untrusting {
        assert!(untrusting.ping().await.is_err(), "the system does not know this certificate");
    }
    let wrong = RedisLive::connect(RedisLiveOptions { password: Some("wrong".to_owned()), ..options }).unwrap();
    assert!(wrong.ping().await.is_err());
}

#[tokio::test]
async fn a_read_only_replica_is_named() {
    let more = ["--replicaof", "127.0.0.1", "1"].map(str::to_owned).to_vec();
    let redis = Redis::start_with(RedisOptions { more, ..RedisOptions::default() }).await.unwrap();
    let live = RedisLive::connect(RedisLiveOptions::new(redis.url())).unwrap();
    let refused = live.rebuild(shard(0), Snapshot::default()).await.unwrap_err().to_string();
    assert!(refused.contains("read-only replica"), "{refused}");
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_refused_at_once() {
    for url in ["redis", "redis-sentinel://localhost:1", "http://localhost"] {
        let refused = RedisLive::connect(RedisLiveOptions::new(url));
        assert!(refused.is_err(), "{url}");
    }
    let options = RedisLiveOptions { ca_file: Some("/nowhere.pem".into()), ..RedisLiveOptions::new("rediss://localhost") };
    assert!(RedisLive::connect(options).err().unwrap().to_string().contains("/nowhere.pem"));
}
