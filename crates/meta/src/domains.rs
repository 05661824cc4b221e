//! Measured domains.

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use footfall_model::{Domain, SiteId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Select,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use crate::{
    Meta, MetaError, Shield, hourly, imports,
    removal::{FORMER_FOR, visible},
    shields, versions,
};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "domains")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Lower case, without `www.`: unique.
        pub name: String,
        /// IANA name.
        pub timezone: String,
        pub owner_id: Option<Uuid>,
        pub created_at: DateTimeUtc,
        /// Since when it is hidden.
        pub deleted_at: Option<DateTimeUtc>,
        /// The name that it had before.
        pub former_name: Option<String>,
        /// Until when it had it.
        pub renamed_at: Option<DateTimeUtc>,
        /// Everything that arrived before is to go.
        pub cleared_until: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod deleted {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "deleted_sites")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub site_id: Uuid,
        pub deleted_at: DateTimeUtc,
        /// When its events were removed from the store.
        pub purged_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A measured domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `domainId` of the API: UUID v7.
    pub id: SiteId,
    /// Name, unique.
    pub domain: Domain,
    /// The zone in which its days begin.
    pub timezone: Tz,
    /// Whose it is; nobody's until the first owner comes.
    pub owner: Option<Uuid>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// A name under which events count as well.
    pub former: Option<FormerName>,
}

/// The name that a domain had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerName {
    /// Name.
    pub domain: Domain,
    /// Until when events may come under it.
    pub until: DateTime<Utc>,
}

/// What to change of a domain; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct SiteChange {
    /// New name.
    pub domain: Option<Domain>,
    /// New zone.
    pub timezone: Option<Tz>,
}

/// A domain as the collector needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredSite {
    /// Id.
    pub id: SiteId,
    /// Name.
    pub domain: Domain,
    /// A name under which events count as well, where no domain has it.
    pub former: Option<FormerName>,
    /// Zone.
    pub timezone: Tz,
    /// What to refuse.
    pub shields: Vec<Shield>,
}

/// All domains as of a version of the configuration.
#[derive(Clone, Debug, Default)]
pub struct SiteList {
    /// See [`Meta::config_version`]. The list may already hold what a later version changed, never less.
    pub version: i64,
    /// In the order of their names.
    pub sites: Vec<MeasuredSite>,
}

impl TryFrom<row::Model> for Site {
    type Error = MetaError;

    fn try_from(row: row::Model) -> Result<Self, Self::Error> {
        Ok(Self {
            id: SiteId(row.id),
            domain: row.name.parse().map_err(|error| MetaError::corrupt(format!("domain {}: {error}", row.id)))?,
            timezone: row
                .timezone
                .parse()
                .map_err(|_| MetaError::corrupt(format!("domain {}: `{}` is not a time zone", row.id, row.timezone)))?,
            owner: row.owner_id,
            created_at: row.created_at,
            former: former(row.former_name, row.renamed_at),
        })
    }
}

/// Whichever name it was, it is of no use where it cannot be read.
fn former(name: Option<String>, renamed_at: Option<DateTime<Utc>>) -> Option<FormerName> {
    Some(FormerName { domain: name?.parse().ok()?, until: renamed_at? + FORMER_FOR })
}

/// A row as what it says of the domain.
pub(crate) fn shown(row: row::Model) -> Result<Site, MetaError> {
    row.try_into()
}

impl Meta {
    /// Adds a domain.
    ///
    /// # Errors
    /// [`MetaError::Taken`] when the name is in use.
    pub async fn create_site(&self, domain: &Domain, timezone: Tz, owner: Option<Uuid>) -> Result<Site, MetaError> {
        let created_at = Utc::now().trunc_subsecs(3);
        let site = Site { id: SiteId(Uuid::now_v7()), domain: domain.clone(), timezone, owner, created_at, former: None };
        let new = row::ActiveModel {
            id: Set(site.id.0),
            name: Set(domain.as_str().to_owned()),
            timezone: Set(timezone.name().to_owned()),
            owner_id: Set(owner),
            created_at: Set(site.created_at),
            ..row::ActiveModel::default()
        };
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        if let Err(error) = row::Entity::insert(new).exec_without_returning(&txn).await {
            drop(txn);
            return Err(self.why_taken(error, domain, owner).await);
        }
        txn.commit().await?;
        Ok(site)
    }

    /// One domain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site(&self, id: SiteId) -> Result<Option<Site>, MetaError> {
        visible().filter(row::Column::Id.eq(id.0)).one(&self.db).await?.map(Site::try_from).transpose()
    }

    /// The domain with this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site_by_domain(&self, domain: &Domain) -> Result<Option<Site>, MetaError> {
        visible().filter(row::Column::Name.eq(domain.as_str())).one(&self.db).await?.map(Site::try_from).transpose()
    }

    /// All domains, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites(&self) -> Result<Vec<Site>, MetaError> {
        by_name(&self.db, visible()).await
    }

    /// All domains, by name, those that were deleted and can be restored among them: their data is still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites_with_data(&self) -> Result<Vec<Site>, MetaError> {
        by_name(&self.db, row::Entity::find()).await
    }

    /// The domains of one owner, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites_of(&self, owner: Uuid) -> Result<Vec<Site>, MetaError> {
        by_name(&self.db, visible().filter(row::Column::OwnerId.eq(owner))).await
    }

    /// Everything the collector needs to know of domains.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site_list(&self) -> Result<SiteList, MetaError> {
        // Version first: a change in between makes the list newer than its version, which only costs another look.
        let txn = self.snapshot().await?;
        let version = versions::read_config(&txn).await?;
        let sites = by_name(&txn, visible()).await?;
        let mut refused: HashMap<SiteId, Vec<Shield>> = HashMap::new();
        for shield in shields::all(&txn).await? {
            refused.entry(shield.site).or_default().push(shield);
        }
        txn.commit().await?;
        let measured = |site: Site| MeasuredSite {
            shields: refused.remove(&site.id).unwrap_or_default(),
            id: site.id,
            domain: site.domain,
            former: site.former,
            timezone: site.timezone,
        };
        Ok(SiteList { version, sites: sites.into_iter().map(measured).collect() })
    }

    /// Renames a domain or moves it to another zone; its events stay with it. For a while events count under its former name too, see `removal.rs`.
    ///
    /// # Errors
    /// [`MetaError::NotFound`], or [`MetaError::Taken`] when the new name is in use.
    pub async fn change_site(&self, id: SiteId, change: SiteChange) -> Result<Site, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let Some(found) = visible().filter(row::Column::Id.eq(id.0)).one(&txn).await? else {
            return Err(MetaError::not_found("no such domain"));
        };
        let mut site = Site::try_from(found)?;
        let mut update = row::Entity::update_many();
        if let Some(name) = change.domain.filter(|name| *name != site.domain) {
            let now = Utc::now().trunc_subsecs(3);
            let before = std::mem::replace(&mut site.domain, name);
            update =
                update.col_expr(row::Column::FormerName, Expr::value(before.as_str())).col_expr(row::Column::RenamedAt, Expr::value(now));
            site.former = Some(FormerName { domain: before, until: now + FORMER_FOR });
        }
        site.timezone = change.timezone.unwrap_or(site.timezone);
        let updated = update
            .col_expr(row::Column::Name, Expr::value(site.domain.as_str()))
            .col_expr(row::Column::Timezone, Expr::value(site.timezone.name()))
            .filter(row::Column::Id.eq(id.0))
            .exec(&txn)
            .await;
        if let Err(error) = updated {
            drop(txn);
            return Err(self.why_taken(error, &site.domain, site.owner).await);
        }
        txn.commit().await?;
        Ok(site)
    }

    /// Removes a domain for good, hidden or not: with its keys, shields, import jobs and hourly aggregates. Remembers its id so that its events
    /// can be removed from the store ([`Meta::sites_to_purge`]).
    ///
    /// # Errors
    /// [`MetaError::NotFound`] when there is no such domain.
    pub async fn delete_site(&self, id: SiteId) -> Result<(), MetaError> {
        self.remove_site(id, Condition::all()).await
    }

    /// The same, if the domain meets a condition.
    pub(crate) async fn remove_site(&self, id: SiteId, condition: Condition) -> Result<(), MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let removed = row::Entity::delete_many().filter(row::Column::Id.eq(id.0)).filter(condition).exec(&txn).await?;
        if removed.rows_affected == 0 {
            return Err(MetaError::not_found("no such domain"));
        }
        hourly::forget_site(&txn, id).await?;
        let gone = deleted::ActiveModel { site_id: Set(id.0), deleted_at: Set(Utc::now().trunc_subsecs(3)), purged_at: Set(None) };
        deleted::Entity::insert(gone)
            .on_conflict(OnConflict::column(deleted::Column::SiteId).do_nothing().to_owned())
            .exec_without_returning(&txn)
            .await?;
        txn.commit().await?;
        self.forget_on_disk(&[imports::TABLE]).await
    }

    /// Domains that were deleted for good, and when, of which events may still be in the store or on their way to it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites_to_purge(&self) -> Result<Vec<(SiteId, DateTime<Utc>)>, MetaError> {
        let rows = deleted::Entity::find().filter(deleted::Column::PurgedAt.is_null()).all(&self.db).await?;
        Ok(rows.into_iter().map(|row| (SiteId(row.site_id), row.deleted_at)).collect())
    }

    /// Notes that the store holds no more events of a deleted domain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_site_purged(&self, id: SiteId) -> Result<(), MetaError> {
        deleted::Entity::update_many()
            .col_expr(deleted::Column::PurgedAt, Expr::value(Utc::now().trunc_subsecs(3)))
            .filter(deleted::Column::SiteId.eq(id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}

async fn by_name(db: &impl ConnectionTrait, select: Select<row::Entity>) -> Result<Vec<Site>, MetaError> {
    let rows = select.order_by_asc(row::Column::Name).all(db).await?;
    rows.into_iter().map(Site::try_from).collect()
}

/// Gives all domains of one owner (`None`: nobody's) to another.
pub(crate) async fn pass_on(db: &impl ConnectionTrait, from: Option<Uuid>, to: Option<Uuid>) -> Result<(), MetaError> {
    let whose = from.map_or_else(|| row::Column::OwnerId.is_null(), |from| row::Column::OwnerId.eq(from));
    row::Entity::update_many().col_expr(row::Column::OwnerId, Expr::value(to)).filter(whose).exec(db).await?;
    Ok(())
}
