//! `GET /api/analytics/timeseries`: the chart.

use std::collections::HashMap;

use footfall_model::{
    Interval, Period,
    report::{Point, Timeseries},
};
use footfall_query::{
    Bucket, Group, Range, buckets,
    figures::EventSums,
    period::{self, Compare},
    sql,
};

use super::{Analytics, AnalyticsError, now_ms};
use crate::auth::SiteScope;

impl Analytics {
    /// Every bucket of a period (empty ones too), and those of the one it is compared with.
    ///
    /// # Errors
    /// When neither the store nor the hourly aggregates answer, or there would be too many buckets.
    pub async fn timeseries(
        &self,
        scope: &SiteScope,
        period: &Period,
        interval: Option<Interval>,
        compare: Option<Compare>,
    ) -> Result<(Timeseries, Option<Vec<Point>>), AnalyticsError> {
        match self.stored_timeseries(scope, period, interval, compare).await {
            Err(error) if error.is_away() => Ok((self.degraded_timeseries(scope, period, interval).await.map_err(|_| error)?, None)),
            answer => answer,
        }
    }

    async fn stored_timeseries(
        &self,
        scope: &SiteScope,
        period: &Period,
        interval: Option<Interval>,
        compare: Option<Compare>,
    ) -> Result<(Timeseries, Option<Vec<Point>>), AnalyticsError> {
        let now = now_ms();
        let zone = scope.info().timezone;
        let range = self.range(scope, period, now).await?;
        let interval = interval.unwrap_or_else(|| period::default_interval(period, range));
        let wanted = buckets(range, interval, zone)?;
        let other = compare.and_then(|compare| period::compared(period, range, &compare, zone));
        let part = self.live_part(scope, range, now, false).await;
        let (approximate, mut points, then) = tokio::try_join!(
            self.is_large(scope, range),
            self.points(scope, range, &wanted, now, part.as_ref().map(|part| part.cut)),
            async {
                match other {
                    Some(other) => {
                        let wanted = buckets(other, interval, zone)?;
                        Ok(Some(self.points(scope, other, &wanted, now, None).await?))
                    }
                    None => Ok(None),
                }
            },
        )?;
        let mut engines = vec![("visitors", "store")];
        if range.from < part.as_ref().map_or(range.to, |part| part.cut) {
            engines.push(("pageviews", "store"));
        }
        if let Some(part) = part {
            engines.push(("pageviews", "live"));
            for (bucket, point) in wanted.iter().zip(&mut points).filter(|(bucket, _)| bucket.to > part.cut) {
                point.pageviews += part.pageviews(bucket.from.max(part.cut), bucket.to);
            }
        }
        let mut meta = self.meta(range, &engines);
        meta.approximate = approximate;
        Ok((Timeseries { interval, points, meta }, then))
    }

    /// Buckets by the store, pageviews only before the cut.
    async fn points(
        &self,
        scope: &SiteScope,
        range: Range,
        wanted: &[Bucket],
        now: i64,
        cut: Option<i64>,
    ) -> Result<Vec<Point>, AnalyticsError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let starts: Vec<i64> = wanted.iter().map(|bucket| bucket.from).collect();
        let limit = starts.len() as u64;
        let query = self.totals_query(scope, range, cut).await?.by(Group::Time(starts), limit, 0);
        let rows = self.ask(scope, sql::events(scope.query(), &query)?).await?;
        let found: HashMap<&str, EventSums> =
            rows.iter().filter_map(|row| Some((row.labels.first()?.as_str(), EventSums::of(&row.sums)))).collect();
        let point = |bucket: &Bucket| {
            let sums = found.get(bucket.from.to_string().as_str()).copied().unwrap_or_default();
            Point { time: bucket.label.clone(), pageviews: sums.pageviews, visitors: sums.visitors, partial: bucket.to > now }
        };
        Ok(wanted.iter().map(point).collect())
    }
}
