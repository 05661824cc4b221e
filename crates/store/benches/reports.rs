//! How long each statement of a dashboard takes, and how many bytes an event takes on disk.
//!
//! `cargo bench -p footfall-store --bench reports -- 10000000 40000000`: starts an engine on a temporary folder, fills one domain with that many rows
//! over 30 days, and asks every question of the dashboard, filtered ones and a funnel, first one after the other, then all at once: row by row, and by
//! the figures of days. Then it fills
//! other domains with as many rows as the second number says, and asks the same again: that must cost what it did before. The work is the engine's, so
//! the profile hardly matters.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a command line of its own")]

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono_tz::Tz;
use footfall_engine::{Endpoint as EngineEndpoint, EngineOptions};
use footfall_model::{Hash64, Interval, LogName, Position, SiteId, report::Dimension};
use footfall_query::{
    Range, Scope, Sql,
    behaviour::{Funnel, funnel},
    buckets,
    question::{self, Condition, Key, Leaf, Metric, Op, Question, RolledDay, days::rolled_days, statement},
    range::DAY_MS,
    sql,
};
use footfall_store::{Attributes, DaysWanted, Endpoint, EventRow, Store, StoreError};
use futures::future::{try_join, try_join_all};
use uuid::Uuid;

const DAYS: i64 = 30;
/// The domain that is asked about, and the first of all.
const DOMAIN: u128 = 0x1111_1111_1111_4111_8111_1111_1111_1111;
const ROUNDS: usize = 20;
/// Larger domains are not asked about row by row: that takes seconds.
const LARGE: u64 = 20_000_000;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "engine") {
        let options = EngineOptions { supervised: true, ..EngineOptions::new(&arguments[at + 1]) };
        footfall_engine::run(options).await.unwrap();
        return;
    }
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<u64>().ok());
    let (events, of_others) = (numbers.next().unwrap_or(1_000_000), numbers.next().unwrap_or(0));
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
    fill(&store, &[DOMAIN], events).await;
    measure(&store, events).await;
    if of_others > 0 {
        let others: Vec<u128> = (1..=u128::from(of_others.div_ceil(events))).map(|number| DOMAIN + number).collect();
        fill(&store, &others, events).await;
        println!("the same, with {} rows of {} other domains beside it", of_others.div_ceil(events) * events, others.len());
        measure(&store, events).await;
    }
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

/// What a panel shows.
fn panel_of(dimension: Dimension) -> question::Dimension {
    question::Dimension::of_panel(dimension, Vec::new())
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

async fn fill(store: &Store, domains: &[u128], events: u64) {
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
    for domain in domains {
        let text = text.replace("11111111-1111-4111-8111-111111111111", &Uuid::from_u128(*domain).to_string());
        store.raw(&text).execute().await.unwrap();
    }
    println!("filled {} domains with {events} rows each in {:.1} s", domains.len(), started.elapsed().as_secs_f64());
    let mut events = 0;
    for table in ["events", "sessions"] {
        store.raw(&format!("OPTIMIZE TABLE {table} FINAL")).execute().await.unwrap();
        let text = format!("SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND table = '{table}'");
        let (bytes, rows) = store.raw(&text).fetch_one::<(u64, u64)>().await.unwrap();
        events = events.max(rows);
        println!("{table}: {rows} rows, {:.1} bytes a row, {:.1} bytes an event", bytes as f64 / rows as f64, bytes as f64 / events as f64);
    }
}

const ZONE: Tz = Tz::Europe__Berlin;

fn scope() -> Scope {
    Scope::authorised(SiteId(Uuid::from_u128(DOMAIN)))
}

const fn range() -> Range {
    Range::new(END - DAYS * DAY_MS, END)
}

/// Works out all days, and answers those of the domain but the last: that would be today.
async fn work_out_days(store: &Store) -> Vec<RolledDay> {
    let (started, mut days) = (Instant::now(), 0);
    for run in store.days_to_roll(DaysWanted { events: 5_000, quiet: Duration::ZERO }, &|_| ZONE).await.unwrap() {
        store.roll(&run).await.unwrap();
        days += run.days().count();
    }
    let text = "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND table = 'day_figures'";
    store.raw("OPTIMIZE TABLE day_figures FINAL").execute().await.unwrap();
    let (bytes, rows) = store.raw(text).fetch_one::<(u64, u64)>().await.unwrap();
    println!("{days} days worked out in {:.1} s; day_figures: {rows} rows, {:.1} MB", started.elapsed().as_secs_f64(), bytes as f64 / 1e6);
    let rows = store.report(&rolled_days(scope(), range(), ZONE)).await.unwrap();
    let last = (END - DAY_MS) / DAY_MS;
    rows.iter()
        .map(|row| RolledDay { day: row.sums[0], build: row.sums[2] })
        .filter(|rolled| rolled.build != 0 && rolled.day != last)
        .collect()
}

/// The ways to ask.
#[derive(Clone, Copy, PartialEq)]
enum Way<'a> {
    /// Row by row, visitors counted.
    Exact,
    /// Row by row, visitors estimated.
    Estimated,
    /// By the figures of these days, and the rows of the last one.
    OverDays(&'a [RolledDay]),
}

/// What one report asks for.
struct Report {
    name: String,
    sql: Sql,
    /// Visitors of the whole that its shares are of, which all panels ask for once.
    whole: Option<Sql>,
}

fn reports(way: Way<'_>) -> Vec<Report> {
    let (scope, range, approximate) = (scope(), range(), way == Way::Estimated);
    let sql = |question: Question| {
        let question = if let Way::OverDays(days) = way { question.over_days(days.iter().copied(), ZONE) } else { question };
        statement(scope, &question).unwrap().sql
    };
    let of = |name: String, question: Question| match question.whole() {
        Some(whole) if matches!(way, Way::OverDays(_)) => {
            Report { name, sql: sql(Question { is_beside_its_whole: true, ..question }), whole: Some(sql(whole)) }
        }
        _ => Report { name, sql: sql(question), whole: None },
    };
    let alone = |name: &str, sql: Sql| Report { name: name.to_owned(), sql, whole: None };
    let totals = |metrics: &[Metric]| Question { approximate, ..Question::totals(metrics, range) };
    let panel = totals(&[Metric::Visitors, Metric::Pageviews, Metric::Percentage]);
    let strip = [Metric::Visitors, Metric::Visits, Metric::Pageviews, Metric::ViewsPerVisit, Metric::BounceRate, Metric::VisitDuration];
    let mut reports = vec![
        alone(SIZE, sql::event_count(scope, range)),
        of("totals of events".to_owned(), totals(&[Metric::Visitors, Metric::Pageviews, Metric::Events])),
        of("the strip".to_owned(), totals(&strip)),
    ];
    for interval in [Interval::Hour, Interval::Day] {
        let starts: Vec<i64> = buckets(range, interval, ZONE).unwrap().iter().map(|bucket| bucket.from).collect();
        let by = totals(&[Metric::Visitors, Metric::Pageviews]).by(Key::Time(starts), 10_000, 0);
        reports.push(of(format!("by {}", interval.code()), by));
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
        reports.push(of(format!("by {dimension:?}"), panel.clone().by(Key::By(panel_of(dimension)), 10, 0)));
    }
    let is = |op, dimension: Dimension, value: &str| {
        Condition::Leaf(Leaf { op, dimension: panel_of(dimension), values: vec![value.to_owned()], case_sensitive: true })
    };
    let in_germany = |question: Question| Question { condition: is(Op::Is, Dimension::Country, "DE"), ..question };
    let of_page = Question { condition: is(Op::Is, Dimension::Page, "/blog/post-1"), ..totals(&strip) };
    reports.push(of("the strip, of a country".to_owned(), in_germany(totals(&strip))));
    reports.push(of("by Page, of a country".to_owned(), in_germany(panel.clone().by(Key::By(panel_of(Dimension::Page)), 10, 0))));
    reports.push(of("by Source, of a country".to_owned(), in_germany(panel.clone().by(Key::By(panel_of(Dimension::Source)), 10, 0))));
    reports.push(of("the strip, of a page".to_owned(), of_page.clone()));
    let of_page = |panel: Question| Question { condition: of_page.condition.clone(), ..panel };
    reports.push(of("by Source, of a page".to_owned(), of_page(panel.clone().by(Key::By(panel_of(Dimension::Source)), 10, 0))));
    reports.push(of("by Country, of a page".to_owned(), of_page(panel.clone().by(Key::By(panel_of(Dimension::Country)), 10, 0))));
    let steps = ["/blog", "post-1", "post-2", "post-3", "post-4"].map(|part| is(Op::Contains, Dimension::Page, part));
    let funnel = Funnel { steps: steps.to_vec(), strict: false, window_ms: DAY_MS, condition: Condition::none(), by: None, limit: 1 };
    reports.push(alone("a funnel of 5 steps", funnel::statement(scope, range, &funnel).unwrap()));
    reports
}

async fn measure(store: &Store, events: u64) {
    let days = work_out_days(store).await;
    let by_row = [(Way::Exact, "row by row, visitors counted:"), (Way::Estimated, "row by row, visitors estimated:")];
    let over_days = (Way::OverDays(&days), "by the figures of 29 days and the rows of the last, visitors counted:");
    for (way, says) in by_row.into_iter().filter(|_| events <= LARGE).chain([over_days]) {
        println!("{says}");
        let reports = reports(way);
        for report in &reports {
            let name = &report.name;
            let Some((p50, p95)) = times(|| ask_all(store, std::slice::from_ref(&report))).await else {
                println!("  {name:<24} is refused: it reads or takes too much");
                continue;
            };
            print!("  {name:<24} p50 {p50:>4} ms  p95 {p95:>4} ms");
            if name != SIZE {
                let (mut rows, mut bytes) = (0, 0);
                for sql in report.whole.iter().chain([&report.sql]) {
                    let (_, cost) = store.explained(sql).await.unwrap();
                    (rows, bytes) = (rows + cost.rows, bytes + cost.bytes);
                }
                print!("  {:>6.2} M rows  {:>5} MB", rows as f64 / 1e6, bytes / 1_000_000);
            }
            println!();
        }
        for (name, panels) in [("strip, chart, 4 panels", &PAGE[..]), ("every tab of it", &TABS)] {
            let panels: Vec<_> = reports.iter().filter(|report| panels.contains(&report.name.as_str())).collect();
            let (p50, p95) = times(|| ask_all(store, &panels)).await.unwrap();
            println!("  {name:<24} p50 {p50:>4} ms  p95 {p95:>4} ms  {} reports at once", panels.len());
        }
    }
}

/// Half of the rounds take no longer than the first, and nineteen of twenty no longer than the second; in milliseconds.
async fn times<T, F: Future<Output = Result<T, StoreError>>>(ask: impl Fn() -> F) -> Option<(u128, u128)> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        ask().await.ok()?;
        times.push(started.elapsed());
    }
    times.sort();
    Some((times[ROUNDS / 2].as_millis(), times[(ROUNDS * 95).div_ceil(100) - 1].as_millis()))
}

/// The one question that is not a report.
const SIZE: &str = "events in the range";
/// What the page asks for when it opens, its comparison apart: strip, chart, and the first tab of each panel.
const PAGE: [&str; 6] = ["the strip", "by day", "by Page", "by Source", "by Country", "by Browser"];
/// The same with every tab.
const TABS: [&str; 12] = [
    "the strip",
    "by day",
    "by Page",
    "by EntryPage",
    "by ExitPage",
    "by Source",
    "by Channel",
    "by Referrer",
    "by Country",
    "by Browser",
    "by Os",
    "by Device",
];

/// All at once, and the whole that their shares are of: it is the same for all.
async fn ask_all(store: &Store, reports: &[&Report]) -> Result<(), StoreError> {
    let whole = reports.iter().find_map(|report| report.whole.as_ref()).into_iter().map(|whole| store.report(whole));
    try_join(try_join_all(whole), try_join_all(reports.iter().map(|report| ask(store, report)))).await.map(drop)
}

async fn ask(store: &Store, Report { name, sql, .. }: &Report) -> Result<(), StoreError> {
    if name == SIZE { store.count(sql).await.map(drop) } else { store.report(sql).await.map(drop) }
}
