//! Members of a group: sharing, handing over, being replaced.

use std::{collections::BTreeSet, time::Duration};

use footfall_log::{Committed, EventLog, Hold, LogError, Polled, StartAt};
use footfall_testkit::{
    kafka::{Kafka, KafkaOptions},
    process,
    proxy::Proxy,
};

use crate::{
    Helper, assigned,
    common::{self, LONG, intent, limit, until},
    numbered, open, revoked,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_the_partitions_and_hand_over_in_good_order() {
    let mut options = common::kafka_options(common::secured_kafka(), &common::topic());
    options.partitions = 4;
    // A third of it is waited for a release.
    options.session_timeout = Duration::from_secs(20);
    let log = open(options.clone()).await;
    for domain in 0..40 {
        log.append(vec![numbered(domain, 0)]).await[0].as_ref().unwrap();
    }
    let mut one = log.subscribe("stored", StartAt::Committed).await.unwrap();
    assert_eq!(assigned(&mut one, 4).await.len(), 4);

    let second = open(options).await;
    let mut two = second.subscribe("stored", StartAt::Committed).await.unwrap();
    let waiting = tokio::spawn(async move {
        let got = assigned(&mut two, 2).await;
        (two, got)
    });
    let lost = revoked(&mut one).await;
    assert_eq!(lost.len(), 2);
    for partition in &lost {
        one.intend(*partition, &intent(0, 0)).await.unwrap();
        assert_eq!(one.holder(*partition)(), Hold::Held, "until it is released");
        one.commit(*partition, &Committed { next: 1, rebuild_from: 0 }).await.unwrap();
    }
    assert!(!waiting.is_finished(), "nobody gets what was not released");
    one.release(&lost).await;
    let (mut two, got) = waiting.await.unwrap();
    assert_eq!(got.iter().map(|assignment| assignment.partition).collect::<BTreeSet<_>>(), lost.iter().copied().collect());
    for assignment in &got {
        assert_eq!(assignment.committed, Some(Committed { next: 1, rebuild_from: 0 }));
        assert_eq!(assignment.intent, None);
    }
    for partition in &lost {
        assert_eq!(one.holder(*partition)(), Hold::Lost);
        assert!(matches!(one.intend(*partition, &intent(1, 1)).await, Err(LogError::Lost(lost)) if lost == *partition));
    }

    // A member that ends leaves its intent to the next.
    let kept = (0..4).find(|partition| !lost.contains(partition)).unwrap();
    one.intend(kept, &intent(0, 2)).await.unwrap();
    drop(one);
    let rest = assigned(&mut two, 2).await;
    let inherited = rest.iter().find(|assignment| assignment.partition == kept).unwrap();
    assert_eq!((inherited.intent.clone(), inherited.committed), (Some(intent(0, 2)), None));
    two.commit(kept, &Committed { next: 3, rebuild_from: 1 }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_cut_off_cannot_commit_any_more() {
    let proxy = Proxy::bind().await.unwrap();
    let kafka = Kafka::start_with(KafkaOptions { brokers: 1, advertised: vec![proxy.port()], secured: false });
    let kafka = kafka.await.unwrap();
    proxy.set_target(kafka.port(0));
    let topic = common::topic();
    let mut behind = common::kafka_options(&kafka, &topic);
    behind.session_timeout = Duration::from_secs(3);
    let mut beside = behind.clone();
    beside.brokers = kafka.direct_bootstrap();
    let log = open(beside).await;
    log.append((0..6).map(|number| numbered(1, number)).collect()).await;

    let cut_off = open(behind).await;
    let mut stale = cut_off.subscribe("stored", StartAt::Committed).await.unwrap();
    assigned(&mut stale, 1).await;
    let Polled::Entries { entries, .. } = stale.poll(LONG, limit(10)).await.unwrap() else { panic!("entries expected") };
    assert_eq!(entries[0].offset, 0);
    stale.intend(0, &intent(0, 2)).await.unwrap();
    let held = stale.holder(0);
    assert_eq!(held(), Hold::Held);

    proxy.pause();
    until("the silence is noticed", async || held() != Hold::Held).await;
    let mut fresh = log.subscribe("stored", StartAt::Committed).await.unwrap();
    let got = assigned(&mut fresh, 1).await.remove(0);
    assert_eq!((got.intent, got.committed), (Some(intent(0, 2)), None));
    fresh.commit(0, &Committed { next: 3, rebuild_from: 0 }).await.unwrap();

    proxy.resume();
    let late = stale.commit(0, &Committed { next: 1, rebuild_from: 0 }).await;
    assert!(matches!(late, Err(LogError::Lost(0))), "{late:?}");
    assert_eq!(revoked(&mut stale).await, [0]);
    assert_eq!(held(), Hold::Lost);
    stale.release(&[0]).await;
    drop(stale);
    drop(fresh);
    let mut next = log.subscribe("stored", StartAt::Committed).await.unwrap();
    assert_eq!(assigned(&mut next, 1).await[0].committed, Some(Committed { next: 3, rebuild_from: 0 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_stopped_comes_back_without_its_partitions() {
    let kafka = common::secured_kafka();
    let topic = common::topic();
    let mut options = common::kafka_options(kafka, &topic);
    options.partitions = 2;
    options.session_timeout = Duration::from_secs(3);
    let log = open(options).await;
    let mut sleeper = Helper::start(&["hold", kafka.bootstrap(), &topic]);
    sleeper.says("held");
    process::kill(sleeper.process.id(), "STOP").await.unwrap();
    let mut other = log.subscribe("stored", StartAt::Committed).await.unwrap();
    assigned(&mut other, 2).await;
    process::kill(sleeper.process.id(), "CONT").await.unwrap();
    assert_eq!(sleeper.line(), "woke without");
}

#[tokio::test]
async fn who_reads_alone_follows_what_it_names() {
    let mut options = common::kafka_options(common::secured_kafka(), &common::topic());
    options.partitions = 3;
    let log = open(options).await;
    for number in 0..30 {
        log.append(vec![numbered(number, number)]).await[0].as_ref().unwrap();
    }
    let mut reader = log.subscribe("live", StartAt::Offset(0)).await.unwrap();
    reader.follow(&[0, 1].into()).await.unwrap();
    let first = assigned(&mut reader, 2).await;
    assert_eq!(reader.holder(0)(), Hold::Held);
    reader.follow(&[1, 2].into()).await.unwrap();
    let mut offsets = std::collections::BTreeMap::<u32, Vec<u64>>::new();
    let mut third = None;
    loop {
        match reader.poll(Duration::from_millis(300), limit(100)).await.unwrap() {
            Polled::Assigned(new) => {
                assert_eq!(new.len(), 1);
                assert_eq!(new[0].partition, 2);
                reader.seek(2, new[0].end - 1).await.unwrap();
                third = Some(new[0].end);
            }
            Polled::Entries { partition, entries } => {
                offsets.entry(partition).or_default().extend(entries.iter().map(|entry| entry.offset))
            }
            Polled::Idle { at_end: true } if third.is_some() => break,
            other => assert!(matches!(other, Polled::Idle { .. })),
        }
    }
    assert_eq!(offsets[&2], [third.unwrap() - 1], "from where it was sought");
    let end = first.iter().find(|assignment| assignment.partition == 1).unwrap().end;
    assert_eq!(offsets[&1], (0..end).collect::<Vec<_>>());
    assert!(!offsets.contains_key(&0), "it is not followed any more");
    assert!(reader.commit(1, &Committed { next: 1, rebuild_from: 0 }).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_holds_back_the_brokers_and_misses_nothing() {
    const ENTRIES: u64 = 6_000;
    let mut options = common::kafka_options(common::secured_kafka(), &common::topic());
    options.partitions = 2;
    // A hundredth of what is there.
    options.buffer_bytes = 64 << 10;
    let log = open(options).await;
    let padding = "x".repeat(1_000);
    for first in (0..ENTRIES).step_by(500) {
        let entries = (first..first + 500).map(|number| footfall_log::Entry {
            key: crate::site(number % 5),
            payload: format!("{}/{number}/{padding}", number % 5).into(),
        });
        log.append(entries.collect()).await.iter().for_each(|answer| assert!(answer.is_ok()));
    }
    let mut reader = log.subscribe("stored", StartAt::Committed).await.unwrap();
    let mut next = std::collections::BTreeMap::<u64, u64>::new();
    let mut came = 0;
    while came < ENTRIES {
        match reader.poll(LONG, limit(7)).await.unwrap() {
            Polled::Entries { entries, .. } => {
                for entry in entries {
                    let text = common::text(&entry);
                    let mut words = text.split('/').map(|word| word.parse::<u64>());
                    let (domain, number) = (words.next().unwrap().unwrap(), words.next().unwrap().unwrap());
                    let expected = next.entry(domain).or_insert(domain);
                    assert_eq!(number, *expected, "of domain {domain}");
                    *expected += 5;
                    came += 1;
                }
            }
            Polled::Assigned(_) | Polled::Idle { .. } => {}
            Polled::Revoked(_) => panic!("nobody else reads"),
        }
    }
}
