//! What a report says: the answers of `/api/analytics/*`, shared by the API, the dashboard and the command line.
//! Every figure is defined in `docs/definitions.md`.

use serde::{Deserialize, Serialize};

/// The six figures of the strip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Distinct visitor ids.
    pub visitors: u64,
    /// Visits whose first event lies in the range.
    pub visits: u64,
    /// Pageviews in the range.
    pub pageviews: u64,
    /// Pageviews per visit, 2 decimals. This and the two below are none where a filter names pages that no visit entered on, and where the store
    /// is away.
    pub views_per_visit: Option<f64>,
    /// Percent, whole.
    pub bounce_rate: Option<u64>,
    /// Mean, whole seconds.
    pub visit_duration: Option<u64>,
}

/// `GET /api/analytics/kpis`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kpis {
    /// The figures of the period.
    #[serde(flatten)]
    pub figures: Figures,
    /// Distinct visitors with any event in the last 5 minutes.
    pub current_visitors: u64,
    /// The period compared to, if one was asked for.
    pub comparison: Option<Comparison>,
    /// Where the figures come from.
    pub meta: Meta,
}

/// Another period beside the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The figures of that period.
    #[serde(flatten)]
    pub figures: Figures,
    /// Change in whole percent; null where there is nothing earlier to compare with.
    pub change: Changes,
    /// The period compared to begins before the domain's first event.
    pub incomplete: bool,
}

/// Change of each figure: 100 × (now − then) / then, whole percent; both 0 → 0; then = 0 → null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Of visitors.
    pub visitors: Option<i64>,
    /// Of visits.
    pub visits: Option<i64>,
    /// Of pageviews.
    pub pageviews: Option<i64>,
    /// Of views per visit.
    pub views_per_visit: Option<i64>,
    /// Of the bounce rate.
    pub bounce_rate: Option<i64>,
    /// Of the visit duration.
    pub visit_duration: Option<i64>,
}

/// 100 × (now − then) / then in whole percent; both 0 → 0; then = 0 → none.
#[expect(clippy::cast_possible_truncation, reason = "a rounded percentage")]
#[must_use]
pub fn change(now: f64, then: f64) -> Option<i64> {
    if then == 0.0 {
        return (now == 0.0).then_some(0);
    }
    Some((100.0 * (now - then) / then).round() as i64)
}

/// Visitors of the last 30 days, for the list of all domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Month {
    /// In all.
    pub visitors: u64,
    /// Of the 30 days before; none where they begin before the domain's first event.
    pub before: Option<u64>,
    /// On each day.
    pub days: Vec<u64>,
    /// They are estimated.
    pub approximate: bool,
}

impl Month {
    /// In whole percent; none where there is nothing earlier to compare with.
    #[expect(clippy::cast_precision_loss, reason = "figures below 2^53")]
    #[must_use]
    pub fn change(&self) -> Option<i64> {
        change(self.visitors as f64, self.before? as f64)
    }
}

/// `GET /api/analytics/timeseries`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeseries {
    /// Width of the buckets.
    pub interval: crate::Interval,
    /// Every bucket of the range, empty ones with zeros.
    pub points: Vec<Point>,
    /// Where the figures come from.
    pub meta: Meta,
}

/// One bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Label in the domain's zone: `YYYY-MM-DD HH:MM:SS` for minutes and hours, `YYYY-MM-DD` for the rest.
    pub time: String,
    /// Pageviews in the bucket.
    pub pageviews: u64,
    /// Distinct visitors in the bucket.
    pub visitors: u64,
    /// Visits that began in the bucket.
    #[serde(default)]
    pub visits: u64,
    /// Of these visits, as in [`Figures`]; none where there are none, and while the store is away.
    #[serde(default)]
    pub views_per_visit: Option<f64>,
    /// Of these visits, percent.
    #[serde(default)]
    pub bounce_rate: Option<u64>,
    /// Of these visits, seconds.
    #[serde(default)]
    pub visit_duration: Option<u64>,
    /// The bucket is not over yet.
    #[serde(default)]
    pub partial: bool,
}

impl Point {
    /// Of the figures of a bucket. What is said of visits is none where none began.
    #[must_use]
    pub fn new(time: String, figures: &Figures, partial: bool) -> Self {
        let has_visits = figures.visits > 0;
        Self {
            time,
            pageviews: figures.pageviews,
            visitors: figures.visitors,
            visits: figures.visits,
            views_per_visit: figures.views_per_visit.filter(|_| has_visits),
            bounce_rate: figures.bounce_rate.filter(|_| has_visits),
            visit_duration: figures.visit_duration.filter(|_| has_visits),
            partial,
        }
    }
}

/// What a panel breaks the visitors down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Path of the page.
    Page,
    /// Path of the visit's first pageview.
    EntryPage,
    /// Path of the visit's last pageview.
    ExitPage,
    /// Source of the visit.
    Source,
    /// Channel of the visit.
    Channel,
    /// Referrer of the visit.
    Referrer,
    /// `utm_campaign` of the visit.
    Campaign,
    /// Country.
    Country,
    /// Browser family.
    Browser,
    /// Operating system.
    Os,
    /// Mobile, Tablet or Desktop.
    Device,
}

/// A breakdown: rows by visitors, greatest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breakdown {
    /// What it is by.
    pub dimension: Dimension,
    /// One page of rows.
    pub rows: Vec<BreakdownRow>,
    /// Number of rows over all pages.
    pub total: u64,
    /// Where the figures come from.
    pub meta: Meta,
}

/// One row of a [`Breakdown`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakdownRow {
    /// The value, or the text for a missing one.
    pub label: String,
    /// Distinct visitors.
    pub visitors: u64,
    /// Pageviews.
    pub pageviews: u64,
    /// Percent of the visitors of the whole period, 1 decimal.
    pub share: f64,
}

/// Where an answer comes from and how fresh it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Which engine answered which part: `live`, `store`, `hourly`.
    pub engines: Vec<EnginePart>,
    /// Everything up to here is in the store, RFC 3339; none before the first event.
    pub watermark: Option<String>,
    /// The store is away: hourly aggregates and the live half hour only.
    pub degraded: bool,
    /// Visitors are estimated, not counted.
    pub approximate: bool,
    /// Resolved range, RFC 3339, from inclusive.
    pub from: String,
    /// Resolved range, RFC 3339, to exclusive.
    pub to: String,
    /// The range crosses a UTC midnight: one person counts once per day.
    pub crosses_days: bool,
}

/// One part of [`Meta::engines`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnginePart {
    /// The figure: `pageviews`, `visitors`, …
    pub figure: String,
    /// `live`, `store` or `hourly`.
    pub engine: String,
}

/// What the live panels show: the payload of `snapshot` and `tick` of `GET /api/analytics/live`. All values are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveView {
    /// Distinct visitors with any event in the last 5 minutes.
    pub current_visitors: u64,
    /// Pageviews of the last 30 minutes, oldest first, the last one running.
    pub minutes: Vec<u64>,
    /// Pageviews in the last 30 minutes (sum of `minutes`).
    pub pageviews: u64,
    /// Distinct visitors in the last 30 minutes.
    pub visitors: u64,
    /// Top pages of the last 30 minutes.
    pub pages: Vec<LivePage>,
    /// Newest events, newest first.
    pub newest: Vec<LiveEvent>,
    /// The domain has at least one event ever (turns "waiting" into "it works").
    pub has_events: bool,
}

/// A page in [`LiveView`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LivePage {
    /// Path.
    pub path: String,
    /// Pageviews in the last 30 minutes.
    pub pageviews: u64,
}

/// A recent event in [`LiveView`], without anything personal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveEvent {
    /// UTC milliseconds.
    pub ts: i64,
    /// `pageview` or the custom name.
    pub name: String,
    /// Path.
    pub path: String,
    /// Country code, empty for unknown.
    pub country: String,
    /// Source, empty for direct.
    pub source: String,
    /// Device, empty for unknown.
    pub device: String,
}

/// What of a domain's records does not count. Records are pageviews, custom events and reports of engagement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drops {
    /// Width of the buckets.
    pub interval: crate::Interval,
    /// Every bucket of the range, empty ones too.
    pub buckets: Vec<DropBucket>,
    /// Records that count.
    pub counted: u64,
    /// Records of bots by class, most first. They are stored, and left out of reports.
    pub bots: Vec<(String, u64)>,
    /// The newest dropped records.
    pub newest: Vec<DroppedRecord>,
    /// Records that are in no row.
    pub dead_letters: u64,
    /// The newest of them.
    pub newest_dead_letters: Vec<DeadLetter>,
    /// Where the figures come from.
    pub meta: Meta,
}

impl Drops {
    /// Dropped records by reason, most first.
    #[must_use]
    pub fn by_reason(&self) -> Vec<(crate::DropReason, u64)> {
        let mut sums = std::collections::BTreeMap::new();
        for (reason, count) in self.buckets.iter().flat_map(|bucket| &bucket.dropped) {
            *sums.entry(*reason).or_insert(0) += count;
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
        sums
    }
}

/// One bucket of [`Drops`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DropBucket {
    /// As in [`Point`].
    pub time: String,
    /// Not over yet.
    pub partial: bool,
    /// Dropped records by reason; none where there were none.
    pub dropped: Vec<(crate::DropReason, u64)>,
}

/// A record that was dropped. There is nothing in it about who sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DroppedRecord {
    /// `YYYY-MM-DD HH:MM:SS` in the domain's zone.
    pub time: String,
    /// `pageview`, `engagement` or a custom name.
    pub name: String,
    /// Host name of its page.
    pub hostname: String,
    /// Path of its page.
    pub path: String,
    /// Why.
    pub reason: crate::DropReason,
}

/// A record that is in no row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// When it was put aside: `YYYY-MM-DD HH:MM:SS` in the domain's zone.
    pub time: String,
    /// Why.
    pub reason: crate::DropReason,
    /// Where it stands in the log.
    pub position: crate::Position,
}
