//! An outage that is bridged by the local spill, and a process that is killed while it forwards it.

use std::{path::Path, time::Duration};

use footfall_log::{
    EventLog,
    kafka::{KafkaSpill, SPILLED},
};
use footfall_testkit::{
    kafka::{Kafka, KafkaOptions},
    proxy::Proxy,
};

use crate::{
    Helper,
    common::{self, until},
    numbered, numbers, open, read_all,
};

const DOMAINS: u64 = 7;
const MANY: u64 = 21_000;

fn helper(brokers: &str, topic: &str, folder: &Path, first: u64, count: u64) -> Helper {
    Helper::start(&["spill", brokers, topic, folder.to_str().unwrap(), &first.to_string(), &count.to_string()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_spilled_comes_once_and_in_order_though_its_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::bind().await.unwrap();
    let kafka = Kafka::start_with(KafkaOptions { brokers: 1, advertised: vec![proxy.port()], secured: false }).await.unwrap();
    proxy.set_target(kafka.port(0));
    let behind = kafka.bootstrap().to_owned();
    let topic = common::topic();
    let mut options = common::kafka_options(&kafka, &topic);
    options.partitions = 2;
    options.brokers = kafka.direct_bootstrap();
    let log = open(options.clone()).await;
    let end = async || log.status().await.partitions.iter().map(|(_, _, _, end)| end).sum::<u64>();

    // Before the outage: straight to the brokers.
    let mut process = helper(&behind, &topic, folder.path(), 0, 700);
    process.says("up");
    until("all are there", async || end().await >= 700).await;
    drop(process);

    proxy.refuse();
    let mut process = helper(&behind, &topic, folder.path(), 700, MANY);
    process.says("spilled");
    // Slow enough to be killed half way.
    proxy.throttle(80_000);
    proxy.resume();
    let mut before = 700;
    for _ in 0..2 {
        until("some more were forwarded", async || end().await > before).await;
        before = end().await;
        drop(process);
        process = helper(&behind, &topic, folder.path(), 0, 0);
    }
    proxy.throttle(0);
    process.says("up");
    drop(process);

    // The next one goes on behind them.
    let mut process = helper(&behind, &topic, folder.path(), 700 + MANY, 70);
    process.says("up");
    let all = 700 + MANY + 70;
    until("all are there", async || read_all(&log, 2).await.values().map(Vec::len).sum::<usize>() as u64 >= all).await;
    let found = numbers(&read_all(&log, 2).await);
    assert_eq!(found.len() as u64, DOMAINS);
    for (domain, numbers) in found {
        let expected: Vec<u64> = (0..all).filter(|number| number % DOMAINS == domain).collect();
        assert_eq!(numbers, expected, "of domain {domain}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_in_the_midst_of_traffic_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut kafka = Kafka::start(1).await.unwrap();
    let mut options = common::kafka_options(&kafka, &common::topic());
    options.delivery_timeout = Duration::from_secs(2);
    options.spill = Some(KafkaSpill::new(folder.path()));
    let log = open(options).await;
    let mut acknowledged = Vec::new();
    let mut number = 0;
    let mut append = async |log: &footfall_log::kafka::KafkaLog| {
        let answer = log.append(vec![numbered(1, number)]).await.remove(0);
        if answer.is_ok() {
            acknowledged.push(number);
        }
        number += 1;
        answer.map(|position| position.partition == SPILLED)
    };
    for _ in 0..100 {
        assert!(!append(&log).await.unwrap(), "straight to the brokers");
    }
    for _ in 0..2 {
        kafka.kill(0).await.unwrap();
        until("entries are spilled", async || append(&log).await.unwrap_or_default()).await;
        for _ in 0..100 {
            assert!(append(&log).await.unwrap());
        }
        let status = log.status().await;
        assert!(status.accepting && status.bytes > 0 && status.fault.is_some());
        kafka.restart(0).unwrap();
        until("entries go to the brokers again", async || matches!(append(&log).await, Ok(false))).await;
    }
    let found = numbers(&read_all(&log, 1).await).remove(&1).unwrap();
    assert!(found.is_sorted_by(|a, b| a < b), "in order, each once");
    assert!(acknowledged.iter().all(|number| found.binary_search(number).is_ok()), "an acknowledged entry is lost");
}
