//! Lists of texts that are configured of a domain, in the table `rules`. Each is read and written whole.

use footfall_model::SiteId;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{Meta, MetaError, versions};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "rules")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub site_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub kind: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i32,
        #[sea_orm(column_name = "rule")]
        pub value: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Names of the custom properties that reports offer.
    Properties,
    /// Patterns of paths that make routes; the first that fits decides.
    Routes,
    /// Rules of channels, each a channel and filters in JSON; the first that applies decides.
    Channels,
}

impl List {
    const fn code(self) -> &'static str {
        match self {
            Self::Properties => "property",
            Self::Routes => "route",
            Self::Channels => "channel",
        }
    }
}

impl Meta {
    /// A list of a domain, in its order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_of(&self, site: SiteId, list: List) -> Result<Vec<String>, MetaError> {
        read(&self.db, site, list).await
    }

    /// Puts a list in the place of the one that was. `change` is given the present one and answers the new one; nothing changes if it refuses.
    ///
    /// # Errors
    /// When the database fails, or `change` refuses.
    pub async fn change_list(
        &self,
        site: SiteId,
        list: List,
        change: impl FnOnce(Vec<String>) -> Result<Vec<String>, MetaError> + Send,
    ) -> Result<Vec<String>, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let values = change(read(&txn, site, list).await?)?;
        row::Entity::delete_many().filter(of(site, list)).exec(&txn).await?;
        let row = |(value, position): (&String, i32)| row::ActiveModel {
            site_id: Set(site.0),
            kind: Set(list.code().to_owned()),
            position: Set(position),
            value: Set(value.clone()),
        };
        if !values.is_empty() {
            row::Entity::insert_many(values.iter().zip(0..).map(row)).exec_without_returning(&txn).await?;
        }
        txn.commit().await?;
        Ok(values)
    }
}

fn of(site: SiteId, list: List) -> Condition {
    Condition::all().add(row::Column::SiteId.eq(site.0)).add(row::Column::Kind.eq(list.code()))
}

async fn read(db: &impl ConnectionTrait, site: SiteId, list: List) -> Result<Vec<String>, MetaError> {
    let found = row::Entity::find().filter(of(site, list)).order_by_asc(row::Column::Position).all(db).await?;
    Ok(found.into_iter().map(|row| row.value).collect())
}
