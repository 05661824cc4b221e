//! Measured domains.

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use footfall_model::{Domain, SiteId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Select,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use crate::{Meta, MetaError, Shield, hourly, imports, shields, versions};

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
        })
    }
}

const TAKEN: &str = "this domain is already measured here; choose another name";

impl Meta {
    /// Adds a domain.
    ///
    /// # Errors
    /// [`MetaError::Taken`] when the name is in use.
    pub async fn create_site(&self, domain: &Domain, timezone: Tz, owner: Option<Uuid>) -> Result<Site, MetaError> {
        let site = Site { id: SiteId(Uuid::now_v7()), domain: domain.clone(), timezone, owner, created_at: Utc::now().trunc_subsecs(3) };
        let new = row::ActiveModel {
            id: Set(site.id.0),
            name: Set(domain.as_str().to_owned()),
            timezone: Set(timezone.name().to_owned()),
            owner_id: Set(owner),
            created_at: Set(site.created_at),
        };
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        row::Entity::insert(new).exec_without_returning(&txn).await.map_err(|error| MetaError::taken_or(error, TAKEN))?;
        txn.commit().await?;
        Ok(site)
    }

    /// One domain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site(&self, id: SiteId) -> Result<Option<Site>, MetaError> {
        row::Entity::find_by_id(id.0).one(&self.db).await?.map(Site::try_from).transpose()
    }

    /// The domain with this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site_by_domain(&self, domain: &Domain) -> Result<Option<Site>, MetaError> {
        row::Entity::find().filter(row::Column::Name.eq(domain.as_str())).one(&self.db).await?.map(Site::try_from).transpose()
    }

    /// All domains, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites(&self) -> Result<Vec<Site>, MetaError> {
        by_name(&self.db, row::Entity::find()).await
    }

    /// The domains of one owner, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites_of(&self, owner: Uuid) -> Result<Vec<Site>, MetaError> {
        by_name(&self.db, row::Entity::find().filter(row::Column::OwnerId.eq(owner))).await
    }

    /// Everything the collector needs to know of domains.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site_list(&self) -> Result<SiteList, MetaError> {
        // Version first: a change in between makes the list newer than its version, which only costs another look.
        let txn = self.snapshot().await?;
        let version = versions::read_config(&txn).await?;
        let sites = by_name(&txn, row::Entity::find()).await?;
        let mut refused: HashMap<SiteId, Vec<Shield>> = HashMap::new();
        for shield in shields::all(&txn).await? {
            refused.entry(shield.site).or_default().push(shield);
        }
        txn.commit().await?;
        let measured = |site: Site| MeasuredSite {
            shields: refused.remove(&site.id).unwrap_or_default(),
            id: site.id,
            domain: site.domain,
            timezone: site.timezone,
        };
        Ok(SiteList { version, sites: sites.into_iter().map(measured).collect() })
    }

    /// Renames a domain or moves it to another zone; its events stay with it.
    ///
    /// # Errors
    /// [`MetaError::NotFound`], or [`MetaError::Taken`] when the new name is in use.
    pub async fn change_site(&self, id: SiteId, change: SiteChange) -> Result<Site, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let Some(found) = row::Entity::find_by_id(id.0).one(&txn).await? else {
            return Err(MetaError::not_found("no such domain"));
        };
        let mut site = Site::try_from(found)?;
        site.domain = change.domain.unwrap_or(site.domain);
        site.timezone = change.timezone.unwrap_or(site.timezone);
        row::Entity::update_many()
            .col_expr(row::Column::Name, Expr::value(site.domain.as_str()))
            .col_expr(row::Column::Timezone, Expr::value(site.timezone.name()))
            .filter(row::Column::Id.eq(id.0))
            .exec(&txn)
            .await
            .map_err(|error| MetaError::taken_or(error, TAKEN))?;
        txn.commit().await?;
        Ok(site)
    }

    /// Removes a domain with its keys, shields, import jobs and hourly aggregates, and remembers its id so that its events
    /// can be removed from the store ([`Meta::sites_to_purge`]).
    ///
    /// # Errors
    /// [`MetaError::NotFound`] when there is no such domain.
    pub async fn delete_site(&self, id: SiteId) -> Result<(), MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        if row::Entity::delete_by_id(id.0).exec(&txn).await?.rows_affected == 0 {
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

    /// Deleted domains whose events are still in the store.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites_to_purge(&self) -> Result<Vec<SiteId>, MetaError> {
        let rows = deleted::Entity::find().filter(deleted::Column::PurgedAt.is_null()).all(&self.db).await?;
        Ok(rows.into_iter().map(|row| SiteId(row.site_id)).collect())
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
