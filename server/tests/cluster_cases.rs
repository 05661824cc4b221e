//! What is promised of shared services beyond faults at random: a topic that is made anew, a record that cannot be read, a spill, jobs that
//! outlive a process, and the move from one machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]

mod load;

use std::{path::Path, time::Duration};

use footfall_testkit::{
    App, AppOptions, Totals,
    clock::Clock,
    eventually,
    kafka::Kafka,
    postgres::Postgres,
    redis::Redis,
    services::{Installation, Services},
    store::StoreServer,
};
use load::{DOMAINS, Load, SETTLED};
use rand::{SeedableRng, rngs::StdRng};
use rdkafka::{
    ClientConfig, Message, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_footfall");

/// One of each service, and an installation on them.
struct Shared {
    kafka: Kafka,
    _redis: Redis,
    _postgres: Postgres,
    store: StoreServer,
    installation: Installation,
}

impl Shared {
    async fn start() -> Self {
        let (kafka, redis, postgres, store) =
            tokio::join!(Kafka::start(1), Redis::start(), Postgres::start(), StoreServer::start(Path::new(BINARY)));
        let (kafka, redis, postgres, store) = (kafka.unwrap(), redis.unwrap(), postgres.unwrap(), store.unwrap());
        let services = Services {
            kafka: kafka.bootstrap().to_owned(),
            brokers: 1,
            redis: redis.url(),
            postgres: postgres.url(),
            store: store.url().unwrap(),
        };
        let installation = services.installation().await.unwrap();
        Self { kafka, _redis: redis, _postgres: postgres, store, installation }
    }

    fn role(&self, roles: &str) -> AppOptions {
        AppOptions::new(BINARY).on(&self.installation).env("FOOTFALL_ROLES", roles).env("FOOTFALL_KAFKA_SESSION_TIMEOUT", "6s")
    }

    /// The settings of this installation as a file.
    fn settings(&self, folder: &Path) -> std::path::PathBuf {
        let lines = self.installation.env().into_iter().map(|(name, value)| {
            format!("{} = {}\n", name.trim_start_matches("FOOTFALL_").to_lowercase(), serde_json::to_string(&value).unwrap())
        });
        let file = folder.join("cluster.toml");
        std::fs::write(&file, lines.collect::<String>()).unwrap();
        file
    }
}

async fn expect(app: &App, key: &str, domain: &str, expected: Totals) {
    let mut last = None;
    let met = eventually(SETTLED, async || {
        last = app.totals(key, domain).await.ok();
        (last == Some(expected)).then_some(())
    })
    .await;
    assert!(met.is_some(), "wanted {expected:?}, last seen {last:?}; log:\n{}", app.log());
}

fn views(count: u64) -> Totals {
    Totals { visitors: count, visits: count, pageviews: count, events: count }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_anew_counts_apart() {
    let shared = Shared::start().await;
    let (capture, processor, web) =
        tokio::join!(App::start(shared.role("capture")), App::start(shared.role("processor")), App::start(shared.role("query,auth")));
    let (capture, mut processor, web) = (capture.unwrap(), processor.unwrap(), web.unwrap());
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
    let (capture, processor, web) =
        tokio::join!(App::start(shared.role("capture")), App::start(shared.role("processor")), App::start(shared.role("query,auth")));
    let (capture, processor, web) = (capture.unwrap(), processor.unwrap(), web.unwrap());
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
    let letters = web.sql("SELECT count(), any(reason) FROM footfall.dead_letters FINAL").await.unwrap();
    assert!(letters.starts_with("1\t"), "{letters}");

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

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_set_back_stores_nothing_twice() {
    let shared = Shared::start().await;
    let (capture, processor, web) =
        tokio::join!(App::start(shared.role("capture")), App::start(shared.role("processor")), App::start(shared.role("query,auth")));
    let (capture, mut processor, web) = (capture.unwrap(), processor.unwrap(), web.unwrap());
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
    let ledger = load.stop().await;
    let logs = || format!("{}\n── processor\n{}", capture.log(), processor.log());
    load::settle(&web, &capture, &logs).await;
    let places =
        load::Places { records: Some(load::records(shared.kafka.bootstrap(), &shared.installation.name).await), logs: Box::new(logs) };
    load::check(&web, &ledger, &places).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_are_spread_over_shards_and_one_of_them_may_fail() {
    let shared = Shared::start().await;
    let mut second = StoreServer::start(Path::new(BINARY)).await.unwrap();
    let name = &shared.installation.name;
    let urls = [shared.store.url().unwrap(), second.url().unwrap()].map(|url| format!("{url}/{name}"));
    let role = |roles: &str| shared.role(roles).without("FOOTFALL_STORE_URL").env("FOOTFALL_STORE_SHARDS", &urls.join(";"));
    let (capture, processor, web) =
        tokio::join!(App::start(role("capture")), App::start(role("processor")), App::start(role("query,auth")));
    let (capture, processor, web) = (capture.unwrap(), processor.unwrap(), web.unwrap());
    for n in 0..8 {
        web.site(&format!("site{n}.example"), "UTC").await.unwrap();
    }
    let send = async |visitors: std::ops::Range<u32>| {
        for n in 0..8 {
            for visitor in visitors.clone() {
                capture.pageview(&format!("site{n}.example"), "/", visitor).await.unwrap();
            }
        }
    };
    send(0..3).await;
    let key = web.key("site0.example", "stats:read").await.unwrap();
    expect(&web, &key, "site0.example", views(3)).await;
    second.kill().await.unwrap();
    send(3..6).await;
    second.resume().await.unwrap();
    let http = reqwest::Client::new();
    let ask = async |url: &str, sql: &str| -> Option<Vec<u64>> {
        let answer =
            http.post(url.trim_end_matches(&format!("/{name}"))).body(sql.replace("footfall.", &format!("{name}."))).send().await.ok()?;
        answer.text().await.ok()?.split_whitespace().map(|number| number.parse().ok()).collect()
    };
    let sql = "SELECT count(), uniqExact(partition, offset), uniqExact(site_id) FROM footfall.events";
    let mut last = Vec::new();
    let stored = eventually(SETTLED, async || {
        last = vec![ask(&urls[0], sql).await?, ask(&urls[1], sql).await?];
        (last[0][0] + last[1][0] == 48).then_some(())
    })
    .await;
    assert!(stored.is_some(), "{last:?}; log:\n{}", processor.log());
    assert!(last.iter().all(|shard| shard[0] == shard[1] && shard[2] > 0), "each record once, domains on both: {last:?}");
    assert_eq!(last[0][2] + last[1][2], 8, "each domain on one shard");
    for n in 0..8 {
        let domain = format!("site{n}.example");
        let key = web.key(&domain, "stats:read").await.unwrap();
        expect(&web, &key, &domain, views(6)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_start_without_the_store_and_work_once_it_is_there() {
    let mut shared = Shared::start().await;
    let capture = App::start(shared.role("capture")).await.unwrap();
    shared.store.kill().await.unwrap();
    let unready = |roles: &str| {
        let mut options = shared.role(roles);
        options.unready = true;
        options
    };
    let (processor, web) = tokio::join!(App::start(unready("processor")), App::start(unready("query,auth")));
    let (processor, web) = (processor.unwrap(), web.unwrap());
    web.site(DOMAINS[0], "UTC").await.unwrap();
    let key = web.key(DOMAINS[0], "stats:read").await.unwrap();
    capture.pageview(DOMAINS[0], "/", 1).await.unwrap();
    for app in [&processor, &web] {
        assert_eq!(app.http.get(app.url("/ready")).send().await.unwrap().status(), 503, "it says what it lacks");
        assert_eq!(app.http.get(app.url("/health")).send().await.unwrap().status(), 200, "it is no reason to restart it");
    }
    shared.store.resume().await.unwrap();
    expect(&web, &key, DOMAINS[0], views(1)).await;
    for app in [&processor, &web] {
        let ready = eventually(SETTLED, async || (app.http.get(app.url("/ready")).send().await.ok()?.status() == 200).then_some(())).await;
        assert!(ready.is_some(), "log:\n{}", app.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_answers_of_the_store() {
    let mut shared = Shared::start().await;
    let (all, one, two) = tokio::join!(
        App::start(shared.role("capture,processor")),
        App::start(shared.role("query,auth")),
        App::start(shared.role("query,auth"))
    );
    let (all, one, two) = (all.unwrap(), one.unwrap(), two.unwrap());
    let site = one.site(DOMAINS[0], "UTC").await.unwrap();
    let key = one.key(DOMAINS[0], "stats:read").await.unwrap();
    all.pageview(DOMAINS[0], "/", 1).await.unwrap();
    expect(&one, &key, DOMAINS[0], views(1)).await;
    let ask = async |web: &App| -> Option<Value> {
        let url = web.url(&format!("/api/analytics/breakdown?domainId={}&period=7d&dimension=browser", site.id));
        let answer = web.http.get(url).bearer_auth(&key).send().await.ok()?;
        if answer.status() == 200 { answer.json().await.ok() } else { None }
    };
    // The size of a range is believed for the running minute: the next one would ask again.
    let early = eventually(SETTLED, async || (chrono::Utc::now().timestamp() % 60 < 45).then_some(())).await;
    assert!(early.is_some());
    let first = ask(&one).await.expect("the store answers");
    assert_eq!(first["rows"][0]["visitors"], 1, "{first}");
    // Nobody can ask the store any more; the other replica has never asked.
    shared.store.kill().await.unwrap();
    let second = ask(&two).await;
    assert_eq!(second.map(|answer| answer["rows"].clone()), Some(first["rows"].clone()), "log:\n{}", two.log());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_job_outlives_the_process_that_took_it() {
    let shared = Shared::start().await;
    let (all, web) = tokio::join!(App::start(shared.role("capture,processor")), App::start(shared.role("query,auth")));
    let (all, mut web) = (all.unwrap(), web.unwrap());
    web.site(DOMAINS[0], "UTC").await.unwrap();
    web.site(DOMAINS[1], "UTC").await.unwrap();
    let (key, other) = (web.key(DOMAINS[0], "stats:read").await.unwrap(), web.key(DOMAINS[1], "stats:read").await.unwrap());
    all.pageview(DOMAINS[0], "/", 1).await.unwrap();
    expect(&web, &key, DOMAINS[0], views(1)).await;

    let question = json!({ "site_id": DOMAINS[0], "metrics": ["pageviews"], "date_range": "all" });
    let asked = web.http.post(web.url("/api/v2/jobs")).bearer_auth(&key).json(&question).send().await.unwrap();
    assert_eq!(asked.status(), 202);
    let id = asked.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    web.kill().await.unwrap();
    web.resume().await.unwrap();
    let mut last = Value::Null;
    let done = eventually(SETTLED, async || {
        last = web.http.get(web.url(&format!("/api/v2/jobs/{id}"))).bearer_auth(&key).send().await.ok()?.json().await.ok()?;
        (last["state"] == "done").then_some(())
    })
    .await;
    assert!(done.is_some(), "{last}; log:\n{}", web.log());
    assert_eq!(last["result"]["results"][0]["metrics"][0], 1);
    let ask = async |key: Option<&str>, path: &str| {
        let request = web.http.get(web.url(path));
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(None, &format!("/api/v2/jobs/{id}")).await, 401);
    assert_eq!(ask(Some(&other), &format!("/api/v2/jobs/{id}")).await, 404, "somebody else's job looks like none");
    assert_eq!(ask(Some(&key), "/api/v2/jobs/not-an-id").await, 404);
    let bad = json!({ "site_id": DOMAINS[0], "metrics": ["guesses"], "date_range": "all" });
    let refused = web.http.post(web.url("/api/v2/jobs")).bearer_auth(&key).json(&bad).send().await.unwrap();
    assert_eq!(refused.status(), 400, "a question that cannot be answered is refused at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_machine_moves_to_a_cluster_while_it_accepts() {
    let shared = Shared::start().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = shared.settings(folder.path());
    let mut old = App::start(AppOptions::alone(BINARY)).await.unwrap();
    load::add_domains(&old).await;
    let key = old.key(DOMAINS[0], "stats:read").await.unwrap();
    old.run(&["seed", "--domain", DOMAINS[1], "--days", "40", "--events", "3000"]).await.unwrap();
    let mut rng = StdRng::seed_from_u64(11);
    let load = Load::start(vec![old.url("")], &mut rng);
    assert!(load.flows().await);

    // Cut off in the middle; a repetition goes on.
    let to = settings.to_str().unwrap().to_owned();
    let promote = ["promote", "--to", to.as_str()];
    let (_, ()) = tokio::join!(old.command(&promote, None), async {
        let begun = eventually(SETTLED, async || old.data().join("promotion.json").exists().then_some(())).await;
        begun.expect("the promotion begins");
        footfall_testkit::process::kill_group(old.pid().unwrap(), "KILL").await.unwrap();
    });
    old.kill().await.unwrap();
    old.resume().await.unwrap();
    *load.bases.lock().unwrap() = vec![old.url("")];
    assert!(load.flows().await);
    let promoted = old.command(&promote, None).await.unwrap();
    let (said, error) = (String::from_utf8_lossy(&promoted.stdout), String::from_utf8_lossy(&promoted.stderr));
    // The kill may have come after everything was compared: then the restart forwards already.
    assert!(promoted.status.success() || error.contains("promoted already"), "{said}{error}; log:\n{}", old.log());
    assert!(load.flows().await, "the old server accepts on; log:\n{}", old.log());

    let (processor, web) = tokio::join!(App::start(shared.role("capture,processor")), App::start(shared.role("query,auth")));
    let (processor, web) = (processor.unwrap(), web.unwrap());
    // Also over a restart of the old server.
    old.kill().await.unwrap();
    old.resume().await.unwrap();
    *load.bases.lock().unwrap() = vec![old.url("")];
    assert!(load.flows().await, "the old server forwards again; log:\n{}", old.log());
    let ledger = load.stop().await;
    let logs = || format!("{}\n── processor\n{}", old.log(), processor.log());
    load::settle(&web, &old, &logs).await;
    let number = async |sql: &str| web.sql(sql).await.unwrap().parse::<u64>().unwrap();
    assert!(number("SELECT countIf(name != 'engagement') FROM footfall.events WHERE drop_reason = '' AND log = 1").await > 0);
    let stored: std::collections::HashSet<String> =
        web.sql("SELECT toString(event_id) FROM footfall.events WHERE log = 0").await.unwrap().lines().map(str::to_owned).collect();
    let acknowledged = ledger.acknowledged.lock().unwrap().clone();
    let missing = acknowledged.iter().filter(|id| !stored.contains(&footfall_store::event_id(**id).to_string())).count();
    assert_eq!(missing, 0, "of {} acknowledged ids {missing} are not in the cluster; log:\n{}", acknowledged.len(), logs());
    let places = number("SELECT count() FROM footfall.events").await;
    let distinct = number("SELECT uniqExact(log, generation, partition, offset) FROM footfall.events").await;
    assert_eq!(places, distinct, "no two records have the same place");
    // Keys and accounts came along.
    assert!(web.totals(&key, DOMAINS[0]).await.unwrap().pageviews > 0);
}
