//! Where rows go.

use std::collections::BTreeSet;

use footfall_model::{DropReason, LogName};
use footfall_store::{DeadLetter, Gap, Misplaced, Shard, Store, migrate::MIGRATIONS};

use crate::{
    engine::{self, number},
    world::{DAY, Traffic, position, rows, site},
};

const FROM: i64 = 1_792_800_000_000;
const SHARD: Shard = Shard { log: LogName::Live, generation: 3, partition: 2 };

#[tokio::test]
async fn each_domain_lies_on_its_shard_alone() {
    let store = engine::store().await;
    let rows = rows(&Traffic { seed: 71, visits: 150, from: FROM, to: FROM + DAY });
    for _ in 0..2 {
        store.insert_events(&rows, "all").await.unwrap();
    }
    assert_ne!(store.shard_of(site(1)), store.shard_of(site(2)), "the test needs both");
    for (index, shard) in store.shards().into_iter().enumerate() {
        for of in [site(1), site(2)] {
            let expected = if store.shard_of(of) == index { rows.iter().filter(|row| row.site == of).count() as u64 } else { 0 };
            assert_eq!(number(&shard, &format!("SELECT count() FROM events WHERE site_id = toUUID('{of}')")).await, expected);
        }
    }
    assert_eq!(store.all_events().await.unwrap(), rows.len() as u64);
    store.ping().await.unwrap();
    store.sync().await.unwrap();
}

#[tokio::test]
async fn a_pin_decides() {
    let mut options = engine::options().await;
    options.pins = [(site(1), 0), (site(2), 0)].into();
    let store = Store::connect(&options);
    store.migrate().await.unwrap();
    let rows = rows(&Traffic { seed: 72, visits: 60, from: FROM, to: FROM + DAY });
    store.insert_events(&rows, "all").await.unwrap();
    let [first, second]: [Store; 2] = store.shards().try_into().unwrap();
    assert_eq!(number(&first, "SELECT count() FROM events").await, rows.len() as u64);
    assert_eq!(number(&second, "SELECT count() FROM events").await, 0);

    // Without its pin a domain would be looked for elsewhere.
    assert_eq!(store.misplaced().await.unwrap(), []);
    options.pins.remove(&site(1));
    let unpinned = Store::connect(&options);
    let wrong = Misplaced { site: site(1), found: 0, home: unpinned.shard_of(site(1)), on_both: false };
    assert_eq!(unpinned.misplaced().await.unwrap(), [wrong]);
    unpinned.insert_events(&rows, "again").await.unwrap();
    assert_eq!(unpinned.misplaced().await.unwrap(), [Misplaced { on_both: true, ..wrong }]);
}

#[tokio::test]
async fn letters_lie_with_their_domain_or_on_the_first_shard() {
    let store = engine::store().await;
    let letter = |offset, site| DeadLetter {
        position: position(offset),
        site,
        reason: DropReason::Undecodable,
        detail: String::new(),
        payload: String::new(),
        at_ms: FROM,
    };
    let letters = [letter(1, Some(site(1))), letter(2, Some(site(2))), letter(3, None)];
    for _ in 0..2 {
        store.insert_dead_letters(&letters).await.unwrap();
    }
    assert_eq!(number(&store, "SELECT count() FROM dead_letters FINAL").await, 3);
    let mut expected = [BTreeSet::new(), BTreeSet::from([3])];
    expected.swap(0, 1);
    expected[store.shard_of(site(1))].insert(1);
    expected[store.shard_of(site(2))].insert(2);
    for (shard, expected) in store.shards().iter().zip(expected) {
        assert_eq!(shard.dead_offsets(SHARD, 0, 9).await.unwrap(), expected);
    }
    assert_eq!(store.dead_offsets(SHARD, 0, 9).await.unwrap(), BTreeSet::from([1, 2, 3]));
}

#[tokio::test]
async fn migrations_bring_every_shard_up_to_date() {
    let store = engine::empty_store().await;
    assert_eq!(store.pending_migrations().await.unwrap().len(), MIGRATIONS.len());
    store.shards()[0].migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap().len(), MIGRATIONS.len(), "the second has none");
    assert_eq!(store.migrate().await.unwrap().len(), MIGRATIONS.len());
    assert!(store.pending_migrations().await.unwrap().is_empty());
    assert!(store.migrate().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_range_that_one_shard_lacks_is_found() {
    let store = engine::store().await;
    let mut rows = rows(&Traffic { seed: 73, visits: 200, from: FROM, to: FROM + DAY });
    for row in &mut rows {
        row.rebuild_from = row.position.offset.saturating_sub(30);
    }
    let (before, last) = rows.split_at(100);
    store.insert_events(before, "before").await.unwrap();
    let highest = store.highest_stored(SHARD).await.unwrap().unwrap();
    assert_eq!((highest.offset, highest.rebuild_from), (99, 69));
    assert_eq!(store.first_gap(SHARD, 0, highest.offset).await.unwrap(), None);

    // The insert of the second range got through to one shard only.
    let only = store.shard_of(site(1));
    let part: Vec<_> = last.iter().filter(|row| store.shard_of(row.site) == only).cloned().collect();
    store.insert_events(&part, "last").await.unwrap();
    let highest = store.highest_stored(SHARD).await.unwrap().unwrap();
    let missing = last.iter().find(|row| store.shard_of(row.site) != only).unwrap().position.offset;
    let Some(Gap { first, rebuild_from }) = store.first_gap(SHARD, 0, highest.offset).await.unwrap() else { panic!("no gap") };
    assert_eq!(first, missing);
    assert!(rebuild_from <= 69, "{rebuild_from}");
    store.insert_events(last, "again").await.unwrap();
    assert_eq!(store.stored_offsets(SHARD, 0, u64::MAX).await.unwrap().len(), rows.len());
}

/// A topic written in transactions has an offset without a record after each of them.
#[tokio::test]
async fn a_gap_is_found_however_many_offsets_a_range_spans() {
    const APART: u64 = 40_000;
    let store = engine::store().await;
    let mut rows = rows(&Traffic { seed: 74, visits: 120, from: FROM, to: FROM + DAY });
    for row in &mut rows {
        row.position.offset *= APART;
        row.rebuild_from = row.position.offset.saturating_sub(5 * APART);
    }
    let (before, last) = rows.split_at(100);
    store.insert_events(before, "before").await.unwrap();
    let only = store.shard_of(site(1));
    let part: Vec<_> = last.iter().filter(|row| store.shard_of(row.site) == only).cloned().collect();
    store.insert_events(&part, "last").await.unwrap();
    let highest = store.highest_stored(SHARD).await.unwrap().unwrap().offset;
    let gap = store.first_gap(SHARD, 99 * APART, highest).await.unwrap().unwrap();
    assert_eq!(gap, Gap { first: 99 * APART + 1, rebuild_from: 0 }, "the state rests on all that is stored where less than a range is");
}
