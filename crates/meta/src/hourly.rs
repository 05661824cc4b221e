//! Hourly aggregates by path: what remains readable while the analytics store is away, kept for good.
//!
//! **Absolute, versioned.** An hour of a domain is recomputed as a whole from the store and written as absolute values with
//! the store's own clock as version; an hour that is already newer is left alone. The row with path `''` is the hour's
//! total: it is written first and stays locked, so two writers of the same hour queue, and the older one finds out. Paths
//! that the hour no longer has (an import was undone) are removed. So a write is idempotent, and its order does not matter.
//!
//! **With its cursor.** The roll-up cursor moves in the same transaction: an hour is up to date or will be recomputed.
//!
//! **PostgreSQL** keeps one partition a month (`hourly_aggregates_2026_11`), made when first needed; SQLite one table.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use footfall_model::SiteId;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use crate::{Meta, MetaError, RollupCursor, cursors, domains};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "hourly_aggregates")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub site_id: Uuid,
        /// Its first instant, UTC.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hour: DateTimeUtc,
        /// `''` is the total.
        #[sea_orm(primary_key, auto_increment = false)]
        pub path: String,
        pub pageviews: i64,
        pub visitors: i64,
        pub visits: i64,
        /// The store's clock in milliseconds when the hour was computed.
        pub version: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The path of the total.
const TOTAL: &str = "";
/// Rows per statement: 7 values each, and SQLite binds at most 32,766.
const ROWS_PER_INSERT: usize = 1_000;
/// Keys per look-up.
const KEYS_PER_SELECT: usize = 200;
/// 9999-12-31: later years have five digits, which sort wrongly as text.
const LAST_MS: i64 = 253_402_214_400_000;
/// Makes partitions one after the other: "footpart" in ASCII.
const PARTITION_LOCK: i64 = 0x666f_6f74_7061_7274;

/// Figures of an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Pageviews.
    pub pageviews: u64,
    /// Distinct visitor ids.
    pub visitors: u64,
    /// Visits.
    pub visits: u64,
}

/// All figures of one hour of a domain, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourFigures {
    /// Domain.
    pub site: SiteId,
    /// Start of the hour, UTC ms.
    pub hour_ms: i64,
    /// The store's clock when they were computed, ms.
    pub version: i64,
    /// The hour as a whole.
    pub total: Figures,
    /// By path; every path that the hour has.
    pub paths: Vec<(String, Figures)>,
}

/// Pageviews of a path over a range.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct PageFigures {
    /// Path.
    pub path: String,
    /// Pageviews.
    pub pageviews: i64,
}

type Key = (uuid::Uuid, DateTime<Utc>);

impl Meta {
    /// Writes recomputed hours and moves the roll-up cursor, all or nothing. Hours of deleted domains are skipped.
    ///
    /// # Errors
    /// When the database fails; nothing has changed then.
    pub async fn apply_rollup(&self, hours: &[HourFigures], cursor: Option<RollupCursor>) -> Result<(), MetaError> {
        // Of several computations of one hour only the newest counts; in key order, so that writers never wait in a circle.
        let mut newest: BTreeMap<Key, &HourFigures> = BTreeMap::new();
        for hour in hours {
            let key = (hour.site.0, instant(hour.hour_ms)?);
            if newest.get(&key).is_none_or(|known| known.version <= hour.version) {
                newest.insert(key, hour);
            }
        }
        if self.is_postgres() {
            self.ensure_months(newest.keys().map(|(_, hour)| *hour)).await?;
        }
        let txn = self.begin().await?;
        forget_deleted(&txn, &mut newest).await?;
        let totals = newest.iter().map(|(key, hour)| active(key, TOTAL, hour.total, hour.version)).collect();
        upsert(&txn, totals).await?;
        skip_outdated(&txn, &mut newest).await?;
        let mut rows = Vec::new();
        for (key, hour) in &newest {
            let mut seen = HashSet::new();
            for (path, figures) in &hour.paths {
                // A path twice in one statement is an error in PostgreSQL; the total has no path.
                if path != TOTAL && seen.insert(path.as_str()) {
                    rows.push(active(key, path, *figures, hour.version));
                }
            }
        }
        upsert(&txn, rows).await?;
        for ((site, hour), figures) in &newest {
            row::Entity::delete_many()
                .filter(row::Column::SiteId.eq(*site))
                .filter(row::Column::Hour.eq(*hour))
                .filter(row::Column::Version.lt(figures.version))
                .exec(&txn)
                .await?;
        }
        if let Some(cursor) = cursor {
            let name = RollupCursor::name(cursor.log, cursor.generation, cursor.partition);
            cursors::raise(&txn, &name, i64::try_from(cursor.next).unwrap_or(i64::MAX)).await?;
        }
        txn.commit().await?;
        Ok(())
    }

    /// Totals by hour in `[from_ms, to_ms)`, in order of time; hours without any are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hourly_totals(&self, site: SiteId, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, Figures)>, MetaError> {
        let rows = row::Entity::find()
            .filter(in_range(site, from_ms, to_ms)?)
            .filter(row::Column::Path.eq(TOTAL))
            .order_by_asc(row::Column::Hour)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|row| (row.hour.timestamp_millis(), figures(&row))).collect())
    }

    /// Pages in `[from_ms, to_ms)` by pageviews, most first, and how many there are in all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hourly_pages(
        &self,
        site: SiteId,
        from_ms: i64,
        to_ms: i64,
        limit: u64,
        offset: u64,
    ) -> Result<(Vec<PageFigures>, u64), MetaError> {
        let pages = row::Entity::find()
            .filter(in_range(site, from_ms, to_ms)?)
            .filter(row::Column::Path.ne(TOTAL))
            .filter(row::Column::Pageviews.gt(0));
        let total = pages
            .clone()
            .select_only()
            .expr_as(Expr::col(row::Column::Path).count_distinct(), "n")
            .into_tuple::<i64>()
            .one(&self.db)
            .await?
            .unwrap_or(0);
        // PostgreSQL sums integers to a decimal of any size; these fit.
        let sum = Expr::col(row::Column::Pageviews).sum().cast_as("bigint");
        let found = pages
            .select_only()
            .column(row::Column::Path)
            .expr_as(sum.clone(), "pageviews")
            .group_by(row::Column::Path)
            .order_by_desc(sum)
            .order_by_asc(row::Column::Path)
            .limit(limit)
            .offset(offset)
            .into_model::<PageFigures>()
            .all(&self.db)
            .await?;
        Ok((found, total.unsigned_abs()))
    }

    /// Makes the partitions of months that have none. A short transaction of its own: it locks the parent table.
    pub(crate) async fn ensure_months(&self, hours: impl Iterator<Item = DateTime<Utc>>) -> Result<(), MetaError> {
        let months: BTreeSet<NaiveDate> = hours.filter_map(|hour| hour.date_naive().with_day(1)).collect();
        let mut missing = Vec::new();
        for month in months {
            let name = partition(month);
            let found = self
                .db
                .query_one_raw(sea_orm::Statement::from_string(
                    sea_orm::DbBackend::Postgres,
                    format!("SELECT to_regclass('{name}')::text AS name"),
                ))
                .await?;
            if found.and_then(|row| row.try_get::<Option<String>>("", "name").ok().flatten()).is_none() {
                missing.push(month);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let txn = self.begin().await?;
        txn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({PARTITION_LOCK})")).await?;
        for month in missing {
            let next = month.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
            let name = partition(month);
            txn.execute_unprepared(&format!(
                "CREATE TABLE IF NOT EXISTS {name} PARTITION OF hourly_aggregates FOR VALUES FROM ('{month} 00:00:00+00') TO ('{next} 00:00:00+00')"
            ))
            .await?;
        }
        txn.commit().await?;
        Ok(())
    }
}

fn partition(month: NaiveDate) -> String {
    format!("hourly_aggregates_{:04}_{:02}", month.year(), month.month())
}

/// Leaves out hours of deleted domains: a roll-up under way must not bring them back.
async fn forget_deleted(db: &impl ConnectionTrait, hours: &mut BTreeMap<Key, &HourFigures>) -> Result<(), MetaError> {
    let sites: BTreeSet<uuid::Uuid> = hours.keys().map(|(site, _)| *site).collect();
    for some in sites.into_iter().collect::<Vec<_>>().chunks(KEYS_PER_SELECT) {
        let gone = domains::deleted::Entity::find().filter(domains::deleted::Column::SiteId.is_in(some.iter().copied())).all(db).await?;
        for row in gone {
            hours.retain(|(site, _), _| *site != row.site_id);
        }
    }
    Ok(())
}

/// Leaves out hours of which a newer computation is stored. Their totals are locked by the upsert just before.
async fn skip_outdated(db: &impl ConnectionTrait, hours: &mut BTreeMap<Key, &HourFigures>) -> Result<(), MetaError> {
    let keys: Vec<Key> = hours.keys().copied().collect();
    for some in keys.chunks(KEYS_PER_SELECT) {
        let mut any = Condition::any();
        for (site, hour) in some {
            any = any.add(Condition::all().add(row::Column::SiteId.eq(*site)).add(row::Column::Hour.eq(*hour)));
        }
        let stored = row::Entity::find().filter(row::Column::Path.eq(TOTAL)).filter(any).all(db).await?;
        for total in stored {
            let key = (total.site_id, total.hour);
            if hours.get(&key).is_some_and(|hour| hour.version < total.version) {
                hours.remove(&key);
            }
        }
    }
    Ok(())
}

async fn upsert(db: &impl ConnectionTrait, rows: Vec<row::ActiveModel>) -> Result<(), MetaError> {
    let unless_newer = OnConflict::columns([row::Column::SiteId, row::Column::Hour, row::Column::Path])
        .update_columns([row::Column::Pageviews, row::Column::Visitors, row::Column::Visits, row::Column::Version])
        .action_and_where(Expr::col((row::Entity, row::Column::Version)).lte(Expr::cust("excluded.version")))
        .to_owned();
    for some in rows.chunks(ROWS_PER_INSERT) {
        row::Entity::insert_many(some.iter().cloned()).on_conflict(unless_newer.clone()).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Removes all aggregates of a domain.
pub(crate) async fn forget_site(db: &impl ConnectionTrait, site: SiteId) -> Result<(), MetaError> {
    row::Entity::delete_many().filter(row::Column::SiteId.eq(site.0)).exec(db).await?;
    Ok(())
}

/// Removes the hours of a domain before the one in which an instant lies.
pub(crate) async fn forget_before(db: &impl ConnectionTrait, site: SiteId, until: DateTime<Utc>) -> Result<(), MetaError> {
    let hour = until.timestamp_millis() / 3_600_000 * 3_600_000;
    row::Entity::delete_many().filter(in_range(site, 0, hour)?).exec(db).await?;
    Ok(())
}

/// Bounds beyond what both engines can express are drawn in.
fn in_range(site: SiteId, from_ms: i64, to_ms: i64) -> Result<Condition, MetaError> {
    let bound = |ms: i64| instant(ms.clamp(0, LAST_MS));
    Ok(Condition::all()
        .add(row::Column::SiteId.eq(site.0))
        .add(row::Column::Hour.gte(bound(from_ms)?))
        .add(row::Column::Hour.lt(bound(to_ms)?)))
}

fn instant(ms: i64) -> Result<DateTime<Utc>, MetaError> {
    DateTime::from_timestamp_millis(ms).ok_or_else(|| MetaError::refused(format!("{ms} ms is no moment in time")))
}

fn active((site, hour): &Key, path: &str, figures: Figures, version: i64) -> row::ActiveModel {
    let stored = |figure: u64| Set(i64::try_from(figure).unwrap_or(i64::MAX));
    row::ActiveModel {
        site_id: Set(*site),
        hour: Set(*hour),
        path: Set(path.to_owned()),
        pageviews: stored(figures.pageviews),
        visitors: stored(figures.visitors),
        visits: stored(figures.visits),
        version: Set(version),
    }
}

fn figures(row: &row::Model) -> Figures {
    Figures { pageviews: row.pageviews.unsigned_abs(), visitors: row.visitors.unsigned_abs(), visits: row.visits.unsigned_abs() }
}
