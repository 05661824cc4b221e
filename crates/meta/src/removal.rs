//! Domains that go, and domains that stay while what was measured goes.
//!
//! **Deleted** domains are hidden for [`KEPT`]: nobody finds them but who restores them, and nothing is lost of them. Their name stays taken, so
//! that a restored domain has it. Then they are deleted for good, as [`Meta::delete_site`] does at once.
//!
//! **Cleared** domains keep name, settings and keys; everything that arrived before a moment goes. The store is told so more than once, until it is
//! sure that nothing of it is still on its way: the moment stays with the domain until then.
//!
//! **Renamed** domains take events under their former name for [`FORMER_FOR`], as pages are changed one after the other. A domain that has the name
//! comes first.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use footfall_model::{Domain, SiteId};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Select, sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    Meta, MetaError, Site,
    domains::{row, shown},
    hourly, imports, versions,
};

/// How long a deleted domain can be restored.
pub const KEPT: TimeDelta = TimeDelta::days(7);
/// How long events under a former name count.
pub const FORMER_FOR: TimeDelta = TimeDelta::hours(72);

/// A domain that was deleted and can be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedSite {
    /// What it was.
    pub site: Site,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
    /// When it goes for good.
    pub goes_at: DateTime<Utc>,
}

impl Meta {
    /// Hides a domain and answers when it goes for good.
    ///
    /// # Errors
    /// [`MetaError::NotFound`] when there is no such domain, or no longer.
    pub async fn hide_site(&self, id: SiteId, now: DateTime<Utc>) -> Result<DateTime<Utc>, MetaError> {
        let now = now.trunc_subsecs(3);
        self.set_deleted(id, Some(now), row::Column::DeletedAt.is_null()).await?;
        Ok(now + KEPT)
    }

    /// Brings a hidden domain back as it was.
    ///
    /// # Errors
    /// [`MetaError::NotFound`] when it is not hidden, or no longer.
    pub async fn restore_site(&self, id: SiteId) -> Result<(), MetaError> {
        self.set_deleted(id, None, row::Column::DeletedAt.is_not_null()).await
    }

    async fn set_deleted(
        &self,
        id: SiteId,
        at: Option<DateTime<Utc>>,
        condition: impl sea_orm::sea_query::IntoCondition,
    ) -> Result<(), MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let set = row::Entity::update_many()
            .col_expr(row::Column::DeletedAt, Expr::value(at))
            .filter(row::Column::Id.eq(id.0))
            .filter(condition.into_condition())
            .exec(&txn)
            .await?;
        if set.rows_affected == 0 {
            return Err(MetaError::not_found("no such domain"));
        }
        Ok(txn.commit().await?)
    }

    /// Hidden domains of one owner, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deleted_sites_of(&self, owner: Uuid) -> Result<Vec<DeletedSite>, MetaError> {
        all(&self.db, hidden().filter(row::Column::OwnerId.eq(owner))).await
    }

    /// All hidden domains, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deleted_sites(&self) -> Result<Vec<DeletedSite>, MetaError> {
        all(&self.db, hidden()).await
    }

    /// A hidden domain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deleted_site(&self, id: SiteId) -> Result<Option<DeletedSite>, MetaError> {
        Ok(all(&self.db, hidden().filter(row::Column::Id.eq(id.0))).await?.pop())
    }

    /// The hidden domain with this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deleted_site_by_domain(&self, domain: &Domain) -> Result<Option<DeletedSite>, MetaError> {
        Ok(all(&self.db, hidden().filter(row::Column::Name.eq(domain.as_str()))).await?.pop())
    }

    /// Deletes a hidden domain for good, see [`Meta::delete_site`].
    ///
    /// # Errors
    /// [`MetaError::NotFound`] when it is not hidden, or no longer.
    pub async fn delete_hidden_site(&self, id: SiteId) -> Result<(), MetaError> {
        self.remove_site(id, row::Column::DeletedAt.is_not_null().into()).await
    }

    /// Deletes for good the domains that were hidden for [`KEPT`], and answers which.
    ///
    /// # Errors
    /// When the database fails; then some may be deleted.
    pub async fn delete_due_sites(&self, now: DateTime<Utc>) -> Result<Vec<SiteId>, MetaError> {
        let is_due = row::Column::DeletedAt.lte((now - KEPT).trunc_subsecs(3));
        let mut gone = Vec::new();
        for due in all(&self.db, hidden().filter(is_due.clone())).await? {
            // Who was faster may have restored it.
            match self.remove_site(due.site.id, is_due.clone().into()).await {
                Ok(()) => gone.push(due.site.id),
                Err(MetaError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(gone)
    }

    /// Ends the time of former names that is over; whether there was any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_former_names(&self, now: DateTime<Utc>) -> Result<bool, MetaError> {
        let is_over = || row::Column::RenamedAt.lte((now - FORMER_FOR).trunc_subsecs(3));
        if row::Entity::find().filter(is_over()).count(&self.db).await? == 0 {
            return Ok(false);
        }
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        row::Entity::update_many()
            .col_expr(row::Column::FormerName, Expr::value(None::<String>))
            .col_expr(row::Column::RenamedAt, Expr::value(None::<DateTime<Utc>>))
            .filter(is_over())
            .exec(&txn)
            .await?;
        txn.commit().await?;
        Ok(true)
    }

    /// Notes that everything of a domain that arrived before `until` is to go. Its imports count as undone: their files can be imported again.
    ///
    /// # Errors
    /// [`MetaError::NotFound`]; [`MetaError::Refused`] while an import is under way, half of which would come after the moment.
    pub async fn clear_site(&self, id: SiteId, until: DateTime<Utc>) -> Result<(), MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        if imports::is_running(&txn, id).await? {
            return Err(MetaError::refused("an import into this domain is under way; wait for its end, then remove the data"));
        }
        let set = row::Entity::update_many()
            .col_expr(row::Column::ClearedUntil, Expr::value(until.trunc_subsecs(3)))
            .filter(row::Column::Id.eq(id.0))
            .filter(row::Column::DeletedAt.is_null())
            .exec(&txn)
            .await?;
        if set.rows_affected == 0 {
            return Err(MetaError::not_found("no such domain"));
        }
        imports::undo_all(&txn, id).await?;
        Ok(txn.commit().await?)
    }

    /// Domains of which something may still have to go, and what arrived before when.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites_to_clear(&self) -> Result<Vec<(SiteId, DateTime<Utc>)>, MetaError> {
        let rows = row::Entity::find().filter(row::Column::ClearedUntil.is_not_null()).all(&self.db).await?;
        Ok(rows.into_iter().filter_map(|row| Some((SiteId(row.id), row.cleared_until?))).collect())
    }

    /// Notes that everything of a domain that arrived before `until` is gone, unless a later moment was named meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_site_cleared(&self, id: SiteId, until: DateTime<Utc>) -> Result<(), MetaError> {
        row::Entity::update_many()
            .col_expr(row::Column::ClearedUntil, Expr::value(None::<DateTime<Utc>>))
            .filter(row::Column::Id.eq(id.0))
            .filter(row::Column::ClearedUntil.lte(until.trunc_subsecs(3)))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Removes the hourly aggregates of a domain before the hour in which `until` lies.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_hours(&self, site: SiteId, until: DateTime<Utc>) -> Result<(), MetaError> {
        hourly::forget_before(&self.db, site, until).await
    }

    /// Why a domain cannot have a name: who deleted a domain of this name is told where it is.
    pub(crate) async fn why_taken(&self, error: DbErr, domain: &Domain, owner: Option<Uuid>) -> MetaError {
        let refused = MetaError::taken_or(error, TAKEN);
        if !matches!(refused, MetaError::Taken(_)) {
            return refused;
        }
        match self.deleted_site_by_domain(domain).await {
            Ok(Some(deleted)) if deleted.site.owner == owner => MetaError::taken(format!(
                "this domain was deleted and is kept until {}; restore it, or delete it for good before its name is used again",
                deleted.goes_at.with_timezone(&deleted.site.timezone).date_naive()
            )),
            _ => refused,
        }
    }
}

const TAKEN: &str = "this domain is already measured here; choose another name";

fn hidden() -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::DeletedAt.is_not_null())
}

/// What is not hidden.
pub(crate) fn visible() -> Select<row::Entity> {
    row::Entity::find().filter(Condition::all().add(row::Column::DeletedAt.is_null()))
}

async fn all(db: &impl ConnectionTrait, select: Select<row::Entity>) -> Result<Vec<DeletedSite>, MetaError> {
    let rows = select.order_by_asc(row::Column::Name).all(db).await?;
    let deleted = |row: row::Model| {
        let deleted_at = row.deleted_at.unwrap_or_default();
        Ok(DeletedSite { site: shown(row)?, deleted_at, goes_at: deleted_at + KEPT })
    };
    rows.into_iter().map(deleted).collect()
}
