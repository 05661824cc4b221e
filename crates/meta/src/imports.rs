//! Import jobs: one at a time per domain, under a lease, each with a salt of its own.
//!
//! A job runs while its lease is renewed. A lease that ran out is taken over by who starts the same file again (the job is
//! *resumed*: same id, so lines without an id get the same ids again), and ends as *abandoned* when another file is
//! started. The salt, from which the job derives its day keys, is destroyed when the job ends.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Duration, SubsecRound, Utc};
use footfall_model::SiteId;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use uuid::Uuid;

use crate::{Meta, MetaError, salts::as_salt};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "import_jobs")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub site_id: Uuid,
        /// None once the job has ended.
        pub salt: Option<Vec<u8>>,
        pub state: String,
        /// Hash that tells files apart.
        pub fingerprint: String,
        pub lines_done: i64,
        pub lines_refused: i64,
        pub lease_owner: Uuid,
        pub lease_until: DateTimeUtc,
        pub created_at: DateTimeUtc,
        pub ended_at: Option<DateTimeUtc>,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "ImportJob({}, {})", self.id, self.state)
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) const TABLE: &str = "import_jobs";

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImportState {
    /// Under way, or waiting to be resumed.
    Running,
    /// All lines read.
    Done,
    /// Given up for another file, or on request.
    Abandoned,
    /// Its rows were removed again.
    Undone,
}

impl ImportState {
    const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Abandoned, Self::Undone];

    /// The stored name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
            Self::Undone => "undone",
        }
    }
}

impl fmt::Display for ImportState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for ImportState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.code() == text).ok_or_else(|| format!("`{text}` is not a state of an import"))
    }
}

/// An import, running or ended. Its salt is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportJob {
    /// `import_id` of its rows.
    pub id: Uuid,
    /// Into which domain.
    pub site: SiteId,
    /// Where it stands.
    pub state: ImportState,
    /// Tells files apart.
    pub fingerprint: String,
    /// Lines whose events are durable: a resume goes on after them.
    pub lines_done: u64,
    /// Lines among them that were refused.
    pub lines_refused: u64,
    /// The key of its visitor ids; gone once the job has ended.
    pub salt: Option<[u8; 16]>,
    /// Until when nobody else may take it over.
    pub lease_until: DateTime<Utc>,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for ImportJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportJob")
            .field("id", &self.id)
            .field("site", &self.site)
            .field("state", &self.state)
            .field("lines_done", &self.lines_done)
            .field("lines_refused", &self.lines_refused)
            .finish_non_exhaustive()
    }
}

impl TryFrom<row::Model> for ImportJob {
    type Error = MetaError;

    fn try_from(row: row::Model) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.id,
            site: SiteId(row.site_id),
            state: row.state.parse().map_err(|error| MetaError::corrupt(format!("import {}: {error}", row.id)))?,
            fingerprint: row.fingerprint,
            lines_done: row.lines_done.unsigned_abs(),
            lines_refused: row.lines_refused.unsigned_abs(),
            salt: row.salt.map(as_salt).transpose()?,
            lease_until: row.lease_until,
            created_at: row.created_at,
            ended_at: row.ended_at,
        })
    }
}

/// An import to be started.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Into which domain.
    pub site: SiteId,
    /// A hash of the file, or another text that tells files apart.
    pub fingerprint: String,
    /// Who runs it: a fresh random id per process.
    pub lease_owner: Uuid,
    /// How long the lease holds without a renewal.
    pub lease: Duration,
}

/// How an import may go on.
#[derive(Clone, Debug)]
pub enum ImportStart {
    /// A new job, from the first line.
    New(ImportJob),
    /// A job that was cut off: go on after `lines_done`.
    Resumed(ImportJob),
    /// This file was imported before, completely; undo that first to import it again.
    AlreadyDone(ImportJob),
    /// Another import into the domain is running.
    Busy(ImportJob),
}

impl Meta {
    /// Starts or resumes an import.
    ///
    /// # Errors
    /// When the database fails or the domain has gone.
    pub async fn start_import(&self, new: NewImport, now: DateTime<Utc>) -> Result<ImportStart, MetaError> {
        let now = now.trunc_subsecs(3);
        let txn = self.begin().await?;
        let running = of_site(new.site).filter(row::Column::State.eq(ImportState::Running.code())).one(&txn).await?;
        if let Some(mut row) = running {
            if row.lease_until > now && row.lease_owner != new.lease_owner {
                return Ok(ImportStart::Busy(row.try_into()?));
            }
            if row.fingerprint == new.fingerprint {
                row.lease_until = now + new.lease;
                lease(&txn, row.id, new.lease_owner, row.lease_until).await?;
                txn.commit().await?;
                return Ok(ImportStart::Resumed(row.try_into()?));
            }
            end(&txn, row.id, ImportState::Abandoned, now).await?;
        }
        let before = of_site(new.site)
            .filter(row::Column::State.eq(ImportState::Done.code()))
            .filter(row::Column::Fingerprint.eq(new.fingerprint.as_str()))
            .one(&txn)
            .await?;
        if let Some(row) = before {
            txn.commit().await?;
            return Ok(ImportStart::AlreadyDone(row.try_into()?));
        }
        let row = row::Model {
            id: Uuid::now_v7(),
            site_id: new.site.0,
            salt: Some(rand::random::<[u8; 16]>().to_vec()),
            state: ImportState::Running.code().to_owned(),
            fingerprint: new.fingerprint,
            lines_done: 0,
            lines_refused: 0,
            lease_owner: new.lease_owner,
            lease_until: now + new.lease,
            created_at: now,
            ended_at: None,
        };
        // A unique index allows one running job per domain: on PostgreSQL the slower of two starts is told so here.
        row::Entity::insert(row::ActiveModel::from(row.clone()).reset_all())
            .exec_without_returning(&txn)
            .await
            .map_err(|error| MetaError::taken_or(error, "another import into this domain has just begun; wait for its end"))?;
        txn.commit().await?;
        Ok(ImportStart::New(row.try_into()?))
    }

    /// Notes progress and renews the lease. `false`: the job is no longer this process's, so stop.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_import(
        &self,
        id: Uuid,
        lease_owner: Uuid,
        lease_until: DateTime<Utc>,
        lines_done: u64,
        lines_refused: u64,
    ) -> Result<bool, MetaError> {
        let renewed = row::Entity::update_many()
            .col_expr(row::Column::LeaseUntil, Expr::value(lease_until.trunc_subsecs(3)))
            .col_expr(row::Column::LinesDone, Expr::value(i64::try_from(lines_done).unwrap_or(i64::MAX)))
            .col_expr(row::Column::LinesRefused, Expr::value(i64::try_from(lines_refused).unwrap_or(i64::MAX)))
            .filter(row::Column::Id.eq(id))
            .filter(row::Column::LeaseOwner.eq(lease_owner))
            .filter(row::Column::State.eq(ImportState::Running.code()))
            .exec(&self.db)
            .await?;
        Ok(renewed.rows_affected > 0)
    }

    /// Ends a job (or marks an ended one as undone) and destroys its salt, on the disk too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_import(&self, id: Uuid, state: ImportState, now: DateTime<Utc>) -> Result<(), MetaError> {
        end(&self.db, id, state, now.trunc_subsecs(3)).await?;
        self.forget_on_disk(&[TABLE]).await
    }

    /// One job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import(&self, id: Uuid) -> Result<Option<ImportJob>, MetaError> {
        row::Entity::find_by_id(id).one(&self.db).await?.map(ImportJob::try_from).transpose()
    }

    /// The imports of a domain, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn imports_of(&self, site: SiteId) -> Result<Vec<ImportJob>, MetaError> {
        of_site(site).order_by_desc(row::Column::Id).all(&self.db).await?.into_iter().map(ImportJob::try_from).collect()
    }
}

/// Whether an import into a domain is under way, or was cut off and may go on.
pub(crate) async fn is_running(db: &impl ConnectionTrait, site: SiteId) -> Result<bool, MetaError> {
    Ok(of_site(site).filter(row::Column::State.eq(ImportState::Running.code())).one(db).await?.is_some())
}

/// What imports brought to a domain is gone.
pub(crate) async fn undo_all(db: &impl ConnectionTrait, site: SiteId) -> Result<(), MetaError> {
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(ImportState::Undone.code()))
        .filter(row::Column::SiteId.eq(site.0))
        .filter(row::Column::State.eq(ImportState::Done.code()))
        .exec(db)
        .await?;
    Ok(())
}

fn of_site(site: SiteId) -> sea_orm::Select<row::Entity> {
    row::Entity::find().filter(row::Column::SiteId.eq(site.0))
}

async fn lease(db: &impl ConnectionTrait, id: Uuid, owner: Uuid, until: DateTime<Utc>) -> Result<(), MetaError> {
    row::Entity::update_many()
        .col_expr(row::Column::LeaseOwner, Expr::value(owner))
        .col_expr(row::Column::LeaseUntil, Expr::value(until))
        .filter(row::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

async fn end(db: &impl ConnectionTrait, id: Uuid, state: ImportState, now: DateTime<Utc>) -> Result<(), MetaError> {
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state.code()))
        .col_expr(row::Column::Salt, Expr::value(None::<Vec<u8>>))
        .col_expr(row::Column::EndedAt, Expr::value(now))
        .filter(row::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}
