//! Working out figures of whole days: what they are, and why they hold, is said in `ddl::days` and `footfall_query::question::days`.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    time::Duration,
};

use chrono_tz::Tz;
use clickhouse::Row;
use footfall_model::SiteId;
use footfall_query::{
    Scope,
    question::days::{recipe, roll_all},
    range::DAY_MS,
};
use futures::future::join_all;
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Store, StoreError,
    bounds::{Bounds, RECOVERY, UPKEEP},
    group::Group,
    node::Node,
};

/// One thread: reports and inserts go first.
const ROLL: Bounds = Bounds { threads: Some(1), ..Bounds::new(600, 1_000_000_000) };
/// Events that are worked out at once, if a single day has not more.
const EVENTS_AT_ONCE: u64 = 2_000_000;
/// A run that took longer is given up, so that nobody removes its first figures before the last are there.
pub const LONGEST_ROLL: Duration = Duration::from_secs(3_600);

/// Which days are worth working out, and when.
#[derive(Clone, Copy, Debug)]
pub struct DaysWanted {
    /// Pageviews and custom events of a day at least; days with fewer are read as fast row by row.
    pub events: u64,
    /// Nothing has touched the day for so long.
    pub quiet: Duration,
}

/// A day that is worth working out, and the recipes by which that was done since it changed.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
struct Changed {
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    day: u32,
    changed: u64,
    events: u64,
    recipes: Vec<i64>,
}

/// Neighbouring days of one domain that are to be worked out.
#[derive(Clone, Debug)]
pub struct DayRun {
    /// Domain.
    pub site: SiteId,
    zone: Tz,
    days: Vec<Changed>,
}

impl DayRun {
    /// Days since 1970.
    #[must_use]
    pub fn days(&self) -> Range<i64> {
        let first = self.days.first().map_or(0, |day| i64::from(day.day));
        first..first + self.days.len() as i64
    }
}

impl Store {
    /// Days of all domains that have ended and are to be worked out, each for the time zone of its domain; the newest first. A shard that is away is
    /// left out.
    ///
    /// # Errors
    /// When no shard answers.
    pub async fn days_to_roll(&self, wanted: DaysWanted, zone: &(dyn Fn(SiteId) -> Tz + Sync)) -> Result<Vec<DayRun>, StoreError> {
        let (mut found, mut failure) = (Vec::new(), None);
        for answer in join_all(self.groups().iter().map(|group| changed(group, wanted))).await {
            match answer {
                Ok(days) => found.push(days),
                Err(error) => failure = Some(error),
            }
        }
        if let (true, Some(error)) = (found.is_empty(), failure) {
            return Err(error);
        }
        let zoned = found.into_iter().flatten().map(|day| (zone(SiteId(day.site_id)), day));
        let mut runs = runs(zoned.filter(|(zone, day)| !day.recipes.contains(&recipe(*zone))));
        runs.sort_by_key(|run| std::cmp::Reverse(run.days().end));
        Ok(runs)
    }

    /// Works out some days. May be interrupted at any point, and done by several at once. On another replica it begins anew: a statement whose answer was
    /// lost may have been carried out, and figures must not be there twice.
    ///
    /// # Errors
    /// When the store does not answer or it is too much for it.
    pub async fn roll(&self, run: &DayRun) -> Result<(), StoreError> {
        let group = self.of(run.site);
        group
            .call(|node| async move {
                group.fetch_missing(&node, &["events", "sessions"]).await?;
                roll_on(&node, run).await
            })
            .await
    }

    /// Tidies up: takes days from the list that changed since or are listed anew, and removes figures that are in no list and were in none the last
    /// time. So reports that know of an old list find its figures for as long as passes are apart. What is younger than `age`, which must be longer than
    /// [`LONGEST_ROLL`], may still be under way. Answers what the next pass is to be given.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sweep_days(&self, unlisted: &Unlisted, age: Duration) -> Result<Unlisted, StoreError> {
        let mut found = Unlisted::default();
        for group in self.groups() {
            let now = group.all_whole::<Build>(&["day_figures", "rolled_days"], &unlisted_builds(age)).await?;
            let (old, new): (Vec<Build>, Vec<Build>) = now.into_iter().partition(|build| unlisted.0.contains(build));
            found.0.extend(new);
            erase(group, "day_figures", &old).await?;
            let replaced = group.all_whole::<Build>(&["rolled_days", "day_changes"], REPLACED).await?;
            erase(group, "rolled_days", &replaced).await?;
        }
        Ok(found)
    }
}

/// Works out a run under a number of its own, and lists it last, with how many rows it has: so reports know whether the replica that they ask has
/// all of them.
async fn roll_on(node: &Node, run: &DayRun) -> Result<(), StoreError> {
    let began = Instant::now();
    let now = node.all::<i64>("SELECT toUnixTimestamp64Milli(now64(3))", RECOVERY).await?;
    let chance = i64::from(Uuid::new_v4().as_fields().1 & 0xfff);
    let build = (now.first().copied().unwrap_or_default() << 12) | chance;
    for statement in roll_all(Scope::authorised(run.site), run.days(), build, run.zone) {
        node.insert(&statement.text, &statement.params, ROLL).await?;
    }
    let Range { start, end } = run.days();
    if began.elapsed() > LONGEST_ROLL {
        return Err(StoreError::odd(format!("days {start} to {end} of domain {} took longer than {} s", run.site, LONGEST_ROLL.as_secs())));
    }
    let counts = format!(
        "SELECT day, count() FROM day_figures WHERE site_id = toUUID('{}') AND day >= {start} AND day < {end} AND build = {build} GROUP BY day",
        run.site
    );
    let counts: HashMap<u32, u64> = node.all::<(u32, u64)>(&counts, RECOVERY).await?.into_iter().collect();
    let row = |day: &Changed| {
        let rows = counts.get(&day.day).copied().unwrap_or(0);
        format!("(toUUID('{}'), {}, {}, {}, {build}, {rows})", run.site, day.day, day.changed, recipe(run.zone))
    };
    let rows: Vec<String> = run.days.iter().map(row).collect();
    let text = format!("INSERT INTO rolled_days (site_id, day, changed, recipe, build, figures) VALUES {}", rows.join(", "));
    node.insert(&text, &[], ROLL).await
}

/// Figures in no list, see [`Store::sweep_days`].
#[derive(Clone, Debug, Default)]
pub struct Unlisted(HashSet<Build>);

/// One working out of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Row, Deserialize)]
struct Build {
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    day: u32,
    build: i64,
}

/// The first kind that is worked out finds them all.
fn unlisted_builds(age: Duration) -> String {
    format!(
        "SELECT CAST(site_id, 'UUID') AS site_id, day, build FROM day_figures \
         WHERE kind = '' AND bitShiftRight(build, 12) <= toUnixTimestamp64Milli(now64(3)) - {} \
         AND (site_id, day, build) NOT IN (SELECT site_id, day, build FROM rolled_days) GROUP BY site_id, day, build ORDER BY build LIMIT 10000",
        age.as_millis()
    )
}

/// What is listed and does not hold any more, or was worked out once more a day ago: by another recipe, for a new zone.
const REPLACED: &str = "SELECT CAST(site_id, 'UUID') AS site_id, day, build FROM rolled_days \
    WHERE (site_id, day, changed) NOT IN (SELECT site_id, day, sum(changes) FROM day_changes GROUP BY site_id, day) \
    OR (site_id, day, build) IN (SELECT site_id, day, build FROM (\
        SELECT site_id, day, build, max(build) OVER (PARTITION BY site_id, day, changed) AS newest FROM rolled_days\
    ) WHERE build < newest AND bitShiftRight(newest, 12) < toUnixTimestamp64Milli(now64(3)) - 86400000) \
    GROUP BY site_id, day, build LIMIT 10000";

async fn erase(group: &Group, table: &str, builds: &[Build]) -> Result<(), StoreError> {
    for some in builds.chunks(1_000) {
        let some: Vec<String> = some.iter().map(|build| format!("(toUUID('{}'), {}, {})", build.site_id, build.day, build.build)).collect();
        let text = format!("ALTER TABLE {table} DELETE WHERE (site_id, day, build) IN ({}) SETTINGS mutations_sync = 2", some.join(", "));
        group.execute(&text, UPKEEP).await?;
    }
    Ok(())
}

/// Days that are worth it, by domain and time.
async fn changed(group: &Group, wanted: DaysWanted) -> Result<Vec<Changed>, StoreError> {
    let mutations =
        "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND table IN ('events', 'sessions') AND is_done = 0";
    if group.all::<u64>(mutations, RECOVERY).await?.iter().sum::<u64>() > 0 {
        // Rows are being deleted, of which some are still there.
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT CAST(site_id, 'UUID') AS site_id, day, changed, events, recipes FROM (\
           SELECT site_id, day, sum(changes) AS changed, sum(events) AS events FROM day_changes \
           WHERE day < intDiv(toUnixTimestamp64Milli(now64(3)), {DAY_MS}) GROUP BY site_id, day \
           HAVING events >= {events} AND max(latest) + {quiet} <= now()\
         ) AS changes \
         LEFT JOIN (SELECT site_id, day, changed, groupArray(recipe) AS recipes FROM rolled_days GROUP BY site_id, day, changed) AS rolled \
         USING (site_id, day, changed) ORDER BY site_id, day",
        events = wanted.events,
        quiet = wanted.quiet.as_secs(),
    );
    group.all_whole::<Changed>(&["day_changes", "rolled_days"], &text).await
}

/// Neighbours together, as many as are not too much at once.
fn runs(days: impl Iterator<Item = (Tz, Changed)>) -> Vec<DayRun> {
    let mut runs: Vec<DayRun> = Vec::new();
    let mut events = 0;
    for (zone, day) in days {
        events += day.events;
        match runs.last_mut() {
            Some(run) if run.site.0 == day.site_id && run.days().end == i64::from(day.day) && events <= EVENTS_AT_ONCE => {
                run.days.push(day)
            }
            _ => {
                events = day.events;
                runs.push(DayRun { site: SiteId(day.site_id), zone, days: vec![day] });
            }
        }
    }
    runs
}
