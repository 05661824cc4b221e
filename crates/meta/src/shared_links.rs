//! Shared links: who has one sees a domain's dashboard without an account.
//!
//! The slug is kept as it is, not hashed: the settings show the address again, months later, to whoever pastes it elsewhere. It opens
//! figures to read and nothing else, and whoever can read this table can read who owns those figures as well. A password is kept as a hash.

use chrono::{DateTime, SubsecRound, Utc};
use footfall_model::{Domain, SiteId};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, sea_query::Query};
use uuid::Uuid;

use crate::{Meta, MetaError, Password, domains::row as site, token::random_slug, versions};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shared_links")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub site_id: Uuid,
        #[sea_orm(unique)]
        pub slug: String,
        pub name: String,
        pub password_hash: Option<String>,
        pub expires_at: Option<DateTimeUtc>,
        pub segment_id: Option<i64>,
        pub is_public: bool,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A link to the dashboard of one domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLink {
    /// Id.
    pub id: Uuid,
    /// The only domain that it opens.
    pub site: SiteId,
    /// The part of its address that nobody can guess: 128 random bits.
    pub slug: String,
    /// What its owner calls it; unique in the domain.
    pub name: String,
    /// The hash of the password that it asks for.
    pub password_hash: Option<String>,
    /// From when on it opens nothing.
    pub expires_at: Option<DateTime<Utc>>,
    /// The number of the segment that all its figures are limited to. The segment may be gone: then it opens nothing.
    pub segment: Option<i64>,
    /// Anybody sees the domain under its own name as well, as by this link.
    pub is_public: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl SharedLink {
    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl From<row::Model> for SharedLink {
    fn from(row: row::Model) -> Self {
        Self {
            id: row.id,
            site: SiteId(row.site_id),
            slug: row.slug,
            name: row.name,
            password_hash: row.password_hash,
            expires_at: row.expires_at,
            segment: row.segment_id,
            is_public: row.is_public,
            created_at: row.created_at,
        }
    }
}

/// A link to be made.
#[derive(Clone, Debug, Default)]
pub struct NewLink {
    /// What it is called.
    pub name: String,
    /// What it asks for.
    pub password: Option<Password>,
    /// From when on it opens nothing.
    pub expires_at: Option<DateTime<Utc>>,
    /// The number of a segment.
    pub segment: Option<i64>,
    /// Anybody sees the domain under its own name as well.
    pub is_public: bool,
}

impl Meta {
    /// Makes a link.
    ///
    /// # Errors
    /// [`MetaError::Taken`] when the domain has one of this name, or is public already and shall be so twice.
    pub async fn create_link(&self, site: SiteId, new: NewLink) -> Result<SharedLink, MetaError> {
        let password_hash = match &new.password {
            Some(password) => Some(self.hash_password(password).await?),
            None => None,
        };
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        if new.is_public && row::Entity::find().filter(public(site)).one(&txn).await?.is_some() {
            return Err(MetaError::taken("the domain is public already; remove the link that makes it so first"));
        }
        let row = row::Model {
            id: Uuid::now_v7(),
            site_id: site.0,
            slug: random_slug(),
            name: new.name,
            password_hash,
            expires_at: new.expires_at.map(|at| at.trunc_subsecs(3)),
            segment_id: new.segment,
            is_public: new.is_public,
            created_at: Utc::now().trunc_subsecs(3),
        };
        row::Entity::insert(row::ActiveModel {
            id: Set(row.id),
            site_id: Set(row.site_id),
            slug: Set(row.slug.clone()),
            name: Set(row.name.clone()),
            password_hash: Set(row.password_hash.clone()),
            expires_at: Set(row.expires_at),
            segment_id: Set(row.segment_id),
            is_public: Set(row.is_public),
            created_at: Set(row.created_at),
        })
        .exec_without_returning(&txn)
        .await
        .map_err(|error| MetaError::taken_or(error, "the domain has a shared link of this name already; choose another name"))?;
        txn.commit().await?;
        Ok(row.into())
    }

    /// The links of a domain, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn links_of(&self, site: SiteId) -> Result<Vec<SharedLink>, MetaError> {
        let rows = row::Entity::find().filter(row::Column::SiteId.eq(site.0)).order_by_asc(row::Column::Id).all(&self.db).await?;
        Ok(rows.into_iter().map(SharedLink::from).collect())
    }

    /// The link with this slug, also when its time is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link_by_slug(&self, slug: &str) -> Result<Option<SharedLink>, MetaError> {
        Ok(row::Entity::find().filter(row::Column::Slug.eq(slug)).one(&self.db).await?.map(SharedLink::from))
    }

    /// The link that makes a domain public, also when its time is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn public_link_of(&self, domain: &Domain) -> Result<Option<SharedLink>, MetaError> {
        // In one question: it is asked of every page and part of one, of which few are public.
        let sites =
            Query::select().column(site::Column::Id).from(site::Entity).and_where(site::Column::Name.eq(domain.as_str())).to_owned();
        let public = Condition::all().add(row::Column::IsPublic.eq(true)).add(row::Column::SiteId.in_subquery(sites));
        Ok(row::Entity::find().filter(public).order_by_asc(row::Column::Id).one(&self.db).await?.map(SharedLink::from))
    }

    /// Whether a password opens a link. It works as hard for a link without one, and says no.
    ///
    /// # Errors
    /// When the server is shutting down.
    pub async fn opens(&self, link: &SharedLink, attempt: &str) -> Result<bool, MetaError> {
        self.password_fits(link.password_hash.clone(), attempt).await
    }

    /// Removes a link; whether there was one. It never comes back: another one has another slug.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_link(&self, site: SiteId, id: Uuid) -> Result<bool, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let gone = row::Entity::delete_many().filter(row::Column::SiteId.eq(site.0)).filter(row::Column::Id.eq(id)).exec(&txn).await?;
        txn.commit().await?;
        Ok(gone.rows_affected > 0)
    }
}

fn public(site: SiteId) -> Condition {
    Condition::all().add(row::Column::SiteId.eq(site.0)).add(row::Column::IsPublic.eq(true))
}
