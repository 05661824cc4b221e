//! Counters that move with every change of a kind, so that a cache can ask cheaply whether it is still right.

use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use crate::{Meta, MetaError};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "versions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub value: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The row that domains, keys and shields share.
const CONFIG: &str = "config";
/// The last number given to a goal, segment or annotation.
const NUMBERS: &str = "numbers";

impl Meta {
    /// Rises with every change of a domain, a key or a shield.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn config_version(&self) -> Result<i64, MetaError> {
        read_config(&self.db).await
    }
}

pub(crate) async fn read_config(db: &impl ConnectionTrait) -> Result<i64, MetaError> {
    Ok(row::Entity::find_by_id(CONFIG).one(db).await?.map_or(0, |row| row.value))
}

/// Raises the version. The row stays locked until the transaction ends, so this also puts changes of the configuration in
/// a line: call it first where a rule is checked over several rows.
pub(crate) async fn raise_config(db: &impl ConnectionTrait) -> Result<(), MetaError> {
    raise(db, CONFIG).await
}

/// A number that was never given before. Call it after [`raise_config`], which keeps others out.
pub(crate) async fn next_number(db: &impl ConnectionTrait) -> Result<i64, MetaError> {
    raise(db, NUMBERS).await?;
    row::Entity::find_by_id(NUMBERS).one(db).await?.map(|row| row.value).ok_or_else(|| MetaError::corrupt("the row of numbers is gone"))
}

async fn raise(db: &impl ConnectionTrait, name: &str) -> Result<(), MetaError> {
    let raised = row::Entity::update_many()
        .col_expr(row::Column::Value, Expr::col(row::Column::Value).add(1))
        .filter(Expr::col(row::Column::Name).eq(name))
        .exec(db)
        .await?;
    if raised.rows_affected == 0 {
        row::Entity::insert(row::ActiveModel { name: Set(name.to_owned()), value: Set(1) }).exec_without_returning(db).await?;
    }
    Ok(())
}
