//! How long each statement of a dashboard takes, and how many bytes an event takes on disk.
//!
//! `cargo bench -p footfall-store --bench reports -- 10000000`: starts an engine on a temporary folder, fills one domain with that many rows
//! over 30 days, and asks every question of the dashboard, first one after the other, then all at once. The work is the engine's, so the
//! profile hardly matters.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a command line of its own")]

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use footfall_engine::{Endpoint as EngineEndpoint, EngineOptions};
use footfall_model::{Hash64, Interval, LogName, Position, SiteId, report::Dimension};
use footfall_query::{Group, Query, Range, Scope, Sql, buckets, range::DAY_MS, sql};
use footfall_store::{Attributes, Endpoint, EventRow, Store};
use uuid::Uuid;

const DAYS: i64 = 30;
const ROUNDS: usize = 15;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "engine") {
        let options = EngineOptions { supervised: true, ..EngineOptions::new(&arguments[at + 1]) };
        footfall_engine::run(options).await.unwrap();
        return;
    }
    let events: u64 = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let data = tempfile::tempdir().unwrap();
    let mut child = Command::new(&arguments[0])
        .args(["engine", data.path().to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "password of a measurement").unwrap();
    let store = connect(data.path()).await;
    fill(&store, events).await;
    measure(&store).await;
    insert(&store).await;
    drop(input);
    child.wait().unwrap();
}

async fn connect(data: &Path) -> Store {
    loop {
        if let Some(EngineEndpoint { url, user, password }) = EngineEndpoint::discover(data).await {
            let store = Store::connect(&Endpoint { url, user, password, database: "footfall".to_owned(), cluster: None });
            store.migrate().await.unwrap();
            return store;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Inserts of one row, a few, and a full range.
async fn insert(store: &Store) {
    for (rows, rounds) in [(1_usize, 60_usize), (1_000, 20), (50_000, 6)] {
        let mut times = Vec::new();
        for round in 0..rounds {
            let block: Vec<EventRow> = (0..rows as u64).map(|index| row(round as u64 * rows as u64 + index)).collect();
            let started = Instant::now();
            store.insert_events(&block, &format!("{rows} {round}")).await.unwrap();
            times.push(started.elapsed());
        }
        times.sort();
        let p50 = times[rounds / 2];
        println!(
            "insert of {rows:>5} rows     p50 {:>4} ms  p95 {:>4} ms  {:>7.0} rows/s",
            p50.as_millis(),
            times[rounds * 95 / 100].as_millis(),
            rows as f64 / p50.as_secs_f64()
        );
    }
}

fn row(offset: u64) -> EventRow {
    let site = SiteId(Uuid::from_u128(2));
    let position = Position { log: LogName::Live, generation: 1, partition: 0, offset };
    let mut row = EventRow::pageview(
        position,
        site,
        Hash64(offset / 4 * 0x9E37_79B9),
        END + i64::try_from(offset).unwrap(),
        &format!("/post-{}", offset % 300),
    );
    row.hostname = "example.org".to_owned();
    row.title = format!("Title of {}", offset % 300);
    let attributes = Attributes {
        source: "Google",
        referrer: "google.com/",
        browser: "Firefox",
        os: "Windows",
        device: "Desktop",
        country: "DE",
        ..Attributes::default()
    };
    row.visit.attributes = Arc::new(attributes.into());
    row
}

/// The end of the filled range: a UTC midnight.
const END: i64 = 1_793_404_800_000;

async fn fill(store: &Store, events: u64) {
    let started = Instant::now();
    let visits = events / 5;
    let text = include_str!("traffic.sql")
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("{events}", &events.to_string())
        .replace("{visits}", &visits.to_string())
        .replace("{people}", &(visits * 2 / DAYS.unsigned_abs()).max(10).to_string())
        .replace("{days}", &DAYS.to_string())
        .replace("{end}", &END.to_string())
        .replace("{first}", "0");
    store.raw(&text).execute().await.unwrap();
    println!("filled with {events} rows in {:.1} s", started.elapsed().as_secs_f64());
    for table in ["events", "sessions"] {
        store.raw(&format!("OPTIMIZE TABLE {table} FINAL")).execute().await.unwrap();
        let text = format!("SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND table = '{table}'");
        let (bytes, rows) = store.raw(&text).fetch_one::<(u64, u64)>().await.unwrap();
        println!("{table}: {rows} rows, {:.1} bytes a row, {:.1} bytes an event", bytes as f64 / rows as f64, bytes as f64 / events as f64);
    }
}

fn questions(approximate: bool) -> Vec<(String, Sql)> {
    let scope = Scope::authorised(SiteId(Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111)));
    let range = Range::new(END - DAYS * DAY_MS, END);
    let totals = Query { approximate, ..Query::totals(range) };
    let mut questions = vec![
        ("events in the range".to_owned(), sql::event_count(scope, &totals)),
        ("totals of events".to_owned(), sql::events(scope, &totals).unwrap()),
        ("totals of visits".to_owned(), sql::visits(scope, &totals).unwrap()),
    ];
    for interval in [Interval::Hour, Interval::Day] {
        let starts: Vec<i64> = buckets(range, interval, chrono_tz::Europe::Berlin).unwrap().iter().map(|bucket| bucket.from).collect();
        let by = totals.clone().by(Group::Time(starts), 10_000, 0);
        questions.push((format!("by {}", interval.code()), sql::events(scope, &by).unwrap()));
    }
    for dimension in [
        Dimension::Page,
        Dimension::EntryPage,
        Dimension::ExitPage,
        Dimension::Source,
        Dimension::Channel,
        Dimension::Referrer,
        Dimension::Country,
        Dimension::Browser,
        Dimension::Os,
        Dimension::Device,
    ] {
        let by = totals.clone().by(Group::By(dimension), 10, 0);
        questions.push((format!("by {dimension:?}"), sql::events(scope, &by).unwrap()));
    }
    questions
}

async fn measure(store: &Store) {
    for approximate in [false, true] {
        println!("visitors {}:", if approximate { "estimated" } else { "exact" });
        let questions = questions(approximate);
        for (name, sql) in &questions {
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                let started = Instant::now();
                ask(store, name, sql).await;
                times.push(started.elapsed());
            }
            times.sort();
            println!("  {name:<22} p50 {:>4} ms  p95 {:>4} ms", times[ROUNDS / 2].as_millis(), times[ROUNDS * 95 / 100].as_millis());
        }
        let panels: Vec<_> = questions
            .iter()
            .filter(|(name, _)| !["events in the range", "by Hour", "by hour", "by ExitPage", "by Referrer"].contains(&name.as_str()))
            .collect();
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let started = Instant::now();
            futures::future::join_all(panels.iter().map(|(name, sql)| ask(store, name, sql))).await;
            times.push(started.elapsed());
        }
        times.sort();
        println!(
            "  all {} panels at once   p50 {:>4} ms  p95 {:>4} ms",
            panels.len(),
            times[ROUNDS / 2].as_millis(),
            times[ROUNDS * 95 / 100].as_millis()
        );
    }
}

async fn ask(store: &Store, name: &str, sql: &Sql) {
    if name == "events in the range" {
        store.count(sql).await.unwrap();
    } else {
        store.report(sql).await.unwrap();
    }
}
