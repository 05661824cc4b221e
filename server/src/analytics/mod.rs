//! Reports: what the API, the pages and the command line show of a domain.
//!
//! **Live and stored together.** The *cut* is the start of the minute 30 minutes ago, or of the watermark's minute where that is
//! earlier. Unfiltered pageviews and top pages are the store's before the cut and live state's from it on, so they are right at once;
//! visitors, visits and rates are the store's over the whole range, which trails by half a second. While the store is away the
//! hourly aggregates and the live half hour answer, marked as `degraded`.
//!
//! **Cache.** Answers of the store are kept by statement and values (so by scope, resolved range and question) and by the version of
//! the domain's data, which every insert that touches the domain moves. Who asks the same at the same time shares one statement; so do
//! replicas (`kept.rs`). What is asked takes a turn of its domain (`turns.rs`), and ends where nobody waits for it any more.

mod answer;
mod behaviour;
mod breakdown;
mod cut;
mod degraded;
mod drops;
mod error;
mod kept;
mod kpis;
mod live_view;
mod month;
mod places;
mod shift;
mod table;
mod timeseries;
pub mod together;
mod turns;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use footfall_live::Live;
use footfall_meta::Meta;
use footfall_model::{
    LogName, Period,
    report::{EnginePart, Meta as ReportMeta},
};
use footfall_processor::Told;
use footfall_query::{
    Range, Row, Sql,
    period::{self, Compare},
    question::Condition,
    range::rfc3339,
    sql,
};
use footfall_store::Store;
use moka::future::Cache;
use tokio::time::Instant;

pub use answer::{Answer, AnswerRow, Explanation};
pub use behaviour::Branch;
pub use breakdown::{TopPage, TopPages};
pub use error::AnalyticsError;
pub use kpis::STRIP;
pub use places::Places;
pub use shift::Shift;
pub use table::{AskedRows, ComparedRow, Rows};
use turns::Turns;

use crate::auth::SiteScope;

/// Up to so many events that are read row by row visitors are counted exactly (`docs/definitions.md`).
const EXACT_UP_TO: u64 = 5_000_000;
/// How long the size of a table or a range is believed: it decides only whether visitors are counted exactly.
const SIZE_BELIEVED_MS: i64 = 60_000;
/// Rows of answers kept, over all domains: some tens of megabytes.
const CACHED_ROWS: u64 = 200_000;
/// A cached answer is let go of after this, even where nothing changed.
const CACHED_FOR: Duration = Duration::from_secs(300);

/// Statements of one domain that the store works on at once, at least: as many as cores if there are more.
const AT_ONCE: usize = 4;

/// What reports are about.
#[derive(Clone, Debug)]
pub struct View {
    /// When.
    pub period: Period,
    /// What it is compared with.
    pub compare: Option<Compare>,
    /// What events and visits must be like.
    pub condition: Condition,
}

impl View {
    /// Whether everything counts. Only then live state and hourly aggregates can answer, which know no conditions.
    #[must_use]
    pub fn is_unfiltered(&self) -> bool {
        self.condition == Condition::none()
    }
}

/// What reports are made from.
pub struct AnalyticsDeps {
    /// The analytics store.
    pub store: Store,
    /// Live state.
    pub live: Arc<dyn Live>,
    /// Accounts: hourly aggregates.
    pub meta: Meta,
    /// How far the store is, and the versions of the domains' data.
    pub told: Arc<Told>,
    /// Names of places.
    pub places: Places,
    /// Live state is shared with other processes, and answers are by it.
    pub is_shared: bool,
}

/// Makes reports. Cheap to clone.
#[derive(Clone)]
pub struct Analytics {
    deps: Arc<AnalyticsDeps>,
    cache: Cache<(Bytes, Sql), Arc<Vec<Row>>>,
    turns: Turns,
    /// Until when live state is believed to be built.
    built: Arc<Mutex<Option<Instant>>>,
}

impl Analytics {
    /// Over these engines.
    #[must_use]
    pub fn new(deps: AnalyticsDeps) -> Self {
        let weigh = |_: &(Bytes, Sql), rows: &Arc<Vec<Row>>| u32::try_from(rows.len() + 1).unwrap_or(u32::MAX);
        let cache = Cache::builder().max_capacity(CACHED_ROWS).weigher(weigh).time_to_live(CACHED_FOR).build();
        let turns = Turns::new(std::thread::available_parallelism().map_or(0, usize::from).max(AT_ONCE));
        Self { deps: Arc::new(deps), cache, turns, built: Arc::default() }
    }

    /// The time of a domain's first event that counts, UTC milliseconds.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn first_event(&self, scope: &SiteScope) -> Result<Option<i64>, AnalyticsError> {
        let version = self.deps.told.version(scope.site());
        let statement = sql::first_event(scope.query());
        let ask = async {
            let first = self.deps.store.time(&statement).await?.unwrap_or(0);
            Ok(Arc::new(vec![Row { labels: Vec::new(), sums: vec![first], total: 1, whole: Vec::new() }]))
        };
        let rows = self.cache.try_get_with((version, statement.clone()), ask).await.map_err(AnalyticsError::shared)?;
        Ok(rows.first().and_then(|row| row.sums.first().copied()).filter(|first| *first != 0))
    }

    /// A period as instants. Only the whole time asks the store when it began.
    ///
    /// # Errors
    /// When the store is away and had to be asked.
    pub async fn range(&self, scope: &SiteScope, period: &Period, now: i64) -> Result<Range, AnalyticsError> {
        let first = if *period == Period::All { self.first_event(scope).await? } else { None };
        Ok(period::resolve(period, scope.info().timezone, now, first))
    }

    /// Rows of a statement.
    async fn ask(&self, scope: &SiteScope, statement: Sql) -> Result<Arc<Vec<Row>>, AnalyticsError> {
        let version = self.deps.told.version(scope.site());
        // Boxed: futures within futures fill a thread's stack in unoptimised builds.
        let asked = Box::pin(self.in_turn(scope, &statement));
        let ask = Box::pin(async { Ok(Arc::new(self.shared_rows(&version, &statement, asked).await?)) });
        self.cache.try_get_with((version.clone(), statement.clone()), ask).await.map_err(AnalyticsError::shared)
    }

    /// The same, of the replica of the store that this process asks. What other processes were told serves only while the store is away:
    /// it leads to the answers that they share, and is believed no longer than that.
    async fn ask_here(&self, scope: &SiteScope, statement: Sql) -> Result<Arc<Vec<Row>>, AnalyticsError> {
        let version = self.deps.told.version(scope.site());
        let ask = Box::pin(async {
            let rows = self.in_turn(scope, &statement).await?;
            self.share(&version, &statement, &rows).await;
            Ok(Arc::new(rows))
        });
        match self.cache.try_get_with((version.clone(), statement.clone()), ask).await.map_err(AnalyticsError::shared) {
            Err(error) if error.is_away() => Ok(Arc::new(self.of_another(&version, &statement).await.ok_or(error)?)),
            told => told,
        }
    }

    /// Rows of a statement from the store, when it is the domain's turn.
    async fn in_turn(&self, scope: &SiteScope, statement: &Sql) -> Result<Vec<Row>, AnalyticsError> {
        let _turn = self.turns.take(scope.site()).await;
        Ok(self.deps.store.report(statement).await?)
    }

    /// The sums of a statement that answers one row.
    async fn sums(&self, scope: &SiteScope, statement: Sql) -> Result<Vec<i64>, AnalyticsError> {
        Ok(self.ask(scope, statement).await?.first().map(|row| row.sums.clone()).unwrap_or_default())
    }

    /// Whether visitors of a range are too many to be counted exactly. A store that holds few events in all is not asked for those of the
    /// range. Neither count moves with the version of the data: all figures of a page, and of the next minute, share one.
    async fn is_large(&self, scope: &SiteScope, range: Range) -> Result<bool, AnalyticsError> {
        let epoch = Bytes::from((now_ms() / SIZE_BELIEVED_MS).to_string());
        let of_table = Sql { text: "size of events".to_owned(), params: Vec::new() };
        let size = async { self.deps.store.all_events().await.map_err(AnalyticsError::from) };
        if !is_too_many(self.number(epoch.clone(), of_table, size).await?) {
            return Ok(false);
        }
        let statement = sql::event_count(scope.query(), range);
        let count = async { self.deps.store.count(&statement).await.map_err(AnalyticsError::from) };
        Ok(is_too_many(self.number(epoch, statement.clone(), count).await?))
    }

    /// One number, kept like the rows of a statement, for an epoch in the place of a version.
    async fn number(&self, epoch: Bytes, key: Sql, ask: impl Future<Output = Result<u64, AnalyticsError>>) -> Result<u64, AnalyticsError> {
        let asked = async {
            let number = i64::try_from(ask.await?).unwrap_or(i64::MAX);
            Ok(vec![Row { labels: Vec::new(), sums: vec![number], total: 1, whole: Vec::new() }])
        };
        let ask = Box::pin(async { Ok(Arc::new(self.shared_rows(&epoch, &key, Box::pin(asked)).await?)) });
        let rows = self.cache.try_get_with((epoch.clone(), key.clone()), ask).await.map_err(AnalyticsError::shared)?;
        Ok(rows.first().and_then(|row| row.sums.first()).map_or(0, |number| number.unsigned_abs()))
    }

    fn watermark(&self) -> Option<i64> {
        self.deps.told.progress(LogName::Live).borrow().watermark_ms()
    }

    /// `meta` of an answer for a range.
    fn meta(&self, range: Range, engines: &[(&str, &str)]) -> ReportMeta {
        let part = |(figure, engine): &(&str, &str)| EnginePart { figure: (*figure).to_owned(), engine: (*engine).to_owned() };
        ReportMeta {
            engines: engines.iter().map(part).collect(),
            watermark: self.watermark().map(rfc3339),
            degraded: engines.iter().any(|(_, engine)| *engine == "hourly"),
            approximate: false,
            from: rfc3339(range.from),
            to: rfc3339(range.to),
            crosses_days: range.crosses_days(),
        }
    }
}

/// Whether visitors of so many events are estimated.
const fn is_too_many(events: u64) -> bool {
    events > EXACT_UP_TO
}

fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
