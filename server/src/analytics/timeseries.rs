//! `GET /api/analytics/timeseries`: the chart.

use std::collections::HashMap;

use footfall_model::{
    Interval,
    report::{Point, Timeseries},
};
use footfall_query::{
    Bucket, Range, buckets, period,
    question::{Key, Question},
};

use super::{
    Analytics, AnalyticsError, View,
    kpis::{STRIP, figures},
    now_ms,
};
use crate::auth::SiteScope;

impl Analytics {
    /// Every bucket of a view (empty ones too), and those of the period it is compared with.
    ///
    /// # Errors
    /// When neither the store nor the hourly aggregates answer, or there would be too many buckets.
    pub async fn timeseries(
        &self,
        scope: &SiteScope,
        view: &View,
        interval: Option<Interval>,
    ) -> Result<(Timeseries, Option<Vec<Point>>), AnalyticsError> {
        match self.stored_timeseries(scope, view, interval).await {
            Err(error) if error.is_away() && view.is_unfiltered() => {
                Ok((self.degraded_timeseries(scope, &view.period, interval).await.map_err(|_| error)?, None))
            }
            answer => answer,
        }
    }

    async fn stored_timeseries(
        &self,
        scope: &SiteScope,
        view: &View,
        interval: Option<Interval>,
    ) -> Result<(Timeseries, Option<Vec<Point>>), AnalyticsError> {
        let now = now_ms();
        let zone = scope.info().timezone;
        let range = self.range(scope, &view.period, now).await?;
        let interval = interval.unwrap_or_else(|| period::default_interval(&view.period, range));
        let wanted = buckets(range, interval, zone)?;
        let other = view.compare.as_ref().and_then(|compare| period::compared(&view.period, range, compare, zone));
        let part = if view.is_unfiltered() { self.live_part(scope, range, now, false).await } else { None };
        let ((mut points, approximate), then) =
            tokio::try_join!(self.points(scope, view, (range, &wanted), now, part.as_ref().map(|part| part.cut)), async {
                match other {
                    Some(other) => {
                        let wanted = buckets(other, interval, zone)?;
                        Ok(Some(self.points(scope, view, (other, &wanted), now, None).await?.0))
                    }
                    None => Ok(None),
                }
            },)?;
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

    /// Buckets by the store, pageviews only before the cut; and whether visitors are estimated.
    async fn points(
        &self,
        scope: &SiteScope,
        view: &View,
        (range, wanted): (Range, &[Bucket]),
        now: i64,
        cut: Option<i64>,
    ) -> Result<(Vec<Point>, bool), AnalyticsError> {
        if wanted.is_empty() {
            return Ok((Vec::new(), false));
        }
        let starts: Vec<i64> = wanted.iter().map(|bucket| bucket.from).collect();
        let limit = starts.len() as u64;
        let totals = Question { cut, condition: view.condition.clone(), ..Question::totals(STRIP, range) };
        let (made, rows) = self.rows(scope, totals.by(Key::Time(starts), limit, 0)).await?;
        let found: HashMap<&str, &[i64]> =
            rows.iter().filter_map(|row| Some((row.labels.first()?.as_str(), row.sums.as_slice()))).collect();
        let point = |bucket: &Bucket| {
            let sums = found.get(bucket.from.to_string().as_str()).copied().unwrap_or_default();
            Point::new(bucket.label.clone(), &figures(&made, sums), bucket.to > now)
        };
        Ok((wanted.iter().map(point).collect(), made.approximate))
    }
}
