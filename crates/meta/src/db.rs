//! The connection, and what PostgreSQL behind PgBouncer needs.
//!
//! **Transaction pooling.** Between transactions PgBouncer hands a session to somebody else, while the driver prepares each statement in one exchange
//! and runs it in the next, under names that all clients count from one. So behind PgBouncer every statement runs in a transaction of its own, nothing
//! prepared is kept, and each transaction first clears what the session before it has left (`DEALLOCATE ALL`). That makes six exchanges of one: 1.6 ms
//! a statement where it was 0.8 (one busy machine); the accounts are asked a few times a second. `open.rs` finds out by itself whether it is needed.
//!
//! **Bounded waits.** A PostgreSQL that is stopped but not gone holds its connections open. A statement gives up after [`STATEMENT`], taking a connection
//! from the pool after the pool's own limit; the pool replaces what turns out broken. SQLite waits in `busy_timeout` alone.

use std::{future::Future, pin::Pin, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, TransactionOptions, TransactionTrait,
};

/// Far longer than any statement of ours, a wait for another writer of the same hour included.
const STATEMENT: Duration = Duration::from_secs(10);
/// A sign of life.
const PING: Duration = Duration::from_secs(3);
/// `VACUUM (FULL)` of small tables, migrations.
const UPKEEP: Duration = Duration::from_secs(120);

/// The pool.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    inner: DatabaseConnection,
    /// Behind PgBouncer.
    pooled: bool,
}

/// A transaction; rolled back unless committed.
#[derive(Debug)]
pub(crate) struct Txn {
    inner: DatabaseTransaction,
}

impl Db {
    pub(crate) const fn new(inner: DatabaseConnection, pooled: bool) -> Self {
        Self { inner, pooled }
    }

    pub(crate) async fn begin(&self, options: TransactionOptions) -> Result<Txn, DbErr> {
        self.begin_as(options, None).await
    }

    /// A transaction that reads, and sees what was there when it began. On SQLite it holds up nobody.
    pub(crate) async fn snapshot(&self) -> Result<Txn, DbErr> {
        // Not by the options, which would prepare it before the session is cleared.
        let isolation = (self.backend() == DbBackend::Postgres).then_some("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        self.begin_as(TransactionOptions::default(), isolation).await
    }

    async fn begin_as(&self, options: TransactionOptions, isolation: Option<&str>) -> Result<Txn, DbErr> {
        let inner = bounded(self.backend(), STATEMENT, self.inner.begin_with_options(options)).await?;
        let txn = Txn { inner };
        let clear = self.pooled.then_some("DEALLOCATE ALL");
        let first: Vec<&str> = isolation.into_iter().chain(clear).collect();
        if !first.is_empty() {
            txn.execute_unprepared(&first.join("; ")).await?;
        }
        Ok(txn)
    }

    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        bounded(self.backend(), PING, self.inner.ping()).await
    }

    fn backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    /// Runs a statement, behind PgBouncer in a transaction of its own.
    async fn run<T>(&self, statement: Statement, call: Call<T>) -> Result<T, DbErr> {
        if !self.pooled {
            return bounded(self.backend(), STATEMENT, call(&(&self.inner).into(), statement)).await;
        }
        let txn = self.begin(TransactionOptions::default()).await?;
        let answer = bounded(self.backend(), STATEMENT, call(&(&txn.inner).into(), statement)).await?;
        txn.commit().await?;
        Ok(answer)
    }
}

/// A call that a connection and a transaction both know.
type Call<T> = for<'a> fn(&'a DatabaseExecutor<'a>, Statement) -> Answer<'a, T>;
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'a>>;

impl Txn {
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        let backend = self.inner.get_database_backend();
        bounded(backend, STATEMENT, self.inner.commit()).await
    }

    /// Without the bounds of a statement: for migrations.
    pub(crate) const fn inner(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Db {
    fn get_database_backend(&self) -> DbBackend {
        self.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.run(statement, |on, statement| on.execute_raw(statement)).await
    }

    /// Needs no care: the simple protocol is one exchange. What goes here may not be allowed in a transaction.
    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        bounded(self.backend(), UPKEEP, self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.run(statement, |on, statement| on.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.run(statement, |on, statement| on.query_all_raw(statement)).await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Txn {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        bounded(self.get_database_backend(), STATEMENT, self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        bounded(self.get_database_backend(), UPKEEP, self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        bounded(self.get_database_backend(), STATEMENT, self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        bounded(self.get_database_backend(), STATEMENT, self.inner.query_all_raw(statement)).await
    }
}

async fn bounded<T>(backend: DbBackend, limit: Duration, call: impl Future<Output = Result<T, DbErr>> + Send) -> Result<T, DbErr> {
    if backend != DbBackend::Postgres {
        return call.await;
    }
    let silent = || DbErr::Conn(RuntimeErr::Internal(format!("no answer within {} s", limit.as_secs())));
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(silent()))
}
