//! Panels, and `GET /api/analytics/top-pages`.

use footfall_model::{
    Period,
    report::{Breakdown, BreakdownRow, Dimension, Meta},
};
use footfall_query::{
    Filter, Group, Query, Range,
    dimension::shown,
    figures::{self, EventSums},
    filter::Op,
    period, sql,
};
use serde::Serialize;

use super::{Analytics, AnalyticsError, cut::LivePart, now_ms};
use crate::auth::SiteScope;

/// Most rows of one page of an answer.
pub const MOST_ROWS: u32 = 1_000;

/// `GET /api/analytics/top-pages`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TopPages {
    /// One page of rows.
    pub pages: Vec<TopPage>,
    /// Number of rows over all pages.
    pub total: u64,
    /// Where the figures come from.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// One row of [`TopPages`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TopPage {
    /// Path.
    pub path: String,
    /// Pageviews.
    pub pageviews: u64,
    /// Distinct visitors.
    pub visitors: u64,
}

impl Analytics {
    /// Pages by visitors. `page` counts from 1.
    ///
    /// # Errors
    /// When neither the store nor the hourly aggregates answer.
    pub async fn top_pages(&self, scope: &SiteScope, period: &Period, limit: u32, page: u32) -> Result<TopPages, AnalyticsError> {
        let Breakdown { rows, total, meta, .. } = self.breakdown(scope, period, Dimension::Page, limit, page).await?;
        let row = |row: BreakdownRow| TopPage { path: row.label, pageviews: row.pageviews, visitors: row.visitors };
        Ok(TopPages { pages: rows.into_iter().map(row).collect(), total, meta })
    }

    /// Rows of a dimension by visitors. `page` counts from 1.
    ///
    /// # Errors
    /// When the store is away; for pages, when the hourly aggregates are too.
    pub async fn breakdown(
        &self,
        scope: &SiteScope,
        period: &Period,
        dimension: Dimension,
        limit: u32,
        page: u32,
    ) -> Result<Breakdown, AnalyticsError> {
        let limit = u64::from(limit.clamp(1, MOST_ROWS));
        let offset = limit * u64::from(page.max(1) - 1);
        match self.stored_breakdown(scope, period, dimension, limit, offset).await {
            Err(error) if error.is_away() && dimension == Dimension::Page => {
                self.degraded_pages(scope, period, limit, offset).await.map_err(|_| error)
            }
            answer => answer,
        }
    }

    async fn stored_breakdown(
        &self,
        scope: &SiteScope,
        period: &Period,
        dimension: Dimension,
        limit: u64,
        offset: u64,
    ) -> Result<Breakdown, AnalyticsError> {
        let now = now_ms();
        let first = if *period == Period::All { self.first_event(scope).await? } else { None };
        let range = period::resolve(period, scope.info().timezone, now, first);
        let approximate = self.is_large(scope, range).await?;
        let query = Query { approximate, ..Query::totals(range) };
        let by = query.clone().by(Group::By(dimension), limit, offset);
        let (all, rows) = tokio::try_join!(async { self.sums(scope, sql::events(scope.query(), &query)?).await }, async {
            self.ask(scope, sql::events(scope.query(), &by)?).await
        })?;
        let all = EventSums::of(&all).visitors;
        let total = rows.first().map_or(0, |row| row.total);
        let mut answer: Vec<BreakdownRow> = rows
            .iter()
            .map(|row| {
                let sums = EventSums::of(&row.sums);
                let label = shown(dimension, row.labels.first().map_or("", String::as_str)).to_owned();
                BreakdownRow { label, visitors: sums.visitors, pageviews: sums.pageviews, share: figures::share(sums.visitors, all) }
            })
            .collect();
        let mut engines = vec![("visitors", "store"), ("pageviews", "store")];
        if dimension == Dimension::Page
            && let Some(part) = self.live_part(scope, range, now, true).await?
        {
            self.add_live(scope, Range::new(range.from, part.cut), &part, &mut answer).await?;
            engines.push(("pageviews", "live"));
        }
        let mut meta = self.meta(range, &engines);
        meta.approximate = approximate;
        Ok(Breakdown { dimension, rows: answer, total, meta })
    }

    /// Pageviews of the shown pages: the store's before the cut, live state's from it on.
    async fn add_live(&self, scope: &SiteScope, before: Range, part: &LivePart, rows: &mut [BreakdownRow]) -> Result<(), AnalyticsError> {
        let paths: Vec<String> = rows.iter().map(|row| row.label.clone()).collect();
        let stored = if before.length() == 0 || paths.is_empty() {
            std::sync::Arc::default()
        } else {
            let limit = paths.len() as u64;
            let query = Query { approximate: true, ..Query::totals(before) };
            let query = query.by(Group::By(Dimension::Page), limit, 0).only(Filter::new(Op::Is, Dimension::Page, paths));
            self.ask(scope, sql::events(scope.query(), &query)?).await?
        };
        for row in rows {
            let of_row = stored.iter().find(|stored| stored.labels.first() == Some(&row.label));
            let earlier = of_row.map_or(0, |stored| EventSums::of(&stored.sums).pageviews);
            row.pageviews = earlier + part.paths.get(&row.label).copied().unwrap_or(0);
        }
        Ok(())
    }
}
