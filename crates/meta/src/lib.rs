//! Accounts: users, login sessions, domains and their settings, API keys, salts, import jobs, secrets, hourly aggregates and cursors.
//!
//! The seam is [`Meta`]: open it by URL (`sqlite:PATH` or `postgres://…`), clone it freely. Each file adds the methods of
//! one area to it. Entities and migrations are written once and fit both engines: UUIDs, UTC times, JSON, no arrays and no
//! native enums; names that must be unique without regard to case have a normalised column of their own.
//!
//! **Writing.** A change of several rows is one transaction ([`Meta::begin`]); on SQLite it takes the write lock at
//! once, so that two writers queue instead of failing half-way. A change of domains, keys or shields raises the
//! configuration's version in the same transaction ([`Meta::config_version`]): caches poll that one row.
//!
//! **PostgreSQL** may be behind PgBouncer in transaction mode: `db.rs`.
//!
//! **Forgetting.** Salts and keys that are destroyed must be gone from the disk as well; `forget.rs` says how.
//!
//! **Errors.** Every method answers [`MetaError`]; only [`MetaError::Database`] is worth a retry.

pub mod annotations;
mod copy;
pub mod cursors;
mod db;
pub mod domains;
pub mod email;
mod error;
mod forget;
pub mod goals;
pub mod hourly;
pub mod imports;
pub mod keys;
pub mod lists;
mod migration;
mod open;
pub mod password;
pub mod removal;
pub mod salts;
pub mod secrets;
pub mod segments;
pub mod sessions;
pub mod shared_links;
pub mod shields;
pub mod token;
pub mod users;
mod versions;

use std::sync::Arc;

use db::{Db, Txn};
use sea_orm::{ConnectionTrait, DbBackend, SqliteTransactionMode, TransactionOptions};

pub use annotations::Annotation;
pub use copy::TableChecksum;
pub use cursors::RollupCursor;
pub use domains::{FormerName, MeasuredSite, Site, SiteChange, SiteList};
pub use email::Email;
pub use error::MetaError;
pub use goals::{Goal, GoalKind, NewGoal};
pub use hourly::{Figures, HourFigures, PageFigures};
pub use imports::{ImportJob, ImportStart, ImportState, NewImport};
pub use keys::{ApiKey, NewKey, Reach, Scope};
pub use lists::List;
pub use password::Password;
pub use removal::DeletedSite;
pub use secrets::Setup;
pub use segments::Segment;
pub use sessions::{Session, SessionInfo};
pub use shared_links::{NewLink, SharedLink};
pub use shields::{Shield, ShieldKind};
pub use users::{Role, User};

/// The accounts database.
#[derive(Clone, Debug)]
pub struct Meta {
    db: Db,
    /// Password hashing takes 19 MiB and tens of milliseconds each: this many at once, the rest waits.
    hashing: Arc<tokio::sync::Semaphore>,
}

impl Meta {
    /// Answers when the database does.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), MetaError> {
        Ok(self.db.ping().await?)
    }

    /// Whether this is PostgreSQL (else SQLite).
    pub(crate) fn is_postgres(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Postgres
    }

    /// A transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Txn, MetaError> {
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..TransactionOptions::default() };
        Ok(self.db.begin(options).await?)
    }
}
