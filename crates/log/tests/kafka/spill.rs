//! An outage that is bridged by the local spill, and a process that is killed while it forwards it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use footfall_log::{EventLog, kafka::KafkaSpill};
use footfall_testkit::{
    kafka::{Kafka, KafkaOptions},
    proxy::Proxy,
};

use crate::{
    common::{self, until},
    numbered, numbers, open, read_all,
};

const DOMAINS: u64 = 7;
const SPILLED: u64 = 21_000;

/// The helper, killed when dropped.
struct Helper {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Helper {
    fn start(brokers: &str, topic: &str, folder: &Path, first: u64, count: u64) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_footfall-log-spill"))
            .args([brokers, topic, folder.to_str().unwrap(), &first.to_string(), &count.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// Waits until it says this.
    fn says(&mut self, word: &str) {
        let mut line = String::new();
        while line.trim() != word {
            line.clear();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended before it said {word}");
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
    let mut helper = Helper::start(&behind, &topic, folder.path(), 0, 700);
    helper.says("up");
    until("all are there", async || end().await >= 700).await;
    drop(helper);

    proxy.refuse();
    let mut helper = Helper::start(&behind, &topic, folder.path(), 700, SPILLED);
    helper.says("spilled");
    // Slow enough to be killed half way.
    proxy.throttle(80_000);
    proxy.resume();
    let mut before = 700;
    for _ in 0..2 {
        until("some more were forwarded", async || end().await > before).await;
        before = end().await;
        drop(helper);
        helper = Helper::start(&behind, &topic, folder.path(), 0, 0);
    }
    proxy.throttle(0);
    helper.says("up");
    drop(helper);

    // The next one goes on behind them.
    let mut helper = Helper::start(&behind, &topic, folder.path(), 700 + SPILLED, 70);
    helper.says("up");
    let all = 700 + SPILLED + 70;
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
        answer.map(|position| position.partition == u32::MAX)
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
