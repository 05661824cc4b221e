//! The engine's process dies; what was acknowledged stays, and clients go on at the same address.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{TestEngine, eventually, signal};

#[tokio::test]
async fn kill_9_under_inserts_loses_nothing_that_was_acknowledged() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    let settings = "fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 10000";
    client
        .query(&format!("CREATE TABLE batches (batch UInt64, row UInt32) ENGINE = MergeTree ORDER BY batch SETTINGS {settings}"))
        .execute()
        .await
        .unwrap();
    let (before, first) = (engine.endpoint(), engine.supervisor.pid().unwrap());
    let acknowledged = Arc::new(AtomicU64::new(0));
    let writer = tokio::spawn({
        let (client, acknowledged) = (client.clone(), Arc::clone(&acknowledged));
        async move {
            // Each batch is repeated under its token until it is acknowledged, and then looked for, as the processor does: the engine notes a token
            // before it puts the rows in place, so a kill in between leaves a token without rows.
            for batch in 0..60u64 {
                let rows: String = (0..500).map(|row| format!("{batch},{row}\n")).collect();
                let (mut token, mut is_first) = (0, true);
                loop {
                    let mut insert = client
                        .insert_formatted_with("INSERT INTO batches FORMAT CSV")
                        .with_setting("insert_deduplication_token", format!("{batch}/{token}"))
                        .with_setting("insert_deduplicate", "1");
                    let sent = insert.send(bytes::Bytes::from(rows.clone())).await;
                    if sent.is_ok() && insert.end().await.is_ok() {
                        if is_first {
                            break;
                        }
                        let stored = format!("SELECT count() FROM batches WHERE batch = {batch}");
                        match client.query(&stored).fetch_one::<u64>().await {
                            Ok(500) => break,
                            Ok(_) => token += 1,
                            Err(_) => {}
                        }
                    }
                    is_first = false;
                    tokio::task::yield_now().await;
                }
                acknowledged.fetch_add(1, Ordering::AcqRel);
            }
        }
    });
    for (kill, at) in [10, 25, 40].into_iter().enumerate() {
        eventually("batches are stored", async || acknowledged.load(Ordering::Acquire) >= at).await;
        signal(engine.supervisor.pid().unwrap(), "KILL");
        eventually("the engine is back", async || engine.supervisor.restarts() == kill as u64 + 1).await;
    }
    writer.await.unwrap();
    assert_eq!(engine.endpoint(), before);
    assert_ne!(engine.supervisor.pid().unwrap(), first);
    let (rows, batches, each): (u64, u64, u64) =
        client.query("SELECT count(), uniqExact(batch), uniqExact(batch, row) FROM batches").fetch_one().await.unwrap();
    assert_eq!((rows, batches, each), (30_000, 60, 30_000));
}

#[tokio::test]
async fn the_engine_ends_with_its_supervisor() {
    let engine = TestEngine::start().await;
    let pid = engine.supervisor.pid().unwrap();
    engine.ok("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a").await;
    engine.ok("INSERT INTO t VALUES (1)").await;
    let state = engine.data.path().join("run/engine.json");
    assert!(state.exists());
    let TestEngine { supervisor, data } = engine;
    supervisor.shutdown().await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(!state.exists());
    drop(data);
}

#[tokio::test]
async fn a_dropped_supervisor_stops_the_engine_too() {
    let engine = TestEngine::start().await;
    let pid = engine.supervisor.pid().unwrap();
    drop(engine.supervisor);
    eventually("the process is gone", async || !std::path::Path::new(&format!("/proc/{pid}")).exists()).await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_long_queries() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    let long = tokio::spawn(async move {
        client.query("SELECT sum(sleepEachRow(1)) FROM numbers(280) SETTINGS max_block_size = 1").fetch_one::<u64>().await
    });
    let client = engine.client();
    let count = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%'";
    eventually("the query runs", async || client.query(count).fetch_one::<u64>().await.unwrap() > 1).await;
    let pid = engine.supervisor.pid().unwrap();
    engine.supervisor.shutdown().await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(long.await.unwrap().is_err());
}

/// Neither a reader that does not read nor a writer that does not write keeps the process.
#[tokio::test]
async fn a_shutdown_does_not_wait_for_slow_clients() {
    let engine = TestEngine::start().await;
    let client = engine.client();
    client.query("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").execute().await.unwrap();
    let mut writer = client.insert_formatted_with("INSERT INTO t FORMAT CSV");
    writer.send(bytes::Bytes::from_static(b"1\n")).await.unwrap();
    let mut reader = client.query("SELECT number, repeat('x', 1000) FROM numbers(10000000)").fetch::<(u64, String)>().unwrap();
    assert!(reader.next().await.unwrap().is_some());
    let count = "SELECT count() FROM system.processes";
    eventually("both run", async || client.query(count).fetch_one::<u64>().await.unwrap() == 3).await;
    let library = crate::support::library();
    let TestEngine { supervisor, data } = engine;
    let pid = supervisor.pid().unwrap();
    supervisor.shutdown().await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    drop((reader, writer));

    let options =
        footfall_engine::SuperviseOptions { exe: crate::support::EXE.into(), data: data.path().to_owned(), library, memory_cap: None };
    let supervisor = footfall_engine::Supervisor::start(options).await.unwrap();
    let rows = crate::support::client(&supervisor.endpoint()).query("SELECT count() FROM t").fetch_one::<u64>().await.unwrap();
    assert_eq!(rows, 0);
    supervisor.shutdown().await;
}
