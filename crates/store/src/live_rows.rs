//! What live state starts from: counts of the last hours and days, read from the rows of one partition.
//!
//! Whoever makes up paths and visitors makes up rows here too, so the store answers bounded lists: of each minute the greatest paths, over all minutes so
//! many in all, the newest visitors. What does not fit is counted under [`OTHER_PATHS`]: sums stay right.

use clickhouse::Row;
use footfall_model::{Hash64, Offset, SiteId};
use serde::Deserialize;
use uuid::Uuid;

use crate::{Store, StoreError, group::Group, positions::Shard, rollup::OTHER_PATHS};

/// Counts of counted rows, bots left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveRows {
    /// Pageviews per (domain, minute start in ms, path); what did not fit under [`OTHER_PATHS`].
    pub minutes: Vec<(SiteId, i64, String, u64)>,
    /// Pageviews per (domain, hour start in ms).
    pub hours: Vec<(SiteId, i64, u64)>,
    /// Last time seen per visitor: (domain, ts, visitor), oldest first.
    pub visitors: Vec<(SiteId, i64, Hash64)>,
    /// Newest events but engagement, oldest first; at most 20 per domain.
    pub newest: Vec<SeenRow>,
}

/// One of [`LiveRows::newest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRow {
    /// Offset.
    pub offset: Offset,
    /// Domain.
    pub site: SiteId,
    /// UTC milliseconds.
    pub ts: i64,
    /// Visitor id.
    pub visitor: Hash64,
    /// `pageview` or a custom name.
    pub name: String,
    /// Path.
    pub path: String,
    /// Country code.
    pub country: String,
    /// Source.
    pub source: String,
    /// Device.
    pub device: String,
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct LiveWanted {
    /// Rows of this partition below this offset.
    pub below: Offset,
    /// Minutes from here on, UTC ms.
    pub minutes_from: i64,
    /// Hours from here on.
    pub hours_from: i64,
    /// Visitors from here on.
    pub visitors_from: i64,
    /// Paths kept of a minute of a domain, those with the most pageviews.
    pub paths_per_minute: usize,
    /// Paths kept over all minutes and domains. Beyond, the older minutes of the domains that have the most lose theirs.
    pub paths: usize,
    /// Visitors kept over all domains, those seen last.
    pub visitors: usize,
    /// Take imported rows along, which belong to no live partition.
    pub imports: bool,
}

#[derive(Row, Deserialize)]
struct Minute {
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    minute: i64,
    pageviews: u64,
    /// Pageviews below zero, so that the greatest come first, and the path.
    paths: Vec<(i64, String)>,
}

impl Minute {
    /// By path, and the rest as one.
    fn counts(self) -> impl Iterator<Item = (SiteId, i64, String, u64)> {
        let paths = self.paths.into_iter().map(|(views, path)| (path, views.unsigned_abs()));
        let mut rest = self.pageviews;
        let mut counted: Vec<(String, u64)> = paths.inspect(|(_, views)| rest = rest.saturating_sub(*views)).collect();
        if rest > 0 {
            counted.push((OTHER_PATHS.to_owned(), rest));
        }
        counted.into_iter().map(move |(path, views)| (SiteId(self.site_id), self.minute, path, views))
    }
}

#[derive(Row, Deserialize)]
struct Hour {
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    hour: i64,
    pageviews: u64,
}

#[derive(Row, Deserialize)]
struct Visitor {
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    at: i64,
    visitor_id: u64,
}

#[derive(Row, Deserialize)]
struct Newest {
    offset: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    at: i64,
    visitor_id: u64,
    name: String,
    path: String,
    country: String,
    source: String,
    device: String,
}

impl Store {
    /// Reads counts of a partition of the live log, to start live state from: those of earlier generations too.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn live_rows(&self, shard: Shard, wanted: LiveWanted) -> Result<LiveRows, StoreError> {
        // A domain's rows are in one group, so the groups share what is kept in all.
        let groups = self.groups().len().max(1);
        let statements = Statements::new(shard, LiveWanted { paths: wanted.paths / groups, visitors: wanted.visitors / groups, ..wanted });
        let statements = &statements;
        let mut all = LiveRows::default();
        for part in self.each(|group| async move { statements.ask(&group).await }).await? {
            all.minutes.extend(part.minutes);
            all.hours.extend(part.hours);
            all.visitors.extend(part.visitors);
            all.newest.extend(part.newest);
        }
        all.visitors.sort_by_key(|(_, at, _)| *at);
        all.newest.sort_by_key(|row| (row.ts, row.offset));
        Ok(all)
    }
}

/// One per figure.
struct Statements {
    minutes: String,
    hours: String,
    visitors: String,
    newest: String,
}

impl Statements {
    fn new(shard: Shard, wanted: LiveWanted) -> Self {
        // What an earlier topic of the same name left belongs to the partition of today.
        let older = format!("(log = {} AND partition = {} AND generation < {})", shard.log.code(), shard.partition, shard.generation);
        let mut rows = format!("(({} AND `offset` < {}) OR {older})", shard.condition(), wanted.below);
        if wanted.imports {
            rows = format!("({rows} OR log = 1)");
        }
        let since = |ms: i64| {
            format!("FROM events WHERE {rows} AND ts >= fromUnixTimestamp64Milli(toInt64({ms}), 'UTC') AND drop_reason = '' AND bot = ''")
        };
        Self {
            minutes: minutes(&since(wanted.minutes_from), wanted),
            hours: format!(
                "SELECT site_id, intDiv(toUnixTimestamp64Milli(ts), 3600000) * 3600000 AS hour, count() AS pageviews {} AND name = 'pageview' GROUP BY site_id, hour",
                since(wanted.hours_from)
            ),
            visitors: format!(
                "SELECT site_id, toUnixTimestamp64Milli(max(ts)) AS at, visitor_id {} GROUP BY site_id, visitor_id ORDER BY at DESC LIMIT {}",
                since(wanted.visitors_from),
                wanted.visitors
            ),
            newest: format!(
                "SELECT `offset`, site_id, toUnixTimestamp64Milli(ts) AS at, visitor_id, toString(name) AS name, toString(path) AS path, toString(country) AS country, \
                 toString(source) AS source, toString(device) AS device {} AND events.name != 'engagement' ORDER BY ts DESC, `offset` DESC LIMIT 20 BY site_id",
                since(wanted.minutes_from)
            ),
        }
    }

    async fn ask(&self, group: &Group) -> Result<LiveRows, StoreError> {
        let (minutes, hours, visitors, newest) = tokio::try_join!(
            group.all_whole::<Minute>(&["events"], &self.minutes),
            group.all_whole::<Hour>(&["events"], &self.hours),
            group.all_whole::<Visitor>(&["events"], &self.visitors),
            group.all_whole::<Newest>(&["events"], &self.newest)
        )?;
        Ok(LiveRows {
            minutes: minutes.into_iter().flat_map(Minute::counts).collect(),
            hours: hours.into_iter().map(|row| (SiteId(row.site_id), row.hour, row.pageviews)).collect(),
            visitors: visitors.into_iter().map(|row| (SiteId(row.site_id), row.at, Hash64(row.visitor_id))).collect(),
            newest: newest
                .into_iter()
                .map(|row| SeenRow {
                    offset: row.offset,
                    site: SiteId(row.site_id),
                    ts: row.at,
                    visitor: Hash64(row.visitor_id),
                    name: row.name,
                    path: row.path,
                    country: row.country,
                    source: row.source,
                    device: row.device,
                })
                .collect(),
        })
    }
}

/// Pageviews of each minute, and its greatest paths while there is room: domains take it in turns, each its newest minute first, so that a flood in one
/// does not take the room of the others. What grouping holds goes on disk where it is much; nothing sorts all paths, and
/// `groupArraySorted` would take several times as long.
fn minutes(since: &str, wanted: LiveWanted) -> String {
    let LiveWanted { paths_per_minute, paths, .. } = wanted;
    format!(
        "SELECT site_id, minute, pageviews, if(sum(length(greatest)) OVER (ORDER BY taken, site_id) <= {paths}, greatest, []) AS paths FROM ( \
           SELECT site_id, minute, pageviews, greatest, sum(length(greatest)) OVER (PARTITION BY site_id ORDER BY minute DESC) AS taken FROM ( \
             SELECT site_id, minute, sum(views) AS pageviews, \
                    arraySlice(arrayPartialSort({paths_per_minute}, groupArray((-toInt64(views), toString(path)))), 1, {paths_per_minute}) AS greatest FROM ( \
               SELECT site_id, intDiv(toUnixTimestamp64Milli(ts), 60000) * 60000 AS minute, path, count() AS views {since} AND name = 'pageview' \
               GROUP BY site_id, minute, path \
             ) GROUP BY site_id, minute \
           ) \
         )"
    )
}
