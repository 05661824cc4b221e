//! `GET /api/analytics/kpis`: the strip.

use footfall_model::{
    Period,
    report::{Comparison, Figures, Kpis},
};
use footfall_query::{
    Query, Range,
    figures::{self, EventSums, VisitSums},
    period::{self, Compare},
    sql,
};

use super::{Analytics, AnalyticsError, now_ms};
use crate::auth::SiteScope;

impl Analytics {
    /// The six figures of a period, and of the one it is compared with.
    ///
    /// # Errors
    /// When neither the store nor the hourly aggregates answer.
    pub async fn kpis(&self, scope: &SiteScope, period: &Period, compare: Option<Compare>) -> Result<Kpis, AnalyticsError> {
        match self.stored_kpis(scope, period, compare).await {
            Err(error) if error.is_away() => self.degraded_kpis(scope, period).await.map_err(|_| error),
            answer => answer,
        }
    }

    async fn stored_kpis(&self, scope: &SiteScope, period: &Period, compare: Option<Compare>) -> Result<Kpis, AnalyticsError> {
        let now = now_ms();
        let zone = scope.info().timezone;
        let first = self.first_event(scope).await?;
        let range = period::resolve(period, zone, now, first);
        let other = compare.and_then(|compare| period::compared(period, range, &compare, zone));
        let (figures, approximate, comparison, live, part) = tokio::try_join!(
            self.figures(scope, range),
            self.is_large(scope, range),
            async {
                match other {
                    Some(other) => Ok(Some((other, self.figures(scope, other).await?))),
                    None => Ok(None),
                }
            },
            async { Ok(self.deps.live.view(scope.site(), now, 1).await?) },
            self.live_part(scope, range, now, false),
        )?;
        let mut figures = figures;
        let mut engines = vec![("visits", "store"), ("viewsPerVisit", "store"), ("bounceRate", "store"), ("visitDuration", "store")];
        match part {
            Some(part) => {
                figures.pageviews = self.pageviews(scope, Range::new(range.from, part.cut)).await? + part.pageviews(part.cut, range.to);
                if range.from < part.cut {
                    engines.push(("pageviews", "store"));
                }
                engines.push(("pageviews", "live"));
            }
            None => engines.push(("pageviews", "store")),
        }
        if *period == Period::Last30Minutes && self.live_is_built().await? {
            figures.visitors = live.visitors;
            engines.push(("visitors", "live"));
        } else {
            engines.push(("visitors", "store"));
        }
        engines.push(("currentVisitors", "live"));
        let comparison = comparison.map(|(other, then)| Comparison {
            change: figures::changes(&figures, &then),
            figures: then,
            incomplete: first.is_none_or(|first| first > other.from),
        });
        let mut meta = self.meta(range, &engines);
        meta.approximate = approximate;
        Ok(Kpis { figures, current_visitors: live.current_visitors, comparison, meta })
    }

    /// The figures of a range by the store alone.
    async fn figures(&self, scope: &SiteScope, range: Range) -> Result<Figures, AnalyticsError> {
        let mut query = Query::totals(range);
        query.approximate = self.is_large(scope, range).await?;
        let (events, visits) =
            tokio::try_join!(async { self.sums(scope, sql::events(scope.query(), &query)?).await }, async {
                self.sums(scope, sql::visits(scope.query(), &query)?).await
            })?;
        Ok(figures::figures(EventSums::of(&events), VisitSums::of(&visits)))
    }

    /// Pageviews of a range by the store alone.
    pub(super) async fn pageviews(&self, scope: &SiteScope, range: Range) -> Result<u64, AnalyticsError> {
        if range.length() == 0 {
            return Ok(0);
        }
        // Visitors are not wanted here: estimating them is the cheaper way not to.
        let query = Query { approximate: true, ..Query::totals(range) };
        Ok(EventSums::of(&self.sums(scope, sql::events(scope.query(), &query)?).await?).pageviews)
    }
}
