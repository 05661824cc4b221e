//! Live state follows the log, counts each event once, and starts again from the store or from the log.

use footfall_live::{
    memory::{MemoryLive, MemoryLiveOptions},
    redis::{RedisLive, RedisLiveOptions},
};
use footfall_model::LogName;
use footfall_store::{Endpoint, Store};
use footfall_testkit::{eventually, redis::Redis};

use crate::world::{PATIENCE, World, now, pageview, site, with_id};

/// Waits until the live panels show this many pageviews and visitors of the last half hour.
async fn shows(world: &World, pageviews: u64, visitors: u64) {
    let found = eventually(PATIENCE, async || {
        let view = world.live.view(site(1), now(), 10).await.unwrap();
        (view.pageviews == pageviews && view.visitors == visitors).then_some(())
    })
    .await;
    let view = world.live.view(site(1), now(), 10).await.unwrap();
    assert!(found.is_some(), "wanted {pageviews} pageviews and {visitors} visitors, got {view:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_counts_what_counts_and_tells() {
    let mut world = World::new().await;
    world.start();
    let mut ticks = footfall_live::Messages::subscribe(&*world.live, &footfall_live::ticks_channel(site(1))).await.unwrap();
    let mut bot = pageview(3, "/");
    bot.bot = "crawler".to_owned();
    let mut orphan = pageview(4, "/");
    orphan.name = "engagement".to_owned();
    world.append(&[with_id(pageview(1, "/"), 1), with_id(pageview(1, "/"), 1), pageview(2, "/"), bot, orphan]).await;
    shows(&world, 2, 2).await;
    tokio::time::timeout(PATIENCE, ticks.recv()).await.unwrap().unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_shows_the_same_and_a_retry_over_it_counts_once() {
    let mut world = World::new().await;
    world.start();
    let next = world.append(&[with_id(pageview(1, "/"), 1), pageview(2, "/a"), pageview(2, "/b")]).await;
    world.settled(LogName::Live, next).await;
    shows(&world, 3, 2).await;
    world.stop().await;
    // The memory of the process is gone.
    world.live = MemoryLive::new(MemoryLiveOptions::default());
    world.append(&[with_id(pageview(1, "/"), 1), pageview(2, "/c")]).await;
    world.start();
    shows(&world, 4, 2).await;
    world.append(&[pageview(5, "/")]).await;
    shows(&world, 5, 3).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_needs_no_store_and_completes_itself_when_the_store_is_back() {
    let mut world = World::new().await;
    world.start();
    let next = world.append(&[pageview(1, "/"), pageview(2, "/")]).await;
    world.settled(LogName::Live, next).await;
    world.stop().await;

    let away = Endpoint {
        url: "http://127.0.0.1:9".to_owned(),
        user: String::new(),
        password: String::new(),
        database: "nowhere".to_owned(),
        cluster: None,
    };
    let store = std::mem::replace(&mut world.processor_store, Store::connect(&away));
    world.live = MemoryLive::new(MemoryLiveOptions::default());
    world.start();
    let next = world.append(&[pageview(3, "/")]).await;
    shows(&world, 3, 3).await;
    assert!(world.running.as_ref().unwrap().health().iter().any(|(part, fault)| *part == "stored cursor" && fault.is_some()));
    world.stop().await;

    world.processor_store = store;
    world.live = MemoryLive::new(MemoryLiveOptions::default());
    world.start();
    world.settled(LogName::Live, next).await;
    shows(&world, 3, 3).await;
    world.check_each_once(LogName::Live, 3).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuilding_on_request_keeps_the_figures() {
    let mut world = World::new().await;
    world.start();
    let next = world.append(&[pageview(1, "/"), pageview(2, "/")]).await;
    world.settled(LogName::Live, next).await;
    shows(&world, 2, 2).await;
    for person in 3..8 {
        footfall_processor::shared::request_rebuild(&*world.live).await.unwrap();
        world.append(&[pageview(person, "/")]).await;
        shows(&world, person, person).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_comes_back_without_traffic() {
    let redis = Redis::start().await.unwrap();
    let mut world = World::new().await;
    world.live = RedisLive::connect(RedisLiveOptions::new(redis.url())).unwrap();
    world.start();
    let next = world.append(&[pageview(1, "/"), pageview(2, "/")]).await;
    world.settled(LogName::Live, next).await;
    shows(&world, 2, 2).await;
    redis.cli(&["flushall"]).await.unwrap();
    shows(&world, 2, 2).await;
    world.append(&[pageview(3, "/")]).await;
    shows(&world, 3, 3).await;
    world.stop().await;
}
