//! Funnels, journeys and retention, by the store alone.

use footfall_query::{
    Range,
    behaviour::{Funnel, Identity, Journey, Retention, Start, funnel, journey, retention},
    buckets,
    language::behaviour::AskedRetention,
    question::Condition,
};

use super::{Analytics, AnalyticsError};
use crate::auth::SiteScope;

/// Visitors of each step: of all, and by a dimension.
pub struct FunnelAnswer {
    /// Of all.
    pub all: Vec<i64>,
    /// Label and visitors of each step.
    pub rows: Vec<(String, Vec<i64>)>,
}

/// The beginning of visits' ways.
pub struct Branch {
    /// Things from the start on: paths, and names of events after a `!`.
    pub things: Vec<String>,
    /// Visits that went so far.
    pub visits: i64,
    /// Of these, those that went no further.
    pub ended: i64,
}

/// Who came back.
pub struct RetentionAnswer {
    /// By what people were known again.
    pub identity: Identity,
    /// Label of each period, and people by periods since: at 0 all. By visitor ids: all, and those with more than one visit.
    pub periods: Vec<(String, Vec<i64>)>,
}

impl Analytics {
    /// How far visitors come.
    ///
    /// # Errors
    /// When the store is away, or the question asks for too much.
    pub async fn funnel(&self, scope: &SiteScope, asked: &Funnel, range: Range) -> Result<FunnelAnswer, AnalyticsError> {
        let mut asked = asked.clone();
        let conditions = asked.steps.iter_mut().chain([&mut asked.condition]);
        let dimensions: Vec<_> = conditions.flat_map(Condition::dimensions_mut).chain(asked.by.as_mut()).collect();
        self.name_places(scope, range, dimensions).await?;
        let found = self.ask(scope, funnel::statement(scope.query(), range, &asked)?).await?;
        let all = found.first().map_or_else(|| vec![0; asked.steps.len()], |row| row.whole.clone());
        let rows = found.iter().filter_map(|row| Some((row.labels.first()?.clone(), row.sums.clone())));
        Ok(FunnelAnswer { all, rows: rows.collect() })
    }

    /// What visits do after something, or did before it: how many were at the start, and their branches.
    ///
    /// # Errors
    /// When the store is away, or the question asks for too much.
    pub async fn journey(&self, scope: &SiteScope, asked: &Journey, range: Range) -> Result<(i64, Vec<Branch>), AnalyticsError> {
        let mut asked = asked.clone();
        let start = if let Start::At(start) = &mut asked.start { Some(start) } else { None };
        let dimensions: Vec<_> = start.into_iter().chain([&mut asked.condition]).flat_map(Condition::dimensions_mut).collect();
        self.name_places(scope, range, dimensions).await?;
        let statement = journey::statement(scope.query(), range, &asked);
        let sum = |sums: &[i64], index: usize| sums.get(index).copied().unwrap_or(0);
        let rows = self.ask(scope, statement).await?;
        let branch = |row: &footfall_query::Row| Branch { things: row.labels.clone(), visits: sum(&row.sums, 0), ended: sum(&row.sums, 1) };
        let visits = rows.first().map_or(0, |row| sum(&row.whole, 0));
        Ok((visits, rows.iter().map(branch).collect()))
    }

    /// Who comes back. If it was not said by what, by user ids where there are any.
    ///
    /// # Errors
    /// When the store is away, or the question asks for too much.
    pub async fn retention(&self, scope: &SiteScope, asked: &AskedRetention, range: Range) -> Result<RetentionAnswer, AnalyticsError> {
        let mut condition = asked.condition.clone();
        self.name_places(scope, range, condition.dimensions_mut()).await?;
        let identity = match asked.identity {
            Some(identity) => identity,
            None if self.sums(scope, retention::has_users(scope.query(), range, &condition)).await? == [1] => Identity::User,
            None => Identity::Visitor,
        };
        let buckets = buckets(range, asked.interval, scope.info().timezone)?;
        let starts = buckets.iter().map(|bucket| bucket.from).collect();
        let statement = retention::statement(scope.query(), &Retention { range, starts, identity, condition });
        let rows = self.ask(scope, statement).await?;
        let mut periods: Vec<(String, Vec<i64>)> = buckets
            .iter()
            .enumerate()
            .map(|(index, bucket)| (bucket.label.clone(), vec![0; if identity == Identity::User { buckets.len() - index } else { 2 }]))
            .collect();
        for row in rows.iter() {
            let mut places = row.labels.iter().filter_map(|label| label.parse::<usize>().ok());
            let Some((_, people)) = places.next().and_then(|period| periods.get_mut(period)) else { continue };
            match identity {
                Identity::User => {
                    if let (Some(place), Some(count)) = (places.next().and_then(|later| people.get_mut(later)), row.sums.first()) {
                        *place = *count;
                    }
                }
                Identity::Visitor => people.clone_from(&row.sums),
            }
        }
        Ok(RetentionAnswer { identity, periods })
    }
}
