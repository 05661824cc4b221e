//! Named numbers that only rise: roll-up cursors and log generations.

use footfall_model::{LogName, Offset};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use crate::{Meta, MetaError};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "cursors")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub value: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How far the hourly aggregates reach in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollupCursor {
    /// Which log.
    pub log: LogName,
    /// Which generation of it.
    pub generation: u32,
    /// Which partition.
    pub partition: u32,
    /// All hours touched by records below this offset are up to date.
    pub next: Offset,
}

impl RollupCursor {
    pub(crate) fn name(log: LogName, generation: u32, partition: u32) -> String {
        format!("rollup/{}/{generation}/{partition}", log.topic())
    }
}

impl Meta {
    /// Where the roll-up of a partition stands: the next offset; none before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rollup_cursor(&self, log: LogName, generation: u32, partition: u32) -> Result<Option<Offset>, MetaError> {
        Ok(self.cursor(&RollupCursor::name(log, generation, partition)).await?.map(i64::unsigned_abs))
    }

    /// The generation of a partition of a log, 0 at first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_generation(&self, log: LogName, partition: u32) -> Result<u32, MetaError> {
        Ok(self.cursor(&generation_name(log, partition)).await?.and_then(|value| u32::try_from(value).ok()).unwrap_or(0))
    }

    /// Raises the generation of a partition that was found to be new, unless another replica did; answers the generation now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn raise_log_generation(&self, log: LogName, partition: u32, from: u32) -> Result<u32, MetaError> {
        self.raise_cursor(&generation_name(log, partition), i64::from(from) + 1).await?;
        self.log_generation(log, partition).await
    }

    /// A named number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cursor(&self, name: &str) -> Result<Option<i64>, MetaError> {
        Ok(row::Entity::find_by_id(name).one(&self.db).await?.map(|row| row.value))
    }

    /// Sets a named number unless it is already as high.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn raise_cursor(&self, name: &str, value: i64) -> Result<(), MetaError> {
        raise(&self.db, name, value).await
    }

    /// Forgets a named number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_cursor(&self, name: &str) -> Result<(), MetaError> {
        row::Entity::delete_many().filter(row::Column::Name.eq(name)).exec(&self.db).await?;
        Ok(())
    }
}

pub(crate) async fn raise(db: &impl ConnectionTrait, name: &str, value: i64) -> Result<(), MetaError> {
    let new = row::ActiveModel { name: Set(name.to_owned()), value: Set(value) };
    let rising = OnConflict::column(row::Column::Name)
        .update_column(row::Column::Value)
        .action_and_where(Expr::col((row::Entity, row::Column::Value)).lt(value))
        .to_owned();
    row::Entity::insert(new).on_conflict(rising).exec_without_returning(db).await?;
    Ok(())
}

fn generation_name(log: LogName, partition: u32) -> String {
    format!("generation/{}/{partition}", log.topic())
}
