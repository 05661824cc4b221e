//! Redis goes and comes back.

use bytes::Bytes;
use footfall_live::{
    Allowance, Applied, Cache, Counters, Limit, Limits, Messages, Snapshot,
    redis::{RedisLive, RedisLiveOptions},
};
use footfall_testkit::{eventually, redis::Redis};

use super::{WITHIN, answers, common, connect, heard, pageviews, some};
use common::shard;

#[tokio::test]
async fn a_restart_keeps_the_counters() {
    let mut redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    live.rebuild(shard(0), Snapshot::default()).await.unwrap();
    live.apply(some(0, 4)).await.unwrap();
    redis.kill().await.unwrap();
    let away = eventually(WITHIN, async || live.apply(some(5, 9)).await.err()).await.unwrap().to_string();
    assert!(away.contains("not reachable") || away.contains("did not answer"), "{away}");
    redis.resume().await.unwrap();
    answers(&live).await;
    let done = eventually(WITHIN, async || live.apply(some(5, 9)).await.ok()).await;
    assert_eq!(done, Some(Applied::Done));
    assert_eq!(pageviews(&live).await, 10);
}

#[tokio::test]
async fn a_process_may_start_before_redis() {
    let mut redis = Redis::start().await.unwrap();
    redis.kill().await.unwrap();
    let live = connect(&redis);
    let mut told = live.subscribe("salts").await.expect("made as soon as redis is there");
    assert!(live.ping().await.is_err());
    assert!(live.get("k").await.unwrap_err().to_string().contains("redis"));
    let limit = [("client".to_owned(), Limit { rate: 0.001, burst: 1.5 })];
    assert_eq!(live.take(&limit, 1).await.unwrap(), [Allowance::Pass]);
    assert_eq!(live.take(&limit, 1).await.unwrap(), [Allowance::Pass]);
    assert!(matches!(live.take(&limit, 1).await.unwrap()[..], [Allowance::Wait(_)]), "limits go on by themselves");
    redis.resume().await.unwrap();
    answers(&live).await;
    assert_eq!(heard(&mut told).await, Bytes::new(), "look again");
    live.publish("salts", Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(heard(&mut told).await, Bytes::from_static(b"new"));
    assert_eq!(live.fence(shard(0)).await.unwrap(), None);
}

#[tokio::test]
async fn subscribers_look_again_after_a_reconnect() {
    let mut redis = Redis::start().await.unwrap();
    let (one, other) = (connect(&redis), connect(&redis));
    let (mut salts, mut domains) = (one.subscribe("salts").await.unwrap(), one.subscribe("domains").await.unwrap());
    redis.kill().await.unwrap();
    redis.resume().await.unwrap();
    assert_eq!((heard(&mut salts).await, heard(&mut domains).await), (Bytes::new(), Bytes::new()));
    answers(&other).await;
    other.publish("salts", Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(heard(&mut salts).await, Bytes::from_static(b"new"));
    assert!(domains.try_recv().is_err());
}

#[tokio::test]
async fn a_subscription_that_fails_on_a_living_connection_is_made_up_for() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    let mut early = live.subscribe("early").await.unwrap();
    redis.stop().await.unwrap();
    // More than fits between the two: what follows waits behind it until it is given up.
    let stopper = live.subscribe(&"x".repeat(16 << 20)).await.unwrap();
    let mut late = live.subscribe("late").await.unwrap();
    redis.cont().await.unwrap();
    assert_eq!(heard(&mut late).await, Bytes::new(), "look again");
    assert_eq!(heard(&mut early).await, Bytes::new(), "look again");
    for (channel, receiver) in [("early", &mut early), ("late", &mut late)] {
        let publish = async || redis.cli(&["publish", &format!("footfall:channel:{channel}"), "new"]).await.unwrap();
        eventually(WITHIN, async || (publish().await.trim() == "1").then_some(())).await.expect("it is listened to");
        while heard(receiver).await != Bytes::from_static(b"new") {}
    }
    drop(stopper);
}

#[tokio::test]
async fn channels_nobody_listens_to_are_left() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    let heard_by =
        async |channel: &str| redis.cli(&["publish", &format!("footfall:channel:{channel}"), "x"]).await.unwrap().trim().to_owned();
    let receiver = live.subscribe("ticks").await.unwrap();
    let mut kept = live.subscribe("kept").await.unwrap();
    assert_eq!(heard_by("ticks").await, "1");
    drop(receiver);
    let left = eventually(WITHIN, async || (heard_by("ticks").await == "0").then_some(())).await;
    left.expect("the channel is left");
    let mut again = live.subscribe("ticks").await.unwrap();
    assert_eq!(heard_by("ticks").await, "1");
    assert_eq!(heard(&mut again).await, Bytes::from_static(b"x"));
    assert_eq!(heard_by("kept").await, "1");
    assert_eq!(heard(&mut kept).await, Bytes::from_static(b"x"));
}

#[tokio::test]
async fn a_server_that_hangs_is_an_error_and_not_a_wait() {
    let redis = Redis::start().await.unwrap();
    let options = RedisLiveOptions { command_timeout: std::time::Duration::from_millis(200), ..RedisLiveOptions::new(redis.url()) };
    let live = RedisLive::connect(options).unwrap();
    // On a busy machine a first connection may take longer than that.
    let begun = eventually(WITHIN, async || live.rebuild(shard(0), Snapshot::default()).await.ok()).await;
    begun.expect("it connects");
    redis.stop().await.unwrap();
    let refused = live.apply(some(0, 4)).await.unwrap_err().to_string();
    assert!(refused.contains("did not answer within 200 ms"), "{refused}");
    let refused = live.get("k").await.unwrap_err().to_string();
    assert!(refused.contains("redis"), "{refused}");
    redis.cont().await.unwrap();
    answers(&live).await;
    let done = eventually(WITHIN, async || live.apply(some(0, 4)).await.ok()).await;
    assert_eq!(done, Some(Applied::Done));
    assert_eq!(pageviews(&live).await, 5, "whether the first try was counted or not");
}

#[tokio::test]
async fn who_is_done_leaves_no_connection() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    let receiver = live.subscribe("salts").await.unwrap();
    let connections = async || redis.cli(&["client", "list"]).await.unwrap().lines().count();
    let connected = eventually(WITHIN, async || (connections().await == 3).then_some(())).await;
    connected.expect("commands, subscriptions, and the one that asks");
    drop((live, receiver));
    eventually(WITHIN, async || (connections().await == 1).then_some(())).await.expect("they are closed");
}
