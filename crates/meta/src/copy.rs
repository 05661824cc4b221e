//! Moving an installation to another database: copy, and compare.
//!
//! A copy may be interrupted and repeated, and repeated again while the source goes on changing: each time the target becomes what the source is.
//! Rows are upserted by key in batches; rows of the target that the source has no more are removed first, as their unique names may be in use again. The
//! source is read in one snapshot, in the order of references. The hours of the aggregates, the only large table, are copied by domain and month.
//!
//! A target that holds another installation is refused: its rows would be taken for remains.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable, ModelTrait, PrimaryKeyToColumn,
    QueryFilter, QuerySelect, Value, sea_query::OnConflict,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    Meta, MetaError, annotations, cursors, db::Txn, domains, goals, hourly, imports, keys, lists, salts, secrets, segments, sessions,
    shared_links, shields, users, versions,
};

/// Rows per statement; at most 11 values each.
const ROWS: usize = 1_000;

/// What a table holds, whatever the order of its rows and the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableChecksum {
    /// Rows.
    pub rows: u64,
    /// Sum of the rows' hashes.
    pub hash: u64,
}

/// Does something with each table, those that are referred to first. The last one is large.
macro_rules! for_each_table {
    ($each:ident) => {
        $each!(secrets::row, "secrets");
        $each!(users::row, "users");
        $each!(sessions::row, "login_sessions");
        $each!(domains::row, "domains");
        $each!(domains::deleted, "deleted_sites");
        $each!(shields::row, "shields");
        $each!(keys::row, "api_keys");
        $each!(goals::row, "goals");
        $each!(segments::row, "segments");
        $each!(annotations::row, "annotations");
        $each!(lists::row, "rules");
        $each!(shared_links::row, "shared_links");
        $each!(versions::row, "versions");
        $each!(salts::row, "salts");
        $each!(imports::row, "import_jobs");
        $each!(cursors::row, "cursors");
    };
}

impl Meta {
    /// Makes `target`, migrated, empty or half copied, hold what this database holds. `progress` hears of each table how many rows are done.
    ///
    /// # Errors
    /// When a database fails; then repeat it. When the target holds another installation.
    pub async fn copy_to(&self, target: &Self, progress: &(dyn Fn(&str, u64) + Sync)) -> Result<(), MetaError> {
        // By it the copy is recognised: made now where nobody has asked for it yet.
        self.installation_secret().await?;
        if !self.belongs_to_the_same(target).await? {
            return Err(MetaError::refused("the target database holds another installation; name an empty one"));
        }
        let source = self.snapshot().await?;
        macro_rules! copy {
            ($($entity:ident)::+, $name:literal) => {
                let copied = same::<$($entity)::+::Entity>(&source, target, &Condition::all()).await?;
                progress($name, copied);
            };
        }
        for_each_table!(copy);
        let (here, there) = (parts(&source).await?, parts(&target.snapshot().await?).await?);
        if target.is_postgres() {
            let months = here.iter().map(|(_, month)| month.and_time(chrono::NaiveTime::MIN).and_utc());
            target.ensure_months(months).await?;
        }
        let mut copied = 0;
        for part in here.union(&there) {
            copied += same::<hourly::row::Entity>(&source, target, &within(*part)).await?;
            progress("hourly_aggregates", copied);
        }
        source.commit().await?;
        Ok(())
    }

    /// Rows and checksum of each table, to compare two databases.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checksums(&self) -> Result<BTreeMap<&'static str, TableChecksum>, MetaError> {
        let source = self.snapshot().await?;
        let mut sums = BTreeMap::new();
        macro_rules! check {
            ($($entity:ident)::+, $name:literal) => {
                let mut sum = TableChecksum::default();
                add::<$($entity)::+::Entity>(&source, Condition::all(), &mut sum).await?;
                sums.insert($name, sum);
            };
        }
        for_each_table!(check);
        let mut sum = TableChecksum::default();
        for part in parts(&source).await? {
            add::<hourly::row::Entity>(&source, within(part), &mut sum).await?;
        }
        sums.insert("hourly_aggregates", sum);
        source.commit().await?;
        Ok(sums)
    }

    /// A transaction that reads.
    pub(crate) async fn snapshot(&self) -> Result<Txn, MetaError> {
        Ok(self.db.snapshot().await?)
    }

    /// Whether a target is empty, or was begun from this source.
    async fn belongs_to_the_same(&self, target: &Self) -> Result<bool, MetaError> {
        let secret = async |meta: &Self| secrets::row::Entity::find_by_id(secrets::INSTALLATION).one(&meta.db).await;
        if let Some(theirs) = secret(target).await? {
            return Ok(secret(self).await?.is_some_and(|ours| ours.value == theirs.value));
        }
        Ok(users::row::Entity::find().one(&target.db).await?.is_none() && domains::row::Entity::find().one(&target.db).await?.is_none())
    }
}

/// Makes the rows of a table under a condition the same; answers how many there are.
async fn same<E>(source: &Txn, target: &Meta, condition: &Condition) -> Result<u64, MetaError>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Sync,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let rows = E::find().filter(condition.clone()).all(source).await?;
    let kept: HashSet<String> = rows.iter().map(key::<E>).collect();
    let there = E::find().filter(condition.clone()).all(&target.db).await?;
    let unchanged: HashSet<String> = there.iter().map(canonical::<E>).collect();
    let gone: Vec<&E::Model> = there.iter().filter(|row| !kept.contains(&key::<E>(row))).collect();
    for some in gone.chunks(ROWS / 4) {
        let any = some.iter().fold(Condition::any(), |any, row| {
            any.add(E::PrimaryKey::iter().fold(Condition::all(), |all, column| {
                let column = column.into_column();
                all.add(column.eq(row.get(column)))
            }))
        });
        E::delete_many().filter(any).exec(&target.db).await?;
    }
    let count = rows.len() as u64;
    let is_key = |column: &E::Column| E::PrimaryKey::iter().any(|key| format!("{:?}", key.into_column()) == format!("{column:?}"));
    let replace = OnConflict::columns(E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column))
        .update_columns(E::Column::iter().filter(|column| !is_key(column)))
        .to_owned();
    let new: Vec<E::ActiveModel> =
        rows.into_iter().filter(|row| !unchanged.contains(&canonical::<E>(row))).map(|row| row.into_active_model().reset_all()).collect();
    for some in new.chunks(ROWS) {
        E::insert_many(some.iter().cloned()).on_conflict(replace.clone()).exec_without_returning(&target.db).await?;
    }
    Ok(count)
}

async fn add<E: EntityTrait>(db: &impl ConnectionTrait, condition: Condition, sum: &mut TableChecksum) -> Result<(), MetaError> {
    for row in E::find().filter(condition).all(db).await? {
        sum.rows += 1;
        let digest = Sha256::digest(canonical::<E>(&row));
        sum.hash = digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte)).wrapping_add(sum.hash);
    }
    Ok(())
}

/// Domains and months that have hours.
async fn parts(db: &impl ConnectionTrait) -> Result<BTreeSet<(Uuid, NaiveDate)>, MetaError> {
    let hours: Vec<(Uuid, DateTime<Utc>)> = hourly::row::Entity::find()
        .select_only()
        .columns([hourly::row::Column::SiteId, hourly::row::Column::Hour])
        .filter(hourly::row::Column::Path.eq(""))
        .into_tuple()
        .all(db)
        .await?;
    Ok(hours.into_iter().filter_map(|(site, hour)| Some((site, hour.date_naive().with_day(1)?))).collect())
}

fn within((site, month): (Uuid, NaiveDate)) -> Condition {
    let start = |month: NaiveDate| month.and_time(chrono::NaiveTime::MIN).and_utc();
    let next = month.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
    Condition::all()
        .add(hourly::row::Column::SiteId.eq(site))
        .add(hourly::row::Column::Hour.gte(start(month)))
        .add(hourly::row::Column::Hour.lt(start(next)))
}

fn key<E: EntityTrait>(row: &E::Model) -> String {
    E::PrimaryKey::iter().map(|column| text(&row.get(column.into_column()))).collect::<Vec<_>>().join("\0")
}

fn canonical<E: EntityTrait>(row: &E::Model) -> String {
    E::Column::iter().map(|column| text(&row.get(column))).collect::<Vec<_>>().join("\0")
}

/// A value in a form that both engines give: PostgreSQL keeps microseconds, and orders the keys of JSON in its own way.
fn text(value: &Value) -> String {
    match value {
        Value::ChronoDateTimeUtc(Some(time)) => time.timestamp_micros().to_string(),
        Value::Json(Some(json)) => sorted(json),
        other => format!("{other:?}"),
    }
}

fn sorted(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::Object(fields) => {
            let fields: BTreeMap<&String, String> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            format!("{fields:?}")
        }
        serde_json::Value::Array(items) => format!("{:?}", items.iter().map(sorted).collect::<Vec<_>>()),
        other => other.to_string(),
    }
}
