//! Limits that replicas share.

use std::time::Instant;

use footfall_live::{Allowance, Limit, Limits};
use footfall_testkit::{eventually, redis::Redis};

use super::{WITHIN, answers, calls, connect};

#[tokio::test]
async fn replicas_share_a_limit() {
    let redis = Redis::start().await.unwrap();
    let (one, other) = (connect(&redis), connect(&redis));
    // What is spent before the connection is there is not made up for.
    answers(&one).await;
    answers(&other).await;
    let limit = [("domain".to_owned(), Limit { rate: 0.001, burst: 1_000_000.0 })];
    assert_eq!(one.take(&limit, 1_000_100).await.unwrap(), [Allowance::Pass]);
    assert!(matches!(one.take(&limit, 1).await.unwrap()[..], [Allowance::Wait(_)]));
    let mut passed = 0;
    let refused = eventually(WITHIN, async || {
        let answer = other.take(&limit, 1).await.unwrap();
        passed += u32::from(answer == [Allowance::Pass]);
        matches!(answer[..], [Allowance::Wait(_)]).then_some(())
    });
    refused.await.expect("the other replica learns of it");
    assert!(passed > 0, "it decides at once, by itself");
}

#[tokio::test]
async fn what_refills_is_shared_too() {
    let redis = Redis::start().await.unwrap();
    let (one, other) = (connect(&redis), connect(&redis));
    answers(&one).await;
    answers(&other).await;
    // 20 a second, far more asked for by both.
    let limit = [("domain".to_owned(), Limit { rate: 20.0, burst: 10.0 })];
    let begun = Instant::now();
    let mut passed = 0_u32;
    while begun.elapsed().as_secs_f64() < 3.0 {
        for live in [&one, &other] {
            passed += u32::from(live.take(&limit, 1).await.unwrap() == [Allowance::Pass]);
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    // Had each a limit of its own, both together would pass twice as many.
    let fair = 10.0 + 20.0 * seconds;
    let (least, most) = (fair * 0.5, fair * 1.7);
    assert!((least..most).contains(&f64::from(passed)), "{passed} passed in {seconds} s");
}

#[tokio::test]
async fn limits_ask_redis_a_few_times_a_second_and_never_when_idle() {
    let redis = Redis::start().await.unwrap();
    let live = connect(&redis);
    answers(&live).await;
    let scripts = async || calls(&redis, "evalsha").await + calls(&redis, "eval").await;
    assert_eq!(scripts().await, 0, "idle");
    let begun = Instant::now();
    for n in 0..10_000 {
        let keys =
            [(format!("client{}", n % 100), Limit { rate: 1_000.0, burst: 1_000.0 }), ("all".to_owned(), Limit { rate: 1e6, burst: 1e6 })];
        assert_eq!(live.take(&keys, 1).await.unwrap(), [Allowance::Pass; 2]);
    }
    eventually(WITHIN, async || (scripts().await > 0).then_some(())).await.expect("an exchange");
    let most = 3 + begun.elapsed().as_millis() / 200;
    assert!(u128::from(scripts().await) <= most, "one script per exchange");
    let spent = redis.cli(&["hget", "footfall:{limits}:all", "tokens"]).await.unwrap();
    assert!(spent.trim().parse::<f64>().unwrap() < 1e6, "{spent}");
}
