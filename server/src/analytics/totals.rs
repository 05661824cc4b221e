//! Single figures over a range: `POST /api/v2/query` without dimensions.

use footfall_query::{
    Metric, Query, Range,
    figures::{EventSums, VisitSums},
    query::Family,
    sql,
};
use serde_json::{Value, json};

use super::{Analytics, AnalyticsError};
use crate::auth::SiteScope;

impl Analytics {
    /// The metrics of a range by the store, in the order asked for.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn totals(&self, scope: &SiteScope, range: Range, metrics: &[Metric]) -> Result<Vec<Value>, AnalyticsError> {
        if range.length() == 0 {
            return Ok(metrics.iter().map(|_| json!(0)).collect());
        }
        let mut query = Query::totals(range);
        query.approximate = metrics.contains(&Metric::Visitors) && self.is_large(scope, range).await?;
        let wants = |family: Family| metrics.iter().any(|metric| metric.family() == family);
        let events = async {
            if !wants(Family::Event) {
                return Ok(EventSums::default());
            }
            Ok::<_, AnalyticsError>(EventSums::of(&self.sums(scope, sql::events(scope.query(), &query)?).await?))
        };
        let visits = async {
            if !wants(Family::Visit) {
                return Ok(VisitSums::default());
            }
            Ok(VisitSums::of(&self.sums(scope, sql::visits(scope.query(), &query)?).await?))
        };
        let (events, visits) = tokio::try_join!(events, visits)?;
        let figure = |metric: &Metric| match metric {
            Metric::Visitors => json!(events.visitors),
            Metric::Pageviews => json!(events.pageviews),
            Metric::Events => json!(events.events),
            Metric::Visits => json!(visits.visits),
            Metric::ViewsPerVisit => json!(visits.views_per_visit()),
            Metric::BounceRate => json!(visits.bounce_rate()),
            Metric::VisitDuration => json!(visits.duration_s()),
        };
        Ok(metrics.iter().map(figure).collect())
    }
}
