//! Several domains as one: their sums, so that rates and means are those of all visits together.
//!
//! Each domain lives in days of its own zone and on a shard of its own, so each is asked by itself. Buckets are added up from the last ones on, which
//! are now for every domain. Everything is the store's: it trails by half a second.

use std::collections::{BTreeMap, HashMap};

use footfall_model::{
    Interval,
    report::{Figures, Point},
};
use footfall_query::{
    Bucket, Range, buckets,
    period::{self, compared},
    question::{Key, Question, Statement, Sum},
};

use super::{Analytics, AnalyticsError, STRIP, View, kpis::figures_by, now_ms};
use crate::auth::SiteScope;

/// Sums that can be added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added(BTreeMap<Sum, i64>);

impl Added {
    fn of(made: &Statement, sums: &[i64]) -> Self {
        Self(made.named(sums).collect())
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        for (sum, value) in &other.0 {
            *self.0.entry(*sum).or_default() += value;
        }
    }

    /// The six figures of these sums.
    #[must_use]
    pub fn figures(&self) -> Figures {
        figures_by(|metric| metric.figure(false, |sum| self.0.get(&sum).copied().unwrap_or(0)))
    }
}

/// What one domain adds.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The period.
    pub now: Added,
    /// The one it is compared with, and whether that begins before the domain's first event.
    pub then: Option<(Added, bool)>,
    /// Buckets of the period: label, sums, and whether it is still running.
    pub buckets: Vec<(String, Added, bool)>,
    /// Those of the other one.
    pub buckets_then: Option<Vec<Added>>,
    /// Visitors are estimated.
    pub approximate: bool,
}

impl Analytics {
    /// The width of buckets that fits a period of some domains: of the longest.
    ///
    /// # Errors
    /// When the store is away and had to be asked when a domain began.
    pub async fn common_interval(&self, scopes: &[SiteScope], view: &View) -> Result<Interval, AnalyticsError> {
        let mut widest = Interval::Minute;
        for scope in scopes {
            let range = self.range(scope, &view.period, now_ms()).await?;
            widest = widest.max(period::default_interval(&view.period, range));
        }
        Ok(widest)
    }

    /// What a domain adds to others.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn part(&self, scope: &SiteScope, view: &View, interval: Interval) -> Result<Part, AnalyticsError> {
        let (now, zone) = (now_ms(), scope.info().timezone);
        let range = self.range(scope, &view.period, now).await?;
        let other = view.compare.as_ref().and_then(|compare| compared(&view.period, range, compare, zone));
        let ((sums, approximate), found, then) =
            tokio::try_join!(self.added(scope, view, range), self.added_by(scope, view, range, interval), async {
                let Some(other) = other else { return Ok(None) };
                let ((then, _), found, first) =
                    tokio::try_join!(self.added(scope, view, other), self.added_by(scope, view, other, interval), self.first_event(scope))?;
                let incomplete = first.is_none_or(|first| first > other.from);
                Ok(Some((then, incomplete, found.into_iter().map(|(_, sums)| sums).collect())))
            })?;
        let buckets = found.into_iter().map(|(bucket, sums)| (bucket.label, sums, bucket.to > now)).collect();
        let (then, buckets_then) = match then {
            Some((then, incomplete, buckets)) => (Some((then, incomplete)), Some(buckets)),
            None => (None, None),
        };
        Ok(Part { now: sums, then, buckets, buckets_then, approximate })
    }

    /// The sums of a range, and whether visitors are estimated.
    async fn added(&self, scope: &SiteScope, view: &View, range: Range) -> Result<(Added, bool), AnalyticsError> {
        let question = Question { condition: view.condition.clone(), ..Question::totals(STRIP, range) };
        let (made, rows) = self.rows(scope, question).await?;
        Ok((Added::of(&made, rows.first().map_or(&[], |row| &row.sums)), made.approximate))
    }

    /// The sums of each bucket of a range.
    async fn added_by(
        &self,
        scope: &SiteScope,
        view: &View,
        range: Range,
        interval: Interval,
    ) -> Result<Vec<(Bucket, Added)>, AnalyticsError> {
        let wanted = buckets(range, interval, scope.info().timezone)?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let starts: Vec<i64> = wanted.iter().map(|bucket| bucket.from).collect();
        let limit = starts.len() as u64;
        let question = Question { condition: view.condition.clone(), ..Question::totals(STRIP, range) };
        let (made, rows) = self.rows(scope, question.by(Key::Time(starts), limit, 0)).await?;
        let found: HashMap<&str, &[i64]> =
            rows.iter().filter_map(|row| Some((row.labels.first()?.as_str(), row.sums.as_slice()))).collect();
        let added = |bucket: Bucket| {
            let sums = found.get(bucket.from.to_string().as_str());
            let added = sums.map_or_else(Added::default, |sums| Added::of(&made, sums));
            (bucket, added)
        };
        Ok(wanted.into_iter().map(added).collect())
    }
}

/// The buckets of all parts, and those of the period that they are compared with, if all are compared.
#[must_use]
pub fn points(parts: &[Part]) -> (Vec<Point>, Option<Vec<Point>>) {
    let longest = parts.iter().map(|part| part.buckets.len()).max().unwrap_or(0);
    let mut now: Vec<(String, Added, bool)> = vec![Default::default(); longest];
    let mut then: Vec<Added> = vec![Added::default(); longest];
    for part in parts {
        // The last bucket of each is the running one.
        let ahead = longest - part.buckets.len();
        for (sum, (label, added, partial)) in now[ahead..].iter_mut().zip(&part.buckets) {
            // Of zones of which one is a day ahead, the later label.
            if *label > sum.0 {
                sum.0.clone_from(label);
            }
            sum.1.add(added);
            sum.2 |= partial;
        }
        for (sum, added) in then[ahead..].iter_mut().zip(part.buckets_then.iter().flatten()) {
            sum.add(added);
        }
    }
    let point = |time: String, added: &Added, partial: bool| Point::new(time, &added.figures(), partial);
    let is_compared = parts.iter().any(|part| part.buckets_then.is_some());
    let before = is_compared.then(|| then.iter().map(|added| point(String::new(), added, false)).collect());
    (now.into_iter().map(|(label, added, partial)| point(label, &added, partial)).collect(), before)
}

#[cfg(test)]
mod tests {
    use footfall_query::question::Metric;

    use super::*;

    fn added(visitors: i64, visits: i64, bounces: i64) -> Added {
        let formula = Metric::BounceRate.formula(false);
        let [over, under] = formula.sums()[..] else { panic!("a rate is a ratio") };
        let visitor = Metric::Visitors.formula(false).sums()[0];
        Added([(visitor, visitors), (under, visits), (over, bounces)].into())
    }

    #[test]
    fn rates_are_those_of_all_visits() {
        let mut all = added(90, 100, 10);
        all.add(&added(1, 1, 1));
        // Not the mean of 10 % and 100 %.
        assert_eq!((all.figures().visitors, all.figures().bounce_rate), (91, Some(11)));
    }

    #[test]
    fn the_last_buckets_come_together() {
        let part = |labels: &[&str], n: i64| Part {
            buckets: labels.iter().map(|label| ((*label).to_owned(), added(n, n, 0), *label == labels[labels.len() - 1])).collect(),
            buckets_then: Some(labels.iter().map(|_| added(1, 1, 0)).collect()),
            ..Part::default()
        };
        let (now, then) = points(&[part(&["2026-11-20", "2026-11-21", "2026-11-22"], 5), part(&["2026-11-22", "2026-11-23"], 2)]);
        let shown: Vec<_> = now.iter().map(|point| (point.time.as_str(), point.visitors, point.partial)).collect();
        assert_eq!(shown, [("2026-11-20", 5, false), ("2026-11-22", 7, false), ("2026-11-23", 7, true)]);
        assert_eq!(then.unwrap().iter().map(|point| point.visitors).collect::<Vec<_>>(), [1, 2, 2]);
        assert_eq!(points(&[]), (Vec::new(), None));
    }
}
