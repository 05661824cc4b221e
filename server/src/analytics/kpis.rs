//! `GET /api/analytics/kpis`: the strip.

use footfall_model::{
    Period,
    report::{Comparison, Figures, Kpis},
};
use footfall_query::{
    Range,
    figures::changes,
    period,
    question::{Metric, Question, Statement},
};

use super::{Analytics, AnalyticsError, View, now_ms};
use crate::auth::SiteScope;

/// The figures of the strip.
pub const STRIP: [Metric; 6] =
    [Metric::Visitors, Metric::Visits, Metric::Pageviews, Metric::ViewsPerVisit, Metric::BounceRate, Metric::VisitDuration];

impl Analytics {
    /// The six figures of a view, and of the period it is compared with.
    ///
    /// # Errors
    /// When neither the store nor the hourly aggregates answer.
    pub async fn kpis(&self, scope: &SiteScope, view: &View) -> Result<Kpis, AnalyticsError> {
        match self.stored_kpis(scope, view).await {
            Err(error) if error.is_away() && view.is_unfiltered() => self.degraded_kpis(scope, &view.period).await.map_err(|_| error),
            answer => answer,
        }
    }

    async fn stored_kpis(&self, scope: &SiteScope, view: &View) -> Result<Kpis, AnalyticsError> {
        let now = now_ms();
        let zone = scope.info().timezone;
        let range = self.range(scope, &view.period, now).await?;
        let other = view.compare.as_ref().and_then(|compare| period::compared(&view.period, range, compare, zone));
        let part = if view.is_unfiltered() { self.live_part(scope, range, now, false).await } else { None };
        let ((figures, approximate), comparison, live) = tokio::try_join!(
            self.figures(scope, view, range, part.as_ref().map(|part| part.cut)),
            async {
                match other {
                    Some(other) => {
                        let ((then, _), first) = tokio::try_join!(self.figures(scope, view, other, None), self.first_event(scope))?;
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
        if view.period == Period::Last30Minutes && view.is_unfiltered() && self.live_is_built().await? {
            figures.visitors = live.visitors;
            engines.push(("visitors", "live"));
        } else {
            engines.push(("visitors", "store"));
        }
        engines.push(("currentVisitors", "live"));
        let comparison = comparison.map(|(other, then, first)| Comparison {
            change: changes(&figures, &then),
            figures: then,
            incomplete: first.is_none_or(|first| first > other.from),
        });
        let mut meta = self.meta(range, &engines);
        meta.approximate = approximate;
        Ok(Kpis { figures, current_visitors: live.current_visitors, comparison, meta })
    }

    /// The figures of a range by the store, pageviews only before the cut; and whether visitors are estimated.
    async fn figures(&self, scope: &SiteScope, view: &View, range: Range, cut: Option<i64>) -> Result<(Figures, bool), AnalyticsError> {
        let question = Question { cut, condition: view.condition.clone(), ..Question::totals(STRIP, range) };
        let (made, rows) = self.rows(scope, question).await?;
        Ok((figures(&made, rows.first().map_or(&[], |row| &row.sums)), made.approximate))
    }
}

/// The six figures of a row.
pub(super) fn figures(made: &Statement, sums: &[i64]) -> Figures {
    figures_by(|metric| made.figure(metric, sums))
}

/// The six figures, each by what it is made of.
pub(super) fn figures_by(figure: impl Fn(Metric) -> Option<f64>) -> Figures {
    let whole = |metric| figure(metric).map(|figure| figure as u64);
    let count = |metric| whole(metric).unwrap_or(0);
    Figures {
        visitors: count(Metric::Visitors),
        visits: count(Metric::Visits),
        pageviews: count(Metric::Pageviews),
        views_per_visit: figure(Metric::ViewsPerVisit),
        bounce_rate: whole(Metric::BounceRate),
        visit_duration: whole(Metric::VisitDuration),
    }
}
