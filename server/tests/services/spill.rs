//! A collector without brokers.

use footfall_testkit::App;
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    load::{self, Load},
    shared::Shared,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_with_a_spill_accepts_without_brokers() {
    let mut shared = Shared::start().await;
    let spill = tempfile::tempdir().unwrap();
    let options = shared.role("capture").env("FOOTFALL_LOG_SPILL", spill.path().to_str().unwrap());
    let (capture, processor, web) =
        tokio::join!(App::start(options), App::start(shared.role("processor")), App::start(shared.role("query,auth")));
    let (mut capture, processor, web) = (capture.unwrap(), processor.unwrap(), web.unwrap());
    load::add_domains(&web).await;
    let mut rng = StdRng::seed_from_u64(7);
    let load = Load::start(vec![capture.url("")], &mut rng);
    assert!(load.flows().await);
    shared.kafka.kill(0).await.unwrap();
    assert!(load.flows().await, "events are accepted without brokers; log:\n{}", capture.log());
    let ready = capture.http.get(capture.url("/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "it does its work: {}", ready.text().await.unwrap());
    // What is spilt outlives the collector.
    capture.kill().await.unwrap();
    capture.resume().await.unwrap();
    *load.bases.lock().unwrap() = vec![capture.url("")];
    assert!(load.flows().await, "events are accepted by a collector that starts without brokers; log:\n{}", capture.log());
    shared.kafka.restart(0).unwrap();
    shared.kafka.ready().await.unwrap();
    assert!(load.flows().await);
    let ledger = load.stop().await;
    let logs = || format!("{}\n── processor\n{}", capture.log(), processor.log());
    load::settle(&web, &capture, &logs).await;
    let places =
        load::Places { records: Some(load::records(shared.kafka.bootstrap(), &shared.installation.name).await), logs: Box::new(logs) };
    load::check(&web, &ledger, &places).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spill_refuses_and_loses_nothing() {
    let mut shared = Shared::start().await;
    let spill = tempfile::tempdir().unwrap();
    let options = shared.role("capture").env("FOOTFALL_LOG_SPILL", spill.path().to_str().unwrap()).env("FOOTFALL_LOG_MAX_BYTES", "1MiB");
    let (capture, processor, web) =
        tokio::join!(App::start(options), App::start(shared.role("processor")), App::start(shared.role("query,auth")));
    let (capture, processor, web) = (capture.unwrap(), processor.unwrap(), web.unwrap());
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
    let ledger = load.stop().await;
    let logs = || format!("{}\n── processor\n{}", capture.log(), processor.log());
    load::settle(&web, &capture, &logs).await;
    let places =
        load::Places { records: Some(load::records(shared.kafka.bootstrap(), &shared.installation.name).await), logs: Box::new(logs) };
    load::check(&web, &ledger, &places).await;
}
