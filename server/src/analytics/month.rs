//! The last 30 days of a domain, for the list of all domains: few statements, as there may be many domains.

use footfall_model::{Period, report::Month};
use footfall_query::{
    Range, buckets,
    period::{self, Compare},
    question::{Key, Metric, Question},
    range::MINUTE_MS,
};

use super::{Analytics, AnalyticsError, now_ms};
use crate::auth::SiteScope;

/// Ranges of the list end with so much of an hour, not with the running minute: domains on which nothing happened are not asked for anew each minute.
const STEP_MS: i64 = 5 * MINUTE_MS;

impl Analytics {
    /// The last 30 days of a domain. None where it never had an event.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn month(&self, scope: &SiteScope) -> Result<Option<Month>, AnalyticsError> {
        let Some(first) = self.first_event(scope).await? else { return Ok(None) };
        let zone = scope.info().timezone;
        let last_minute = now_ms() / STEP_MS * STEP_MS + STEP_MS - MINUTE_MS;
        let range = period::resolve(&Period::Last30Days, zone, last_minute, None);
        let before = period::compared(&Period::Last30Days, range, &Compare::Previous { match_weekdays: false }, zone);
        let before = before.filter(|before| first <= before.from);
        let starts: Vec<i64> = buckets(range, footfall_model::Interval::Day, zone)?.iter().map(|bucket| bucket.from).collect();
        let ((visitors, approximate), before, days) = tokio::try_join!(
            self.total_visitors(scope, range),
            async {
                match before {
                    Some(before) => Ok(Some(self.total_visitors(scope, before).await?.0)),
                    None => Ok(None),
                }
            },
            self.visitors_by(scope, range, &starts),
        )?;
        Ok(Some(Month { visitors, before, days, approximate }))
    }

    /// Distinct visitors who are on a domain now.
    ///
    /// # Errors
    /// When live state is away.
    pub async fn current_visitors(&self, scope: &SiteScope) -> Result<u64, AnalyticsError> {
        Ok(self.deps.live.view(scope.site(), now_ms(), 1).await?.current_visitors)
    }

    /// Distinct visitors of a range, and whether they are estimated.
    async fn total_visitors(&self, scope: &SiteScope, range: Range) -> Result<(u64, bool), AnalyticsError> {
        let (made, rows) = self.rows(scope, Question::totals([Metric::Visitors], range)).await?;
        let visitors = rows.first().and_then(|row| made.figure(Metric::Visitors, &row.sums)).unwrap_or(0.0) as u64;
        Ok((visitors, made.approximate))
    }

    /// Distinct visitors of each bucket.
    async fn visitors_by(&self, scope: &SiteScope, range: Range, starts: &[i64]) -> Result<Vec<u64>, AnalyticsError> {
        let question = Question::totals([Metric::Visitors], range).by(Key::Time(starts.to_vec()), starts.len() as u64, 0);
        let (made, rows) = self.rows(scope, question).await?;
        let of = |start: &i64| {
            let row = rows.iter().find(|row| row.labels.first().and_then(|label| label.parse().ok()) == Some(*start))?;
            made.figure(Metric::Visitors, &row.sums)
        };
        Ok(starts.iter().map(|start| of(start).unwrap_or(0.0) as u64).collect())
    }
}
