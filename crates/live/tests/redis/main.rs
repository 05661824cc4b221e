//! What only Redis can get wrong: other processes, restarts, lack of memory, failovers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;

mod away;
mod bounds;
mod fence;
mod limits;
mod topology;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use footfall_live::{
    Batch, Clock, Counters,
    redis::{RedisLive, RedisLiveOptions},
};
use footfall_testkit::{eventually, redis::Redis};
use tokio::sync::broadcast::Receiver;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const WITHIN: Duration = Duration::from_secs(60);

/// The middle of the running minute: no event of a test falls into the next one by accident.
fn now_ms() -> i64 {
    let now = chrono::Utc::now().timestamp_millis();
    now - now.rem_euclid(MINUTE) + MINUTE / 2
}

fn connect(redis: &Redis) -> Arc<RedisLive> {
    RedisLive::connect(RedisLiveOptions::new(redis.url())).unwrap()
}

/// Events `first..=last` of `/` on site 1, now.
fn some(first: u64, last: u64) -> Batch {
    let now = now_ms();
    common::batch(first, (first..=last).map(|n| common::event(n).at(now).visitor(n).seen()).collect())
}

async fn pageviews(live: &RedisLive) -> u64 {
    live.view(common::site(1), now_ms(), 10).await.unwrap().pageviews
}

/// Waits until Redis answers this client.
async fn answers(live: &RedisLive) {
    eventually(WITHIN, async || live.ping().await.ok()).await.expect("redis answers again");
}

async fn heard(receiver: &mut Receiver<Bytes>) -> Bytes {
    tokio::time::timeout(WITHIN, receiver.recv()).await.expect("a message comes").unwrap()
}

/// Calls of a command since the server started, from clients and from scripts.
async fn calls(redis: &Redis, command: &str) -> u64 {
    let told = redis.cli(&["info", "commandstats"]).await.unwrap();
    let start = format!("cmdstat_{command}:calls=");
    let line = told.lines().find_map(|line| line.strip_prefix(&start));
    line.and_then(|line| line.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
}

fn clock_at(ms: i64) -> Clock {
    Clock::new(move || ms)
}
