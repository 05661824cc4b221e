//! A damaged file is reported, never followed and never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::{collections::BTreeMap, path::Path, time::Duration};

use common::{LONG, Reader, append_each, entry, limit, options};
use footfall_log::{EventLog, LogError, Polled, StartAt, file::FileLog};
use proptest::prelude::*;
use sea_orm::sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

async fn sql(dir: &Path, statement: &'static str) {
    let url = format!("sqlite://{}", dir.join("page_views.db").display());
    let mut conn = SqliteConnection::connect(&url).await.unwrap();
    sea_orm::sqlx::query(statement).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

async fn damaged(statement: &'static str) -> (TempDir, LogError) {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(options(dir.path())).await.unwrap();
    append_each(&log, 10).await;
    log.close().await;
    sql(dir.path(), statement).await;
    let log = FileLog::open(options(dir.path())).await.unwrap();
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let error = loop {
        match reader.sub.poll(LONG, limit(1)).await {
            Ok(Polled::Entries { .. }) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    (dir, error)
}

#[tokio::test]
async fn a_changed_payload_is_reported() {
    let (_dir, error) = damaged("UPDATE chunks SET entries = zeroblob(length(entries)) WHERE first = 4").await;
    assert!(error.to_string().contains("entries 4 to 4 are damaged"), "{error}");
    assert!(error.to_string().contains("page_views.db"), "{error}");
}

#[tokio::test]
async fn a_changed_count_is_reported() {
    let (_dir, error) = damaged("UPDATE chunks SET count = 2 WHERE first = 9").await;
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_lost_row_is_reported() {
    let (_dir, error) = damaged("DELETE FROM chunks WHERE first = 4").await;
    assert!(error.to_string().contains("entries 4 to 4 are missing"), "{error}");
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("page_views.db"), vec![7; 10_000]).unwrap();
    let error = FileLog::open(options(dir.path())).await.err().unwrap();
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_file_of_another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    FileLog::open(options(dir.path())).await.unwrap().close().await;
    sql(dir.path(), "UPDATE meta SET format = 99").await;
    let error = FileLog::open(options(dir.path())).await.err().unwrap();
    assert!(error.to_string().contains("format 99"), "{error}");
}

#[derive(Debug)]
struct Sample {
    dir: TempDir,
    runtime: tokio::runtime::Runtime,
}

fn sample() -> Sample {
    let (dir, runtime) = (tempfile::tempdir().unwrap(), tokio::runtime::Runtime::new().unwrap());
    runtime.block_on(async {
        let log = FileLog::open(options(dir.path())).await.unwrap();
        for n in 0..30 {
            log.append((0..n % 5 + 1).map(|_| entry(&"a".repeat(n * 37))).collect()).await;
        }
        log.close().await;
    });
    Sample { dir, runtime }
}

/// Everything readable from a possibly damaged file, up to the first error.
async fn read_all(dir: &Path) -> Result<Vec<(u64, usize)>, LogError> {
    let log = FileLog::open(options(dir)).await?;
    let mut seen = Vec::new();
    let outcome = async {
        let mut sub = log.subscribe("stored", StartAt::Offset(0)).await?;
        sub.follow(&[0].into()).await?;
        loop {
            match sub.poll(Duration::ZERO, limit(7)).await {
                Ok(Polled::Entries { entries, .. }) => seen.extend(entries.iter().map(|entry| (entry.offset, entry.payload.len()))),
                Ok(Polled::Assigned(_)) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
    .await;
    log.close().await;
    outcome.map(|()| seen)
}

#[test]
fn flipped_bytes_never_panic_and_never_give_wrong_entries() {
    let whole = sample();
    let original = std::fs::read(whole.dir.path().join("page_views.db")).unwrap();
    let expected: BTreeMap<u64, usize> = whole.runtime.block_on(read_all(whole.dir.path())).unwrap().into_iter().collect();
    assert_eq!(expected.len(), 90);
    proptest!(ProptestConfig::with_cases(60), |(at in any::<prop::sample::Index>(), bit in 0_u32..8)| {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = original.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        std::fs::write(dir.path().join("page_views.db"), bytes).unwrap();
        if let Ok(seen) = whole.runtime.block_on(read_all(dir.path())) {
            prop_assert!(seen.is_sorted());
            for (offset, length) in seen {
                prop_assert_eq!(expected.get(&offset), Some(&length));
            }
        }
    });
}
