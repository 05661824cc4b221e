//! Saved filters of domains: for everybody who sees the domain, or for one person.

use chrono::{DateTime, SubsecRound, Utc};
use footfall_model::SiteId;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde_json::Value;
use uuid::Uuid;

use crate::{Meta, MetaError, versions};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "segments")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub site_id: Uuid,
        pub owner_id: Option<Uuid>,
        pub name: String,
        #[sea_orm(column_type = "JsonBinary")]
        pub filters: Json,
        pub changed_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Filters under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number.
    pub id: i64,
    /// Whose it is; none for the domain's.
    pub owner: Option<Uuid>,
    /// What it is called.
    pub name: String,
    /// Filters of the query language.
    pub filters: Vec<Value>,
    /// When it was last changed.
    pub changed_at: DateTime<Utc>,
}

impl TryFrom<row::Model> for Segment {
    type Error = MetaError;

    fn try_from(row: row::Model) -> Result<Self, Self::Error> {
        let Value::Array(filters) = row.filters else {
            return Err(MetaError::corrupt(format!("segment {}: its filters are no list", row.id)));
        };
        Ok(Self { id: row.id, owner: row.owner_id, name: row.name, filters, changed_at: row.changed_at })
    }
}

/// The domain's, and those of one person.
fn visible(site: SiteId, person: Option<Uuid>) -> Condition {
    let mut whose = Condition::any().add(row::Column::OwnerId.is_null());
    if let Some(person) = person {
        whose = whose.add(row::Column::OwnerId.eq(person));
    }
    Condition::all().add(row::Column::SiteId.eq(site.0)).add(whose)
}

impl Meta {
    /// Saves filters.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_segment(&self, site: SiteId, owner: Option<Uuid>, name: &str, filters: Vec<Value>) -> Result<Segment, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let id = versions::next_number(&txn).await?;
        let segment = Segment { id, owner, name: name.to_owned(), filters, changed_at: Utc::now().trunc_subsecs(3) };
        let new = row::ActiveModel {
            id: Set(id),
            site_id: Set(site.0),
            owner_id: Set(owner),
            name: Set(segment.name.clone()),
            filters: Set(Value::Array(segment.filters.clone())),
            changed_at: Set(segment.changed_at),
        };
        row::Entity::insert(new).exec_without_returning(&txn).await?;
        txn.commit().await?;
        Ok(segment)
    }

    /// The segments that a person may use: the domain's, and their own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn segments_of(&self, site: SiteId, person: Option<Uuid>) -> Result<Vec<Segment>, MetaError> {
        let rows = row::Entity::find().filter(visible(site, person)).order_by_asc(row::Column::Id).all(&self.db).await?;
        rows.into_iter().map(Segment::try_from).collect()
    }

    /// Changes a segment that the person may use; none if there is no such one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_segment(
        &self,
        site: SiteId,
        person: Option<Uuid>,
        id: i64,
        name: Option<String>,
        filters: Option<Vec<Value>>,
    ) -> Result<Option<Segment>, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let is_it = visible(site, person).add(row::Column::Id.eq(id));
        let Some(found) = row::Entity::find().filter(is_it).one(&txn).await? else { return Ok(None) };
        let mut segment = Segment::try_from(found)?;
        segment.name = name.unwrap_or(segment.name);
        segment.filters = filters.unwrap_or(segment.filters);
        segment.changed_at = Utc::now().trunc_subsecs(3);
        row::Entity::update_many()
            .col_expr(row::Column::Name, Expr::value(segment.name.as_str()))
            .col_expr(row::Column::Filters, Expr::value(Value::Array(segment.filters.clone())))
            .col_expr(row::Column::ChangedAt, Expr::value(segment.changed_at))
            .filter(row::Column::Id.eq(id))
            .exec(&txn)
            .await?;
        txn.commit().await?;
        Ok(Some(segment))
    }

    /// Removes a segment that the person may use; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_segment(&self, site: SiteId, person: Option<Uuid>, id: i64) -> Result<bool, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let gone = row::Entity::delete_many().filter(visible(site, person).add(row::Column::Id.eq(id))).exec(&txn).await?;
        txn.commit().await?;
        Ok(gone.rows_affected > 0)
    }
}
