//! SIGTERM: every role ends in time whatever its brokers do, nothing is lost by it, and nobody waits for who has gone.

use footfall_testkit::{App, eventually, process};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    load::{self, Load, SETTLED},
    shared::Shared,
};

/// Silence alone costs a processor its partitions only after this.
const LONG_SESSION: &str = "300s";

#[tokio::test(flavor = "multi_thread")]
async fn every_role_stops_in_time_with_its_brokers_hung_or_gone() {
    let mut shared = Shared::start().await;
    let (mut capture, mut processor, mut web) = shared.each_role().await;
    load::add_domains(&web).await;
    let mut rng = StdRng::seed_from_u64(19);
    let load = Load::start(vec![capture.url("")], &mut rng);
    let store = shared.store.pid().unwrap();
    for hung in [true, false] {
        // A backlog behind an insert that ends when the brokers cannot be told any more.
        process::kill(store, "STOP").await.unwrap();
        for _ in 0..3 {
            assert!(load.flows().await, "events are accepted with a hung store; log:\n{}", capture.log());
        }
        if hung {
            process::kill(shared.kafka.pid(0).unwrap(), "STOP").await.unwrap();
        } else {
            shared.kafka.kill(0).await.unwrap();
        }
        process::kill(store, "CONT").await.unwrap();
        let (one, two, three) = tokio::join!(capture.stop(), processor.stop(), web.stop());
        for stopped in [one, two, three] {
            stopped.unwrap();
        }
        if hung {
            process::kill(shared.kafka.pid(0).unwrap(), "CONT").await.unwrap();
        } else {
            shared.kafka.restart(0).unwrap();
            shared.kafka.ready().await.unwrap();
        }
        tokio::try_join!(capture.resume(), processor.resume(), web.resume()).unwrap();
        *load.bases.lock().unwrap() = vec![capture.url("")];
        assert!(load.flows().await, "events are accepted after a restart; log:\n{}", capture.log());
    }
    shared.ends_well(load, &capture, &processor, &web).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_stops_in_time_in_the_middle_of_forwarding_its_spill() {
    let mut shared = Shared::start().await;
    let spill = tempfile::tempdir().unwrap();
    let options = shared.role("capture").env("FOOTFALL_LOG_SPILL", spill.path().to_str().unwrap());
    let (mut capture, processor, web) = shared.each_role_with(options).await;
    load::add_domains(&web).await;
    let mut rng = StdRng::seed_from_u64(23);
    let load = Load::start(vec![capture.url("")], &mut rng);
    shared.kafka.kill(0).await.unwrap();
    for _ in 0..10 {
        assert!(load.flows().await, "events are accepted without brokers; log:\n{}", capture.log());
    }
    shared.kafka.restart(0).unwrap();
    let forwards = eventually(SETTLED, async || capture.log().contains("forwarding into Kafka").then_some(())).await;
    process::kill(shared.kafka.pid(0).unwrap(), "STOP").await.unwrap();
    assert!(forwards.is_some(), "the spill is forwarded; log:\n{}", capture.log());
    capture.stop().await.unwrap();
    process::kill(shared.kafka.pid(0).unwrap(), "CONT").await.unwrap();
    capture.resume().await.unwrap();
    *load.bases.lock().unwrap() = vec![capture.url("")];
    assert!(load.flows().await, "events are accepted after a restart; log:\n{}", capture.log());
    shared.ends_well(load, &capture, &processor, &web).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_stops_leaves_its_groups() {
    let shared = Shared::start().await;
    let mut processor = App::start(shared.role("processor").env("FOOTFALL_KAFKA_SESSION_TIMEOUT", LONG_SESSION)).await.unwrap();
    // It was a race once.
    for round in 0..5 {
        if round > 0 {
            processor.resume().await.unwrap();
        }
        processor.stop().await.unwrap();
        // A group with members, be they dead, cannot be removed.
        for group in ["processor", "processor-import"] {
            let group = format!("{}-{group}", shared.installation.name);
            let left = eventually(SETTLED / 2, async || shared.kafka.delete_group(&group).await.ok()).await;
            assert!(left.is_some(), "its partitions of {group} wait for a dead processor; log:\n{}", processor.log());
        }
    }
}
