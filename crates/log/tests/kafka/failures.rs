//! Brokers that die.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use footfall_log::{
    AppendError, EventLog,
    kafka::{KafkaLog, KafkaLogOptions},
};
use footfall_testkit::{
    kafka::{Kafka, KafkaOptions},
    proxy::Proxy,
};
use tokio::task::JoinHandle;

use crate::{
    common::{self, until},
    numbered, numbers, open, read_all,
};

/// Appends numbered entries for some domains until told to end; counts, and keeps what was acknowledged.
struct Load {
    end: Arc<AtomicBool>,
    accepted: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<BTreeSet<(u64, u64)>>>,
}

impl Load {
    fn start(log: &Arc<KafkaLog>, domains: u64) -> Self {
        let (end, accepted, refused) = <(Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let one = |domain| {
            let (log, end, accepted, refused) = (Arc::clone(log), Arc::clone(&end), Arc::clone(&accepted), Arc::clone(&refused));
            tokio::spawn(async move {
                let mut acknowledged = BTreeSet::new();
                for number in 0.. {
                    if end.load(Ordering::Acquire) {
                        break;
                    }
                    match log.append(vec![numbered(domain, number)]).await.remove(0) {
                        Ok(_) => {
                            acknowledged.insert((domain, number));
                            accepted.fetch_add(1, Ordering::AcqRel);
                        }
                        Err(AppendError::Unavailable(_)) => {
                            refused.fetch_add(1, Ordering::AcqRel);
                            // A sender that is refused at once comes again soon.
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                acknowledged
            })
        };
        Self { tasks: (0..domains).map(one).collect(), end, accepted, refused }
    }

    /// Waits until so many more were answered `Ok`.
    async fn goes_on(&self, more: u64) {
        let from = self.accepted.load(Ordering::Acquire);
        until("appends go on", async || self.accepted.load(Ordering::Acquire) >= from + more).await;
    }

    /// Waits until some more were refused.
    async fn is_refused(&self) {
        let from = self.refused.load(Ordering::Acquire);
        until("appends are refused", async || self.refused.load(Ordering::Acquire) > from + 5).await;
    }

    /// Ends, and looks whether everything acknowledged is there, and nothing twice.
    async fn settle(self, log: &KafkaLog, partitions: u32) {
        self.end.store(true, Ordering::Release);
        let mut acknowledged = BTreeSet::new();
        for task in self.tasks {
            acknowledged.extend(task.await.unwrap());
        }
        let found = numbers(&read_all(log, partitions).await);
        let mut all = BTreeSet::new();
        for (domain, numbers) in found {
            assert!(numbers.is_sorted(), "a domain's entries are in order");
            for number in numbers {
                assert!(all.insert((domain, number)), "{domain}/{number} came twice");
            }
        }
        assert!(acknowledged.is_subset(&all), "an acknowledged entry is lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_costs_refusals_and_nothing_else() {
    let mut kafka = Kafka::start(1).await.unwrap();
    let mut options = common::kafka_options(&kafka, &common::topic());
    options.partitions = 2;
    options.delivery_timeout = Duration::from_secs(2);
    let log = open(options).await;
    let load = Load::start(&log, 6);
    load.goes_on(200).await;
    kafka.kill(0).await.unwrap();
    load.is_refused().await;
    until("the status says so", async || !log.status().await.accepting).await;
    kafka.restart(0).unwrap();
    load.goes_on(200).await;
    until("the status says so", async || log.status().await.accepting).await;
    load.settle(&log, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_doubles_nothing() {
    let proxy = Proxy::bind().await.unwrap();
    let options = KafkaOptions { brokers: 1, advertised: vec![proxy.port()], secured: false };
    let kafka = Kafka::start_with(options).await.unwrap();
    proxy.set_target(kafka.port(0));
    let mut options = common::kafka_options(&kafka, &common::topic());
    options.delivery_timeout = Duration::from_secs(20);
    let log = open(options.clone()).await;
    let beside = open(KafkaLogOptions { brokers: kafka.direct_bootstrap(), ..options }).await;
    let mut expected = 0;
    for _ in 0..3 {
        log.append(vec![numbered(1, expected)]).await[0].as_ref().unwrap();
        proxy.swallow_answers();
        let unanswered = {
            let log = Arc::clone(&log);
            tokio::spawn(async move { log.append(vec![numbered(1, expected + 1)]).await.remove(0) })
        };
        expected += 2;
        until("the broker has it", async || beside.status().await.partitions.first().is_some_and(|(_, _, _, end)| *end == expected)).await;
        proxy.resume();
        proxy.reset_all();
        unanswered.await.unwrap().unwrap();
    }
    assert_eq!(numbers(&read_all(&beside, 1).await)[&1], (0..expected).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_brokers_bear_the_loss_of_one_and_refuse_without_two() {
    let mut kafka = Kafka::start(3).await.unwrap();
    let mut options = common::kafka_options(&kafka, &common::topic());
    (options.partitions, options.replication) = (3, 3);
    // Until the others have agreed on new leaders.
    options.delivery_timeout = Duration::from_secs(30);
    let log = open(options.clone()).await;
    let load = Load::start(&log, 6);
    load.goes_on(100).await;
    kafka.kill(0).await.unwrap();
    load.goes_on(300).await;
    assert_eq!(load.refused.load(Ordering::Acquire), 0, "two of three are enough");
    load.settle(&log, 3).await;
    drop(log);

    options.delivery_timeout = Duration::from_secs(2);
    options.topic = common::topic();
    let log = open(options).await;
    let load = Load::start(&log, 6);
    load.goes_on(50).await;
    kafka.kill(1).await.unwrap();
    load.is_refused().await;
    let accepted = load.accepted.load(Ordering::Acquire);
    load.is_refused().await;
    assert!(load.accepted.load(Ordering::Acquire) <= accepted + 6, "one replica is not enough");
    kafka.restart(0).unwrap();
    kafka.restart(1).unwrap();
    load.goes_on(100).await;
    load.settle(&log, 3).await;
}
