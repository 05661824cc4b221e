//! One token counts once; what is refused for good says so.

use footfall_model::{DropReason, LogName};
use footfall_query::{Range, Scope, sql};
use footfall_store::{DeadLetter, Endpoint, Store};

use crate::{
    engine::{self, number},
    world::{DAY, Traffic, position, rows, site},
};

const FROM: i64 = 1_792_800_000_000;

#[tokio::test]
async fn the_same_token_adds_nothing_to_either_table() {
    let store = engine::store().await;
    let rows = rows(&Traffic { seed: 1, visits: 100, from: FROM, to: FROM + DAY });
    for _ in 0..3 {
        store.insert_events(&rows, "token").await.unwrap();
    }
    assert_eq!(number(&store, "SELECT count() FROM events").await, rows.len() as u64);
    let visits = number(&store, "SELECT uniqExact(session_id) FROM events WHERE drop_reason = ''").await;
    assert_eq!(number(&store, "SELECT count() FROM sessions FINAL").await, visits);
    let states = number(&store, "SELECT count() FROM sessions").await;
    assert_eq!(states, visits, "one insert writes one state per visit");
}

#[tokio::test]
async fn a_block_may_span_many_months_and_still_counts_once() {
    let store = engine::store().await;
    let rows = rows(&Traffic { seed: 2, visits: 600, from: FROM - 45 * 30 * DAY, to: FROM });
    for _ in 0..2 {
        store.insert_events(&rows, "months").await.unwrap();
    }
    assert_eq!(number(&store, "SELECT count() FROM events").await, rows.len() as u64);
    assert_eq!(
        number(&store, "SELECT count() FROM sessions").await,
        number(&store, "SELECT uniqExact(session_id) FROM events WHERE drop_reason = ''").await
    );
}

#[tokio::test]
async fn fifty_thousand_rows_are_one_block() {
    let store = engine::store().await;
    let mut rows = rows(&Traffic { seed: 4, visits: 9_000, from: FROM, to: FROM + DAY });
    rows.truncate(50_000);
    store.insert_events(&rows, "large").await.unwrap();
    assert_eq!(
        number(&store, "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND active").await,
        1
    );
    assert_eq!(number(&store, "SELECT count() FROM events").await, rows.len() as u64);
}

#[tokio::test]
async fn what_is_stored_is_what_was_sent() {
    let store = engine::store().await;
    let mut row = rows(&Traffic { seed: 6, visits: 1, from: FROM, to: FROM + DAY }).remove(0);
    row.title = "A \0 title ü \u{1F600}".to_owned();
    row.props = [("plan".to_owned(), "pro's".to_owned()), ("n".to_owned(), "\t".to_owned())].into();
    row.revenue_milli = -12_345;
    row.currency = "EUR".to_owned();
    row.user_id = u64::MAX;
    row.appended = row.ts + 5_999;
    store.insert_events(&[row.clone()], "one").await.unwrap();
    let text = store
        .raw("SELECT concat(toString(site_id), '|', toString(toUnixTimestamp64Milli(ts)), '|', title, '|', props['plan'], '|', props['n'], '|', toString(revenue_milli), currency, '|', toString(user_id), '|', toString(session_id), '|', toString(toUnixTimestamp64Milli(session_start)), '|', toString(appended_s), '|', toString(event_id)) FROM events")
        .fetch_one::<String>()
        .await
        .unwrap();
    let visit = &row.visit;
    assert_eq!(
        text,
        format!(
            "{}|{}|{}|pro's|\t|-12345EUR|{}|{}|{}|{}|{}",
            row.site,
            row.ts,
            row.title,
            u64::MAX,
            visit.id,
            visit.start,
            row.appended.div_euclid(1_000),
            row.event_id
        )
    );
    let visitor = store.raw("SELECT visitor_id FROM sessions").fetch_one::<u64>().await.unwrap();
    assert_eq!(visitor, row.visitor.0, "the visitor follows from the visit's id");
}

#[tokio::test]
async fn append_times_are_kept_to_the_second() {
    let store = engine::store().await;
    let mut rows = rows(&Traffic { seed: 16, visits: 20, from: FROM, to: FROM + DAY });
    for (index, row) in rows.iter_mut().enumerate() {
        row.position.log = if index % 2 == 0 { LogName::Live } else { LogName::Import };
        row.appended = if index % 2 == 0 { row.ts + 2_999 } else { FROM + 900 * DAY + 1_234 };
    }
    store.insert_events(&rows, "appended").await.unwrap();
    let found = store.raw("SELECT appended_s FROM events ORDER BY offset").fetch_all::<i64>().await.unwrap();
    assert_eq!(found, rows.iter().map(|row| row.appended.div_euclid(1_000)).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_wire_row_fits_the_table() {
    // With validation the client compares names and types with the table's.
    engine::store().await.check_wire().await.unwrap();
}

#[tokio::test]
async fn a_row_that_can_never_be_stored_is_an_error_of_the_data() {
    let store = engine::store().await;
    let mut rows = rows(&Traffic { seed: 7, visits: 3, from: FROM, to: FROM + DAY });
    rows[1].ts = i64::MAX / 2;
    let error = store.insert_events(&rows, "bad").await.unwrap_err();
    assert!(error.is_data(), "{error}");
    assert_eq!(number(&store, "SELECT count() FROM events").await, 0);
}

#[tokio::test]
async fn a_store_that_is_not_there_is_away() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = Store::connect(&Endpoint {
        url: format!("http://{unused}"),
        user: "u".into(),
        password: "p".into(),
        database: "d".into(),
        cluster: None,
    });
    let rows = rows(&Traffic { seed: 9, visits: 1, from: FROM, to: FROM + DAY });
    let error = store.insert_events(&rows, "t").await.unwrap_err();
    assert!(error.is_away() && !error.is_data(), "{error}");
    assert!(store.ping().await.unwrap_err().is_away());
}

#[tokio::test]
async fn dead_letters_replace_themselves() {
    let store = engine::store().await;
    let letter = DeadLetter {
        position: position(7),
        site: Some(site(1)),
        reason: DropReason::Undecodable,
        detail: "not JSON".to_owned(),
        payload: "ü".repeat(5_000),
        at_ms: FROM,
    };
    for _ in 0..3 {
        store.insert_dead_letters(std::slice::from_ref(&letter)).await.unwrap();
    }
    assert_eq!(number(&store, "SELECT count() FROM dead_letters FINAL").await, 1);
    assert_eq!(number(&store, "SELECT max(length(payload)) FROM dead_letters").await, 4_000);
    let of = async |site, to| store.report(&sql::last_dead_letters(Scope::authorised(site), Range::new(FROM, to), 5)).await.unwrap();
    let letters = of(site(1), FROM + 1).await;
    assert_eq!((letters.len(), letters[0].total), (1, 1));
    assert_eq!(letters[0].labels, [FROM.to_string(), DropReason::Undecodable.code().to_owned()]);
    assert_eq!(letters[0].sums, [0, 3, 2, 7]);
    assert!(of(site(2), FROM + 1).await.is_empty() && of(site(1), FROM).await.is_empty(), "another domain's, another time's");
}

#[tokio::test]
async fn a_long_range_is_one_part_however_it_is_sent() {
    let rows = rows(&Traffic { seed: 8, visits: 3_000, from: FROM, to: FROM + DAY });
    // More than one block on the way.
    assert!(rows.len() > 9_000, "{}", rows.len());
    let near = engine::store().await;
    // Not a name of this machine: what goes there is compressed.
    let mut options = engine::options().await;
    for replica in options.shards.iter_mut().flat_map(|shard| &mut shard.replicas) {
        replica.url = replica.url.replace("127.0.0.1", "0.0.0.0");
    }
    let far = Store::connect(options);
    far.migrate().await.unwrap();
    engine::run(&far, "SYSTEM STOP MERGES events").await;
    for store in [&near, &far] {
        for _ in 0..2 {
            store.insert_events(&rows, "long").await.unwrap();
        }
        let parts = "SELECT count() FROM system.parts WHERE active AND table = 'events' AND database = currentDatabase()";
        assert_eq!(number(store, parts).await, 1);
        assert_eq!(number(store, "SELECT count() FROM events").await, rows.len() as u64);
    }
    assert_eq!(near.checksums(site(1)).await.unwrap(), far.checksums(site(1)).await.unwrap());
}
