//! What may befall a topic and its readers.

use std::time::Duration;

use footfall_testkit::{App, Totals, clock::Clock, eventually};
use rand::{SeedableRng, rngs::StdRng};
use rdkafka::{
    ClientConfig, Message, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};

use crate::{
    load::{self, DOMAINS, Load, SETTLED},
    shared::{Shared, expect, views},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_anew_counts_apart() {
    let shared = Shared::start().await;
    let (capture, mut processor, web) = shared.each_role().await;
    web.site(DOMAINS[0], "UTC").await.unwrap();
    let key = web.key(DOMAINS[0], "stats:read").await.unwrap();
    for visitor in 0..5 {
        capture.pageview(DOMAINS[0], "/before", visitor).await.unwrap();
    }
    expect(&web, &key, DOMAINS[0], views(5)).await;

    // Under the running processor, and once more while none runs.
    for round in 1..3_u32 {
        if round == 2 {
            processor.stop().await.unwrap();
        }
        shared.kafka.delete_topic(&shared.installation.name).await.unwrap();
        for visitor in 0..3 {
            let sent = eventually(SETTLED, async || capture.pageview(DOMAINS[0], "/after", round * 10 + visitor).await.ok()).await;
            assert!(sent.is_some(), "the topic is not made again; log:\n{}", capture.log());
        }
        if round == 2 {
            processor.resume().await.unwrap();
        }
        expect(&web, &key, DOMAINS[0], views(5 + 3 * u64::from(round))).await;
    }
    let generations = web.sql("SELECT uniqExact(generation, partition) FROM footfall.events WHERE path = '/after'").await.unwrap();
    assert_eq!(generations, "2", "each topic has a generation of its own; log:\n{}", processor.log());
    // Live state holds all of them too.
    let agrees = eventually(SETTLED, async || {
        let list: Value = serde_json::from_str(&web.run(&["site", "list", "--json"]).await.ok()?).ok()?;
        let id = list[0]["id"].as_str()?.to_owned();
        let url = web.url(&format!("/api/analytics/kpis?domainId={id}&period=30m"));
        let kpis: Value = web.http.get(url).bearer_auth(&key).send().await.ok()?.json().await.ok()?;
        (kpis["pageviews"] == 11).then_some(())
    })
    .await;
    assert!(agrees.is_some(), "live state does not hold what the store does; log:\n{}", processor.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_record_costs_only_itself_and_goes_to_the_dead_letter_topic() {
    let shared = Shared::start().await;
    let (capture, processor, web) = shared.each_role().await;
    web.site(DOMAINS[0], "UTC").await.unwrap();
    let key = web.key(DOMAINS[0], "stats:read").await.unwrap();
    let good = |from: u32| {
        let events: Vec<Value> = (from..from + 1_000).map(|n| json!({ "domain": DOMAINS[0], "path": format!("/{n}") })).collect();
        Value::from(events)
    };
    for n in 0..5 {
        assert_eq!(capture.post(&good(n * 1_000)).await.unwrap().status(), 202);
    }
    let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", shared.kafka.bootstrap()).create().unwrap();
    let poison = FutureRecord::to(&shared.installation.name).key("anyone").payload("{\"v\":1,\"site\":");
    producer.send(poison, Duration::from_secs(10)).await.unwrap();
    for n in 5..10 {
        assert_eq!(capture.post(&good(n * 1_000)).await.unwrap().status(), 202);
    }
    let stored = eventually(SETTLED, async || {
        let totals = web.totals(&key, DOMAINS[0]).await.ok()?;
        (totals.pageviews == 10_000).then_some(())
    })
    .await;
    assert!(stored.is_some(), "the good records are not all stored; log:\n{}", processor.log());
    // It may be in another partition than the good ones.
    let letters = async || web.sql("SELECT count() FROM footfall.dead_letters FINAL").await.unwrap();
    let laid = eventually(SETTLED, async || (letters().await == "1").then_some(())).await;
    assert!(laid.is_some(), "{} dead letters; log:\n{}", letters().await, processor.log());

    let topic = format!("{}.dlq", shared.installation.name);
    let (brokers, log) = (shared.kafka.bootstrap().to_owned(), processor.log());
    let read = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", "letters")
            .set("auto.offset.reset", "earliest")
            .create()
            .unwrap();
        consumer.subscribe(&[&topic]).unwrap();
        // A poll also ends at events of the group.
        let begin = std::time::Instant::now();
        let letter = loop {
            if let Some(letter) = consumer.poll(Duration::from_secs(1)) {
                break letter.unwrap();
            }
            assert!(begin.elapsed() < SETTLED, "no dead letter; log:\n{log}");
        };
        String::from_utf8(letter.payload().unwrap().to_vec()).unwrap()
    });
    assert_eq!(read.await.unwrap(), "{\"v\":1,\"site\":", "as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_set_back_stores_nothing_twice() {
    let shared = Shared::start().await;
    let (capture, mut processor, web) = shared.each_role().await;
    load::add_domains(&web).await;
    let mut rng = StdRng::seed_from_u64(17);
    let load = Load::start(vec![capture.url("")], &mut rng);
    for _ in 0..10 {
        assert!(load.flows().await);
    }
    for back_to in [0, 7] {
        // All partitions are further than that: a group that is set forward is told to leave records out.
        load::settle(&web, &capture, &|| processor.log()).await;
        processor.stop().await.unwrap();
        let (brokers, topic) = (shared.kafka.bootstrap().to_owned(), shared.installation.name.clone());
        let set_back = tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer =
                ClientConfig::new().set("bootstrap.servers", brokers).set("group.id", format!("{topic}-processor")).create().unwrap();
            let mut list = TopicPartitionList::new();
            for partition in 0..2 {
                list.add_partition_offset(&topic, partition, rdkafka::Offset::Offset(back_to)).unwrap();
            }
            consumer.commit(&list, CommitMode::Sync)
        });
        set_back.await.unwrap().unwrap();
        processor.resume().await.unwrap();
        assert!(load.flows().await);
    }
    shared.ends_well(load, &capture, &processor, &web).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_whose_records_were_removed_does_not_stop_its_partition() {
    let mut shared = Shared::start().await;
    let (capture, mut processor, web) = shared.each_role().await;
    web.site(DOMAINS[0], "UTC").await.unwrap();
    let key = web.key(DOMAINS[0], "stats:read").await.unwrap();
    let send = async |visitors: std::ops::Range<u32>| {
        for visitor in visitors {
            capture.pageview(DOMAINS[0], "/", visitor).await.unwrap();
        }
    };
    send(0..5).await;
    expect(&web, &key, DOMAINS[0], views(5)).await;

    shared.store.kill().await.unwrap();
    send(5..9).await;
    let (brokers, topic) = (shared.kafka.bootstrap().to_owned(), shared.installation.name.clone());
    let group: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &brokers).set("group.id", format!("{topic}-processor")).create().unwrap();
    let begun = eventually(SETTLED, async || {
        let mut places = TopicPartitionList::new();
        places.add_partition(&topic, 0);
        places.add_partition(&topic, 1);
        let places = tokio::task::block_in_place(|| group.committed_offsets(places, Duration::from_secs(5))).ok()?;
        places.elements().iter().any(|place| place.metadata().contains("intent")).then_some(())
    })
    .await;
    assert!(begun.is_some(), "no range was begun; log:\n{}", processor.log());
    processor.kill().await.unwrap();
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", &brokers).create().unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..2 {
        all.add_partition_offset(&topic, partition, rdkafka::Offset::End).unwrap();
    }
    admin.delete_records(&all, &AdminOptions::new()).await.unwrap();

    shared.store.resume().await.unwrap();
    send(9..12).await;
    processor.resume().await.unwrap();
    expect(&web, &key, DOMAINS[0], views(8)).await;
    let metrics = web.http.get(processor.metrics_url()).send().await.unwrap().text().await.unwrap();
    let lost = metrics.lines().find(|line| line.starts_with("footfall_processor_expired_unread_total{")).unwrap_or_default();
    assert!(lost.ends_with(" 4"), "what was lost is counted: {lost}; log:\n{}", processor.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watermark_follows_partitions_that_are_quiet_beside_a_busy_one() {
    let shared = Shared::start().await;
    let (capture, processor, web) = shared.each_role().await;
    // One domain, so one partition of the two.
    let site = web.site(DOMAINS[0], "UTC").await.unwrap();
    let key = web.key(DOMAINS[0], "stats:read").await.unwrap();
    let url = web.url(&format!("/api/analytics/kpis?domainId={}&period=24h", site.id));
    let after = chrono::Utc::now() + chrono::Duration::seconds(3);
    let mut visitor = 0;
    let mut last = Value::Null;
    let moved = eventually(SETTLED, async || {
        visitor += 1;
        capture.pageview(DOMAINS[0], "/", visitor).await.ok()?;
        last = web.http.get(&url).bearer_auth(&key).send().await.ok()?.json().await.ok()?;
        let watermark: chrono::DateTime<chrono::Utc> = last["meta"]["watermark"].as_str()?.parse().ok()?;
        (watermark > after).then_some(())
    })
    .await;
    assert!(moved.is_some(), "{last}; log:\n{}", processor.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_without_processors_is_caught_up() {
    const WEEK: i64 = 7 * 24 * 3_600;
    let shared = Shared::start().await;
    let clock = Clock::make().unwrap();
    let (capture, web) = tokio::join!(App::start(shared.role("capture")), App::start(shared.role("query,auth")));
    let (mut capture, mut web) = (capture.unwrap(), web.unwrap());
    web.site(DOMAINS[0], "UTC").await.unwrap();
    let key = web.key(DOMAINS[0], "stats:read").await.unwrap();
    for visitor in 0..40 {
        capture.pageview(DOMAINS[0], "/then", visitor).await.unwrap();
    }
    // A week later by every clock of this installation.
    let later = clock.shifted_by(WEEK);
    for app in [&mut capture, &mut web] {
        app.stop().await.unwrap();
        later.iter().for_each(|(name, value)| app.set_env(name, Some(value)));
        app.resume().await.unwrap();
    }
    let mut options = shared.role("processor");
    for (name, value) in &later {
        options = options.env(name, value);
    }
    for visitor in 0..10 {
        capture.pageview(DOMAINS[0], "/now", visitor).await.unwrap();
    }
    let processor = App::start(options).await.unwrap();
    let stored = eventually(SETTLED, async || {
        let totals = web.totals(&key, DOMAINS[0]).await.ok()?;
        (totals == Totals { visitors: 50, visits: 50, pageviews: 50, events: 50 }).then_some(())
    })
    .await;
    assert!(stored.is_some(), "{:?}; log:\n{}", web.totals(&key, DOMAINS[0]).await, processor.log());
}
