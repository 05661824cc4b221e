//! Shields: what a domain refuses to count.

use std::{fmt, str::FromStr};

use footfall_model::SiteId;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{Meta, MetaError, versions};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shields")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub site_id: Uuid,
        pub kind: String,
        pub value: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a shield looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShieldKind {
    /// The only host names that count.
    Host,
    /// An address or a network that does not.
    Ip,
    /// A path pattern that does not.
    Path,
    /// A two-letter country that does not.
    Country,
}

impl ShieldKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Host, Self::Ip, Self::Path, Self::Country];

    /// The stored name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Ip => "ip",
            Self::Path => "path",
            Self::Country => "country",
        }
    }
}

impl fmt::Display for ShieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for ShieldKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.code() == text)
            .ok_or_else(|| format!("`{text}` is not a shield; use host, ip, path or country"))
    }
}

/// One rule of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shield {
    /// Id.
    pub id: Uuid,
    /// Whose rule.
    pub site: SiteId,
    /// What it looks at.
    pub kind: ShieldKind,
    /// What it looks for, in the form of its kind.
    pub value: String,
}

impl TryFrom<row::Model> for Shield {
    type Error = MetaError;

    fn try_from(row: row::Model) -> Result<Self, Self::Error> {
        let kind = row.kind.parse().map_err(|error| MetaError::corrupt(format!("shield {}: {error}", row.id)))?;
        Ok(Self { id: row.id, site: SiteId(row.site_id), kind, value: row.value })
    }
}

impl Meta {
    /// Adds a rule.
    ///
    /// # Errors
    /// [`MetaError::Taken`] when the domain has it already.
    pub async fn create_shield(&self, site: SiteId, kind: ShieldKind, value: &str) -> Result<Shield, MetaError> {
        let shield = Shield { id: Uuid::now_v7(), site, kind, value: value.to_owned() };
        let new = row::ActiveModel {
            id: Set(shield.id),
            site_id: Set(site.0),
            kind: Set(kind.code().to_owned()),
            value: Set(shield.value.clone()),
        };
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        row::Entity::insert(new)
            .exec_without_returning(&txn)
            .await
            .map_err(|error| MetaError::taken_or(error, "the domain has this shield already"))?;
        txn.commit().await?;
        Ok(shield)
    }

    /// The rules of a domain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shields_of(&self, site: SiteId) -> Result<Vec<Shield>, MetaError> {
        let rows = row::Entity::find().filter(row::Column::SiteId.eq(site.0)).order_by_asc(row::Column::Id).all(&self.db).await?;
        rows.into_iter().map(Shield::try_from).collect()
    }

    /// Removes a rule; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_shield(&self, site: SiteId, id: Uuid) -> Result<bool, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let gone = row::Entity::delete_many().filter(row::Column::SiteId.eq(site.0)).filter(row::Column::Id.eq(id)).exec(&txn).await?;
        txn.commit().await?;
        Ok(gone.rows_affected > 0)
    }
}

pub(crate) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Shield>, MetaError> {
    row::Entity::find().order_by_asc(row::Column::Id).all(db).await?.into_iter().map(Shield::try_from).collect()
}
