//! A server that is away, or does not answer.

use std::net::TcpListener;

use footfall_store::{Replica, ShardOptions, Store, StoreOptions};

use crate::{
    engine::{self, number},
    world::{DAY, Traffic, rows, site},
};

const FROM: i64 = 1_792_800_000_000;

fn nobody() -> Replica {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Replica { url: format!("http://{unused}"), user: "u".to_owned(), password: "p".to_owned() }
}

#[tokio::test]
async fn what_one_shard_has_stays_and_a_repetition_adds_the_rest() {
    let options = engine::options().await;
    let store = Store::connect(&options);
    store.migrate().await.unwrap();
    let mut cut = options.clone();
    cut.shards[store.shard_of(site(2))] = ShardOptions { replicas: vec![nobody()] };
    let cut = Store::connect(&cut);
    let rows = rows(&Traffic { seed: 81, visits: 120, from: FROM, to: FROM + DAY });
    for _ in 0..2 {
        let error = cut.insert_events(&rows, "token").await.unwrap_err();
        assert!(error.is_away() && !error.is_data(), "{error}");
    }
    let there = rows.iter().filter(|row| row.site == site(1)).count() as u64;
    assert_eq!(number(&store, "SELECT count() FROM events").await, there);
    assert_eq!(cut.all_events().await.unwrap(), there, "counted without the shard that is away");
    assert!(cut.ping().await.unwrap_err().is_away());

    store.insert_events(&rows, "token").await.unwrap();
    assert_eq!(number(&store, "SELECT count() FROM events").await, rows.len() as u64);
    let visits = number(&store, "SELECT uniqExact(session_id) FROM events WHERE drop_reason = ''").await;
    assert_eq!(number(&store, "SELECT count() FROM sessions").await, visits);
}

#[tokio::test]
async fn rows_at_fault_are_told_once_nobody_is_away() {
    let options = engine::options().await;
    let store = Store::connect(&options);
    store.migrate().await.unwrap();
    let mut cut = options.clone();
    cut.shards[store.shard_of(site(2))] = ShardOptions { replicas: vec![nobody()] };
    let mut rows = rows(&Traffic { seed: 82, visits: 60, from: FROM, to: FROM + DAY });
    rows.iter_mut().find(|row| row.site == site(1)).unwrap().ts = i64::MAX / 2;
    assert!(Store::connect(&cut).insert_events(&rows, "t").await.unwrap_err().is_away());
    assert!(store.insert_events(&rows, "t").await.unwrap_err().is_data());
    assert_eq!(number(&store, "SELECT count() FROM events").await, rows.iter().filter(|row| row.site == site(2)).count() as u64);
}

#[tokio::test]
async fn the_next_replica_answers() {
    let options = engine::options().await;
    let alone = StoreOptions { shards: options.shards[..1].to_vec(), ..options };
    Store::connect(&alone).migrate().await.unwrap();
    let mut replicated = alone.clone();
    replicated.cluster = Some("tests".to_owned());
    replicated.shards[0].replicas.insert(0, nobody());
    let store = Store::connect(&replicated);
    let rows = rows(&Traffic { seed: 83, visits: 20, from: FROM, to: FROM + DAY });
    for _ in 0..2 {
        store.insert_events(&rows, "token").await.unwrap();
        store.ping().await.unwrap();
        assert_eq!(store.all_events().await.unwrap(), rows.len() as u64);
    }
}

/// Connections are taken by the system and nobody reads them: a process that was stopped. It is so while the listener lives.
fn frozen() -> (TcpListener, Replica) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let replica = Replica { url: format!("http://{}", listener.local_addr().unwrap()), ..nobody() };
    (listener, replica)
}

#[tokio::test]
async fn a_ping_goes_past_a_frozen_replica() {
    let (_listener, replica) = frozen();
    let options = engine::options().await;
    let mut replicated = StoreOptions { shards: options.shards[..1].to_vec(), cluster: None, ..options };
    Store::connect(&replicated).migrate().await.unwrap();
    replicated.shards[0].replicas.insert(0, replica);
    let store = Store::connect(&replicated);
    store.ping().await.unwrap();
    // From now on the other one is asked first.
    assert_eq!(store.raw("SELECT 1::UInt64").fetch_one::<u64>().await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_never_answers_is_away() {
    let (_listener, replica) = frozen();
    let options =
        StoreOptions { shards: vec![ShardOptions { replicas: vec![replica] }], database: "d".to_owned(), ..StoreOptions::default() };
    let store = Store::connect(&options);
    let rows = rows(&Traffic { seed: 84, visits: 1, from: FROM, to: FROM + DAY });
    let (counted, inserted, pinged) = tokio::join!(store.all_events(), store.insert_events(&rows, "t"), store.ping());
    for error in [counted.unwrap_err(), inserted.unwrap_err()] {
        assert!(error.is_away() && error.to_string().contains("does not answer its /ping"), "{error}");
    }
    assert!(pinged.unwrap_err().is_away());
    let error = store.all_events().await.unwrap_err().to_string();
    assert!(error.contains("does not answer its /ping") && !error.contains("silent"), "asked for a sign of life first: {error}");
}
