//! Every figure against the oracle, over rows that were inserted one version per INSERT with merges stopped.

use std::collections::BTreeMap;

use footfall_model::{Interval, report::Dimension};
use footfall_query::{
    Range, Scope, Sql, buckets,
    question::{self, Condition, Key, Leaf, Metric, Op, Question, Sum, statement},
    sql,
};
use footfall_store::{EventRow, Store};

use crate::{
    engine,
    oracle::{self, By},
    world::{DAY, HOUR, MINUTE, Traffic, rows, site},
};

/// 2026-10-24 00:00 UTC: two days around a change of clocks in Europe.
const FROM: i64 = 1_792_800_000_000;

const DIMENSIONS: [Dimension; 11] = [
    Dimension::Page,
    Dimension::EntryPage,
    Dimension::ExitPage,
    Dimension::Source,
    Dimension::Channel,
    Dimension::Referrer,
    Dimension::Campaign,
    Dimension::Country,
    Dimension::Browser,
    Dimension::Os,
    Dimension::Device,
];

/// What a panel shows where the domain has no rules of its own.
fn panel_of(dimension: Dimension) -> question::Dimension {
    question::Dimension::of_panel(dimension, Vec::new())
}

async fn filled(rows: &[EventRow], per_insert: usize) -> Store {
    let store = engine::store().await;
    for (index, part) in rows.chunks(per_insert).enumerate() {
        store.insert_events(part, &format!("{index}")).await.unwrap();
    }
    store
}

/// The sums of all rows by label; each row says how many there are.
async fn answer<const N: usize>(store: &Store, question: &Question, sums: [Sum; N]) -> BTreeMap<String, [u64; N]> {
    let made = statement(Scope::authorised(site(1)), question).unwrap();
    let rows = store.report(&made.sql).await.unwrap_or_else(|error| panic!("{error}\n{}", made.sql.text));
    for row in &rows {
        assert_eq!(row.total as usize, rows.len());
    }
    let places = sums.map(|sum| made.sums.iter().position(|known| *known == sum).unwrap());
    let missing = match question.keys.first() {
        Some(Key::By(dimension)) => dimension.missing(),
        _ => "",
    };
    let read = |row: footfall_query::Row| {
        // The oracle knows what is stored: nothing, where the answer names that.
        let label = row.labels.first().filter(|label| *label != missing).cloned().unwrap_or_default();
        (label, places.map(|place| u64::try_from(row.sums[place]).unwrap()))
    };
    rows.into_iter().map(read).collect()
}

/// Figures of events that visits can answer for, and those that only events can.
const OF_EVENTS: [Metric; 2] = [Metric::Visitors, Metric::Pageviews];
const OF_EVENTS_ALONE: [Metric; 3] = [Metric::Visitors, Metric::Pageviews, Metric::Events];
const SUMS_OF_EVENTS: [Sum; 3] = [Sum::Visitors, Sum::Pageviews, Sum::Events];
const OF_VISITS: [Metric; 4] = [Metric::Visits, Metric::BounceRate, Metric::VisitDuration, Metric::ViewsPerVisit];
const SUMS_OF_VISITS: [Sum; 4] = [Sum::Visits, Sum::Bounces, Sum::Duration, Sum::Views];
/// Asked together.
const OVERVIEW: [Metric; 6] =
    [Metric::Visitors, Metric::Pageviews, Metric::Visits, Metric::BounceRate, Metric::VisitDuration, Metric::ViewsPerVisit];
const SUMS_OF_OVERVIEW: [Sum; 6] = [Sum::Visitors, Sum::Pageviews, Sum::Visits, Sum::Bounces, Sum::Duration, Sum::Views];

fn two<const N: usize>(figures: BTreeMap<String, [u64; N]>) -> BTreeMap<String, [u64; 2]> {
    figures.into_iter().map(|(label, sums)| (label, [sums[0], sums[1]])).collect()
}

/// The overview as one list.
async fn overview(store: &Store, question: Question) -> Vec<u64> {
    let rows = answer(store, &Question { metrics: OVERVIEW.to_vec(), ..question }, SUMS_OF_OVERVIEW).await;
    assert_eq!(rows.len(), 1);
    rows[""].to_vec()
}

/// What the overview should say.
fn expected_overview(rows: &[EventRow], from: i64, cut: i64, to: i64) -> Vec<u64> {
    let events = |to| oracle::event_figures(rows, site(1), from, to, &By::Nothing, &|_| true).get("").copied().unwrap_or_default();
    let visits = oracle::visit_figures(rows, site(1), from, to, &By::Nothing, &|_| true).get("").copied().unwrap_or_default();
    [events(to)[0], events(cut.min(to))[1]].into_iter().chain(visits).collect()
}

/// Compares all figures of a range.
async fn compare(store: &Store, rows: &[EventRow], range: Range) {
    let totals = Question::totals([Metric::Visitors], range);
    let zone = "Europe/Berlin".parse().unwrap();
    assert_eq!(overview(store, totals.clone()).await, expected_overview(rows, range.from, range.to, range.to), "overview {range:?}");
    let mut groups = vec![(totals.clone(), By::Nothing)];
    for interval in [Interval::Minute, Interval::Hour, Interval::Day, Interval::Week, Interval::Month] {
        let Ok(cut) = buckets(range, interval, zone) else { continue };
        if cut.is_empty() {
            continue;
        }
        let starts: Vec<i64> = cut.iter().map(|bucket| bucket.from).collect();
        groups.push((totals.clone().by(Key::Time(starts.clone()), 100_000, 0), By::Starts(starts)));
    }
    for dimension in DIMENSIONS {
        groups.push((totals.clone().by(Key::By(panel_of(dimension)), 100_000, 0), By::Dimension(dimension)));
    }
    for (question, by) in groups {
        let asked = |metrics: &[Metric]| Question { metrics: metrics.to_vec(), ..question.clone() };
        let context = format!("{range:?} {:?}", question.keys);
        let mut expected = oracle::event_figures(rows, site(1), range.from, range.to, &by, &|_| true);
        if question.keys.is_empty() {
            expected.entry(String::new()).or_default();
        }
        assert_eq!(answer(store, &asked(&OF_EVENTS_ALONE), SUMS_OF_EVENTS).await, expected, "event figures {context}");
        let of_visits = answer(store, &asked(&OF_EVENTS), [Sum::Visitors, Sum::Pageviews]).await;
        assert_eq!(of_visits, two(expected.clone()), "event figures {context}");
        if matches!(by, By::Dimension(_)) {
            let all = oracle::event_figures(rows, site(1), range.from, range.to, &By::Nothing, &|_| true);
            for metrics in [&[Metric::Percentage][..], &[Metric::Percentage, Metric::Events]] {
                let found = answer(store, &asked(metrics), [Sum::Visitors, Sum::AllVisitors]).await;
                let expected = expected.iter().map(|(label, sums)| (label.clone(), [sums[0], all[""][0]])).collect();
                assert_eq!(found, expected, "the whole {context}");
            }
        }
        if matches!(by, By::Dimension(Dimension::Page)) {
            continue;
        }
        let mut expected = oracle::visit_figures(rows, site(1), range.from, range.to, &by, &|_| true);
        if question.keys.is_empty() {
            expected.entry(String::new()).or_default();
        }
        let asked = Question { order: Vec::new(), ..asked(&OF_VISITS) };
        assert_eq!(answer(store, &asked, SUMS_OF_VISITS).await, expected, "visit figures {context}");
    }
}

#[tokio::test]
async fn all_figures_with_one_row_per_insert() {
    let rows = rows(&Traffic { seed: 11, visits: 50, from: FROM, to: FROM + 10 * HOUR });
    let store = filled(&rows, 1).await;
    compare(&store, &rows, Range::new(FROM, FROM + 2 * DAY)).await;
    compare(&store, &rows, Range::new(FROM + 2 * HOUR + 17 * MINUTE, FROM + 7 * HOUR)).await;
}

#[tokio::test]
async fn all_figures_over_days() {
    let rows = rows(&Traffic { seed: 5, visits: 900, from: FROM, to: FROM + 9 * DAY });
    let store = filled(&rows, 97).await;
    compare(&store, &rows, Range::new(FROM - DAY, FROM + 20 * DAY)).await;
    compare(&store, &rows, Range::new(FROM + DAY - 2 * HOUR, FROM + 8 * DAY - 2 * HOUR)).await;
    compare(&store, &rows, Range::new(FROM + 3 * DAY, FROM + 3 * DAY + 30 * MINUTE)).await;
    compare(&store, &rows, Range::new(FROM + 30 * DAY, FROM + 31 * DAY)).await;
    compare(&store, &rows, Range::new(FROM, FROM)).await;
}

#[tokio::test]
async fn pageviews_end_at_the_cut_and_nothing_else_does() {
    let rows = rows(&Traffic { seed: 13, visits: 500, from: FROM, to: FROM + 3 * DAY });
    let store = filled(&rows, 150).await;
    for (from, cut, to) in [
        (FROM + HOUR, FROM + 2 * DAY, FROM + 2 * DAY + 30 * MINUTE),
        (FROM + DAY, FROM + DAY + 10 * HOUR, FROM + DAY + 20 * HOUR),
        (FROM + DAY, FROM + DAY, FROM + DAY + 30 * MINUTE),
        (FROM, FROM + 9 * DAY, FROM + 2 * DAY),
    ] {
        let question = Question { cut: Some(cut), ..Question::totals(OF_EVENTS, Range::new(from, to)) };
        assert_eq!(overview(&store, question.clone()).await, expected_overview(&rows, from, cut, to), "overview {from} {cut} {to}");
        let mut cases = vec![(question.clone(), By::Nothing)];
        cases.extend(DIMENSIONS.map(|dimension| (question.clone().by(Key::By(panel_of(dimension)), 1_000, 0), By::Dimension(dimension))));
        for (question, by) in cases {
            let whole = oracle::event_figures(&rows, site(1), from, to, &by, &|_| true);
            let before = oracle::event_figures(&rows, site(1), from, cut.min(to), &by, &|_| true);
            let pageviews = |label: &str| before.get(label).map_or(0, |sums| sums[1]);
            let expected: BTreeMap<String, [u64; 2]> =
                whole.iter().map(|(label, sums)| (label.clone(), [sums[0], pageviews(label)])).collect();
            for metrics in [OF_EVENTS.to_vec(), OF_EVENTS_ALONE.to_vec()] {
                let question = Question { metrics, ..question.clone() };
                let found = answer(&store, &question, [Sum::Visitors, Sum::Pageviews]).await;
                assert_eq!(found, expected, "{from} {cut} {to} {:?}", question.keys);
            }
        }
    }
}

#[tokio::test]
async fn merging_changes_no_figure() {
    let rows = rows(&Traffic { seed: 8, visits: 300, from: FROM, to: FROM + 2 * DAY });
    let store = filled(&rows, 20).await;
    let range = Range::new(FROM + 5 * HOUR, FROM + 2 * DAY);
    compare(&store, &rows, range).await;
    for table in ["events", "sessions"] {
        engine::run(&store, &format!("SYSTEM START MERGES {table}")).await;
        engine::run(&store, &format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
    compare(&store, &rows, range).await;
}

#[tokio::test]
async fn filters_on_visits() {
    let rows = rows(&Traffic { seed: 21, visits: 400, from: FROM, to: FROM + 2 * DAY });
    let store = filled(&rows, 200).await;
    let (from, to) = (FROM + 3 * HOUR, FROM + DAY);
    let is = |dimension: Dimension, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Condition::Leaf(Leaf { op: Op::Is, dimension: panel_of(dimension), values, case_sensitive: true })
    };
    let not = |condition| Condition::Not(Box::new(condition));
    let condition = Condition::All(vec![
        is(Dimension::Source, &["O'Hara \\ \"x\"", "Direct / None"]),
        not(is(Dimension::Country, &["DE"])),
        not(is(Dimension::Channel, &["Email"])),
    ]);
    let question = Question { condition, ..Question::totals(OF_EVENTS, Range::new(from, to)) };
    let pass = |visit: &oracle::Visit<'_>| {
        let first = visit.events[0].visit.attributes.unpack();
        let channel = footfall_enrich::channel::channel(footfall_enrich::ChannelInput {
            source: first.source,
            medium: first.utm_medium,
            campaign: first.utm_campaign,
            referrer: first.referrer,
            click_id: first.click_id,
        });
        (first.source.is_empty() || first.source.starts_with("O'Hara")) && first.country != "DE" && channel.name() != "Email"
    };
    for (question, by) in [
        (question.clone(), By::Nothing),
        (question.clone().by(Key::By(panel_of(Dimension::Browser)), 100, 0), By::Dimension(Dimension::Browser)),
        (question.clone().by(Key::By(panel_of(Dimension::ExitPage)), 100, 0), By::Dimension(Dimension::ExitPage)),
    ] {
        let expected = oracle::event_figures(&rows, site(1), from, to, &by, &pass);
        assert!(!expected.is_empty());
        assert_eq!(answer(&store, &question, [Sum::Visitors, Sum::Pageviews]).await, two(expected));
        let expected = oracle::visit_figures(&rows, site(1), from, to, &by, &pass);
        let question = Question { metrics: OF_VISITS.to_vec(), order: Vec::new(), ..question };
        assert_eq!(answer(&store, &question, SUMS_OF_VISITS).await, expected);
    }
}

#[tokio::test]
async fn a_page_filter_goes_with_what_a_visit_is() {
    let rows = rows(&Traffic { seed: 34, visits: 300, from: FROM, to: FROM + DAY });
    let store = filled(&rows, 200).await;
    let path = rows.iter().find(|row| row.name == "pageview" && row.site == site(1)).unwrap().path.clone();
    let of_page: Vec<EventRow> = rows.iter().filter(|row| row.path == path).cloned().collect();
    let (from, to) = (FROM + 2 * HOUR, FROM + DAY);
    for dimension in [Dimension::Channel, Dimension::Source] {
        let is_page = Leaf { op: Op::Is, dimension: panel_of(Dimension::Page), values: vec![path.clone()], case_sensitive: true };
        let question = Question { condition: Condition::Leaf(is_page), ..Question::totals(OF_EVENTS_ALONE, Range::new(from, to)) };
        let question = question.by(Key::By(panel_of(dimension)), 100, 0);
        let expected = oracle::event_figures(&of_page, site(1), from, to, &By::Dimension(dimension), &|_| true);
        assert!(expected.len() > 1);
        assert_eq!(answer(&store, &question, SUMS_OF_EVENTS).await, expected, "{dimension:?}");
    }
}

#[tokio::test]
async fn a_page_of_rows_and_counts() {
    let rows = rows(&Traffic { seed: 3, visits: 200, from: FROM, to: FROM + DAY });
    let store = filled(&rows, 500).await;
    let scope = Scope::authorised(site(1));
    let range = Range::new(FROM, FROM + 2 * DAY);
    let page_of = async |limit, offset| {
        let by = Question::totals(OF_EVENTS, range).by(Key::By(panel_of(Dimension::Page)), limit, offset);
        store.report(&statement(scope, &by).unwrap().sql).await.unwrap()
    };
    let (all, page) = (page_of(100, 0).await, page_of(2, 1).await);
    assert_eq!(page, all[1..3]);
    assert!(all.windows(2).all(|pair| pair[0].sums[0] >= pair[1].sums[0]));
    let events = oracle::event_figures(&rows, site(1), range.from, range.to, &By::Nothing, &|_| true)[""][2];
    let counted = store.count(&sql::event_count(scope, range)).await.unwrap();
    assert!(counted >= events, "the count may hold bots and drops, never less");
    let first = oracle::visits(&rows, site(1)).values().map(oracle::Visit::start).min();
    assert_eq!(store.time(&sql::first_event(scope)).await.unwrap(), first);
    assert_eq!(store.time(&sql::first_event(Scope::authorised(site(99)))).await.unwrap(), None);
    let approximate = Question { approximate: true, ..Question::totals([Metric::Visitors], range) };
    let approximate = answer(&store, &approximate, [Sum::Visitors]).await;
    assert_eq!(approximate[""][0], all_visitors(&rows, range), "few visitors are counted exactly even so");
}

fn all_visitors(rows: &[EventRow], range: Range) -> u64 {
    oracle::event_figures(rows, site(1), range.from, range.to, &By::Nothing, &|_| true)[""][0]
}

/// SQL and Rust walk the same rules; this compares what they say, over every listed source and words that only resemble them.
#[tokio::test]
async fn channels_are_the_same_in_sql_and_rust() {
    use footfall_enrich::{Category, ChannelInput, channel, source};
    let mut sources: Vec<String> = [Category::Search, Category::Social, Category::Video, Category::Shopping, Category::Ai, Category::Email]
        .into_iter()
        .flat_map(|category| source::sources_in(category).iter().step_by(7).cloned())
        .chain(source::ad_sources().iter().step_by(9).cloned())
        .collect();
    sources.extend(
        ["", "Google", "GOOGLE", "bing", "someone.example", "firebase", "sms", "e mail", "İstanbul", "newsletter-7"].map(str::to_owned),
    );
    let mediums = [
        "",
        "cpc",
        "CPM",
        "Paid Social",
        "retargeting",
        "social media",
        "my-video",
        "organic",
        "E-Mail",
        "affiliate",
        "audio",
        "sms",
        "web-push",
        "mobile app",
    ];
    let campaigns = ["", "Cross-Network 7", "workshop", "the shop", "e-shopping"];
    let mut rows = Vec::new();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for (index, (source, medium)) in sources.iter().flat_map(|source| mediums.iter().map(move |medium| (source, *medium))).enumerate() {
        let index = index as u64;
        let attributes = footfall_store::Attributes {
            source,
            utm_medium: medium,
            utm_campaign: campaigns[index as usize % campaigns.len()],
            click_id: ["", "gclid", "msclkid"][index as usize % 3],
            referrer: ["", "somewhere.example/"][index as usize % 2],
            ..footfall_store::Attributes::default()
        };
        let says = channel::channel(ChannelInput {
            source: attributes.source,
            medium: attributes.utm_medium,
            campaign: attributes.utm_campaign,
            referrer: attributes.referrer,
            click_id: attributes.click_id,
        });
        *expected.entry(says.name().to_owned()).or_default() += 1;
        let mut row = EventRow::pageview(crate::world::position(index), site(1), footfall_model::Hash64(index + 1), FROM, "/");
        row.visit.attributes = std::sync::Arc::new(attributes.into());
        rows.push(row);
    }
    let store = filled(&rows, rows.len()).await;
    assert!(expected.len() > 15, "nearly all channels occur: {expected:?}");
    let by = |metric| Question::totals([metric], Range::new(FROM, FROM + DAY)).by(Key::By(panel_of(Dimension::Channel)), 100, 0);
    // Each way computes it in another place: over combinations, and over rows of both tables.
    let through_visits = answer(&store, &by(Metric::Visitors), [Sum::Visitors]).await;
    let events = answer(&store, &by(Metric::Events), [Sum::Events]).await;
    let visits = answer(&store, &by(Metric::Visits), [Sum::Visits]).await;
    let expected: BTreeMap<String, [u64; 1]> = expected.into_iter().map(|(label, count)| (label, [count])).collect();
    assert_eq!(through_visits, expected);
    assert_eq!(events, expected);
    assert_eq!(visits, expected);
}

#[tokio::test]
async fn a_question_that_reads_too_much_is_too_heavy() {
    let store = engine::store().await;
    let report = async |rows: u64| {
        let text = format!(
            "SELECT emptyArrayString() AS labels, [toInt64(max(number))] AS sums, toUInt64(1) AS total, emptyArrayInt64() AS whole FROM numbers({rows})"
        );
        store.report(&Sql { text, params: Vec::new() }).await
    };
    assert_eq!(report(1_000_000).await.unwrap()[0].sums, [999_999]);
    let error = report(1_000_000_000_000).await.unwrap_err();
    assert!(error.is_too_heavy() && error.to_string().contains("rows"), "{error}");
}

#[tokio::test]
async fn a_question_ends_with_the_one_who_asked() {
    let store = engine::store().await;
    let endless = "SELECT emptyArrayString() AS labels, [toInt64(sum(cityHash64(SHA512(toString(number)))) % 7)] AS sums, toUInt64(1) AS total, \
                   emptyArrayInt64() AS whole FROM numbers(900000000)";
    let sql = Sql { text: endless.to_owned(), params: Vec::new() };
    let running = async || {
        let count =
            "SELECT count() FROM system.processes WHERE query LIKE '%SHA512(toString(number))%' AND query NOT LIKE '%system.processes%'";
        store.raw(count).fetch_one::<u64>().await.unwrap()
    };
    tokio::select! {
        answer = store.report(&sql) => panic!("it has no end, and the limit is ten seconds: {answer:?}"),
        () = async {
            while running().await == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        } => {}
    }
    let begun = std::time::Instant::now();
    while running().await > 0 {
        // The statement's own limit is ten seconds.
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "nobody waits for it any more");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Each record of a domain has one fate, in the bucket of its time; the newest of those dropped can be shown.
#[tokio::test]
async fn what_does_not_count_adds_up() {
    let rows = rows(&Traffic { seed: 17, visits: 300, from: FROM, to: FROM + 2 * DAY });
    let store = filled(&rows, 500).await;
    let (scope, range) = (Scope::authorised(site(1)), Range::new(FROM, FROM + 3 * DAY));
    let mut expected: BTreeMap<[String; 3], i64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.site == site(1) && (range.from..range.to).contains(&row.ts)) {
        let reason = row.drop_reason.map_or("", footfall_model::DropReason::code);
        let class = if reason.is_empty() { row.bot.as_str() } else { "" };
        let start = range.from + (row.ts - range.from) / DAY * DAY;
        *expected.entry([start.to_string(), reason.to_owned(), class.to_owned()]).or_default() += 1;
    }
    let found = store.report(&sql::fates(scope, range, &[range.from, range.from + DAY, range.from + 2 * DAY])).await.unwrap();
    let found: BTreeMap<[String; 3], i64> = found.into_iter().map(|row| (row.labels.try_into().unwrap(), row.sums[0])).collect();
    assert_eq!(found, expected);

    let mut dropped: Vec<_> = rows.iter().filter(|row| row.site == site(1) && row.drop_reason.is_some()).collect();
    dropped.sort_by_key(|row| std::cmp::Reverse((row.ts, row.position.offset)));
    assert!(dropped.len() > 3);
    let newest = store.report(&sql::last_drops(scope, range, 3)).await.unwrap();
    for (row, expected) in newest.iter().zip(&dropped[..3]) {
        let reason = expected.drop_reason.unwrap().code();
        assert_eq!(row.labels, [&expected.ts.to_string(), &expected.name, &expected.hostname, &expected.path, reason]);
    }
    assert!(store.report(&sql::last_drops(Scope::authorised(site(9)), range, 3)).await.unwrap().is_empty());
}
