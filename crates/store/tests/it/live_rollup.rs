//! What live state starts from, and hourly aggregates: both against the raw rows.

use std::collections::{BTreeMap, BTreeSet};

use footfall_model::{Hash64, LogName};
use footfall_store::{EventRow, HourCounts, LiveWanted, Shard, rollup};

use crate::{
    engine,
    oracle::{self, By},
    world::{DAY, HOUR, MINUTE, Traffic, counted, position, rows, site},
};

const FROM: i64 = 1_792_800_000_000;
const SHARD: Shard = Shard { log: LogName::Live, generation: 3, partition: 2 };

#[tokio::test]
async fn live_counts() {
    let rows = rows(&Traffic { seed: 41, visits: 300, from: FROM, to: FROM + DAY });
    let store = engine::store().await;
    store.insert_events(&rows, "all").await.unwrap();
    let below = rows.len() as u64 - 10;
    let wanted = LiveWanted {
        below,
        minutes_from: FROM + 5 * HOUR,
        hours_from: FROM + HOUR,
        visitors_from: FROM + 20 * HOUR,
        paths_per_minute: 1_000,
        paths: 100_000,
        visitors: 100_000,
        imports: false,
    };
    let found = store.live_rows(SHARD, wanted).await.unwrap();

    let live: Vec<&EventRow> = counted(&rows).filter(|row| row.bot.is_empty() && row.position.offset < below).collect();
    let mut minutes = BTreeMap::new();
    let mut hours = BTreeMap::new();
    let mut visitors = BTreeMap::new();
    for row in &live {
        if row.name == "pageview" && row.ts >= wanted.minutes_from {
            *minutes.entry((row.site, row.ts / MINUTE * MINUTE, row.path.clone())).or_insert(0) += 1;
        }
        if row.name == "pageview" && row.ts >= wanted.hours_from {
            *hours.entry((row.site, row.ts / HOUR * HOUR)).or_insert(0) += 1;
        }
        if row.ts >= wanted.visitors_from {
            let last = visitors.entry((row.site, row.visitor)).or_insert(row.ts);
            *last = row.ts.max(*last);
        }
    }
    let found_minutes: BTreeMap<_, _> =
        found.minutes.into_iter().map(|(site, minute, path, count)| ((site, minute, path), count)).collect();
    assert_eq!(found_minutes, minutes);
    assert_eq!(found.hours.into_iter().map(|(site, hour, count)| ((site, hour), count)).collect::<BTreeMap<_, _>>(), hours);
    assert_eq!(found.visitors.into_iter().map(|(site, ts, visitor)| ((site, visitor), ts)).collect::<BTreeMap<_, _>>(), visitors);
    let mut newest: Vec<u64> = Vec::new();
    for of in [site(1), site(2)] {
        let mut latest: Vec<&&EventRow> =
            live.iter().filter(|row| row.site == of && row.name != "engagement" && row.ts >= wanted.minutes_from).collect();
        latest.sort_by_key(|row| std::cmp::Reverse((row.ts, row.position.offset)));
        newest.extend(latest.iter().take(20).map(|row| row.position.offset));
    }
    assert_eq!(found.newest.iter().map(|row| row.offset).collect::<BTreeSet<_>>(), newest.into_iter().collect());
    assert!(found.newest.windows(2).all(|pair| (pair[0].ts, pair[0].offset) < (pair[1].ts, pair[1].offset)), "oldest first");
}

#[tokio::test]
async fn live_counts_of_a_flood_are_bounded() {
    let store = engine::store().await;
    let mut rows = Vec::new();
    let mut view = |site_number, minute: i64, path: String| {
        let offset = rows.len() as u64;
        rows.push(EventRow::pageview(position(offset), site(site_number), Hash64(1 + offset), FROM + minute * MINUTE, &path));
    };
    for minute in 0..40 {
        for made_up in 0..30 {
            view(1, minute, format!("/{minute}/{made_up}"));
        }
        for _ in 0..3 {
            view(1, minute, "/top".to_owned());
        }
        view(2, minute, "/calm".to_owned());
    }
    for part in rows.chunks(500) {
        store.insert_events(part, &part[0].event_id.to_string()).await.unwrap();
    }
    // Every shard has a share of what is kept in all.
    let paths = 200 * crate::SHARDS;
    let visitors = 100 * crate::SHARDS;
    let wanted = LiveWanted {
        below: u64::MAX,
        minutes_from: FROM,
        hours_from: FROM,
        visitors_from: FROM,
        paths_per_minute: 10,
        paths,
        visitors,
        imports: false,
    };
    let found = store.live_rows(SHARD, wanted).await.unwrap();
    let sum = |number: u128, minute: Option<i64>, path: Option<&str>| {
        let of = found.minutes.iter().filter(|(found, at, name, _)| {
            *found == site(number) && minute.is_none_or(|minute| *at == FROM + minute * MINUTE) && path.is_none_or(|path| name == path)
        });
        of.fold((0, 0), |(rows, views), (.., count)| (rows + 1, views + count))
    };
    assert_eq!((sum(1, None, None).1, sum(2, None, None).1), (40 * 33, 40), "sums stay right");
    let kept = found.minutes.iter().filter(|(_, _, path, _)| path != rollup::OTHER_PATHS).count();
    assert!(kept <= paths && kept >= 190, "{kept} paths");
    assert_eq!(sum(2, None, Some("/calm")), (40, 40), "another domain's flood takes nothing from this one");
    assert_eq!(sum(1, Some(39), None), (11, 33), "ten paths and the rest");
    assert_eq!(sum(1, Some(39), Some("/top")), (1, 3), "the greatest first");
    assert_eq!(sum(1, Some(0), Some(rollup::OTHER_PATHS)), (1, 33), "the oldest has no room");
    let newest_visitor = found.visitors.iter().map(|(_, ts, _)| *ts).max();
    assert!(found.visitors.len() <= visitors && newest_visitor == Some(FROM + 39 * MINUTE), "{}", found.visitors.len());
    assert!(found.visitors.is_sorted_by_key(|(_, ts, _)| *ts));
}

#[tokio::test]
async fn hours_are_recomputed_as_a_whole() {
    let rows = rows(&Traffic { seed: 42, visits: 400, from: FROM, to: FROM + DAY });
    let store = engine::store().await;
    for (index, part) in rows.chunks(100).enumerate() {
        store.insert_events(part, &index.to_string()).await.unwrap();
    }
    let touched = store.touched_hours(SHARD, 100, 300).await.unwrap();
    let expected: BTreeSet<_> = counted(&rows[100..300]).map(|row| (row.site, row.ts / HOUR * HOUR)).collect();
    assert_eq!(touched.iter().copied().collect::<BTreeSet<_>>(), expected);

    let mut hours: BTreeSet<_> = store.touched_hours(SHARD, 0, u64::MAX).await.unwrap().into_iter().collect();
    hours.insert((site(1), FROM + 30 * DAY));
    let before = store.clock_ms().await.unwrap();
    let rolled = store.roll_up(&hours).await.unwrap();
    assert_eq!(rolled.len(), hours.len());
    for hour in &rolled {
        assert!(hour.version >= before);
        let (from, to) = (hour.hour_ms, hour.hour_ms + HOUR);
        let events = oracle::event_figures(&rows, hour.site, from, to, &By::Nothing, &|_| true).get("").copied().unwrap_or_default();
        let visits = oracle::visit_figures(&rows, hour.site, from, to, &By::Nothing, &|_| true).get("").copied().unwrap_or_default();
        assert_eq!(hour.total, HourCounts { pageviews: events[1], visitors: events[0], visits: visits[0] });
        let pages = oracle::event_figures(&rows, hour.site, from, to, &By::Dimension(footfall_model::report::Dimension::Page), &|_| true);
        let found: BTreeMap<_, _> = hour.paths.iter().map(|(path, counts)| (path.clone(), [counts.visitors, counts.pageviews])).collect();
        assert_eq!(found, pages.into_iter().map(|(path, sums)| (path, [sums[0], sums[1]])).collect());
    }
}

#[tokio::test]
async fn an_hour_keeps_its_greatest_paths_and_the_rest_as_one() {
    let store = engine::store().await;
    let mut rows = Vec::new();
    for index in 0..1_500_u64 {
        let visitor = footfall_model::Hash64(1 + index % 7);
        rows.push(EventRow::pageview(
            position(index),
            site(1),
            visitor,
            FROM + i64::try_from(index).unwrap(),
            &format!("/{}", index % 1_200),
        ));
    }
    store.insert_events(&rows, "paths").await.unwrap();
    let rolled = store.roll_up(&BTreeSet::from([(site(1), FROM)])).await.unwrap();
    let [hour] = rolled.as_slice() else { panic!("{rolled:?}") };
    assert_eq!(hour.paths.len(), rollup::PATHS_PER_HOUR as usize + 1);
    assert_eq!(hour.paths.iter().map(|(_, counts)| counts.pageviews).sum::<u64>(), 1_500);
    let other = hour.paths.iter().find(|(path, _)| path == rollup::OTHER_PATHS).unwrap();
    assert_eq!((other.1.pageviews, other.1.visitors), (200, 7));
}
