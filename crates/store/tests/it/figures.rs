//! Every figure against the oracle, over rows that were inserted one version per INSERT with merges stopped.

use std::collections::BTreeMap;

use footfall_model::{Interval, report::Dimension};
use footfall_query::{Filter, Group, Query, Range, Scope, Sql, buckets, filter::Op, sql};
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

async fn filled(rows: &[EventRow], per_insert: usize) -> Store {
    let store = engine::store().await;
    for (index, part) in rows.chunks(per_insert).enumerate() {
        store.insert_events(part, &format!("{index}")).await.unwrap();
    }
    store
}

/// Labels and sums of all rows; each row says how many there are.
async fn answer<const N: usize>(store: &Store, sql: &Sql) -> BTreeMap<String, [u64; N]> {
    let rows = store.report(sql).await.unwrap_or_else(|error| panic!("{error}\n{}", sql.text));
    for row in &rows {
        assert_eq!(row.total as usize, rows.len());
    }
    rows.into_iter()
        .map(|row| {
            let mut sums = [0; N];
            for (to, from) in sums.iter_mut().zip(&row.sums) {
                *to = u64::try_from(*from).unwrap();
            }
            (row.labels.first().cloned().unwrap_or_default(), sums)
        })
        .collect()
}

/// Visitors and pageviews of the whole, which every row repeats.
async fn whole(store: &Store, sql: &Sql, expected: Option<[u64; 2]>) {
    for row in store.report(sql).await.unwrap() {
        let found = [row.whole[0], row.whole[1]].map(|sum| u64::try_from(sum).unwrap());
        assert_eq!(Some(found), expected, "the whole\n{}", sql.text);
    }
}

/// The overview as one list.
async fn overview(store: &Store, query: &Query) -> Vec<u64> {
    let rows = store.report(&sql::overview(Scope::authorised(site(1)), query).unwrap()).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows[0].sums.iter().map(|sum| u64::try_from(*sum).unwrap()).collect()
}

/// What the overview should say.
fn expected_overview(rows: &[EventRow], from: i64, cut: i64, to: i64) -> Vec<u64> {
    let events = |to| oracle::event_figures(rows, site(1), from, to, &By::Nothing, &|_| true).get("").copied().unwrap_or_default();
    let visits = oracle::visit_figures(rows, site(1), from, to, &By::Nothing, &|_| true).get("").copied().unwrap_or_default();
    [events(to)[0], events(cut.min(to))[1]].into_iter().chain(visits).collect()
}

/// Compares all figures of a range.
async fn compare(store: &Store, rows: &[EventRow], range: Range) {
    let scope = Scope::authorised(site(1));
    let totals = Query::totals(range);
    let zone = "Europe/Berlin".parse().unwrap();
    assert_eq!(overview(store, &totals).await, expected_overview(rows, range.from, range.to, range.to), "overview {range:?}");
    let mut groups = vec![(totals.clone(), By::Nothing)];
    for interval in [Interval::Minute, Interval::Hour, Interval::Day, Interval::Week, Interval::Month] {
        let Ok(cut) = buckets(range, interval, zone) else { continue };
        if cut.is_empty() {
            continue;
        }
        let starts: Vec<i64> = cut.iter().map(|bucket| bucket.from).collect();
        groups.push((totals.clone().by(Group::Time(starts.clone()), 100_000, 0), By::Starts(starts)));
    }
    for dimension in DIMENSIONS {
        groups.push((totals.clone().by(Group::By(dimension), 100_000, 0), By::Dimension(dimension)));
    }
    for (query, by) in groups {
        let context = format!(
            "{range:?} {:?}",
            query.groups.first().map(|group| match group {
                Group::By(d) => format!("{d:?}"),
                Group::Time(s) => s.len().to_string(),
            })
        );
        let mut expected = oracle::event_figures(rows, site(1), range.from, range.to, &by, &|_| true);
        let mut found: BTreeMap<String, [u64; 3]> = answer(store, &sql::events(scope, &query).unwrap()).await;
        if query.groups.is_empty() {
            expected.entry(String::new()).or_default();
        }
        if matches!(by, By::Dimension(dimension) if dimension != Dimension::Page) {
            // There the third sum repeats the second.
            for sums in expected.values_mut().chain(found.values_mut()) {
                sums[2] = 0;
            }
        }
        assert_eq!(found, expected, "event figures {context}");
        if matches!(by, By::Dimension(_)) {
            let all = oracle::event_figures(rows, site(1), range.from, range.to, &By::Nothing, &|_| true);
            whole(store, &sql::events(scope, &query).unwrap(), all.get("").map(|sums| [sums[0], sums[1]])).await;
        }
        if matches!(by, By::Dimension(Dimension::Page)) {
            continue;
        }
        let mut expected = oracle::visit_figures(rows, site(1), range.from, range.to, &by, &|_| true);
        if query.groups.is_empty() {
            expected.entry(String::new()).or_default();
        }
        let found = answer(store, &sql::visits(scope, &query).unwrap()).await;
        assert_eq!(found, expected, "visit figures {context}");
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
    let scope = Scope::authorised(site(1));
    for (from, cut, to) in [
        (FROM + HOUR, FROM + 2 * DAY, FROM + 2 * DAY + 30 * MINUTE),
        (FROM + DAY, FROM + DAY + 10 * HOUR, FROM + DAY + 20 * HOUR),
        (FROM + DAY, FROM + DAY, FROM + DAY + 30 * MINUTE),
        (FROM, FROM + 9 * DAY, FROM + 2 * DAY),
    ] {
        let query = Query { cut: Some(cut), ..Query::totals(Range::new(from, to)) };
        assert_eq!(overview(&store, &query).await, expected_overview(&rows, from, cut, to), "overview {from} {cut} {to}");
        let mut cases = vec![(query.clone(), By::Nothing)];
        cases.extend(DIMENSIONS.map(|dimension| (query.clone().by(Group::By(dimension), 1_000, 0), By::Dimension(dimension))));
        for (query, by) in cases {
            let whole = oracle::event_figures(&rows, site(1), from, to, &by, &|_| true);
            let before = oracle::event_figures(&rows, site(1), from, cut.min(to), &by, &|_| true);
            let pageviews = |label: &str| before.get(label).map_or(0, |sums| sums[1]);
            let expected: BTreeMap<String, [u64; 2]> =
                whole.iter().map(|(label, sums)| (label.clone(), [sums[0], pageviews(label)])).collect();
            let found: BTreeMap<String, [u64; 2]> = answer(&store, &sql::events(scope, &query).unwrap()).await;
            assert_eq!(found, expected, "{from} {cut} {to} {:?}", query.groups);
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
    let scope = Scope::authorised(site(1));
    let (from, to) = (FROM + 3 * HOUR, FROM + DAY);
    let query = Query::totals(Range::new(from, to))
        .only(Filter::new(Op::Is, Dimension::Source, ["O'Hara \\ \"x\"".to_owned(), "Direct / None".to_owned()]))
        .only(Filter::new(Op::IsNot, Dimension::Country, ["DE".to_owned()]))
        .only(Filter::new(Op::IsNot, Dimension::Channel, ["Email".to_owned()]));
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
    for (query, by) in [
        (query.clone(), By::Nothing),
        (query.clone().by(Group::By(Dimension::Browser), 100, 0), By::Dimension(Dimension::Browser)),
        (query.clone().by(Group::By(Dimension::ExitPage), 100, 0), By::Dimension(Dimension::ExitPage)),
    ] {
        let two = |figures: BTreeMap<String, [u64; 3]>| {
            figures.into_iter().map(|(label, sums)| (label, [sums[0], sums[1]])).collect::<BTreeMap<_, _>>()
        };
        let expected = oracle::event_figures(&rows, site(1), from, to, &by, &pass);
        assert!(!expected.is_empty());
        assert_eq!(two(answer(&store, &sql::events(scope, &query).unwrap()).await), two(expected));
        let expected = oracle::visit_figures(&rows, site(1), from, to, &by, &pass);
        assert_eq!(answer::<4>(&store, &sql::visits(scope, &query).unwrap()).await, expected);
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
        let query =
            Query::totals(Range::new(from, to)).only(Filter::new(Op::Is, Dimension::Page, [path.clone()])).by(Group::By(dimension), 100, 0);
        let sql = sql::events(Scope::authorised(site(1)), &query).unwrap();
        let expected = oracle::event_figures(&of_page, site(1), from, to, &By::Dimension(dimension), &|_| true);
        assert!(expected.len() > 1);
        assert_eq!(answer::<3>(&store, &sql).await, expected, "{dimension:?}");
    }
}

#[tokio::test]
async fn a_page_of_rows_and_counts() {
    let rows = rows(&Traffic { seed: 3, visits: 200, from: FROM, to: FROM + DAY });
    let store = filled(&rows, 500).await;
    let scope = Scope::authorised(site(1));
    let range = Range::new(FROM, FROM + 2 * DAY);
    let all = store.report(&sql::events(scope, &Query::totals(range).by(Group::By(Dimension::Page), 100, 0)).unwrap()).await.unwrap();
    let page = store.report(&sql::events(scope, &Query::totals(range).by(Group::By(Dimension::Page), 2, 1)).unwrap()).await.unwrap();
    assert_eq!(page, all[1..3]);
    assert!(all.windows(2).all(|pair| pair[0].sums[0] >= pair[1].sums[0]));
    let events = oracle::event_figures(&rows, site(1), range.from, range.to, &By::Nothing, &|_| true)[""][2];
    let counted = store.count(&sql::event_count(scope, &Query::totals(range))).await.unwrap();
    assert!(counted >= events, "the count may hold bots and drops, never less");
    let first = oracle::visits(&rows, site(1)).values().map(oracle::Visit::start).min();
    assert_eq!(store.time(&sql::first_event(scope)).await.unwrap(), first);
    assert_eq!(store.time(&sql::first_event(Scope::authorised(site(99)))).await.unwrap(), None);
    let approximate = Query { approximate: true, ..Query::totals(range) };
    let approximate: BTreeMap<String, [u64; 3]> = answer(&store, &sql::events(scope, &approximate).unwrap()).await;
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
    let query = Query::totals(Range::new(FROM, FROM + DAY)).by(Group::By(Dimension::Channel), 100, 0);
    let scope = Scope::authorised(site(1));
    let events: BTreeMap<String, [u64; 1]> = answer(&store, &sql::events(scope, &query).unwrap()).await;
    let visits: BTreeMap<String, [u64; 1]> = answer(&store, &sql::visits(scope, &query).unwrap()).await;
    let expected: BTreeMap<String, [u64; 1]> = expected.into_iter().map(|(label, count)| (label, [count])).collect();
    assert_eq!(events, expected);
    assert_eq!(visits, expected);
}
