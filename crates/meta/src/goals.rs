//! Goals of domains.

use std::collections::BTreeMap;

use footfall_model::SiteId;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{Meta, MetaError, versions};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "goals")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub site_id: Uuid,
        pub name: String,
        pub kind: String,
        pub looks_for: String,
        pub depth: i32,
        #[sea_orm(column_type = "JsonBinary")]
        pub props: Json,
        pub currency: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What completes a goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoalKind {
    /// An event of this name.
    Event(String),
    /// A pageview of such a path.
    Page(String),
    /// A path scrolled so deep, in percent.
    Scroll {
        /// As of pages.
        path: String,
        /// 1 to 100.
        depth: u8,
    },
}

/// A goal to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGoal {
    /// What reports call it; unique in its domain.
    pub name: String,
    /// What completes it.
    pub kind: GoalKind,
    /// Properties that the event must have as well.
    pub props: BTreeMap<String, String>,
    /// ISO 4217.
    pub currency: Option<String>,
}

/// A goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// Its number.
    pub id: i64,
    /// The rest.
    pub goal: NewGoal,
}

impl TryFrom<row::Model> for Goal {
    type Error = MetaError;

    fn try_from(row: row::Model) -> Result<Self, Self::Error> {
        let corrupt = |what: &str| MetaError::corrupt(format!("goal {}: {what}", row.id));
        let kind = match row.kind.as_str() {
            "event" => GoalKind::Event(row.looks_for),
            "page" => GoalKind::Page(row.looks_for),
            "scroll" => {
                let depth = u8::try_from(row.depth).map_err(|_| corrupt("its depth is no percentage"))?;
                GoalKind::Scroll { path: row.looks_for, depth }
            }
            other => return Err(corrupt(&format!("`{other}` is no kind of goal"))),
        };
        let props = serde_json::from_value(row.props).map_err(|error| MetaError::corrupt(format!("goal {}: {error}", row.id)))?;
        Ok(Self { id: row.id, goal: NewGoal { name: row.name, kind, props, currency: row.currency } })
    }
}

impl Meta {
    /// Adds a goal.
    ///
    /// # Errors
    /// [`MetaError::Taken`] when the domain has one of this name.
    pub async fn create_goal(&self, site: SiteId, goal: NewGoal) -> Result<Goal, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let id = versions::next_number(&txn).await?;
        let (kind, looks_for, depth) = match &goal.kind {
            GoalKind::Event(name) => ("event", name, 0),
            GoalKind::Page(path) => ("page", path, 0),
            GoalKind::Scroll { path, depth } => ("scroll", path, i32::from(*depth)),
        };
        let new = row::ActiveModel {
            id: Set(id),
            site_id: Set(site.0),
            name: Set(goal.name.clone()),
            kind: Set(kind.to_owned()),
            looks_for: Set(looks_for.clone()),
            depth: Set(depth),
            props: Set(serde_json::to_value(&goal.props).map_err(|error| MetaError::corrupt(error.to_string()))?),
            currency: Set(goal.currency.clone()),
        };
        row::Entity::insert(new)
            .exec_without_returning(&txn)
            .await
            .map_err(|error| MetaError::taken_or(error, "the domain has a goal of this name; choose another"))?;
        txn.commit().await?;
        Ok(Goal { id, goal })
    }

    /// The goals of a domain, in the order in which they were made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn goals_of(&self, site: SiteId) -> Result<Vec<Goal>, MetaError> {
        let rows = row::Entity::find().filter(row::Column::SiteId.eq(site.0)).order_by_asc(row::Column::Id).all(&self.db).await?;
        rows.into_iter().map(Goal::try_from).collect()
    }

    /// Removes a goal; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_goal(&self, site: SiteId, id: i64) -> Result<bool, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let gone = row::Entity::delete_many().filter(row::Column::SiteId.eq(site.0)).filter(row::Column::Id.eq(id)).exec(&txn).await?;
        txn.commit().await?;
        Ok(gone.rows_affected > 0)
    }
}
