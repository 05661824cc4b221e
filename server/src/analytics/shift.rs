//! What a change of a figure is made of: the figure by many things, of a period beside the one it is compared with.

use footfall_query::{
    Range, period,
    question::{Contrast, Key, Metric, Question, contrast},
};
use futures::future::{join_all, try_join};

use super::{Analytics, AnalyticsError, View, now_ms};
use crate::auth::SiteScope;

/// Changes of values that are below this part of the whole's earlier figure are noise.
const NOISE: i64 = 100;

/// The change of a figure.
pub struct Shift {
    /// The period.
    pub now: Range,
    /// The one it is compared with.
    pub then: Range,
    /// The figure in each.
    pub figures: [i64; 2],
    /// The earlier period begins before the first event.
    pub incomplete: bool,
    /// Visitors are estimated.
    pub approximate: bool,
    /// For each key the values that changed most, whichever way; beyond noise alone.
    pub moved: Vec<Result<Vec<Moved>, AnalyticsError>>,
}

/// A value and its figure in each period.
pub struct Moved {
    /// As reports show it.
    pub label: String,
    /// Now and then.
    pub figures: [i64; 2],
}

impl Analytics {
    /// What changed by these keys between a view's period and the one it is compared with, `most` values of each; none where nothing is
    /// compared. A key that fails leaves the others. All ask at once: the domain's turns bound how many the store works on.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn shift(
        &self,
        scope: &SiteScope,
        view: &View,
        metric: Metric,
        keys: Vec<Key>,
        most: u64,
    ) -> Result<Option<Shift>, AnalyticsError> {
        let now = self.range(scope, &view.period, now_ms()).await?;
        let compared = |compare| period::compared(&view.period, now, compare, scope.info().timezone);
        let Some(then) = view.compare.as_ref().and_then(compared) else { return Ok(None) };
        let whole = |range| Question { condition: view.condition.clone(), ..Question::totals([metric], range) };
        let (of_now, of_then) = try_join(self.whole(scope, whole(now)), self.whole(scope, whole(then))).await?;
        let first = self.first_event(scope).await?;
        let least = (of_then.0 / NOISE + i64::from(of_then.0 % NOISE > 0)).max(1);
        let asked = keys.into_iter().map(|key| {
            let (now, then) = (whole(now).by(key.clone(), most, 0), whole(then).by(key, most, 0));
            Box::pin(self.moved(scope, [now, then], least))
        });
        let mut moved = join_all(asked).await;
        let figures = [of_now.0, of_then.0];
        // What all visits have in common explains nothing.
        moved.iter_mut().flatten().for_each(|values: &mut Vec<Moved>| values.retain(|value| value.figures != figures));
        Ok(Some(Shift {
            now,
            then,
            figures,
            incomplete: first.is_none_or(|first| first > then.from),
            approximate: of_now.1 || of_then.1,
            moved,
        }))
    }

    /// The figure of a question without keys, and whether it is estimated.
    async fn whole(&self, scope: &SiteScope, question: Question) -> Result<(i64, bool), AnalyticsError> {
        let (made, rows) = self.rows(scope, question).await?;
        Ok((rows.first().and_then(|row| row.sums.first().copied()).unwrap_or(0), made.approximate))
    }

    /// The values that changed by `least` or more.
    async fn moved(&self, scope: &SiteScope, [now, then]: [Question; 2], least: i64) -> Result<Vec<Moved>, AnalyticsError> {
        let (mut now, mut then) = (self.prepared(scope, now).await?, self.prepared(scope, then).await?);
        // What is compared is counted the same way.
        let approximate = now.approximate || then.approximate;
        (now.approximate, then.approximate) = (approximate, approximate);
        let limit = now.limit;
        let sql = contrast(scope.query(), &Contrast { now: &now, then: &then, least, limit })?;
        let rows = self.ask(scope, sql).await?;
        let moved = |row: &footfall_query::Row| {
            Some(Moved { label: row.labels.first()?.clone(), figures: <[i64; 2]>::try_from(row.sums.as_slice()).ok()? })
        };
        Ok(rows.iter().filter_map(moved).collect())
    }
}
