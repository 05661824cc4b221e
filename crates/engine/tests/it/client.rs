//! ClickHouse's own Rust client, unchanged.
#![allow(clippy::unwrap_used, reason = "a step that fails fails its test")]

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::support::TestEngine;

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Event {
    #[serde(with = "clickhouse::serde::uuid")]
    id: uuid::Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    ts: chrono::DateTime<chrono::Utc>,
    site: u32,
    path: String,
    props: Vec<(String, String)>,
    amount: f64,
    bot: bool,
}

fn event(number: u32) -> Event {
    Event {
        id: uuid::Uuid::from_u128(u128::from(number)),
        ts: chrono::DateTime::from_timestamp_millis(1_700_000_000_000 + i64::from(number)).unwrap(),
        site: number % 7,
        path: format!("/page/{}'\"\n", number % 100),
        props: vec![("plan".into(), format!("{number}"))],
        amount: f64::from(number) / 4.0,
        bot: number.is_multiple_of(2),
    }
}

const TABLE: &str = "CREATE TABLE events (id UUID, ts DateTime64(3, 'UTC'), site UInt32, path String, props Map(String, String), amount Float64, \
     bot Bool) ENGINE = MergeTree ORDER BY (site, ts) SETTINGS non_replicated_deduplication_window = 100";

#[tokio::test]
async fn selects_and_parameters() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    assert_eq!(client.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    let nasty = "a'b\\c\n\t{x:String} ü 雪";
    let row: (String, i64, String) = client
        .query("SELECT {text:String}, {number:Int64}, arrayStringConcat({list:Array(String)}, '|')")
        .param("text", nasty)
        .param("number", -5)
        .param("list", vec!["a'", "b"])
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(row, (nasty.to_owned(), -5, "a'|b".to_owned()));
    assert_eq!(client.query("SELECT number FROM numbers(10) WHERE number > 100").fetch_all::<u64>().await.unwrap(), Vec::<u64>::new());
    let optional = client.query("SELECT 1 WHERE 0").fetch_optional::<u8>().await.unwrap();
    assert_eq!(optional, None);
}

#[tokio::test]
async fn inserts_come_back_as_they_went_in() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    client.query(TABLE).execute().await.unwrap();
    let events: Vec<Event> = (0..50_000).map(event).collect();
    let mut insert = client.insert::<Event>("events").await.unwrap();
    for event in &events {
        insert.write(event).await.unwrap();
    }
    insert.end().await.unwrap();
    let back = client.query("SELECT ?fields FROM events ORDER BY ts").fetch_all::<Event>().await.unwrap();
    assert_eq!(back.len(), events.len());
    assert!(back == events);
}

#[tokio::test]
async fn a_repeated_token_inserts_nothing() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    client.query(TABLE).execute().await.unwrap();
    for (token, rows) in [("a", 10), ("a", 10), ("b", 10), ("a", 5)] {
        let mut insert = client
            .insert::<Event>("events")
            .await
            .unwrap()
            .with_setting("insert_deduplication_token", token)
            .with_setting("insert_deduplicate", "1");
        for number in 0..rows {
            insert.write(&event(number)).await.unwrap();
        }
        insert.end().await.unwrap();
    }
    assert_eq!(client.query("SELECT count() FROM events").fetch_one::<u64>().await.unwrap(), 20);
}

#[tokio::test]
async fn a_million_rows_stream() {
    let engine = TestEngine::start().await;
    let mut cursor = engine.client().query("SELECT number, toString(number) FROM numbers(1000000)").fetch::<(u64, String)>().unwrap();
    let mut expected = 0;
    while let Some((number, text)) = cursor.next().await.unwrap() {
        assert_eq!(number, expected);
        if number % 100_000 == 0 {
            assert_eq!(text, number.to_string());
        }
        expected += 1;
    }
    assert_eq!(expected, 1_000_000);
}

#[tokio::test]
async fn errors_carry_clickhouses_text_also_in_mid_stream() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    let error = client.query("SELECT * FROM nowhere").fetch_one::<u8>().await.unwrap_err().to_string();
    assert!(error.contains("Code: 60.") && error.contains("UNKNOWN_TABLE"), "{error}");

    let sql = "SELECT throwIf(number = 900000, 'enough') FROM numbers(1000000) SETTINGS max_block_size = 10000";
    let mut cursor = client.query(sql).fetch::<u8>().unwrap();
    let mut rows = 0;
    let error = loop {
        match cursor.next().await {
            Ok(Some(_)) => rows += 1,
            Ok(None) => panic!("the error was lost after {rows} rows"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(rows > 0 && rows <= 900_000, "{rows}");
    assert!(error.contains("Code: 395.") && error.contains("enough"), "{error}");
}

#[tokio::test]
async fn an_insert_that_is_dropped_or_does_not_fit_leaves_nothing() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    client.query(TABLE).execute().await.unwrap();
    let mut insert = client.insert::<Event>("events").await.unwrap();
    for number in 0..30_000 {
        insert.write(&event(number)).await.unwrap();
    }
    drop(insert);
    let mut broken = client.insert_formatted_with("INSERT INTO events FORMAT RowBinary");
    broken.send(bytes::Bytes::from_static(b"not a row at all")).await.unwrap();
    let error = broken.end().await.unwrap_err().to_string();
    assert!(error.contains("Code: 33."), "{error}");
    let mut no_table = client.insert_formatted_with("INSERT INTO nowhere FORMAT CSV");
    no_table.send(bytes::Bytes::from_static(b"1\n")).await.unwrap();
    let no_table = no_table.end().await.unwrap_err().to_string();
    assert!(no_table.contains("Code: 60."), "{no_table}");
    assert_eq!(client.query("SELECT count() FROM events").fetch_one::<u64>().await.unwrap(), 0);
    let running = "SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%'";
    assert_eq!(client.query(running).fetch_one::<u64>().await.unwrap(), 0);
}

#[tokio::test]
async fn settings_hold_for_one_request() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    let read = "SELECT value FROM system.settings WHERE name = 'max_threads'";
    let set = client.query(read).with_setting("max_threads", "1").fetch_one::<String>().await.unwrap();
    assert_eq!(set, "1");
    assert_ne!(client.query(read).fetch_one::<String>().await.unwrap(), "1");
    let async_insert = "SELECT value FROM system.settings WHERE name = 'async_insert'";
    assert_eq!(client.query(async_insert).fetch_one::<String>().await.unwrap(), "0");
    let error = client.query("SELECT 1").with_setting("no_such_setting", "1").fetch_one::<u8>().await.unwrap_err().to_string();
    assert!(error.contains("Code: 115."), "{error}");
    assert_eq!(client.query("SELECT timezone()").fetch_one::<String>().await.unwrap(), "UTC");
}

#[tokio::test]
async fn many_clients_at_once() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    client.query("CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n").execute().await.unwrap();
    let tasks: Vec<_> = (0..60u64)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut insert = client.insert_formatted_with("INSERT INTO n FORMAT CSV");
                for number in 0..20 {
                    insert.send(bytes::Bytes::from(format!("{}\n", task * 20 + number))).await.unwrap();
                }
                insert.end().await.unwrap();
                let sum = client.query("SELECT sum(number) FROM numbers({n:UInt64})").param("n", task).fetch_one::<u64>().await.unwrap();
                assert_eq!(sum, task * task.saturating_sub(1) / 2);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(client.query("SELECT count(), sum(n) FROM n").fetch_one::<(u64, u64)>().await.unwrap(), (1200, 1199 * 600));
}
