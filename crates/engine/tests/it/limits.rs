//! The memory cap.

use crate::support::TestEngine;

#[tokio::test]
async fn a_query_beyond_the_cap_fails_and_the_engine_lives() {
    let engine = TestEngine::with_cap(512 << 20).await;
    let pid = engine.supervisor.pid();
    for _ in 0..2 {
        // Two in parallel exceed the process's cap where one alone exceeds the query's.
        let heavy = "SELECT uniqExact(number) FROM numbers(1000000000)";
        let (one, two) = tokio::join!(engine.fails(heavy), engine.fails(heavy));
        assert_eq!((one.1.as_str(), two.1.as_str()), ("241", "241"));
    }
    assert_eq!(engine.ok("SELECT 1").await, "1\n");
    assert_eq!((engine.supervisor.restarts(), engine.supervisor.pid()), (0, pid));
}

/// The smallest machine that is supported still stores and answers.
#[tokio::test]
async fn the_least_cap_is_enough_for_the_largest_batch() {
    let engine = TestEngine::with_cap(256 << 20).await;
    engine.ok("CREATE TABLE t (a UInt64, s String, t DateTime) ENGINE = MergeTree ORDER BY a").await;
    let rows: String = (0..50_000).map(|number| format!("{number},\"/some/path/{number}\",1700000000\n")).collect();
    for _ in 0..5 {
        let (status, _, text) = engine.post(&[("query", "INSERT INTO t FORMAT CSV")], rows.clone()).await;
        assert_eq!(status, 200, "{text}");
    }
    engine.ok("OPTIMIZE TABLE t FINAL").await;
    assert_eq!(engine.ok("SELECT count(), uniq(s) > 49000 FROM t").await, "250000\t1\n");
}

#[tokio::test]
async fn a_query_ends_at_its_time_limit() {
    let engine = TestEngine::start().await;
    let (status, code, _) =
        engine.post(&[("max_execution_time", "1")], "SELECT sum(sleepEachRow(0.1)) FROM numbers(1000) SETTINGS max_block_size = 1").await;
    assert_eq!((status, code.as_deref()), (408, Some("159")));
}
