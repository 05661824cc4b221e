//! Reports while the store is away: the hourly aggregates up to the running hour, live state for the rest.
//!
//! Visitors and visits are sums over hours, so who stays over the full hour counts in both: they are marked as approximate. Rates cannot be
//! had this way.

use footfall_model::{
    Interval, Period,
    report::{Breakdown, BreakdownRow, Dimension, Figures, Kpis, Meta, Point, Timeseries},
};
use footfall_query::{Range, buckets, figures, period, range::HOUR_MS};

use super::{Analytics, AnalyticsError, now_ms};
use crate::auth::SiteScope;

impl Analytics {
    pub(super) async fn degraded_kpis(&self, scope: &SiteScope, period: &Period) -> Result<Kpis, AnalyticsError> {
        let now = now_ms();
        let range = period::resolve(period, scope.info().timezone, now, None);
        let hours = self.deps.meta.hourly_totals(scope.site(), range.from, hour_of(now)).await?;
        let live = self.deps.live.view(scope.site(), now, 1).await.unwrap_or_default();
        let running = self.live_pageviews(scope, hour_of(now), range.to).await;
        let figures = Figures {
            visitors: hours.iter().map(|(_, hour)| hour.visitors).sum::<u64>().max(live.visitors),
            visits: hours.iter().map(|(_, hour)| hour.visits).sum(),
            pageviews: hours.iter().map(|(_, hour)| hour.pageviews).sum::<u64>() + running,
            ..Figures::default()
        };
        Ok(Kpis { figures, current_visitors: live.current_visitors, comparison: None, meta: self.degraded_meta(range) })
    }

    pub(super) async fn degraded_timeseries(
        &self,
        scope: &SiteScope,
        period: &Period,
        interval: Option<Interval>,
    ) -> Result<Timeseries, AnalyticsError> {
        let now = now_ms();
        let zone = scope.info().timezone;
        let range = period::resolve(period, zone, now, None);
        let interval = interval.unwrap_or_else(|| period::default_interval(period, range));
        let hours = self.deps.meta.hourly_totals(scope.site(), range.from, hour_of(now)).await?;
        let live = self.deps.live.minutes(scope.site(), hour_of(now).max(range.from), range.to, false).await.unwrap_or_default();
        let points = buckets(range, interval, zone)?.into_iter().map(|bucket| {
            let inside = |at: i64| (bucket.from..bucket.to).contains(&at);
            let stored = hours.iter().filter(|(hour, _)| inside(*hour));
            let running: u64 = live.iter().filter(|minute| inside(minute.minute)).map(|minute| minute.pageviews).sum();
            Point {
                pageviews: stored.clone().map(|(_, hour)| hour.pageviews).sum::<u64>() + running,
                visitors: stored.clone().map(|(_, hour)| hour.visitors).sum(),
                visits: stored.map(|(_, hour)| hour.visits).sum(),
                partial: bucket.to > now,
                time: bucket.label,
                ..Point::default()
            }
        });
        Ok(Timeseries { interval, points: points.collect(), meta: self.degraded_meta(range) })
    }

    pub(super) async fn degraded_pages(
        &self,
        scope: &SiteScope,
        period: &Period,
        limit: u64,
        offset: u64,
    ) -> Result<Breakdown, AnalyticsError> {
        let range = period::resolve(period, scope.info().timezone, now_ms(), None);
        let (pages, total) = self.deps.meta.hourly_pages(scope.site(), range.from, range.to, limit, offset).await?;
        let sum: u64 = pages.iter().map(|page| page.pageviews.unsigned_abs()).sum();
        let row = |pageviews: u64, label: String| BreakdownRow { label, visitors: 0, pageviews, share: figures::share(pageviews, sum) };
        let rows = pages.into_iter().map(|page| row(page.pageviews.unsigned_abs(), page.path)).collect();
        Ok(Breakdown { dimension: Dimension::Page, rows, total, meta: self.degraded_meta(range) })
    }

    /// With live state away too, the running hour is missing.
    async fn live_pageviews(&self, scope: &SiteScope, from: i64, to: i64) -> u64 {
        let minutes = self.deps.live.minutes(scope.site(), from, to, false).await.unwrap_or_default();
        minutes.iter().map(|minute| minute.pageviews).sum()
    }

    fn degraded_meta(&self, range: Range) -> Meta {
        let mut meta = self.meta(range, &[("pageviews", "hourly"), ("pageviews", "live"), ("visitors", "hourly"), ("visits", "hourly")]);
        meta.approximate = true;
        meta
    }
}

const fn hour_of(ms: i64) -> i64 {
    ms - ms.rem_euclid(HOUR_MS)
}
