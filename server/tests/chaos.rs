//! Kills under load: of everything at once, of the server alone, of the engine alone. Whatever is killed whenever, afterwards:
//!
//! - every accepted record stands in exactly one of `events` and `dead_letters`;
//! - every acknowledged id is counted exactly once;
//! - pageviews of the hourly aggregates, of `sessions` and of the raw events agree.
//!
//! `FOOTFALL_CHAOS_RUNS` and `FOOTFALL_CHAOS_SEED` make it longer or repeat it (`make chaos`). The seed is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]
#![allow(clippy::print_stdout, reason = "the seed repeats a run")]

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use footfall_testkit::{App, AppOptions, eventually, process};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use uuid::Uuid;

const KILLS: u64 = 50;
const DOMAINS: [&str; 2] = ["one.example", "two.example"];
const SETTLED: Duration = Duration::from_secs(120);

/// What the senders know: ids that were acknowledged, and ids that may or may not have been taken.
#[derive(Default)]
struct Ledger {
    acknowledged: Mutex<HashSet<Uuid>>,
    sent: Mutex<HashSet<Uuid>>,
    batches: AtomicU64,
}

/// Sends until told to stop: single events and batches, some of them twice.
async fn send(base: Arc<Mutex<String>>, ledger: Arc<Ledger>, stop: Arc<AtomicBool>, mut rng: StdRng) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    while !stop.load(Ordering::Relaxed) {
        let url = format!("{}/api/events", base.lock().unwrap());
        let domain = DOMAINS[rng.random_range(0..2)];
        let count = if rng.random_bool(0.5) { 1 } else { rng.random_range(2..60) };
        let mut ids: Vec<Uuid> = (0..count).map(|_| Uuid::from_u128(rng.random())).collect();
        if count > 3 && rng.random_bool(0.2) {
            ids[1] = ids[0];
        }
        let events: Vec<_> =
            ids.iter().map(|id| json!({ "domain": domain, "path": format!("/{}", rng.random_range(0..40)), "id": id })).collect();
        let body = if events.len() == 1 { events[0].to_string() } else { serde_json::to_string(&events).unwrap() };
        ledger.sent.lock().unwrap().extend(&ids);
        let visitor = rng.next_u32() % 200;
        let times = if rng.random_bool(0.1) { 2 } else { 1 };
        for _ in 0..times {
            let request = http
                .post(&url)
                .header("user-agent", footfall_testkit::FIREFOX)
                .header("x-forwarded-for", format!("10.0.{}.{}", visitor / 100, visitor % 100))
                .body(body.clone());
            match request.send().await {
                Ok(answer) if answer.status() == 202 => {
                    ledger.acknowledged.lock().unwrap().extend(&ids);
                    ledger.batches.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => assert_eq!(
                    answer.status(),
                    503,
                    "only 202 and 503 are answers of a server under fire: {}",
                    answer.text().await.unwrap()
                ),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_doubled_whatever_is_killed() {
    let kills = std::env::var("FOOTFALL_CHAOS_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let seed = std::env::var("FOOTFALL_CHAOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| rand::rng().next_u64());
    println!("{kills} kills, seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);

    let mut app = App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await.unwrap();
    for domain in DOMAINS {
        app.site(domain, "UTC").await.unwrap();
    }
    let base = Arc::new(Mutex::new(app.url("")));
    let ledger = Arc::new(Ledger::default());
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> =
        (0..3).map(|_| tokio::spawn(send(base.clone(), ledger.clone(), stop.clone(), StdRng::seed_from_u64(rng.next_u64())))).collect();

    for _ in 0..kills {
        // Load must have arrived since the last kill, or the kill proves nothing.
        let before = ledger.batches.load(Ordering::Relaxed);
        let loaded = eventually(SETTLED, async || (ledger.batches.load(Ordering::Relaxed) > before + 3).then_some(())).await;
        assert!(loaded.is_some(), "no load arrives any more; server log:\n{}", app.log());
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..600))).await;
        let victim = rng.random_range(0..10);
        match victim {
            0..5 => app.kill().await.unwrap(),
            5..7 => app.kill_alone().await.unwrap(),
            _ => kill_engine(&app).await,
        }
        if victim < 7 {
            app.resume().await.unwrap();
            *base.lock().unwrap() = app.url("");
        }
    }
    stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }
    check(&mut app, &ledger).await;
}

/// Kills the engine, also while it starts.
async fn kill_engine(app: &App) {
    let server = app.pid().unwrap();
    let engine = eventually(SETTLED, async || process::children(server, "engine").unwrap().first().copied()).await;
    process::kill(engine.expect("the server starts its engine again"), "KILL").await.unwrap();
}

async fn check(app: &mut App, ledger: &Ledger) {
    // A last record per domain: once it is stored, so is everything before it.
    let last = [Uuid::new_v4(), Uuid::new_v4()];
    for (domain, id) in DOMAINS.into_iter().zip(last) {
        let accepted = eventually(SETTLED, async || {
            let answer = app.post(&json!({ "domain": domain, "path": "/last", "id": id })).await.ok()?;
            (answer.status() == 202).then_some(())
        })
        .await;
        assert!(accepted.is_some(), "the server does not accept events after the kills; server log:\n{}", app.log());
    }
    let number = async |sql: &str| -> u64 {
        let text = app.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        text.parse().unwrap_or_else(|_| panic!("{sql}: {text}"))
    };
    let settled = eventually(SETTLED, async || {
        let found = app.sql("SELECT countDistinct(site_id) FROM footfall.events WHERE path = '/last'").await.ok()?;
        (found == "2").then_some(())
    })
    .await;
    assert!(settled.is_some(), "the processor does not catch up; server log:\n{}", app.log());

    // Every offset of the log from 0 to the last, each exactly once, in events or in dead letters.
    let places =
        "(SELECT offset FROM footfall.events WHERE log = 0 UNION ALL SELECT offset FROM footfall.dead_letters FINAL WHERE log = 0)";
    let (rows, distinct) =
        (number(&format!("SELECT count() FROM {places}")).await, number(&format!("SELECT uniqExact(offset) FROM {places}")).await);
    let end = number(&format!("SELECT max(offset) + 1 FROM {places}")).await;
    assert_eq!((rows, distinct), (end, end), "records in more than one place, or in none");
    assert_eq!(number("SELECT count() FROM footfall.dead_letters FINAL").await, 0, "nothing here is a reason for a dead letter");

    // Every acknowledged id exactly once, and no id twice, acknowledged or not.
    let acknowledged = ledger.acknowledged.lock().unwrap().clone();
    let counted = number("SELECT uniqExact(event_id) FROM footfall.events WHERE drop_reason = '' AND path != '/last'").await;
    let total = number("SELECT count() FROM footfall.events WHERE drop_reason = '' AND path != '/last'").await;
    assert_eq!(counted, total, "an id is counted more than once");
    let stored: HashSet<String> = app
        .sql("SELECT DISTINCT toString(event_id) FROM footfall.events WHERE drop_reason = ''")
        .await
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let missing = acknowledged.iter().filter(|id| !stored.contains(&footfall_store::event_id(**id).to_string())).count();
    assert_eq!(missing, 0, "of {} acknowledged ids {missing} are not stored", acknowledged.len());
    let sent = ledger.sent.lock().unwrap().len() as u64;
    assert!(total <= sent, "{total} events are counted, {sent} were sent");

    // The same pageviews by every way to them.
    let raw = number("SELECT countIf(name = 'pageview') FROM footfall.events WHERE drop_reason = '' AND bot = ''").await;
    let sessions =
        number("SELECT sum(p) FROM (SELECT max(pageviews) AS p FROM footfall.sessions GROUP BY site_id, session_start, session_id)").await;
    assert_eq!(sessions, raw, "pageviews of sessions and of raw events differ");
    let meta = footfall_meta::Meta::open(&format!("sqlite:{}", app.data().join("footfall.db").display())).await.unwrap();
    let hourly = eventually(SETTLED, async || {
        let mut sum = 0;
        for site in meta.sites().await.ok()? {
            sum += meta.hourly_totals(site.id, 0, i64::MAX).await.ok()?.iter().map(|(_, figures)| figures.pageviews).sum::<u64>();
        }
        (sum == raw).then_some(())
    })
    .await;
    assert!(hourly.is_some(), "the hourly aggregates do not come to {raw} pageviews");
    println!("{} ids acknowledged, {end} records, each in one place, {raw} pageviews by every way", acknowledged.len());
}
