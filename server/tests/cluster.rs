//! An installation split by roles over real services, and what may befall it. Under load, one after the other: processes of every role are
//! killed, brokers, Redis, PostgreSQL and the analytics store fail in each of their ways, processors come and go and wake from a pause. After
//! each fault load must flow again; in the end every accepted record is in one place, each id counted at most once, and all figures agree.
//!
//! `FOOTFALL_CHAOS_RUNS` picks that many faults at random (`make chaos-cluster`), `FOOTFALL_CHAOS_SEED` repeats them. The seed is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]
#![allow(clippy::print_stdout, reason = "the seed repeats a run, the faults tell how far it is")]

mod load;
mod world;

use std::time::Duration;

use load::{Load, Places};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use world::World;

/// Something that goes wrong, and comes right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    CollectorKilled,
    ProcessorKilled,
    AllProcessorsKilled,
    ProcessorPaused,
    ProcessorsComeAndGo,
    ProcessorsOff,
    WebKilled,
    BrokerKilled,
    AllBrokersKilled,
    BrokersSlow,
    BrokersReset,
    RedisKilled,
    RedisFlushed,
    RedisFull,
    PostgresKilled,
    StoreKilled,
    StoreHangs,
    StoreRefuses,
    StoreAnswersLost,
    GroupForgotten,
    ClockAhead,
    ClockBehind,
}

impl Fault {
    const ALL: [Self; 22] = [
        Self::CollectorKilled,
        Self::ProcessorKilled,
        Self::AllProcessorsKilled,
        Self::ProcessorPaused,
        Self::ProcessorsComeAndGo,
        Self::ProcessorsOff,
        Self::WebKilled,
        Self::BrokerKilled,
        Self::AllBrokersKilled,
        Self::BrokersSlow,
        Self::BrokersReset,
        Self::RedisKilled,
        Self::RedisFlushed,
        Self::RedisFull,
        Self::PostgresKilled,
        Self::StoreKilled,
        Self::StoreHangs,
        Self::StoreRefuses,
        Self::StoreAnswersLost,
        Self::GroupForgotten,
        Self::ClockAhead,
        Self::ClockBehind,
    ];

    /// Lets it happen, for about `moment`, and heals it.
    async fn strike(self, world: &mut World, load: &Load, moment: Duration, rng: &mut StdRng) {
        match self {
            Self::CollectorKilled => {
                let which = rng.random_range(0..world.collectors.len());
                world.collectors[which].kill().await.unwrap();
                tokio::time::sleep(moment).await;
                world.collectors[which].resume().await.unwrap();
                *load.bases.lock().unwrap() = world.bases();
            }
            Self::ProcessorKilled => {
                let which = rng.random_range(0..world.processors.len());
                world.processors[which].kill().await.unwrap();
                tokio::time::sleep(moment).await;
                world.processors[which].resume().await.unwrap();
            }
            Self::AllProcessorsKilled => {
                for processor in &mut world.processors {
                    processor.kill().await.unwrap();
                }
                tokio::time::sleep(moment).await;
                for processor in &mut world.processors {
                    processor.resume().await.unwrap();
                }
            }
            // Longer than the session: the other processor takes over, then the zombie wakes up.
            Self::ProcessorPaused => {
                let which = rng.random_range(0..world.processors.len());
                world.signal_processor(which, "STOP").await;
                tokio::time::sleep(world::SESSION * 2 + moment).await;
                world.signal_processor(which, "CONT").await;
            }
            Self::ProcessorsComeAndGo => {
                for _ in 0..3 {
                    let mut third = world.another_processor().await;
                    tokio::time::sleep(moment / 3).await;
                    if rng.random_bool(0.5) {
                        third.kill().await.unwrap();
                    } else {
                        third.stop().await.unwrap();
                    }
                }
            }
            Self::ProcessorsOff => {
                for processor in &mut world.processors {
                    processor.stop().await.unwrap();
                }
                assert!(load.flows().await, "events are accepted without processors");
                tokio::time::sleep(moment).await;
                for processor in &mut world.processors {
                    processor.resume().await.unwrap();
                }
            }
            Self::WebKilled => {
                world.web.kill().await.unwrap();
                world.web.resume().await.unwrap();
            }
            Self::BrokerKilled => {
                let which = rng.random_range(0..3);
                world.kafka.kill(which).await.unwrap();
                tokio::time::sleep(moment).await;
                assert!(load.flows().await, "two of three brokers take events; logs:\n{}", world.logs());
                world.kafka.restart(which).unwrap();
                world.kafka.ready().await.unwrap();
            }
            Self::AllBrokersKilled => {
                for broker in 0..3 {
                    world.kafka.kill(broker).await.unwrap();
                }
                assert!(load.is_refused().await, "without brokers nothing is accepted");
                world.until_ready("capture", false).await;
                world.until_ready("processor", false).await;
                tokio::time::sleep(moment).await;
                for broker in 0..3 {
                    world.kafka.restart(broker).unwrap();
                }
                world.kafka.ready().await.unwrap();
                world.until_ready("capture", true).await;
                world.until_ready("processor", true).await;
            }
            Self::BrokersSlow => {
                world.each_broker_proxy(|proxy| proxy.delay(Duration::from_millis(150)));
                tokio::time::sleep(moment).await;
                world.each_broker_proxy(|proxy| proxy.delay(Duration::ZERO));
            }
            Self::BrokersReset => {
                for _ in 0..10 {
                    world.each_broker_proxy(footfall_testkit::proxy::Proxy::reset_all);
                    tokio::time::sleep(moment / 10).await;
                }
            }
            Self::RedisKilled => {
                world.redis.kill().await.unwrap();
                assert!(load.flows().await, "events are accepted without Redis; logs:\n{}", world.logs());
                tokio::time::sleep(moment).await;
                world.redis.resume().await.unwrap();
            }
            Self::RedisFlushed => {
                world.redis.cli(&["FLUSHALL"]).await.unwrap();
            }
            Self::RedisFull => {
                world.redis.cli(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
                assert!(load.flows().await, "events are accepted with a full Redis; logs:\n{}", world.logs());
                tokio::time::sleep(moment).await;
                world.redis.cli(&["CONFIG", "SET", "maxmemory", "0"]).await.unwrap();
            }
            Self::PostgresKilled => {
                world.postgres.kill().await.unwrap();
                assert!(load.flows().await, "known domains are accepted without PostgreSQL; logs:\n{}", world.logs());
                world.until_ready("query", false).await;
                tokio::time::sleep(moment).await;
                world.postgres.start_again().await.unwrap();
                world.until_ready("query", true).await;
            }
            Self::StoreKilled => {
                world.store.kill().await.unwrap();
                assert!(load.flows().await, "events are accepted without the store; logs:\n{}", world.logs());
                world.until_ready("query", false).await;
                world.is_degraded().await;
                tokio::time::sleep(moment).await;
                world.store.resume().await.unwrap();
                world.until_ready("query", true).await;
            }
            Self::StoreHangs => {
                let pid = world.store.pid().unwrap();
                footfall_testkit::process::kill(pid, "STOP").await.unwrap();
                assert!(load.flows().await, "events are accepted with a hung store; logs:\n{}", world.logs());
                tokio::time::sleep(moment).await;
                footfall_testkit::process::kill(pid, "CONT").await.unwrap();
            }
            Self::StoreRefuses => {
                world.store_proxy.refuse();
                world.store_proxy.reset_all();
                tokio::time::sleep(moment).await;
                world.store_proxy.resume();
            }
            // It commits, and nobody hears of it.
            Self::StoreAnswersLost => {
                world.store_proxy.swallow_answers();
                tokio::time::sleep(moment).await;
                world.store_proxy.reset_all();
                world.store_proxy.resume();
            }
            // No commits, no intents: the place is found by the rows.
            Self::GroupForgotten => {
                for processor in &mut world.processors {
                    processor.kill().await.unwrap();
                }
                world.forget_group().await;
                for processor in &mut world.processors {
                    processor.resume().await.unwrap();
                }
            }
            Self::ClockAhead => world.with_clocks(3_600, moment, load).await,
            Self::ClockBehind => world.with_clocks(-3_600, moment, load).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_doubled_whatever_fails() {
    let runs: Option<usize> = std::env::var("FOOTFALL_CHAOS_RUNS").ok().and_then(|text| text.parse().ok());
    let seed = std::env::var("FOOTFALL_CHAOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| rand::rng().next_u64());
    let mut rng = StdRng::seed_from_u64(seed);
    let only: Option<String> = std::env::var("FOOTFALL_CHAOS_FAULT").ok();
    let mut faults: Vec<Fault> = match runs {
        None => Fault::ALL.to_vec(),
        Some(runs) => (0..runs).map(|_| Fault::ALL[rng.random_range(0..Fault::ALL.len())]).collect(),
    };
    faults.shuffle(&mut rng);
    faults.retain(|fault| only.as_ref().is_none_or(|only| format!("{fault:?}") == *only));
    println!("{} faults, seed {seed}", faults.len());

    let mut world = World::start().await;
    load::add_domains(&world.web).await;
    world.first_event().await;
    let load = Load::start(world.bases(), &mut rng);
    let begin = std::time::Instant::now();
    for (number, fault) in faults.into_iter().enumerate() {
        assert!(load.flows().await, "no load arrives any more; logs:\n{}", world.logs());
        println!("{:6.1} s  {number:3}  {fault:?}", begin.elapsed().as_secs_f64());
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..500))).await;
        let moment = Duration::from_millis(rng.random_range(500..2_500));
        fault.strike(&mut world, &load, moment, &mut rng).await;
        world.stays_small();
    }
    assert!(load.flows().await, "no load arrives in the end; logs:\n{}", world.logs());
    let ledger = load.stop().await;
    load::settle(&world.web, &world.collectors[0], &|| world.logs()).await;
    world.until_ready("processor", true).await;
    let places = Places { records: Some(world.records().await), logs: Box::new(|| world.logs()) };
    load::check(&world.web, &ledger, &places).await;
    drop(places);
    world.live_agrees().await;
    println!("{:6.1} s  {} ids acknowledged", begin.elapsed().as_secs_f64(), ledger.acknowledged.lock().unwrap().len());
}
