//! What a restart asks: positions, the last row, and the state as it was.

use std::collections::{BTreeMap, BTreeSet};

use footfall_model::LogName;
use footfall_store::{EventRow, Highest, Shard, Store};

use crate::{
    engine::{self, number},
    world::{DAY, Traffic, counted, position, rows, site},
};

const FROM: i64 = 1_792_800_000_000;
const SHARD: Shard = Shard { log: LogName::Live, generation: 3, partition: 2 };

async fn with(rows: &[EventRow]) -> Store {
    let store = engine::store().await;
    for (index, part) in rows.chunks(40).enumerate() {
        store.insert_events(part, &index.to_string()).await.unwrap();
    }
    store
}

#[tokio::test]
async fn positions_of_a_range() {
    let mut rows = rows(&Traffic { seed: 31, visits: 60, from: FROM, to: FROM + DAY });
    rows.retain(|row| row.position.offset % 3 != 1);
    let store = with(&rows).await;
    let expected: BTreeSet<u64> = (10..=50).filter(|offset| offset % 3 != 1).collect();
    assert_eq!(store.stored_offsets(SHARD, 10, 50).await.unwrap(), expected);
    for other in [Shard { generation: 4, ..SHARD }, Shard { partition: 0, ..SHARD }, Shard { log: LogName::Import, ..SHARD }] {
        assert!(store.stored_offsets(other, 0, u64::MAX).await.unwrap().is_empty());
    }
    assert!(store.dead_offsets(SHARD, 0, u64::MAX).await.unwrap().is_empty());
    store.sync().await.unwrap();
}

#[tokio::test]
async fn the_last_row_knows_where_it_came_from() {
    let rows = rows(&Traffic { seed: 32, visits: 60, from: FROM, to: FROM + DAY });
    let store = with(&rows).await;
    let last = rows.last().unwrap();
    assert_eq!(
        store.highest_stored(SHARD).await.unwrap(),
        Some(Highest {
            offset: last.position.offset,
            event_id: last.event_id,
            rebuild_from: last.rebuild_from,
            appended_s: last.appended.div_euclid(1_000)
        })
    );
    assert_eq!(store.highest_stored(Shard { generation: 9, ..SHARD }).await.unwrap(), None);
}

#[tokio::test]
async fn state_is_read_back_as_it_was() {
    let mut rows = rows(&Traffic { seed: 33, visits: 80, from: FROM, to: FROM + DAY });
    for row in &mut rows {
        if row.drop_reason.is_none() && row.position.offset % 4 == 0 {
            row.visit.alias = format!("sealed {}", row.position.offset).into();
        }
    }
    let store = with(&rows).await;
    let next = rows.len() as u64 - 5;
    let rebuilt = store.rebuild(SHARD, 0, next).await.unwrap();

    let mut last: BTreeMap<u64, &EventRow> = BTreeMap::new();
    for row in counted(&rows).filter(|row| row.position.offset < next) {
        last.insert(row.visit.id, row);
    }
    let mut expected: Vec<&EventRow> = last.into_values().collect();
    expected.sort_by_key(|row| row.position.offset);
    assert_eq!(rebuilt.visits.len(), expected.len());
    for (found, row) in rebuilt.visits.iter().zip(expected) {
        assert_eq!(found.last_offset, row.position.offset);
        assert_eq!(found.appended_s, row.appended.div_euclid(1_000));
        assert_eq!((found.site, found.visitor, found.key, found.start), (row.site, row.visitor, row.visit.key, row.visit.start));
        assert_eq!((found.pageviews, found.interactive), (row.visit.pageviews, row.visit.interactive));
        assert_eq!((found.first, found.last, found.seen), (row.visit.first, row.visit.last, row.visit.seen));
        assert_eq!((found.alias.as_str(), found.import), (&*row.visit.alias, None));
        assert_eq!(found.attributes, row.visit.attributes);
        let entry = counted(&rows)
            .filter(|other| other.visit.id == row.visit.id && other.position.offset < next && other.name == "pageview")
            .min_by_key(|other| (other.ts, other.position.offset))
            .map(|other| (other.ts, other.path.clone(), other.hostname.clone()));
        assert_eq!(found.entry, entry);
    }

    let ids: Vec<_> = rows
        .iter()
        .filter(|row| row.id_given && row.position.offset < next)
        .map(|row| (row.position.offset, row.site, row.event_id))
        .collect();
    assert_eq!(rebuilt.ids, ids);
    let mut seconds = BTreeMap::new();
    for row in rows.iter().filter(|row| row.position.offset < next) {
        seconds.entry(row.appended.div_euclid(1_000)).or_insert(row.position.offset);
    }
    let mut clock: Vec<_> = seconds.into_iter().map(|(second, offset)| (offset, second)).collect();
    clock.sort_unstable();
    assert_eq!(rebuilt.clock, clock);

    let part = store.rebuild(SHARD, 20, 30).await.unwrap();
    assert!(part.visits.iter().all(|visit| (20..30).contains(&visit.last_offset)));
}

#[tokio::test]
async fn visits_are_pushed_again_without_a_change() {
    let rows = rows(&Traffic { seed: 34, visits: 80, from: FROM, to: FROM + DAY });
    let store = with(&rows).await;
    let state = "SELECT sum(cityHash64(session_id, first, last, pageviews, interactive, entry, exit, source, bot)) FROM sessions FINAL";
    let before = number(&store, state).await;
    store.repush_sessions(SHARD, 0, u64::MAX).await.unwrap();
    assert_eq!(number(&store, state).await, before);
    // What an interrupted insert leaves: rows without their visits.
    engine::run(&store, "SYSTEM START MERGES sessions").await;
    engine::run(&store, "ALTER TABLE sessions DELETE WHERE 1 SETTINGS mutations_sync = 2").await;
    store.repush_sessions(SHARD, 0, u64::MAX).await.unwrap();
    assert_eq!(number(&store, state).await, before);
}

#[tokio::test]
async fn ids_are_found_outside_of_the_range_that_asks() {
    let rows = rows(&Traffic { seed: 35, visits: 60, from: FROM, to: FROM + DAY });
    let store = with(&rows).await;
    let given: Vec<&EventRow> = rows.iter().filter(|row| row.id_given && row.site == site(1)).collect();
    let ids: Vec<u64> = given.iter().map(|row| row.event_id).chain([12_345]).collect();
    let elsewhere = (Shard { log: LogName::Import, ..SHARD }, 0, u64::MAX);
    let known = store.known_ids(site(1), &ids, elsewhere).await.unwrap();
    assert_eq!(known.len(), given.len());
    assert!(given.iter().all(|row| known[&row.event_id] == position(row.position.offset)));
    assert!(store.known_ids(site(1), &ids, (SHARD, 0, u64::MAX)).await.unwrap().is_empty());
    assert!(store.known_ids(site(7), &ids, elsewhere).await.unwrap().is_empty());
}
