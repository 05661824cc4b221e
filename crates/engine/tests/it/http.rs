//! Plain HTTP, as curl, Grafana and JDBC speak it.

use crate::support::{TestEngine, eventually, url};

#[tokio::test]
async fn statements_in_address_body_and_both() {
    let engine = TestEngine::start().await;
    let endpoint = engine.endpoint();
    let http = reqwest::Client::new();
    let get = |params: Vec<(&'static str, &'static str)>| {
        let mut all = vec![("user", endpoint.user.as_str()), ("password", endpoint.password.as_str())];
        all.extend(params);
        http.get(url(&endpoint, &all)).send()
    };
    assert_eq!(get(vec![("query", "SELECT 1")]).await.unwrap().text().await.unwrap(), "1\n");
    let json = get(vec![("query", "SELECT {a:UInt8} AS a"), ("default_format", "JSONCompact"), ("param_a", "7")]).await.unwrap();
    assert_eq!(json.headers()["content-type"], "application/json; charset=UTF-8");
    assert_eq!(json.headers()["x-clickhouse-format"], "JSONCompact");
    let json: serde_json::Value = serde_json::from_str(&json.text().await.unwrap()).unwrap();
    assert_eq!(json["data"], serde_json::json!([[7]]));
    let changed = get(vec![("query", "CREATE DATABASE x")]).await.unwrap();
    assert_eq!(changed.headers()["x-clickhouse-exception-code"], "164");

    engine.ok("CREATE DATABASE d").await;
    assert_eq!(engine.post(&[("database", "d")], "SELECT currentDatabase() FORMAT CSV").await.2, "\"d\"\n");
    assert_eq!(engine.post(&[("query", "SELECT 1,")], "2").await.2, "1\t2\n");
    assert_eq!(engine.post(&[("database", "nowhere")], "SELECT 1").await.1.as_deref(), Some("81"));
    assert_eq!(http.get(format!("{}/ping", endpoint.url)).send().await.unwrap().text().await.unwrap(), "Ok.\n");
    assert_eq!(http.get(format!("{}/nowhere", endpoint.url)).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn inserts_in_every_form() {
    let engine = TestEngine::start().await;
    engine.ok("CREATE TABLE t (a UInt32, s String) ENGINE = MergeTree ORDER BY a").await;
    engine.ok("INSERT INTO t VALUES (1, 'a;b'), (2, '--')").await;
    engine.ok("INSERT INTO t FORMAT JSONEachRow {\"a\":3,\"s\":\"x\"}").await;
    engine.ok("INSERT INTO t (s, a) FORMAT CSV\n\"multi\nline\",4\n").await;
    assert_eq!(engine.post(&[("query", "INSERT INTO t FORMAT TSV")], "5\tfive\n").await.0, 200);
    engine.ok("INSERT INTO t SELECT number + 6, 'n' FROM numbers(2)").await;
    assert_eq!(engine.post(&[("query", "INSERT INTO t VALUES"), ("param_x", "8")], "({x:UInt32}, 'p')").await.0, 200);
    let rows = engine.ok("SELECT a, s FROM t ORDER BY a FORMAT JSONCompactEachRow").await;
    let expected = "[1, \"a;b\"]\n[2, \"--\"]\n[3, \"x\"]\n[4, \"multi\\nline\"]\n[5, \"five\"]\n[6, \"n\"]\n[7, \"n\"]\n[8, \"p\"]\n";
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn the_summary_counts() {
    let engine = TestEngine::start().await;
    engine.ok("CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a").await;
    let endpoint = engine.endpoint();
    let send = |query: &'static str, body: String| {
        let request = reqwest::Client::new().post(url(&endpoint, &[("query", query), ("query_id", "mine-1")]));
        request.header("X-ClickHouse-User", &endpoint.user).header("X-ClickHouse-Key", &endpoint.password).body(body).send()
    };
    let rows: String = (0..1000).map(|number| format!("{number}\n")).collect();
    let inserted = send("INSERT INTO t FORMAT CSV", rows).await.unwrap();
    assert_eq!(inserted.headers()["x-clickhouse-query-id"], "mine-1");
    let summary: serde_json::Value = serde_json::from_str(inserted.headers()["x-clickhouse-summary"].to_str().unwrap()).unwrap();
    assert_eq!((&summary["written_rows"], &summary["written_bytes"]), (&"1000".into(), &"4000".into()));
    let read = send("SELECT sum(a) FROM t", String::new()).await.unwrap();
    let summary: serde_json::Value = serde_json::from_str(read.headers()["x-clickhouse-summary"].to_str().unwrap()).unwrap();
    assert_eq!((&summary["read_rows"], &summary["result_rows"]), (&"1000".into(), &"1".into()));
    assert_eq!(read.headers()["content-length"], "7");
}

#[tokio::test]
async fn a_large_answer_streams_and_an_error_in_it_breaks_the_connection() {
    let engine = TestEngine::start().await;
    let text = engine.ok("SELECT number FROM numbers(300000) FORMAT CSVWithNames").await;
    assert_eq!(text.lines().count(), 300_001);
    assert_eq!(text.lines().filter(|line| *line == "\"number\"").count(), 1);
    let json = engine.ok("SELECT number FROM numbers(300000) FORMAT JSON").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rows"], 300_000);

    let endpoint = engine.endpoint();
    let sql = "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 10000";
    let request = reqwest::Client::new().post(url(&endpoint, &[])).basic_auth(&endpoint.user, Some(&endpoint.password)).body(sql);
    let mut response = request.send().await.unwrap();
    let tag = response.headers()["x-clickhouse-exception-tag"].to_str().unwrap().to_owned();
    let mut body = Vec::new();
    let ended = loop {
        match response.chunk().await {
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    assert!(!ended, "a client that knows no tags would take the answer for whole");
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("Code: 395.") && text.ends_with(&format!("{tag}\r\n__exception__\r\n")), "{}", &text[text.len() - 300..]);
    // With wait_end_of_query it is a plain error.
    assert_eq!(engine.post(&[("wait_end_of_query", "1")], sql).await.1.as_deref(), Some("395"));
}

#[tokio::test]
async fn native_frames_both_ways() {
    let engine = TestEngine::start().await;
    let (status, _, _) = engine.post(&[("compress", "1")], "SELECT 1").await;
    assert_eq!(status, 200);
    let endpoint = engine.endpoint();
    let request = reqwest::Client::new().post(url(&endpoint, &[("compress", "1")])).basic_auth(&endpoint.user, Some(&endpoint.password));
    let frames = request.body("SELECT number FROM numbers(100000)").send().await.unwrap().bytes().await.unwrap();
    assert!(frames.len() < 588_890, "compressed");
    // The same bytes are a valid compressed insert, checksums and all.
    engine.ok("CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a").await;
    let insert = [("query", "INSERT INTO t FORMAT TSV"), ("decompress", "1")];
    assert_eq!(engine.post(&insert, frames.clone()).await.0, 200);
    let mut broken = frames.to_vec();
    let last = broken.len() - 1;
    broken[last] ^= 1;
    assert_eq!(engine.post(&insert, broken).await.1.as_deref(), Some("40"));
    assert_eq!(engine.post(&insert, frames.slice(..last)).await.1.as_deref(), Some("33"));
    assert_eq!(engine.ok("SELECT count(), sum(a) FROM t").await, "100000\t4999950000\n");
}

#[tokio::test]
async fn a_client_that_leaves_stops_its_query() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    let running = async || {
        let sql = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%system.processes%'";
        client.query(sql).fetch_one::<u64>().await.unwrap()
    };
    for sql in [
        // Nothing has been answered yet.
        "SELECT sum(sleepEachRow(0.5)) FROM numbers(600) SETTINGS max_block_size = 1, max_threads = 1",
        // In the middle of an answer.
        "SELECT sleepEachRow(0.0001), number, repeat('x', 1000) FROM numbers(100000000) SETTINGS max_block_size = 100, max_threads = 1",
        // No streamed format.
        "SELECT sum(sleepEachRow(0.5)) FROM numbers(600) SETTINGS max_block_size = 1, max_threads = 1 FORMAT JSON",
    ] {
        let endpoint = engine.endpoint();
        let request = reqwest::Client::new().post(url(&endpoint, &[])).basic_auth(&endpoint.user, Some(&endpoint.password)).body(sql);
        let client = tokio::spawn(async move {
            let mut response = request.send().await.unwrap();
            while let Ok(Some(_)) = response.chunk().await {}
        });
        eventually("the query runs", async || running().await == 1).await;
        client.abort();
        eventually("the query is gone", async || running().await == 0).await;
    }
}

#[tokio::test]
async fn bodies_come_compressed_by_http_too() {
    use std::io::Write as _;
    let engine = TestEngine::start().await;
    engine.ok("CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a").await;
    let rows: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(rows.as_bytes()).unwrap();
    let endpoint = engine.endpoint();
    let send = async |encoding: &'static str, body: Vec<u8>| {
        let request = reqwest::Client::new().post(url(&endpoint, &[("query", "INSERT INTO t FORMAT CSV")]));
        let request = request.basic_auth(&endpoint.user, Some(&endpoint.password)).header("Content-Encoding", encoding);
        request.body(body).send().await.unwrap().status().as_u16()
    };
    let gzip = gzip.finish().unwrap();
    assert_eq!(send("gzip", gzip[..gzip.len() / 2].to_vec()).await, 400);
    assert_eq!(engine.ok("SELECT count() FROM t").await, "0\n");
    assert_eq!(send("gzip", gzip).await, 200);
    let answer = reqwest::Client::new().post(url(&endpoint, &[])).basic_auth(&endpoint.user, Some(&endpoint.password));
    let answer = answer.header("Accept-Encoding", "lz4").body("SELECT number FROM numbers(20000, 20000)").send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "lz4");
    assert_eq!(send("lz4", answer.bytes().await.unwrap().to_vec()).await, 200);
    assert_eq!(send("br", Vec::new()).await, 400);
    assert_eq!(engine.ok("SELECT count(), uniqExact(a) FROM t").await, "40000\t40000\n");
}
