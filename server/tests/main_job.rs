//! The main job, from outside: a page view comes in, the figure can be asked for, and it is still there after a restart.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]

use std::time::Duration;

use footfall_testkit::{App, AppOptions, Totals, eventually};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

async fn start() -> App {
    App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await.unwrap()
}

/// Waits until the totals of a domain are what they should be.
async fn expect(app: &App, key: &str, domain: &str, expected: Totals) {
    let mut last = None;
    let met = eventually(SOON, async || {
        last = Some(app.totals(key, domain).await.unwrap());
        (last == Some(expected)).then_some(())
    })
    .await;
    assert!(met.is_some(), "wanted {expected:?}, last seen {last:?}; server log:\n{}", app.log());
}

#[tokio::test]
async fn a_page_view_becomes_a_figure_and_survives_restart_and_kill() {
    let mut app = start().await;
    app.site("example.org", "Europe/Berlin").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    app.pageview("example.org", "/", 1).await.unwrap();
    app.pageview("example.org", "/pricing", 1).await.unwrap();
    app.pageview("example.org", "/", 2).await.unwrap();
    let expected = Totals { visitors: 2, visits: 2, pageviews: 3, events: 3 };
    expect(&app, &key, "example.org", expected).await;

    app.stop().await.unwrap();
    app.resume().await.unwrap();
    expect(&app, &key, "example.org", expected).await;

    app.pageview("example.org", "/late", 3).await.unwrap();
    app.kill().await.unwrap();
    app.resume().await.unwrap();
    expect(&app, &key, "example.org", Totals { visitors: 3, visits: 3, pageviews: 4, events: 4 }).await;
}

#[tokio::test]
async fn an_id_counts_once_and_the_repetition_is_recorded() {
    let mut app = start().await;
    app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    let event = json!({ "domain": "example.org", "path": "/a", "id": "0198c0de-0000-7000-8000-000000000001" });
    for _ in 0..3 {
        let answer = app.post(&event).await.unwrap();
        assert_eq!(answer.status(), 202);
        assert_eq!(answer.json::<Value>().await.unwrap()["accepted"], 1);
    }
    expect(&app, &key, "example.org", Totals { visitors: 1, visits: 1, pageviews: 1, events: 1 }).await;
    // Also when the server has forgotten everything it held in memory.
    app.kill().await.unwrap();
    app.resume().await.unwrap();
    assert_eq!(app.post(&event).await.unwrap().status(), 202);
    let recorded = eventually(SOON, async || {
        let count = app.sql("SELECT count() FROM footfall.events WHERE drop_reason = 'duplicate_id'").await.ok()?;
        (count == "3").then_some(())
    })
    .await;
    assert!(recorded.is_some(), "the repetitions are not recorded; server log:\n{}", app.log());
    expect(&app, &key, "example.org", Totals { visitors: 1, visits: 1, pageviews: 1, events: 1 }).await;
}

#[tokio::test]
async fn engagement_extends_a_visit_and_never_starts_one() {
    let app = start().await;
    app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    let engagement = json!({ "domain": "example.org", "path": "/a", "name": "engagement", "engagementMs": 5_000, "scrollDepth": 40 });
    assert_eq!(app.post(&engagement).await.unwrap().status(), 202);
    let dropped = eventually(SOON, async || {
        let count = app.sql("SELECT count() FROM footfall.drops WHERE drop_reason = 'no_visit'").await.ok()?;
        (count == "1").then_some(())
    })
    .await;
    assert!(dropped.is_some(), "the engagement without a visit is not among the drops");
    assert_eq!(app.post(&json!({ "domain": "example.org", "path": "/a" })).await.unwrap().status(), 202);
    assert_eq!(app.post(&engagement).await.unwrap().status(), 202);
    expect(&app, &key, "example.org", Totals { visitors: 1, visits: 1, pageviews: 1, events: 1 }).await;
}

#[tokio::test]
async fn bots_are_stored_and_left_out() {
    let app = start().await;
    app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    let bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    let body = json!({ "domain": "example.org", "path": "/" }).to_string();
    let answer = app.http.post(app.url("/api/events")).header("user-agent", bot).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    app.pageview("example.org", "/", 1).await.unwrap();
    expect(&app, &key, "example.org", Totals { visitors: 1, visits: 1, pageviews: 1, events: 1 }).await;
    assert_eq!(app.sql("SELECT count() FROM footfall.events WHERE bot != ''").await.unwrap(), "1");
}

#[tokio::test]
async fn another_domains_key_reads_nothing() {
    let app = start().await;
    app.site("example.org", "UTC").await.unwrap();
    app.site("other.example", "UTC").await.unwrap();
    let key = app.key("other.example", "stats:read").await.unwrap();
    app.pageview("example.org", "/", 1).await.unwrap();
    let ask = async |domain: &str| {
        let body = json!({ "site_id": domain, "metrics": ["visitors"], "date_range": "all" });
        let answer = app.http.post(app.url("/api/v2/query")).bearer_auth(&key).json(&body).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap().replace(domain, "DOMAIN"))
    };
    let (foreign, unknown) = (ask("example.org").await, ask("nobody.example").await);
    assert_eq!(foreign.0, 401);
    assert_eq!(foreign, unknown, "a domain of somebody else looks like none");
    assert_eq!(ask("other.example").await.0, 200);
}

#[tokio::test]
async fn the_engine_may_die_while_events_go_on() {
    let app = start().await;
    if app.is_on_services() {
        // It has no engine of its own; cluster.rs lets the shared one die.
        return;
    }
    app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    app.pageview("example.org", "/", 1).await.unwrap();
    let server = app.pid().unwrap();
    let engines = footfall_testkit::process::children(server, "engine").unwrap();
    assert_eq!(engines.len(), 1, "the engine is one child process");
    footfall_testkit::process::kill(engines[0], "KILL").await.unwrap();
    for visitor in 2..12 {
        app.pageview("example.org", "/", visitor).await.unwrap();
    }
    let totals = Totals { visitors: 11, visits: 11, pageviews: 11, events: 11 };
    let met = eventually(Duration::from_secs(40), async || (app.totals(&key, "example.org").await.ok()? == totals).then_some(())).await;
    assert!(
        met.is_some(),
        "after the engine's death the figures are {:?}; server log:\n{}",
        app.totals(&key, "example.org").await,
        app.log()
    );
}

#[tokio::test]
async fn stopping_under_load_is_clean_and_quick_enough_for_a_supervisor() {
    let mut app = start().await;
    let site = app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    let accepted = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let (http, url, accepted) = (app.http.clone(), app.url("/api/events"), accepted.clone());
            let body = json!({ "domain": "example.org", "path": "/" }).to_string();
            tokio::spawn(async move {
                // Until the server is gone.
                while let Ok(answer) = http.post(&url).header("user-agent", footfall_testkit::FIREFOX).body(body.clone()).send().await {
                    if answer.status() == 202 {
                        accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    // Also a dashboard that listens, and a client that never finishes its request.
    let live = app.url(&format!("/api/analytics/live?domainId={}", site.id));
    let mut stream = app.http.get(live).bearer_auth(&key).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert!(stream.chunk().await.unwrap().is_some());
    let mut slow = tokio::net::TcpStream::connect(app.url("").trim_start_matches("http://")).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut slow, b"POST /api/events HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await.unwrap();
    let loaded = eventually(SOON, async || (accepted.load(std::sync::atomic::Ordering::Relaxed) > 100).then_some(())).await;
    assert!(loaded.is_some());

    // `docker stop` waits ten seconds and then kills: so this ends with status 0 within that time, or fails.
    tokio::time::timeout(Duration::from_secs(10), app.stop()).await.expect("it stops before a supervisor would kill it").unwrap();
    for sender in senders {
        sender.await.unwrap();
    }
    app.resume().await.unwrap();
    let accepted = accepted.load(std::sync::atomic::Ordering::Relaxed);
    // An answer may be lost when the connection closes, an accepted event never.
    let kept = eventually(SOON, async || (app.totals(&key, "example.org").await.ok()?.events >= accepted).then_some(())).await;
    assert!(kept.is_some(), "{accepted} accepted, {:?} kept; server log:\n{}", app.totals(&key, "example.org").await, app.log());
}

#[tokio::test]
async fn an_interrupt_from_the_terminal_reaches_every_process_and_ends_them_in_order() {
    let mut app = start().await;
    app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    app.pageview("example.org", "/", 1).await.unwrap();
    footfall_testkit::process::kill_group(app.pid().unwrap(), "INT").await.unwrap();
    app.stop().await.unwrap();
    assert!(!app.log().contains("ERROR"), "{}", app.log());
    app.resume().await.unwrap();
    expect(&app, &key, "example.org", Totals { visitors: 1, visits: 1, pageviews: 1, events: 1 }).await;
}

#[tokio::test]
async fn health_is_fast_and_readiness_names_what_is_wrong() {
    let app = start().await;
    let health: Value = app.http.get(app.url("/health")).send().await.unwrap().json().await.unwrap();
    assert_eq!(health["status"], "ok");
    let ready: Value = app.http.get(app.url("/ready")).send().await.unwrap().json().await.unwrap();
    assert_eq!(ready["ready"], true);
    for dependency in ["accounts", "event_log", "store"] {
        assert_eq!(ready["dependencies"][dependency], "ok", "{ready}");
    }
    if app.is_on_services() {
        // Other tests need the shared store; cluster.rs makes it hang.
        return;
    }
    let server = app.pid().unwrap();
    let engine = footfall_testkit::process::children(server, "engine").unwrap()[0];
    footfall_testkit::process::kill(engine, "STOP").await.unwrap();
    let answer = app.http.get(app.url("/ready")).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let ready: Value = answer.json().await.unwrap();
    assert_ne!(ready["dependencies"]["store"], "ok");
    assert_eq!(app.http.get(app.url("/health")).send().await.unwrap().status(), 200);
    footfall_testkit::process::kill(engine, "CONT").await.unwrap();
    let again = eventually(SOON, async || (app.http.get(app.url("/ready")).send().await.ok()?.status() == 200).then_some(())).await;
    assert!(again.is_some());
    let metrics = app.http.get(app.metrics_url()).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("footfall_"), "{metrics}");
    assert_eq!(app.http.get(app.url("/metrics")).send().await.unwrap().status(), 404, "metrics are not on the public port");
}
