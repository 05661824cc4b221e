//! Notes at moments of a domain's time: a release, a campaign, an outage.

use chrono::{DateTime, SubsecRound, Utc};
use footfall_model::SiteId;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{Meta, MetaError, versions};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "annotations")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub site_id: Uuid,
        pub at: DateTimeUtc,
        pub note: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What happened.
    pub note: String,
}

impl From<row::Model> for Annotation {
    fn from(row: row::Model) -> Self {
        Self { id: row.id, at: row.at, note: row.note }
    }
}

impl Meta {
    /// Adds a note.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_annotation(&self, site: SiteId, at: DateTime<Utc>, note: &str) -> Result<Annotation, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let annotation = Annotation { id: versions::next_number(&txn).await?, at: at.trunc_subsecs(3), note: note.to_owned() };
        let new =
            row::ActiveModel { id: Set(annotation.id), site_id: Set(site.0), at: Set(annotation.at), note: Set(annotation.note.clone()) };
        row::Entity::insert(new).exec_without_returning(&txn).await?;
        txn.commit().await?;
        Ok(annotation)
    }

    /// The notes of a domain, by time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn annotations_of(&self, site: SiteId) -> Result<Vec<Annotation>, MetaError> {
        let found = row::Entity::find().filter(row::Column::SiteId.eq(site.0));
        let rows = found.order_by_asc(row::Column::At).order_by_asc(row::Column::Id).all(&self.db).await?;
        Ok(rows.into_iter().map(Annotation::from).collect())
    }

    /// Removes a note; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_annotation(&self, site: SiteId, id: i64) -> Result<bool, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let gone = row::Entity::delete_many().filter(row::Column::SiteId.eq(site.0)).filter(row::Column::Id.eq(id)).exec(&txn).await?;
        txn.commit().await?;
        Ok(gone.rows_affected > 0)
    }
}
