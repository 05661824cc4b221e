//! A collector without brokers.

use footfall_testkit::{App, eventually};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    load::{self, Load, SETTLED},
    shared::Shared,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_with_a_spill_accepts_without_brokers() {
    let mut shared = Shared::start().await;
    let spill = tempfile::tempdir().unwrap();
    let options = shared.role("capture").env("FOOTFALL_LOG_SPILL", spill.path().to_str().unwrap());
    let (mut capture, processor, web) = shared.each_role_with(options).await;
    load::add_domains(&web).await;
    let mut rng = StdRng::seed_from_u64(7);
    let load = Load::start(vec![capture.url("")], &mut rng);
    assert!(load.flows().await);
    shared.kafka.kill(0).await.unwrap();
    assert!(load.flows().await, "events are accepted without brokers; log:\n{}", capture.log());
    let ready = capture.http.get(capture.url("/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "it does its work: {}", ready.text().await.unwrap());
    is_ready(&processor, 503, "nothing can be read without brokers").await;
    // What is spilt outlives the collector.
    capture.kill().await.unwrap();
    capture.resume().await.unwrap();
    *load.bases.lock().unwrap() = vec![capture.url("")];
    assert!(load.flows().await, "events are accepted by a collector that starts without brokers; log:\n{}", capture.log());
    shared.kafka.restart(0).unwrap();
    shared.kafka.ready().await.unwrap();
    assert!(load.flows().await);
    is_ready(&processor, 200, "the brokers are back").await;
    shared.ends_well(load, &capture, &processor, &web).await;
}

/// Waits until `/ready` is answered like this.
async fn is_ready(app: &App, status: u16, why: &str) {
    let mut last = String::new();
    let met = eventually(SETTLED, async || {
        let answer = app.http.get(app.url("/ready")).send().await.ok()?;
        let now = answer.status();
        last = answer.text().await.ok()?;
        (now == status).then_some(())
    })
    .await;
    assert!(met.is_some(), "{why}: {last}; log:\n{}", app.log());
    let says: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert_eq!(says["dependencies"]["event_log"] == "ok", status == 200, "{why}: {says}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spill_refuses_and_loses_nothing() {
    let mut shared = Shared::start().await;
    let spill = tempfile::tempdir().unwrap();
    let options = shared.role("capture").env("FOOTFALL_LOG_SPILL", spill.path().to_str().unwrap()).env("FOOTFALL_LOG_MAX_BYTES", "1MiB");
    let (capture, processor, web) = shared.each_role_with(options).await;
    load::add_domains(&web).await;
    let mut rng = StdRng::seed_from_u64(13);
    let load = Load::start(vec![capture.url("")], &mut rng);
    assert!(load.flows().await);
    shared.kafka.kill(0).await.unwrap();
    assert!(load.flows().await, "there is room at first; log:\n{}", capture.log());
    assert!(load.is_refused().await, "a full spill refuses; log:\n{}", capture.log());
    shared.kafka.restart(0).unwrap();
    shared.kafka.ready().await.unwrap();
    assert!(load.flows().await, "it makes room again; log:\n{}", capture.log());
    shared.ends_well(load, &capture, &processor, &web).await;
}
