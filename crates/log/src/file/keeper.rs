//! The keeper: checkpoints apart from appends, removal of consumed chunks, giving back free pages.

use std::{
    fs::File,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use sea_orm::sqlx::{Connection, sqlite::SqliteConnection};
use tokio::time::Instant;

use super::{
    shared::{Shared, now_ms},
    storage,
};
use crate::LogError;

/// Retention is looked after this often.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// A checkpoint that failed or did not finish is tried again after this.
const RETRY: Duration = Duration::from_millis(500);
/// The last pages are copied with the writer held back: waiting for a reader must not hold it longer than this.
const BUSY: Duration = Duration::from_millis(50);
/// From here on consumed chunks go whatever their age, so that the writer need not make room while appends wait.
const CROWDED_PERCENT: u64 = 90;
/// Removed in one transaction: some milliseconds.
const STEP_BYTES: u64 = 4 << 20;
/// Taken off the file's end in one transaction.
const STEP_PAGES: u64 = 256;
/// Free pages are kept for reuse up to this number or a quarter of the file.
const SPARE_PAGES: u64 = 4_096;

pub(super) async fn run(shared: Arc<Shared>, _held: Arc<File>) {
    let mut tip = shared.tip.subscribe();
    let mut next_tidy = Instant::now();
    let mut retry = None;
    loop {
        let wake_at = retry.map_or(next_tidy, |at: Instant| at.min(next_tidy));
        tokio::select! {
            _ = tip.wait_for(|tip| tip.closed) => break,
            () = shared.keeper_wake.notified() => {}
            () = tokio::time::sleep_until(wake_at) => {}
        }
        let outcome = if Instant::now() >= next_tidy {
            next_tidy = Instant::now() + TIDY_EVERY;
            tidy(&shared).await
        } else {
            checkpoint(&shared).await
        };
        if let Err(error) = &outcome {
            tracing::warn!(log = shared.topic(), %error, "the event log could not be tidied; trying again");
        }
        let unfinished = outcome.is_err() || shared.wal_bytes.load(Ordering::Acquire) >= shared.wal_limit;
        retry = unfinished.then(|| Instant::now() + RETRY);
    }
    let conn = shared.keep.lock().await.take();
    if let Some(conn) = conn {
        let _ = conn.close().await;
    }
}

/// Removes consumed chunks beyond the retention (or whatever their age near the bound), gives back free pages, checkpoints.
pub(super) async fn tidy(shared: &Shared) -> Result<(), LogError> {
    let retention = i64::try_from(shared.options.retention.as_millis()).unwrap_or(i64::MAX);
    let before_ms = now_ms().saturating_sub(retention).saturating_add(1);
    // The writer gets its turn between any two steps: the lock is fair.
    while step(shared, async |conn| {
        let (pages, free) = storage::pages(conn).await?;
        let crowded = pages - free > shared.page_limit() / 100 * CROWDED_PERCENT;
        let before_ms = if crowded { i64::MAX } else { before_ms };
        Ok(storage::remove_consumed(conn, before_ms, STEP_BYTES).await? > 0)
    })
    .await?
    {}
    while step(shared, async |conn| {
        let (pages, free) = storage::pages(conn).await?;
        let spare = SPARE_PAGES.max(pages / 4);
        if free > spare {
            storage::vacuum(conn, STEP_PAGES.min(free - spare)).await?;
        }
        Ok(free > spare)
    })
    .await?
    {}
    checkpoint(shared).await
}

/// One short transaction on the writer's connection. Nothing to do while that is away.
async fn step(
    shared: &Shared,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<bool, sea_orm::sqlx::Error>,
) -> Result<bool, LogError> {
    let mut write = shared.write.lock().await;
    let Some(conn) = write.as_mut() else {
        return Ok(false);
    };
    let more = work(conn).await;
    refresh_start(shared, conn).await;
    more.map_err(|error| shared.about(storage::plain(error)))
}

/// Makes room by removing consumed chunks whatever their age. Runs in the writer. `true` if anything was removed.
pub(super) async fn make_room(shared: &Shared, conn: &mut SqliteConnection, needed: u64) -> bool {
    // A little more than asked for, so that this is not done for each group.
    let wanted = (needed * 2).max(shared.options.max_bytes / 64);
    let mut removed = 0;
    while removed < wanted {
        match storage::remove_consumed(conn, i64::MAX, STEP_BYTES.min(wanted - removed)).await {
            Ok(0) | Err(_) => break,
            Ok(bytes) => removed += bytes,
        }
    }
    if removed > 0 {
        refresh_start(shared, conn).await;
        tracing::warn!(log = shared.topic(), removed_bytes = removed, "the event log is at its bound: consumed entries went early");
    }
    removed > 0
}

async fn refresh_start(shared: &Shared, conn: &mut SqliteConnection) {
    if let Ok(ends) = storage::ends(conn).await {
        shared.start.store(ends.start, Ordering::Release);
    }
}

/// Copies the write-ahead file while appends go on, then the rest with the writer held back.
async fn checkpoint(shared: &Shared) -> Result<(), LogError> {
    let about = |error| shared.about(storage::plain(error));
    let mut keep = shared.keep.lock().await;
    let conn = match keep.take() {
        Some(conn) => keep.insert(conn),
        None => keep.insert(storage::connect(&shared.path, false, BUSY).await.map_err(about)?),
    };
    if let Err(error) = storage::checkpoint(conn, false).await {
        *keep = None;
        return Err(about(error));
    }
    let _writer_waits = shared.write.lock().await;
    note(shared, storage::checkpoint(conn, true).await);
    Ok(())
}

/// Copies what it can at once, for the writer itself: it must not wait for readers. Without any, the next commit begins at the
/// start of the write-ahead file here too.
pub(super) async fn help_checkpoint(shared: &Shared, conn: &mut SqliteConnection) {
    note(shared, storage::checkpoint(conn, false).await);
}

fn note(shared: &Shared, outcome: Result<storage::Checkpoint, sea_orm::sqlx::Error>) {
    match outcome {
        Ok(done) if done.complete => shared.wal_bytes.store(0, Ordering::Release),
        Ok(done) => shared.wal_bytes.store(done.pages * storage::FRAME_BYTES, Ordering::Release),
        Err(error) => tracing::warn!(log = shared.topic(), %error, "a checkpoint of the event log failed; trying again"),
    }
}
