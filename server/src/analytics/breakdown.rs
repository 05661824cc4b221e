//! Panels, and `GET /api/analytics/top-pages`.

use footfall_live::OTHER_PATHS;
use footfall_model::report::{Breakdown, BreakdownRow, Dimension, Meta};
use footfall_query::question::{Dimension as ByDimension, Key, Metric, Question};
use serde::Serialize;

use super::{Analytics, AnalyticsError, View, cut::LivePart, now_ms};
use crate::{auth::SiteScope, settings};

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
    #[schema(value_type = crate::api::schema::Meta)]
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
    pub async fn top_pages(&self, scope: &SiteScope, view: &View, limit: u32, page: u32) -> Result<TopPages, AnalyticsError> {
        let Breakdown { rows, total, meta, .. } = self.breakdown(scope, view, Dimension::Page, limit, page).await?;
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
        view: &View,
        dimension: Dimension,
        limit: u32,
        page: u32,
    ) -> Result<Breakdown, AnalyticsError> {
        let limit = u64::from(limit.clamp(1, MOST_ROWS));
        let offset = limit * u64::from(page.max(1) - 1);
        match self.stored_breakdown(scope, view, dimension, limit, offset).await {
            Err(error) if error.is_away() && dimension == Dimension::Page && view.is_unfiltered() => {
                self.degraded_pages(scope, &view.period, limit, offset).await.map_err(|_| error)
            }
            answer => answer,
        }
    }

    async fn stored_breakdown(
        &self,
        scope: &SiteScope,
        view: &View,
        dimension: Dimension,
        limit: u64,
        offset: u64,
    ) -> Result<Breakdown, AnalyticsError> {
        let now = now_ms();
        let range = self.range(scope, &view.period, now).await?;
        if range.length() == 0 {
            return Ok(Breakdown { dimension, rows: Vec::new(), total: 0, meta: self.meta(range, &[]) });
        }
        // Only pages are joined with live state; the other dimensions are the store's alone.
        let is_joined = dimension == Dimension::Page && view.is_unfiltered();
        let part = if is_joined { self.live_part(scope, range, now, true).await } else { None };
        let totals = Question {
            cut: part.as_ref().map(|part| part.cut),
            condition: view.condition.clone(),
            ..Question::totals([Metric::Visitors, Metric::Pageviews, Metric::Percentage], range)
        };
        let rules = match dimension {
            Dimension::Channel => settings::channel_rules(&self.deps.meta, scope.site()).await?,
            _ => Vec::new(),
        };
        let by = totals.by(Key::By(ByDimension::of_panel(dimension, rules)), limit, offset);
        let (made, rows) = self.rows(scope, by.clone()).await?;
        let mut total = self.total_of(scope, by, &rows).await?;
        let mut answer: Vec<BreakdownRow> = rows
            .iter()
            .map(|row| {
                let figure = |metric| made.figure(metric, &row.sums).unwrap_or(0.0);
                BreakdownRow {
                    label: row.labels.first().cloned().unwrap_or_default(),
                    visitors: figure(Metric::Visitors) as u64,
                    pageviews: figure(Metric::Pageviews) as u64,
                    share: figure(Metric::Percentage),
                }
            })
            .collect();
        let mut engines = vec![("visitors", "store"), ("pageviews", "store")];
        if let Some(part) = part {
            total += add_live(&mut answer, part, total, limit, offset);
            engines.push(("pageviews", "live"));
        }
        let mut meta = self.meta(range, &engines);
        meta.approximate = made.approximate;
        Ok(Breakdown { dimension, rows: answer, total, meta })
    }
}

/// Adds the pageviews that live state counted since the cut; answers how many pages only it knows. Such a page comes last and without
/// visitors, until the store has it half a second later.
fn add_live(rows: &mut Vec<BreakdownRow>, part: LivePart, total: u64, limit: u64, offset: u64) -> u64 {
    let mut newest = part.paths;
    for row in rows.iter_mut() {
        row.pageviews += newest.remove(&row.label).unwrap_or(0);
    }
    // Which pages are new is known only where all that the store has is shown.
    if offset > 0 || total > rows.len() as u64 {
        return 0;
    }
    newest.remove(OTHER_PATHS);
    let mut unknown: Vec<(String, u64)> = newest.into_iter().filter(|(_, pageviews)| *pageviews > 0).collect();
    unknown.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let count = unknown.len() as u64;
    let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(rows.len());
    rows.extend(unknown.into_iter().take(room).map(|(label, pageviews)| BreakdownRow { label, visitors: 0, pageviews, share: 0.0 }));
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, visitors: u64, pageviews: u64) -> BreakdownRow {
        BreakdownRow { label: label.to_owned(), visitors, pageviews, share: 0.0 }
    }

    fn part() -> LivePart {
        let paths = [("/a", 3), ("/new", 1), ("/newer", 3), (OTHER_PATHS, 9)];
        LivePart { paths: paths.into_iter().map(|(path, count)| (path.to_owned(), count)).collect(), ..LivePart::default() }
    }

    #[test]
    fn the_newest_pageviews_are_added_to_their_pages() {
        let mut rows = vec![row("/a", 5, 10), row("/b", 2, 3)];
        assert_eq!(add_live(&mut rows, part(), 2, 10, 0), 2);
        assert_eq!(rows, [row("/a", 5, 13), row("/b", 2, 3), row("/newer", 0, 3), row("/new", 0, 1)]);
    }

    #[test]
    fn a_page_of_many_gets_no_new_rows() {
        let mut rows = vec![row("/a", 5, 10)];
        assert_eq!(add_live(&mut rows, part(), 7, 1, 0), 0);
        assert_eq!(rows, [row("/a", 5, 13)]);
        assert_eq!(add_live(&mut rows, part(), 1, 2, 0), 2);
        assert_eq!(rows.len(), 2);
    }
}
