//! A domain moves from one engine to two shards.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use footfall_model::{DropReason, LogName};
use footfall_store::{DeadLetter, EventRow, Store};
use uuid::Uuid;

use crate::{
    engine::{self, number},
    world::{DAY, Traffic, position, rows, site},
};

const FROM: i64 = 1_792_800_000_000;

/// A store of one shard, and rows over two months, three partitions, and runs of offsets far apart.
async fn source() -> (Store, Vec<EventRow>) {
    let mut options = engine::options().await;
    options.shards.truncate(1);
    let store = Store::connect(&options);
    store.migrate().await.unwrap();
    let mut rows = rows(&Traffic { seed: 91, visits: 400, from: FROM, to: FROM + 40 * DAY });
    for row in &mut rows {
        row.position.partition = u32::from(row.position.offset % 7 == 0);
        row.position.offset = row.position.offset * 997 % 1_000_003;
        row.props = [("a".to_owned(), format!("{}\t'", row.position.offset))].into();
        if row.visit.key % 5 == 1 {
            row.import = Some(Uuid::from_u128(5));
            row.position.log = LogName::Import;
        }
    }
    insert(&store, &rows, "first").await;
    let letter = |offset, site| DeadLetter {
        position: position(offset),
        site,
        reason: DropReason::Undecodable,
        detail: "why".to_owned(),
        payload: format!("{offset}"),
        at_ms: FROM,
    };
    store.insert_dead_letters(&[letter(1, Some(site(1))), letter(2, Some(site(2))), letter(3, None)]).await.unwrap();
    (store, rows)
}

async fn insert(store: &Store, rows: &[EventRow], name: &str) {
    for (index, part) in rows.chunks(500).enumerate() {
        store.insert_events(part, &format!("{name} {index}")).await.unwrap();
    }
}

async fn copy(from: &Store, to: &Store, name: &str) -> u64 {
    let mut sent = 0;
    for site in from.sites().await.unwrap() {
        for month in from.months(site).await.unwrap().into_keys() {
            sent += from.copy_site_month(to, site, month, name, &|_| ()).await.unwrap();
        }
        from.copy_dead_letters(to, Some(site)).await.unwrap();
    }
    from.copy_dead_letters(to, None).await.unwrap();
    sent
}

async fn same(one: &Store, other: &Store) {
    for site in [site(1), site(2)] {
        let sums = one.checksums(site).await.unwrap();
        assert!(sums.values().any(|day| day.events > 0 && day.visits > 0));
        assert_eq!(other.checksums(site).await.unwrap(), sums);
        assert_eq!(other.letters(Some(site)).await.unwrap(), one.letters(Some(site)).await.unwrap());
    }
    assert_eq!(other.letters(None).await.unwrap(), one.letters(None).await.unwrap());
    assert_eq!(other.all_events().await.unwrap(), one.all_events().await.unwrap());
    for table in ["events", "sessions"] {
        let figures = format!("SELECT count() FROM {table} FINAL").replace("events FINAL", "events");
        assert_eq!(number(other, &figures).await, number(one, &figures).await, "{table}");
    }
}

#[tokio::test]
async fn a_copy_is_the_same_and_a_repetition_sends_nothing() {
    let (from, rows) = source().await;
    let to = engine::store().await;
    assert_eq!(from.sites().await.unwrap(), [site(1), site(2)]);
    let by_month: BTreeMap<u32, u64> = from.months(site(1)).await.unwrap();
    assert!(by_month.len() > 1, "{by_month:?}");
    assert_eq!(copy(&from, &to, "move").await, rows.len() as u64);
    same(&from, &to).await;
    assert_eq!(copy(&from, &to, "move").await, 0);
    same(&from, &to).await;
    // Back, from two shards to one.
    let mut options = engine::options().await;
    options.shards.truncate(1);
    let back = Store::connect(&options);
    back.migrate().await.unwrap();
    copy(&to, &back, "back").await;
    same(&from, &back).await;
}

#[tokio::test]
async fn an_interrupted_copy_of_a_growing_store_is_taken_up_again() {
    let (from, rows) = source().await;
    let to = engine::store().await;
    // Deletions in the target are carried out like merges.
    engine::run(&to, "SYSTEM START MERGES events").await;
    for (stop, seed) in [(1, 92), (2, 93), (5, 94)] {
        let heard = AtomicU64::new(0);
        let reached = tokio::sync::Notify::new();
        let progress = |_| {
            if heard.fetch_add(1, Ordering::Relaxed) + 1 == stop {
                reached.notify_one();
            }
        };
        for month in from.months(site(1)).await.unwrap().into_keys() {
            tokio::select! {
                biased;
                () = reached.notified() => break,
                done = from.copy_site_month(&to, site(1), month, "move", &progress) => drop(done.unwrap()),
            }
        }
        let mut more = crate::world::rows(&Traffic { seed, visits: 20, from: FROM, to: FROM + 40 * DAY });
        for row in &mut more {
            row.position.offset += 1_000_003 + seed * 1_000;
            row.position.partition = 0;
        }
        insert(&from, &more, &seed.to_string()).await;
    }
    copy(&from, &to, "move").await;
    same(&from, &to).await;
    assert!(from.all_events().await.unwrap() > rows.len() as u64);

    // What was lost in part comes again under the same name, although the target knows the insert that first brought it.
    let lost = format!("site_id = toUUID('{}') AND log = 0 AND partition = 0 AND `offset` % 2 = 0", site(1));
    engine::run(&to, &format!("ALTER TABLE events DELETE WHERE {lost} SETTINGS mutations_sync = 2")).await;
    assert!(copy(&from, &to, "move").await > 0);
    same(&from, &to).await;

    // After a deletion the tokens of the first copy are still known; rows come again all the same.
    for table in ["sessions", "dead_letters"] {
        engine::run(&to, &format!("SYSTEM START MERGES {table}")).await;
    }
    to.delete_site(site(2)).await.unwrap();
    assert!(copy(&from, &to, "move").await > 0);
    same(&from, &to).await;
}
