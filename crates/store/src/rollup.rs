//! Hourly aggregates, recomputed from the rows: absolute values with the store's own clock, so that the order of writers does not matter.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::Row;
use footfall_model::{Offset, SiteId};
use serde::Deserialize;
use uuid::Uuid;

use crate::{Store, StoreError, bounds::RECOVERY, group::Group, positions::Shard};

/// Paths kept per hour of a domain; the rest is counted under [`OTHER_PATHS`].
pub const PATHS_PER_HOUR: u32 = 1_000;
/// The label of what did not fit.
pub const OTHER_PATHS: &str = "(other)";
/// Hours per statement: keeps the list in the text short and the memory small.
const HOURS_PER_STATEMENT: usize = 400;
const HOUR_MS: i64 = 3_600_000;

/// Figures of an hour, or of a path in it. Bots and dropped rows are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourCounts {
    /// Pageviews.
    pub pageviews: u64,
    /// Distinct visitor ids.
    pub visitors: u64,
    /// Of the hour: visits that began in it. Of a path: visits with an event on it.
    pub visits: u64,
}

/// One hour of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledHour {
    /// Domain.
    pub site: SiteId,
    /// Start of the hour, UTC ms.
    pub hour_ms: i64,
    /// The store's clock when it began to compute, ms.
    pub version: i64,
    /// The hour as a whole.
    pub total: HourCounts,
    /// By path.
    pub paths: Vec<(String, HourCounts)>,
}

#[derive(Row, Deserialize)]
struct Touched {
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    hour: i64,
}

#[derive(Row, Deserialize)]
struct Counted {
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    hour: i64,
    path: String,
    pageviews: u64,
    visitors: u64,
    visits: u64,
}

impl Store {
    /// Hours with rows of a partition at offsets `from..next`, by domain and time.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn touched_hours(&self, shard: Shard, from: Offset, next: Offset) -> Result<Vec<(SiteId, i64)>, StoreError> {
        let text = format!(
            "SELECT DISTINCT site_id, intDiv(toUnixTimestamp64Milli(ts), {HOUR_MS}) * {HOUR_MS} AS hour FROM events \
             WHERE {} AND `offset` >= {from} AND `offset` < {next} AND drop_reason = '' ORDER BY site_id, hour",
            shard.condition()
        );
        let text = text.as_str();
        let found = self.each(|group| async move { group.all_whole::<Touched>(&["events"], text).await }).await?;
        let mut hours: Vec<(SiteId, i64)> = found.into_iter().flatten().map(|row| (SiteId(row.site_id), row.hour)).collect();
        hours.sort_unstable();
        Ok(hours)
    }

    /// Recomputes hours (start, UTC ms). Every hour asked for is answered, those without rows with zeros.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn roll_up(&self, hours: &BTreeSet<(SiteId, i64)>) -> Result<Vec<RolledHour>, StoreError> {
        let mut rolled = Vec::with_capacity(hours.len());
        let mut by_shard = vec![Vec::new(); self.groups().len()];
        for &(site, hour) in hours {
            by_shard[self.shard_of(site)].push((site, hour));
        }
        for (group, hours) in self.groups().iter().zip(by_shard) {
            for part in hours.chunks(HOURS_PER_STATEMENT) {
                rolled.extend(roll_up_part(group, part).await?);
            }
        }
        Ok(rolled)
    }

    /// The store's own clock, UTC milliseconds.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clock_ms(&self) -> Result<i64, StoreError> {
        clock_ms(self.first()).await
    }
}

async fn clock_ms(group: &Group) -> Result<i64, StoreError> {
    let now = group.all::<i64>("SELECT toUnixTimestamp64Milli(now64(3))", RECOVERY).await?;
    now.first().copied().ok_or_else(|| StoreError::odd("no clock"))
}

/// Hours of one shard. An hour may be closed and never be looked at again, so nothing that was acknowledged may be missing.
async fn roll_up_part(group: &Group, hours: &[(SiteId, i64)]) -> Result<Vec<RolledHour>, StoreError> {
    // The clock is read before the rows are, so a version is never newer than what it counts.
    let version = clock_ms(group).await?;
    let mut rolled: BTreeMap<(SiteId, i64), RolledHour> = hours
        .iter()
        .map(|&(site, hour_ms)| ((site, hour_ms), RolledHour { site, hour_ms, version, total: HourCounts::default(), paths: Vec::new() }))
        .collect();
    let (pages, totals, visits) = (pages(hours), totals(hours), visits(hours));
    let (pages, totals, visits) = tokio::try_join!(
        group.all_whole::<Counted>(&["events"], &pages),
        group.all_whole::<Counted>(&["events"], &totals),
        group.all_whole::<Counted>(&["sessions"], &visits)
    )?;
    for row in totals {
        if let Some(hour) = rolled.get_mut(&(SiteId(row.site_id), row.hour)) {
            hour.total.pageviews = row.pageviews;
            hour.total.visitors = row.visitors;
        }
    }
    for row in visits {
        if let Some(hour) = rolled.get_mut(&(SiteId(row.site_id), row.hour)) {
            hour.total.visits = row.visits;
        }
    }
    for row in pages {
        if let Some(hour) = rolled.get_mut(&(SiteId(row.site_id), row.hour)) {
            hour.paths.push((row.path, HourCounts { pageviews: row.pageviews, visitors: row.visitors, visits: row.visits }));
        }
    }
    Ok(rolled.into_values().collect())
}

/// A condition that a table's rows lie in one of the hours, friendly to its key; numbers and UUIDs only.
fn in_hours(hours: &[(SiteId, i64)], time: &str) -> String {
    let sites: BTreeSet<String> = hours.iter().map(|(site, _)| format!("toUUID('{site}')")).collect();
    let pairs: Vec<String> = hours.iter().map(|(site, hour)| format!("(toUUID('{site}'), {hour})")).collect();
    let from = hours.iter().map(|(_, hour)| *hour).min().unwrap_or_default();
    let to = hours.iter().map(|(_, hour)| *hour).max().unwrap_or_default() + HOUR_MS;
    format!(
        "site_id IN ({}) AND {time} >= fromUnixTimestamp64Milli(toInt64({from}), 'UTC') AND {time} < fromUnixTimestamp64Milli(toInt64({to}), 'UTC') \
         AND (site_id, intDiv(toUnixTimestamp64Milli({time}), {HOUR_MS}) * {HOUR_MS}) IN ({})",
        sites.into_iter().collect::<Vec<_>>().join(", "),
        pairs.join(", ")
    )
}

const COUNTED: &str = "drop_reason = '' AND bot = '' AND name != 'engagement'";

fn totals(hours: &[(SiteId, i64)]) -> String {
    format!(
        "SELECT site_id, intDiv(toUnixTimestamp64Milli(ts), {HOUR_MS}) * {HOUR_MS} AS hour, '' AS path, countIf(name = 'pageview') AS pageviews, \
         uniqExact(visitor_id) AS visitors, toUInt64(0) AS visits FROM events WHERE {} AND {COUNTED} GROUP BY site_id, hour",
        in_hours(hours, "ts")
    )
}

fn visits(hours: &[(SiteId, i64)]) -> String {
    format!(
        "SELECT site_id, intDiv(toUnixTimestamp64Milli(session_start), {HOUR_MS}) * {HOUR_MS} AS hour, '' AS path, toUInt64(0) AS pageviews, \
         toUInt64(0) AS visitors, count() AS visits FROM sessions FINAL WHERE {} AND bot = '' GROUP BY site_id, hour",
        in_hours(hours, "session_start")
    )
}

/// The greatest paths of each hour, and the rest as one.
fn pages(hours: &[(SiteId, i64)]) -> String {
    format!(
        "SELECT site_id, hour, label AS path, sum(views) AS pageviews, uniqExactMerge(people) AS visitors, uniqExactMerge(stays) AS visits FROM ( \
           SELECT site_id, hour, views, people, stays, \
                  if(row_number() OVER (PARTITION BY site_id, hour ORDER BY views DESC, page) <= {PATHS_PER_HOUR}, page, '{OTHER_PATHS}') AS label FROM ( \
             SELECT site_id, intDiv(toUnixTimestamp64Milli(ts), {HOUR_MS}) * {HOUR_MS} AS hour, toString(path) AS page, countIf(name = 'pageview') AS views, \
                    uniqExactState(visitor_id) AS people, uniqExactState(session_id) AS stays \
             FROM events WHERE {} AND {COUNTED} GROUP BY site_id, hour, page \
           ) \
         ) GROUP BY site_id, hour, label ORDER BY site_id, hour, pageviews DESC, path",
        in_hours(hours, "ts")
    )
}
