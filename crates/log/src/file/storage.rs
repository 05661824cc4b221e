//! All SQL of the file engine. Nothing here knows of tasks, queues or memory.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use footfall_model::{LogName, Offset};
use sea_orm::sqlx::{
    self, AssertSqlSafe, ConnectOptions, Connection, Row,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};
use uuid::Uuid;

use super::{chunk::Chunk, chunk::Sealed, writer::BookEntry};
use crate::{Committed, Intent, LogError};

/// SQLite's default; small enough that a lone event writes few bytes, large enough that a full group costs few pages.
pub(super) const PAGE_BYTES: u64 = 4_096;
/// A page in the write-ahead file carries a header of 24 bytes.
pub(super) const FRAME_BYTES: u64 = PAGE_BYTES + 24;
/// Written into the file; a build refuses files of another version.
const FORMAT: i64 = 1;
/// Rows looked at in one step of reading or removing.
const STEP_ROWS: i64 = 256;

const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS chunks (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, appended_ms INTEGER NOT NULL,
     checksum INTEGER NOT NULL, entries BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS groups (name TEXT PRIMARY KEY, next INTEGER, rebuild_from INTEGER, intent TEXT) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, topic TEXT NOT NULL,
     id TEXT NOT NULL, generation INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS probe (one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB) STRICT",
];

/// What tells one file from another of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: Uuid,
    pub generation: u32,
}

/// The two ends of the stored entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub start: Offset,
    pub end: Offset,
    pub last_ms: i64,
}

/// What a group left in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub committed: Option<Committed>,
    pub intent: Option<Intent>,
}

/// How far a checkpoint came, in pages of the write-ahead file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    pub complete: bool,
    pub pages: u64,
}

/// Opens a connection. `busy` bounds the wait for a lock that another connection holds.
pub(super) async fn connect(path: &Path, create: bool, busy: Duration) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        .page_size(PAGE_BYTES as u32)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // macOS: fsync alone does not reach the medium there. Ignored elsewhere.
        .pragma("fullfsync", "1")
        .pragma("checkpoint_fullfsync", "1")
        .pragma("wal_autocheckpoint", "0")
        .busy_timeout(busy)
        .disable_statement_logging()
        .connect()
        .await
}

/// Makes or checks the tables and registers groups.
pub(super) async fn prepare(
    conn: &mut SqliteConnection,
    name: LogName,
    first_generation: u32,
    groups: &[String],
) -> Result<Identity, LogError> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(plain)?;
    for statement in SCHEMA {
        sqlx::query(statement).execute(&mut *tx).await.map_err(plain)?;
    }
    sqlx::query("INSERT INTO meta VALUES (1, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(FORMAT)
        .bind(name.topic())
        .bind(Uuid::new_v4().to_string())
        .bind(i64::from(first_generation))
        .execute(&mut *tx)
        .await
        .map_err(plain)?;
    sqlx::query("INSERT INTO probe VALUES (1, NULL) ON CONFLICT DO NOTHING").execute(&mut *tx).await.map_err(plain)?;
    for group in groups {
        book(&mut tx, group, &BookEntry::Join).await.map_err(plain)?;
    }
    let row = sqlx::query("SELECT format, topic, id, generation FROM meta").fetch_one(&mut *tx).await.map_err(plain)?;
    tx.commit().await.map_err(plain)?;

    let format: i64 = row.try_get(0).map_err(plain)?;
    let topic: String = row.try_get(1).map_err(plain)?;
    let id: String = row.try_get(2).map_err(plain)?;
    let generation: i64 = row.try_get(3).map_err(plain)?;
    if format != FORMAT {
        return Err(LogError::fault(format!("the file has format {format}, this build reads {FORMAT}; run the version that wrote it")));
    }
    if topic != name.topic() {
        return Err(LogError::fault(format!("the file holds the log {topic}, not {}; put the right file back", name.topic())));
    }
    let id = id.parse().map_err(|_| LogError::fault("the file has no valid id; restore it from a backup"))?;
    let generation =
        u32::try_from(generation).map_err(|_| LogError::fault("the file has no valid generation; restore it from a backup"))?;
    Ok(Identity { id, generation })
}

/// Reads who the file is: after a reconnect it must be the same.
pub(super) async fn identity(conn: &mut SqliteConnection) -> Result<Identity, sqlx::Error> {
    let row = sqlx::query("SELECT id, generation FROM meta").fetch_one(conn).await?;
    Ok(Identity {
        id: row.try_get::<String, _>(0)?.parse().unwrap_or_default(),
        generation: u32::try_from(row.try_get::<i64, _>(1)?).unwrap_or_default(),
    })
}

/// Where the entries begin and end.
pub(super) async fn ends(conn: &mut SqliteConnection) -> Result<Ends, sqlx::Error> {
    let oldest = sqlx::query("SELECT first FROM chunks ORDER BY first LIMIT 1").fetch_optional(&mut *conn).await?;
    let newest =
        sqlx::query("SELECT first + count, appended_ms FROM chunks ORDER BY first DESC LIMIT 1").fetch_optional(&mut *conn).await?;
    match (oldest, newest) {
        (Some(oldest), Some(newest)) => Ok(Ends { start: unsigned(&oldest, 0)?, end: unsigned(&newest, 0)?, last_ms: newest.try_get(1)? }),
        _ => Ok(Ends { start: 0, end: 0, last_ms: 0 }),
    }
}

/// Stores a chunk and consumers' entries in one transaction, which is durable when this returns.
pub(super) async fn store(conn: &mut SqliteConnection, sealed: Option<&Sealed>, books: &[(String, BookEntry)]) -> Result<(), sqlx::Error> {
    if let (Some(sealed), true) = (sealed, books.is_empty()) {
        // A statement of its own is a transaction of its own: one round trip to the connection's thread instead of three.
        return insert(conn, sealed).await;
    }
    // Not the client's transaction type: on a full disk SQLite may have rolled back by itself, which that cannot follow.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
    let outcome = store_open(conn, sealed, books).await;
    if outcome.is_err() {
        let _ = sqlx::query("ROLLBACK").execute(conn).await;
    }
    outcome
}

async fn store_open(conn: &mut SqliteConnection, sealed: Option<&Sealed>, books: &[(String, BookEntry)]) -> Result<(), sqlx::Error> {
    if let Some(sealed) = sealed {
        insert(conn, sealed).await?;
    }
    for (group, entry) in books {
        book(conn, group, entry).await?;
    }
    sqlx::query("COMMIT").execute(conn).await.map(drop)
}

async fn insert(conn: &mut SqliteConnection, sealed: &Sealed) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO chunks VALUES (?, ?, ?, ?, ?)")
        .bind(sealed.chunk.first as i64)
        .bind(sealed.chunk.payloads.len() as i64)
        .bind(sealed.chunk.appended_ms)
        .bind(i64::from(sealed.checksum))
        .bind(&sealed.blob[..])
        .execute(conn)
        .await
        .map(drop)
}

async fn book(conn: &mut SqliteConnection, group: &str, entry: &BookEntry) -> Result<(), sqlx::Error> {
    let query = match entry {
        BookEntry::Join => sqlx::query("INSERT INTO groups (name) VALUES (?) ON CONFLICT DO NOTHING").bind(group),
        BookEntry::Intend(intent) => {
            sqlx::query("INSERT INTO groups (name, intent) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET intent = excluded.intent")
                .bind(group)
                .bind(intent)
        }
        BookEntry::Commit(committed) => sqlx::query(
            "INSERT INTO groups (name, next, rebuild_from) VALUES (?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET next = excluded.next, rebuild_from = excluded.rebuild_from, intent = NULL",
        )
        .bind(group)
        .bind(committed.next as i64)
        .bind(committed.rebuild_from as i64),
    };
    query.execute(conn).await.map(drop)
}

/// What a group left; the default for one that is not known.
pub(super) async fn place(conn: &mut SqliteConnection, group: &str) -> Result<Place, LogError> {
    let row = sqlx::query("SELECT next, rebuild_from, intent FROM groups WHERE name = ?")
        .bind(group)
        .fetch_optional(conn)
        .await
        .map_err(plain)?;
    let Some(row) = row else {
        return Ok(Place::default());
    };
    let next: Option<i64> = row.try_get(0).map_err(plain)?;
    let rebuild_from: Option<i64> = row.try_get(1).map_err(plain)?;
    let intent: Option<String> = row.try_get(2).map_err(plain)?;
    let intent = match intent {
        Some(text) => Some(serde_json::from_str(&text).map_err(|error| {
            LogError::fault(format!("the intent of group {group} cannot be read ({error}); restore the file from a backup"))
        })?),
        None => None,
    };
    let committed = next.map(|next| Committed { next: next as u64, rebuild_from: rebuild_from.unwrap_or(next) as u64 });
    Ok(Place { committed, intent })
}

/// Reads chunks up to about `max_bytes` and at least one, beginning with the one that holds `from` or else the next one.
pub(super) async fn load(conn: &mut SqliteConnection, from: Offset, max_bytes: u64) -> Result<Vec<Chunk>, LogError> {
    // Sizes first: rows are handed over whole, and a few of them can be hundreds of megabytes.
    let sizes = sqlx::query(
        "SELECT first, length(entries) FROM chunks
         WHERE first >= coalesce(
             (SELECT first FROM (SELECT first, count FROM chunks WHERE first <= ?1 ORDER BY first DESC LIMIT 1)
              WHERE first + count > ?1), ?1)
         ORDER BY first LIMIT ?2",
    )
    .bind(from as i64)
    .bind(STEP_ROWS)
    .fetch_all(&mut *conn)
    .await
    .map_err(plain)?;
    let Some(first) = sizes.first() else {
        return Ok(Vec::new());
    };
    let first: i64 = first.try_get(0).map_err(plain)?;
    let (mut last, mut bytes) = (first, 0);
    for row in &sizes {
        bytes += unsigned(row, 1).map_err(plain)?;
        if bytes > max_bytes {
            break;
        }
        last = row.try_get(0).map_err(plain)?;
    }
    let rows = sqlx::query("SELECT first, count, appended_ms, checksum, entries FROM chunks WHERE first BETWEEN ? AND ? ORDER BY first")
        .bind(first)
        .bind(last)
        .fetch_all(conn)
        .await
        .map_err(plain)?;
    let mut chunks: Vec<Chunk> = Vec::with_capacity(rows.len());
    // What stands before damage is still handed out; the damage is met again when it comes first.
    for row in &rows {
        match open(row) {
            Ok(chunk) if chunks.last().is_none_or(|before| before.end() == chunk.first) => chunks.push(chunk),
            Err(error) if chunks.is_empty() => return Err(error),
            Ok(_) | Err(_) => break,
        }
    }
    Ok(chunks)
}

fn open(row: &SqliteRow) -> Result<Chunk, LogError> {
    let first = unsigned(row, 0).map_err(plain)?;
    let count = unsigned(row, 1).map_err(plain)?;
    let appended_ms: i64 = row.try_get(2).map_err(plain)?;
    let checksum: i64 = row.try_get(3).map_err(plain)?;
    let blob: &[u8] = row.try_get(4).map_err(plain)?;
    u32::try_from(checksum)
        .ok()
        .and_then(|checksum| Chunk::open(first, count, appended_ms, checksum, Bytes::copy_from_slice(blob)))
        .ok_or_else(|| {
            LogError::fault(format!(
                "entries {first} to {} are damaged (checksum); restore the file from a backup, or move it away to begin anew",
                first.saturating_add(count.saturating_sub(1))
            ))
        })
}

/// Removes chunks that every group has committed past and that were appended before `before_ms`, oldest first, up to about
/// `at_most` bytes and one step of rows. Never the newest. Answers the bytes removed.
pub(super) async fn remove_consumed(conn: &mut SqliteConnection, before_ms: i64, at_most: u64) -> Result<u64, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT first, appended_ms, length(entries) FROM chunks
         WHERE first < (SELECT min(coalesce(next, 0)) FROM groups)
           AND first + count <= (SELECT min(coalesce(next, 0)) FROM groups)
           AND first < (SELECT max(first) FROM chunks)
         ORDER BY first LIMIT ?",
    )
    .bind(STEP_ROWS)
    .fetch_all(&mut *conn)
    .await?;
    let (mut last, mut bytes) = (None, 0);
    for row in &rows {
        let appended_ms: i64 = row.try_get(1)?;
        if appended_ms >= before_ms || bytes >= at_most {
            break;
        }
        last = Some(row.try_get::<i64, _>(0)?);
        // At least a page goes with each row in the end.
        bytes += unsigned(row, 2)?.max(1);
    }
    let Some(last) = last else { return Ok(0) };
    sqlx::query("DELETE FROM chunks WHERE first <= ?").bind(last).execute(conn).await?;
    Ok(bytes)
}

/// Copies pages of the write-ahead file into the file. `restart`: also waits for readers, so that the next commit begins at its start.
pub(super) async fn checkpoint(conn: &mut SqliteConnection, restart: bool) -> Result<Checkpoint, sqlx::Error> {
    let statement = if restart { "PRAGMA wal_checkpoint(RESTART)" } else { "PRAGMA wal_checkpoint(PASSIVE)" };
    let row = sqlx::query(statement).fetch_one(conn).await?;
    let (busy, pages, copied): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(Checkpoint { complete: busy == 0 && pages == copied, pages: u64::try_from(pages).unwrap_or_default() })
}

/// (pages of the file, free ones among them).
pub(super) async fn pages(conn: &mut SqliteConnection) -> Result<(u64, u64), sqlx::Error> {
    let pages = sqlx::query("PRAGMA page_count").fetch_one(&mut *conn).await?;
    let free = sqlx::query("PRAGMA freelist_count").fetch_one(&mut *conn).await?;
    Ok((unsigned(&pages, 0)?, unsigned(&free, 0)?))
}

/// Takes free pages off the end of the file, at most `pages` of them.
pub(super) async fn vacuum(conn: &mut SqliteConnection, pages: u64) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(format!("PRAGMA incremental_vacuum({pages})"))).execute(conn).await.map(drop)
}

/// Bounds the file on this connection. It cannot be bounded below its present size.
pub(super) async fn limit_pages(conn: &mut SqliteConnection, pages: u64) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).execute(conn).await.map(drop)
}

/// Writes so many bytes durably and gives the space back.
pub(super) async fn probe(conn: &mut SqliteConnection, bytes: usize) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE probe SET data = zeroblob(?)").bind(bytes as i64).execute(&mut *conn).await?;
    sqlx::query("UPDATE probe SET data = NULL").execute(conn).await.map(drop)
}

/// The disk or the bound of the file is reached.
pub(super) fn is_full(error: &sqlx::Error) -> bool {
    /// SQLITE_FULL; the upper bits of an extended code say more.
    const FULL: i32 = 13;
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == FULL)
}

/// An error of SQLite as a person reads it.
pub(super) fn plain(error: sqlx::Error) -> LogError {
    LogError::fault(match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    })
}

fn unsigned(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    let value: Option<i64> = row.try_get(column)?;
    Ok(u64::try_from(value.unwrap_or_default()).unwrap_or_default())
}
