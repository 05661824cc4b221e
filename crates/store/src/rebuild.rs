//! What a restart needs of a partition: its clock, the ids it has seen, and its visits as they were after their last row.
//!
//! `from` is the `rebuild_from` of the commit: no visit or id that is still kept rests on an earlier row. So the rows `from..next` hold each of
//! these visits whole, and all that the table leaves out (entry page, first and last times) follows from them.

use std::{collections::BTreeMap, sync::Arc};

use clickhouse::Row;
use footfall_model::{Hash64, LogName, Offset, SiteId};
use serde::Deserialize;
use uuid::Uuid;

use crate::{PackedAttributes, Store, StoreError, bounds::RECOVERY, group::Group, node::Node, positions::Shard, row::TEXTS};

/// State of a partition, read from its rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rebuild {
    /// For each second of append time its first offset: (offset, seconds since 1970), by offset.
    pub clock: Vec<(Offset, i64)>,
    /// Ids that senders gave: (offset, domain, [`crate::event_id`]), by offset. Repetitions are among them.
    pub ids: Vec<(Offset, SiteId, u64)>,
    /// Visits by the offset of their last row.
    pub visits: Vec<StoredVisit>,
}

/// A visit after its last stored row.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVisit {
    /// Offset of that row.
    pub last_offset: Offset,
    /// When the log took that row, seconds since 1970.
    pub appended_s: i64,
    /// Domain.
    pub site: SiteId,
    /// Visitor id of its first event.
    pub visitor: Hash64,
    /// The session hash that is its key; 0 where the visitor is.
    pub key: u64,
    /// Time of its first event in log order.
    pub start: i64,
    /// The import it belongs to.
    pub import: Option<Uuid>,
    /// The other day's key, sealed; empty for none.
    pub alias: String,
    /// Pageviews.
    pub pageviews: u32,
    /// An interactive custom event was among them.
    pub interactive: bool,
    /// Least time of an event that is not an engagement.
    pub first: i64,
    /// Greatest time of an event that is not an engagement.
    pub last: i64,
    /// Greatest time of any event.
    pub seen: i64,
    /// Its first pageview by (time, log order): time, path, host name.
    pub entry: Option<(i64, String, String)>,
    /// First-touch attributes.
    pub attributes: Arc<PackedAttributes>,
}

#[derive(Row, Deserialize)]
struct Second {
    first_offset: u64,
    appended_s: i64,
}

#[derive(Row, Deserialize)]
struct Id {
    offset: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    event_id: u64,
}

#[derive(Row, Deserialize)]
struct Visit {
    last_offset: u64,
    appended: i64,
    #[serde(with = "clickhouse::serde::uuid")]
    site_id: Uuid,
    visitor: u64,
    key: u64,
    start: i64,
    #[serde(with = "clickhouse::serde::uuid")]
    import: Uuid,
    sealed: String,
    pageviews: u32,
    interacted: u8,
    first: i64,
    last: i64,
    seen: i64,
    has_entry: u8,
    entry: (i64, String, String),
    city: u32,
    texts: Vec<String>,
}

impl Store {
    /// Reads the state of a partition as of `next` from rows at and after `from`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rebuild(&self, shard: Shard, from: Offset, next: Offset) -> Result<Rebuild, StoreError> {
        let rows = format!("FROM events WHERE {} AND `offset` >= {from} AND `offset` < {next}", shard.condition());
        let rows = rows.as_str();
        let parts = self.each(|group| async move { rebuild_of(&group, rows).await }).await?;
        Ok(merged(parts))
    }
}

/// The part that one shard holds.
async fn rebuild_of(group: &Group, rows: &str) -> Result<Rebuild, StoreError> {
    let (clock, ids, visits) = tokio::try_join!(clock(group, rows), ids(group, rows), visits(group, rows))?;
    Ok(Rebuild { clock, ids, visits })
}

/// A domain's rows lie on one shard, so ids and visits only need their order; a second may have its first offset on any.
fn merged(mut parts: Vec<Rebuild>) -> Rebuild {
    if parts.len() < 2 {
        return parts.pop().unwrap_or_default();
    }
    let mut seconds = BTreeMap::new();
    let mut whole = Rebuild::default();
    for part in parts {
        for (offset, second) in part.clock {
            seconds.entry(second).and_modify(|first: &mut Offset| *first = offset.min(*first)).or_insert(offset);
        }
        whole.ids.extend(part.ids);
        whole.visits.extend(part.visits);
    }
    whole.clock = seconds.into_iter().map(|(second, offset)| (offset, second)).collect();
    whole.clock.sort_unstable();
    whole.ids.sort_unstable_by_key(|(offset, ..)| *offset);
    whole.visits.sort_unstable_by_key(|visit| visit.last_offset);
    whole
}

async fn clock(group: &Group, rows: &str) -> Result<Vec<(Offset, i64)>, StoreError> {
    let text = format!("SELECT min(`offset`) AS first_offset, appended_s {rows} GROUP BY appended_s ORDER BY first_offset");
    let found = group.all_whole::<Second>(&["events"], &text).await?;
    Ok(found.into_iter().map(|row| (row.first_offset, row.appended_s)).collect())
}

async fn ids(group: &Group, rows: &str) -> Result<Vec<(Offset, SiteId, u64)>, StoreError> {
    let text = format!("SELECT `offset`, site_id, event_id {rows} AND id_given = 1 ORDER BY `offset`");
    let found = group.all_whole::<Id>(&["events"], &text).await?;
    Ok(found.into_iter().map(|row| (row.offset, SiteId(row.site_id), row.event_id)).collect())
}

async fn visits(group: &Group, rows: &str) -> Result<Vec<StoredVisit>, StoreError> {
    let text = format!(
        "SELECT max(`offset`) AS last_offset, argMax(appended_s, `offset`) AS appended, site_id, any(visitor_id) AS visitor, any(visit_key) AS key, \
         toUnixTimestamp64Milli(session_start) AS start, any(import_id) AS import, argMax(alias, `offset`) AS sealed, \
         argMax(visit_pageviews, `offset`) AS pageviews, argMax(visit_interactive, `offset`) AS interacted, \
         toUnixTimestamp64Milli(minIf(ts, name != 'engagement')) AS first, toUnixTimestamp64Milli(maxIf(ts, name != 'engagement')) AS last, \
         toUnixTimestamp64Milli(max(ts)) AS seen, toUInt8(countIf(name = 'pageview') > 0) AS has_entry, \
         argMinIf((toUnixTimestamp64Milli(ts), toString(path), toString(hostname)), (ts, `offset`), name = 'pageview') AS entry, \
         any(city) AS city, any([{}]) AS texts \
         {rows} AND drop_reason = '' GROUP BY site_id, session_id, session_start ORDER BY last_offset",
        TEXTS.map(|name| format!("toString({name})")).join(", ")
    );
    let text = text.as_str();
    let ask = |node: Arc<Node>| async move {
        group.fetch_missing(&node, &["events"]).await?;
        let read = async {
            let mut cursor = node.statement(text, RECOVERY).fetch::<Visit>()?;
            let mut visits = Vec::new();
            while let Some(row) = cursor.next().await? {
                visits.push(stored(row));
            }
            Ok(visits)
        };
        node.within(RECOVERY, read).await
    };
    group.call(ask).await
}

fn stored(row: Visit) -> StoredVisit {
    let mut texts = row.texts.iter();
    let texts = std::array::from_fn(|_| texts.next().map_or("", String::as_str));
    let attributes = PackedAttributes::of_texts(texts, row.city);
    StoredVisit {
        last_offset: row.last_offset,
        appended_s: row.appended,
        site: SiteId(row.site_id),
        visitor: Hash64(row.visitor),
        key: row.key,
        start: row.start,
        import: Some(row.import).filter(|import| !import.is_nil()),
        alias: row.sealed,
        pageviews: row.pageviews,
        interactive: row.interacted != 0,
        first: row.first,
        last: row.last,
        seen: row.seen,
        entry: (row.has_entry != 0).then_some(row.entry),
        attributes: Arc::new(attributes),
    }
}

/// The log that a number in the column `log` means.
pub(crate) const fn log_of(code: u8) -> LogName {
    if code == LogName::Import.code() { LogName::Import } else { LogName::Live }
}
