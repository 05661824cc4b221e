//! What only the file engine can get wrong: crashes, a full disk, removal, two processes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use common::{LONG, Reader, append_each, entry, limit, options, text, until};
use footfall_log::{
    AppendError, Committed, EventLog, Polled, StartAt,
    file::{FileLog, FileLogOptions},
};
use footfall_model::LogName;
use sea_orm::sqlx::{Connection, SqliteConnection};

const HELPER: &str = env!("CARGO_BIN_EXE_footfall-log-append");

async fn range(log: &FileLog) -> (u64, u64) {
    let (_, _, start, end) = log.status().await.partitions[0];
    (start, end)
}

async fn commit(log: &FileLog, group: &str, next: u64) {
    let mut sub = log.subscribe(group, StartAt::Committed).await.unwrap();
    sub.commit(0, &Committed { next, rebuild_from: next }).await.unwrap();
}

/// Kills a process in the middle of its work, three times over the same file, and looks for everything it had acknowledged.
#[tokio::test]
async fn whatever_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for (callers, kill_after) in [("64", 4_000), ("1", 150), ("16", 1_500)] {
        let mut child = Command::new(HELPER).args(["load", dir.path().to_str().unwrap(), callers]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut note = |line: String| {
            let mut words = line.split(' ').skip(1);
            let offset: u64 = words.next().unwrap().parse().unwrap();
            assert_eq!(acknowledged.insert(offset, words.next().unwrap().to_owned()), None, "an offset was given twice");
        };
        lines.by_ref().take(kill_after).for_each(&mut note);
        let refused = FileLog::open(options(dir.path())).await.err().expect("the other process has it open");
        assert!(refused.to_string().contains(&format!("process {}", child.id())), "{refused}");
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(&mut note);
    }
    let log = FileLog::open(options(dir.path())).await.unwrap();
    let (start, end) = range(&log).await;
    assert_eq!(start, 0);
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let stored: BTreeMap<u64, String> = reader.take(end as usize).await.iter().map(|entry| (entry.offset, text(entry))).collect();
    assert_eq!(stored.len() as u64, end, "offsets have no gaps");
    for (offset, text) in &acknowledged {
        assert_eq!(stored.get(offset), Some(text), "offset {offset}");
    }
}

/// A file system of 6 MB that fills up. Where it cannot be mounted (no root, no user namespaces), a limit on the size of files.
#[test]
fn a_full_disk_refuses_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    const MOUNT: &str = "mount -t tmpfs -o size=6m tmpfs \"$1\"";
    let namespaces: [&[&str]; 2] = [&["-m"], &["-U", "-r", "-m"]];
    let usable = namespaces.into_iter().find(|flags| {
        let tried = Command::new("unshare").args(*flags).args(["sh", "-c", MOUNT, "sh", path]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    });
    let mut command = match usable {
        // A mount of its own that ends with the process.
        Some(flags) => {
            let mut command = Command::new("unshare");
            command.args(flags).args(["sh", "-c", &format!("{MOUNT} && exec \"$2\" fill \"$1\""), "sh", path, HELPER]);
            command
        }
        // 2 MB and a bit: the ballast just fits. The soft limit is raised from outside.
        None => {
            let mut command = Command::new("sh");
            command.args(["-c", "trap '' XFSZ; ulimit -S -f 4200; exec \"$2\" fill \"$1\"", "sh", path, HELPER]);
            command
        }
    };
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let refused = lines.next().expect("the process tells that it was refused");
    if usable.is_some() {
        assert!(refused.starts_with("refused Full"), "{refused}");
    } else {
        assert!(refused.starts_with("refused "), "{refused}");
        let raised = Command::new("prlimit").args(["--pid", &child.id().to_string(), "--fsize=unlimited:"]).status().unwrap();
        assert!(raised.success());
    }
    child.stdin.take().unwrap().write_all(b"freed\n").unwrap();
    assert_eq!(lines.next().as_deref(), Some("accepted"));
    assert!(lines.next().is_some_and(|line| line.starts_with("read ")));
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn at_its_bound_it_refuses_keeps_what_is_unread_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let mut small = options(dir.path());
    small.max_bytes = 2 << 20;
    let log = FileLog::open(small).await.unwrap();
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let payload = "z".repeat(5_000);
    let mut accepted = 0;
    let refused = loop {
        match log.append(vec![entry(&payload)]).await.remove(0) {
            Ok(position) => assert_eq!(position.offset, accepted),
            Err(error) => break error,
        }
        accepted += 1;
    };
    assert!(matches!(refused, AppendError::Full(_)), "{refused:?}");
    assert!(accepted > 100, "{accepted}");
    let status = log.status().await;
    assert!(!status.accepting && status.fault.is_some());
    assert!(status.bytes <= status.bytes_limit, "{status:?}");
    assert!(matches!(log.append(vec![entry("at once")]).await[0], Err(AppendError::Full(_))));

    let entries = reader.take(accepted as usize).await;
    assert!(entries.iter().all(|entry| entry.payload == payload.as_bytes()), "nothing unread is dropped");
    reader.sub.intend(0, &common::intent(0, accepted - 1)).await.expect("consumers get through");
    reader.sub.commit(0, &Committed { next: accepted / 2, rebuild_from: 0 }).await.unwrap();
    until("appends are accepted again", async || log.status().await.accepting).await;
    let position = log.append(vec![entry("again")]).await.remove(0).unwrap();
    assert_eq!(position.offset, accepted);
    let (start, _) = range(&log).await;
    assert!(start > 0 && start <= accepted / 2, "only consumed entries made room, {start}");
    assert_eq!(reader.texts(1).await, ["again"]);
}

#[tokio::test]
async fn consumed_entries_make_room_before_anything_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut small = options(dir.path());
    small.max_bytes = 2 << 20;
    let log = FileLog::open(small).await.unwrap();
    let payload = "z".repeat(20_000);
    for n in 0..600 {
        log.append(vec![entry(&payload)]).await.remove(0).unwrap();
        if n % 20 == 19 {
            commit(&log, "stored", n).await;
        }
    }
    let status = log.status().await;
    assert!(status.bytes < status.bytes_limit * 3 / 2, "12 MB went through {status:?}");
}

#[tokio::test]
async fn retention_removes_only_what_every_group_has_consumed() {
    let dir = tempfile::tempdir().unwrap();
    let mut short = options(dir.path());
    short.retention = Duration::ZERO;
    short.groups = vec!["a".into(), "b".into()];
    let log = FileLog::open(short.clone()).await.unwrap();
    append_each(&log, 300).await;
    commit(&log, "a", 200).await;
    log.tidy().await.unwrap();
    assert_eq!(range(&log).await, (0, 300), "b has not come yet");
    commit(&log, "b", 100).await;
    log.tidy().await.unwrap();
    assert_eq!(range(&log).await, (100, 300));
    let mut b = Reader::open(&*log, "b", StartAt::Committed).await;
    assert_eq!(b.texts(200).await.first().map(String::as_str), Some("100"));
    let mut late = Reader::open(&*log, "late", StartAt::Offset(5)).await;
    assert_eq!(late.take(1).await[0].offset, 100, "a reader without commits goes on at the oldest");
    assert!(late.sub.reread(0, 99, 101).await.is_err());

    for group in ["a", "b"] {
        commit(&log, group, 300).await;
    }
    log.tidy().await.unwrap();
    assert_eq!(range(&log).await, (299, 300), "the newest stays, it holds the next offset");
    log.close().await;
    let log = FileLog::open(short).await.unwrap();
    assert_eq!(log.append(vec![entry("x")]).await.remove(0).unwrap().offset, 300);
}

#[tokio::test]
async fn consumed_entries_stay_for_the_retention() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(options(dir.path())).await.unwrap();
    append_each(&log, 20).await;
    commit(&log, "a", 20).await;
    log.tidy().await.unwrap();
    assert_eq!(range(&log).await, (0, 20));
}

#[tokio::test]
async fn removed_entries_give_their_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut short = options(dir.path());
    short.retention = Duration::ZERO;
    let log = FileLog::open(short).await.unwrap();
    let large = "w".repeat(1 << 20);
    for _ in 0..80 {
        log.append(vec![entry(&large)]).await.remove(0).unwrap();
    }
    commit(&log, "a", 80).await;
    log.tidy().await.unwrap();
    let file = std::fs::metadata(dir.path().join("page_views.db")).unwrap().len();
    assert!(file < 40 << 20, "80 MB were stored, {file} bytes are left");
}

#[tokio::test]
async fn the_write_ahead_file_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(options(dir.path())).await.unwrap();
    let large = "w".repeat(4 << 20);
    for _ in 0..60 {
        log.append(vec![entry(&large)]).await.remove(0).unwrap();
    }
    let wal = std::fs::metadata(dir.path().join("page_views.db-wal")).unwrap().len();
    assert!(wal < 100 << 20, "240 MB were stored, the write-ahead file has {wal} bytes");
}

#[tokio::test]
async fn a_foreign_reader_cannot_grow_the_write_ahead_file_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut small = options(dir.path());
    small.max_bytes = 16 << 20;
    let log = FileLog::open(small).await.unwrap();
    append_each(&log, 1).await;
    let url = format!("sqlite://{}", dir.path().join("page_views.db").display());
    let mut foreign = SqliteConnection::connect(&url).await.unwrap();
    sea_orm::sqlx::query("BEGIN").execute(&mut foreign).await.unwrap();
    sea_orm::sqlx::query("SELECT count(*) FROM chunks").fetch_one(&mut foreign).await.unwrap();
    let large = "w".repeat(100_000);
    let mut accepted = 1;
    let refused = loop {
        match log.append(vec![entry(&large)]).await.remove(0) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(refused.to_string().contains("open for reading"), "{refused}");
    assert!(accepted < 120, "{accepted}");
    sea_orm::sqlx::query("COMMIT").execute(&mut foreign).await.unwrap();
    until("appends are accepted again", async || log.status().await.accepting).await;
    assert_eq!(log.append(vec![entry("again")]).await.remove(0).unwrap().offset, accepted);
}

#[tokio::test]
async fn a_file_removed_in_use_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(options(dir.path())).await.unwrap();
    append_each(&log, 1).await;
    std::fs::remove_file(dir.path().join("page_views.db")).unwrap();
    assert!(matches!(log.append(vec![entry("lost")]).await[0], Err(AppendError::Unavailable(_))));
    assert!(!log.status().await.accepting);
}

#[tokio::test]
async fn one_folder_has_one_owner_until_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(options(dir.path())).await.unwrap();
    let error = FileLog::open(options(dir.path())).await.err().unwrap();
    assert!(error.to_string().contains("in use by process"), "{error}");
    let import = FileLogOptions::new(dir.path(), LogName::Import);
    FileLog::open(import).await.expect("the other log has a file and a lock of its own").close().await;
    log.close().await;
    assert!(matches!(log.append(vec![entry("late")]).await[0], Err(AppendError::Unavailable(_))));
    FileLog::open(options(dir.path())).await.expect("closing releases it");
}

#[tokio::test]
async fn dropping_it_releases_the_folder_too() {
    let dir = tempfile::tempdir().unwrap();
    drop(FileLog::open(options(dir.path())).await.unwrap());
    until("the folder is free", async || FileLog::open(options(dir.path())).await.is_ok()).await;
}

#[tokio::test]
async fn a_new_file_is_told_from_the_old() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(options(dir.path())).await.unwrap();
    let old = (log.id(), log.generation());
    log.close().await;
    let mut next = options(dir.path());
    next.first_generation = 1;
    let log = FileLog::open(next.clone()).await.unwrap();
    assert_eq!((log.id(), log.generation()), old, "the file is still there");
    log.close().await;
    std::fs::remove_file(dir.path().join("page_views.db")).unwrap();
    let log = FileLog::open(next).await.unwrap();
    assert_ne!(log.id(), old.0);
    assert_eq!(log.append(vec![entry("x")]).await.remove(0).unwrap().generation, 1);
}

#[tokio::test]
async fn a_waiting_reader_learns_of_the_close() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(options(dir.path())).await.unwrap();
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let waiting = tokio::spawn(async move { reader.sub.poll(LONG, limit(1)).await });
    log.close().await;
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test]
async fn a_call_larger_than_a_chunk_keeps_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(options(dir.path())).await.unwrap();
    let answers = log.append((0..20_000).map(|n| entry(&n.to_string())).collect()).await;
    let offsets: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().offset).collect();
    assert_eq!(offsets, (0..20_000).collect::<Vec<_>>());
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    assert!(reader.texts(20_000).await.iter().enumerate().all(|(n, text)| *text == n.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removal_and_checkpoints_go_on_under_load() {
    let dir = tempfile::tempdir().unwrap();
    let mut busy = options(dir.path());
    busy.retention = Duration::ZERO;
    busy.max_bytes = 8 << 20;
    busy.tail_bytes = 1 << 20;
    let log = FileLog::open(busy).await.unwrap();
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let appender = {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let payload = "v".repeat(2_000);
            let mut appended = 0;
            while appended < 20_000 {
                let answers = log.append((0..100).map(|_| entry(&payload)).collect()).await;
                if answers.iter().all(Result::is_ok) {
                    appended += 100;
                } else {
                    assert!(answers.iter().all(Result::is_err), "a call of one chunk is stored as a whole or not at all");
                    tokio::task::yield_now().await;
                }
            }
        })
    };
    let mut next = 0;
    while next < 20_000 {
        let Polled::Entries { entries, .. } = reader.sub.poll(LONG, limit(500)).await.unwrap() else { panic!("nothing came") };
        for entry in entries {
            assert_eq!(entry.offset, next);
            next += 1;
        }
        reader.sub.commit(0, &Committed { next, rebuild_from: next }).await.unwrap();
        log.tidy().await.unwrap();
    }
    appender.await.unwrap();
    assert_eq!(range(&log).await.1, 20_000);
    let status = log.status().await;
    assert!(status.bytes < 16 << 20, "40 MB went through {status:?}");
}
