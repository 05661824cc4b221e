//! Daily salts: the keys of visitor ids.
//!
//! A UTC day's salt is made by whoever needs it first (insert or read: replicas agree), normally 12 hours ahead, and is
//! destroyed 48 hours after the day began: the day after still needs it for visits that cross midnight. Salts are never
//! logged, exported or backed up by this program.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};

use crate::{Meta, MetaError};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "salts")]
    pub struct Model {
        /// UTC day.
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: Date,
        pub salt: Vec<u8>,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "Salt({}, …)", self.day)
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The next day's salt exists this long before the day.
pub const MADE_AHEAD: Duration = Duration::hours(12);
/// A salt lives this long from the beginning of its day.
pub const KEPT: Duration = Duration::hours(48);

impl Meta {
    /// The salt of a UTC day, made if there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn salt_for(&self, day: NaiveDate) -> Result<[u8; 16], MetaError> {
        if let Some(salt) = self.salt_if_kept(day).await? {
            return Ok(salt);
        }
        let fresh = row::ActiveModel { day: Set(day), salt: Set(rand::random::<[u8; 16]>().to_vec()) };
        row::Entity::insert(fresh)
            .on_conflict(OnConflict::column(row::Column::Day).do_nothing().to_owned())
            .exec_without_returning(&self.db)
            .await?;
        self.salt_if_kept(day).await?.ok_or_else(|| MetaError::corrupt(format!("the salt of {day} vanished while it was made")))
    }

    /// The salt of a UTC day, if it was made and not yet destroyed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn salt_if_kept(&self, day: NaiveDate) -> Result<Option<[u8; 16]>, MetaError> {
        row::Entity::find_by_id(day).one(&self.db).await?.map(|row| as_salt(row.salt)).transpose()
    }

    /// Makes today's salt, and from noon (UTC) on tomorrow's. Call it at start and every few minutes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_salts(&self, now: DateTime<Utc>) -> Result<(), MetaError> {
        self.salt_for(now.date_naive()).await?;
        self.salt_for((now + MADE_AHEAD).date_naive()).await?;
        Ok(())
    }

    /// Destroys the salts whose time is over, on the disk too; how many. Call it at start and every few minutes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_salts(&self, now: DateTime<Utc>) -> Result<u64, MetaError> {
        let gone = row::Entity::delete_many().filter(row::Column::Day.lte(last_day_to_destroy(now))).exec(&self.db).await?;
        if gone.rows_affected > 0 {
            self.forget_on_disk(&["salts"]).await?;
        }
        Ok(gone.rows_affected)
    }
}

/// The newest day that began at least [`KEPT`] ago.
fn last_day_to_destroy(now: DateTime<Utc>) -> NaiveDate {
    let newest = (now - KEPT).date_naive();
    let begun = newest.and_time(NaiveTime::MIN).and_utc() + KEPT <= now;
    if begun { newest } else { newest.checked_sub_days(Days::new(1)).unwrap_or(newest) }
}

pub(crate) fn as_salt(value: Vec<u8>) -> Result<[u8; 16], MetaError> {
    value.try_into().map_err(|_| MetaError::corrupt("a salt has a wrong length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yesterday_is_kept_to_its_last_second() {
        for (now, destroyed) in
            [("2026-03-03T00:00:00Z", "2026-03-01"), ("2026-03-02T23:59:59Z", "2026-02-28"), ("2026-03-03T13:00:00Z", "2026-03-01")]
        {
            assert_eq!(last_day_to_destroy(now.parse().unwrap()).to_string(), destroyed, "at {now}");
        }
    }
}
