//! `GET /api/analytics/kpis`: the strip.

use footfall_model::{
    Period,
    report::{Comparison, Figures, Kpis},
};
use footfall_query::{
    Range,
    figures::{self, Overview},
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
        let range = self.range(scope, period, now).await?;
        let other = compare.and_then(|compare| period::compared(period, range, &compare, zone));
        let part = self.live_part(scope, range, now, false).await;
        let (figures, approximate, comparison, live) = tokio::try_join!(
            self.figures(scope, range, part.as_ref().map(|part| part.cut)),
            self.is_large(scope, range),
            async {
                match other {
                    Some(other) => {
                        let (then, first) = tokio::try_join!(self.figures(scope, other, None), self.first_event(scope))?;
                        Ok(Some((other, then, first)))
                    }
                    None => Ok(None),
                }
            },
            async { Ok(self.deps.live.view(scope.site(), now, 1).await?) },
        )?;
        let mut figures = figures;
        let mut engines = vec![("visits", "store"), ("viewsPerVisit", "store"), ("bounceRate", "store"), ("visitDuration", "store")];
        match part {
            Some(part) => {
                figures.pageviews += part.pageviews(part.cut, range.to);
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
        let comparison = comparison.map(|(other, then, first)| Comparison {
            change: figures::changes(&figures, &then),
            figures: then,
            incomplete: first.is_none_or(|first| first > other.from),
        });
        let mut meta = self.meta(range, &engines);
        meta.approximate = approximate;
        Ok(Kpis { figures, current_visitors: live.current_visitors, comparison, meta })
    }

    /// The figures of a range by the store, pageviews only before the cut.
    async fn figures(&self, scope: &SiteScope, range: Range, cut: Option<i64>) -> Result<Figures, AnalyticsError> {
        if range.length() == 0 {
            return Ok(Figures::default());
        }
        let query = self.totals_query(scope, range, cut).await?;
        let sums = self.sums(scope, sql::overview(scope.query(), &query)?).await?;
        Ok(figures::figures(&Overview::of(&sums)))
    }
}
