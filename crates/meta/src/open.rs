//! Opening the database by URL, and bringing its schema up to date.
//!
//! Replicas that start together migrate one after the other: the whole migration is one transaction that holds SQLite's
//! write lock, or a lock by number on PostgreSQL (bound to the transaction, so it also works through PgBouncer).
//!
//! **PostgreSQL's URL** is libpq's: `sslmode=verify-full`, `sslrootcert=…`, `sslcert=…`, `sslkey=…` and the rest go to the driver as they are.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DbErr, RuntimeErr,
    sqlx::{self, ConnectOptions as _, Connection, Row, error::DatabaseError, postgres::PgConnectOptions, sqlite::SqliteConnectOptions},
};
use sea_orm_migration::MigratorTrait;

use crate::{Meta, MetaError, db::Db, migration::Migrator};

/// How long a writer waits for the one before it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two attempts where SQLite itself does not wait.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// SQLite's result code of a lock that another connection holds.
const SQLITE_BUSY: u32 = 5;
/// SQLite readers run beside one writer; more connections only cost memory.
const SQLITE_CONNECTIONS: u32 = 4;
/// For a connection to PostgreSQL, from the pool or new: callers hear soon that it is away.
const ACQUIRE: Duration = Duration::from_secs(3);
/// A setting that only a connection to PostgreSQL itself takes along: see [`is_pooled`].
const DIRECT: &str = "footfall.direct";
/// Per process; small, as PostgreSQL's default is 100 for all replicas together.
const POSTGRES_CONNECTIONS: u32 = 8;
/// Any number that no other program takes locks by: "footmigr" in ASCII.
const MIGRATION_LOCK: i64 = 0x666f_6f74_6d69_6772;
/// Passwords hashed at once, in memory of 19 MiB each.
const PARALLEL_HASHES: usize = 2;

impl Meta {
    /// Opens the database and migrates it. `sqlite:PATH` makes the file (readable by its owner only) and its folder.
    ///
    /// # Errors
    /// When the URL is not understood, the database cannot be reached, or a migration fails.
    pub async fn open(url: &str) -> Result<Self, MetaError> {
        let meta = Self::connect(url).await?;
        meta.migrate().await?;
        Ok(meta)
    }

    /// Opens the database as it is.
    ///
    /// # Errors
    /// When the URL is not understood or the database cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, MetaError> {
        let mut pooled = false;
        let mut options = match url.split_once(':') {
            Some(("sqlite", rest)) => sqlite_options(rest).await?,
            Some(("postgres" | "postgresql", _)) => {
                pooled = is_pooled(url).await?;
                let mut options = ConnectOptions::new(url);
                options.max_connections(POSTGRES_CONNECTIONS).set_application_name("footfall");
                options.acquire_timeout(ACQUIRE).connect_timeout(ACQUIRE);
                if pooled {
                    options.map_sqlx_postgres_opts(|options| options.statement_cache_capacity(0).extra_float_digits(None));
                }
                options
            }
            _ => {
                return Err(MetaError::Url(
                    "the accounts database is sqlite:PATH or postgres://user:password@host/name; set DATABASE_URL".into(),
                ));
            }
        };
        options.sqlx_logging(false).record_stmt_in_spans(false);
        let db = Database::connect(options).await?;
        Ok(Self { db: Db::new(db, pooled), hashing: Arc::new(tokio::sync::Semaphore::new(PARALLEL_HASHES)) })
    }

    /// Applies what is missing, all or nothing.
    ///
    /// # Errors
    /// When a migration fails; nothing is changed then.
    pub async fn migrate(&self) -> Result<(), MetaError> {
        if self.pending_migrations().await?.is_empty() {
            return Ok(());
        }
        let txn = self.begin().await?;
        if self.is_postgres() {
            txn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
        }
        Migrator::up(txn.inner(), None).await?;
        txn.commit().await?;
        Ok(())
    }

    /// The names of the migrations that [`Meta::migrate`] would apply; changes nothing.
    ///
    /// # Errors
    /// When the database fails, or holds a migration that this version does not know.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, MetaError> {
        let txn = self.snapshot().await?;
        let pending = Migrator::get_pending_migrations_read_only(txn.inner()).await?;
        txn.commit().await?;
        Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
    }
}

/// Whether something between us and PostgreSQL shares its connections among clients. A setting that is sent along when connecting arrives at PostgreSQL;
/// PgBouncer refuses it, or drops it where it is told to ignore what it does not know.
async fn is_pooled(url: &str) -> Result<bool, MetaError> {
    let failed = |error: sqlx::Error| MetaError::Database(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))));
    let options: PgConnectOptions = url.parse().map_err(|error| {
        MetaError::Url(format!("the URL of the accounts database is not understood: {error}; see libpq's connection URIs"))
    })?;
    let probe = async {
        let mut connection = match options.extra_float_digits(None).options([(DIRECT, "1")]).disable_statement_logging().connect().await {
            Ok(connection) => connection,
            Err(sqlx::Error::Database(error)) if error.message().contains("unsupported startup parameter") => return Ok(true),
            Err(error) => return Err(error),
        };
        let question = sqlx::raw_sql("SELECT coalesce(current_setting('footfall.direct', true), '') AS direct");
        let arrived = question.fetch_one(&mut connection).await?.try_get::<String, _>("direct")? == "1";
        connection.close().await?;
        Ok(!arrived)
    };
    let silent = || MetaError::Database(DbErr::Conn(RuntimeErr::Internal(format!("no answer within {} s", BUSY_TIMEOUT.as_secs()))));
    tokio::time::timeout(BUSY_TIMEOUT, probe).await.map_err(|_| silent())?.map_err(failed)
}

async fn sqlite_options(rest: &str) -> Result<ConnectOptions, MetaError> {
    let text = rest.strip_prefix("//").unwrap_or(rest);
    if text.is_empty() || text.starts_with(':') || text.contains('?') {
        return Err(MetaError::Url("a local accounts database is sqlite:PATH, for example sqlite:./data/footfall.db".into()));
    }
    let path = Path::new(text).to_owned();
    let shown = path.display().to_string();
    let failed = |error: &dyn std::error::Error| {
        MetaError::Url(format!("cannot open the accounts database {shown}: {error}; check that it is one, its owner and the free space"))
    };
    prepare_file(&path).map_err(|error| failed(&error))?;
    let configure = move |sqlite: SqliteConnectOptions| {
        sqlite
            .filename(&path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_mode", "WAL")
            // Accounts change rarely, and a salt that is lost in a power cut splits a day's visitors in two.
            .pragma("synchronous", "FULL")
            // Deleted salts and tokens are overwritten, not only unlinked.
            .pragma("secure_delete", "ON")
    };
    begin_wal(&configure(SqliteConnectOptions::new())).await.map_err(|error| failed(&error))?;
    // The real path is set by `configure`, so that no character of it needs escaping.
    let mut options = ConnectOptions::new("sqlite:footfall.db");
    options.acquire_timeout(BUSY_TIMEOUT).connect_timeout(BUSY_TIMEOUT);
    options.max_connections(SQLITE_CONNECTIONS).map_sqlx_sqlite_opts(configure);
    Ok(options)
}

/// Switches a new file to its write-ahead log, which the file then remembers. Of processes that do so at once SQLite refuses all but one without
/// waiting, as each already reads: they try again.
async fn begin_wal(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let end = Instant::now() + BUSY_TIMEOUT;
    loop {
        match options.clone().disable_statement_logging().connect().await {
            Ok(connection) => return connection.close().await,
            Err(sqlx::Error::Database(error)) if is_busy(&*error) && Instant::now() < end => tokio::time::sleep(BUSY_PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

/// Extended result codes have the primary one in their lowest byte.
fn is_busy(error: &dyn DatabaseError) -> bool {
    error.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// Makes the file before SQLite does, closed to other users of the machine; its WAL inherits the mode.
fn prepare_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut open = std::fs::OpenOptions::new();
    open.create_new(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        open.mode(0o600);
    }
    match open.open(path) {
        // Never closed: that would give up the locks that SQLite may already hold on it in this process.
        Ok(file) => std::mem::forget(file),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
