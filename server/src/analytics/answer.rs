//! Answers to questions of the whole language (`footfall_query::question`), by the store alone: they trail an event by half a second.

use chrono_tz::Tz;
use footfall_query::{
    Range, buckets,
    figures::EventSums,
    language::{Asked, By, fitting_interval},
    question::{Key, Metric, Question, Statement, statement},
    sql,
};

use super::{Analytics, AnalyticsError};
use crate::auth::SiteScope;

/// Rows of figures.
pub struct Answer {
    /// In the order asked for.
    pub rows: Vec<AnswerRow>,
    /// Rows over all pages.
    pub total: u64,
    /// Labels of all buckets, where one of the dimensions is time.
    pub time_labels: Vec<String>,
}

/// One of them.
pub struct AnswerRow {
    /// One per dimension.
    pub labels: Vec<String>,
    /// One per metric; none where nothing was reported.
    pub figures: Vec<Option<f64>>,
}

impl Analytics {
    /// Distinct visitors of a range.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn visitors(&self, scope: &SiteScope, range: Range) -> Result<u64, AnalyticsError> {
        let query = self.totals_query(scope, range, None).await?;
        Ok(EventSums::of(&self.sums(scope, sql::events(scope.query(), &query)?).await?).visitors)
    }

    /// Answers a question about a range.
    ///
    /// # Errors
    /// When the store is away, or the question asks for too much.
    pub async fn answer(&self, scope: &SiteScope, asked: &Asked, range: Range) -> Result<Answer, AnalyticsError> {
        let (keys, time) = keys(asked, range, scope.info().timezone)?;
        let needs_visitors = asked.metrics.iter().any(|metric| matches!(metric, Metric::Visitors | Metric::Percentage));
        let approximate = needs_visitors && range.length() > 0 && self.is_large(scope, range).await?;
        let question = Question {
            metrics: asked.metrics.clone(),
            range,
            keys,
            condition: asked.condition.clone(),
            order: asked.order_by.clone(),
            limit: asked.limit,
            offset: asked.offset,
            approximate,
        };
        let time_labels = time.iter().map(|(_, label)| label.clone()).collect();
        let made = statement(scope.query(), &question)?;
        if range.length() == 0 {
            return Ok(Answer { time_labels, ..nothing(&question, &made) });
        }
        let rows = self.ask(scope, made.sql.clone()).await?;
        let total = match rows.first() {
            Some(row) => row.total,
            None if question.offset == 0 => 0,
            None => {
                // The page lies behind the last row.
                let first = statement(scope.query(), &Question { limit: 1, offset: 0, ..question.clone() })?;
                self.ask(scope, first.sql).await?.first().map_or(0, |row| row.total)
            }
        };
        let shown = |key: &Key, label: &String| match key {
            Key::By(_) => label.clone(),
            Key::Time(_) => {
                let start = label.parse().unwrap_or(0_i64);
                time.binary_search_by_key(&start, |(known, _)| *known).map_or_else(|_| String::new(), |index| time[index].1.clone())
            }
        };
        let rows = rows.iter().map(|row| AnswerRow {
            labels: question.keys.iter().zip(&row.labels).map(|(key, label)| shown(key, label)).collect(),
            figures: question.metrics.iter().map(|metric| made.figure(*metric, &row.sums)).collect(),
        });
        Ok(Answer { rows: rows.collect(), total, time_labels })
    }
}

/// The answer for a range in which nothing can be.
fn nothing(question: &Question, made: &Statement) -> Answer {
    let rows = if question.keys.is_empty() && question.offset == 0 {
        vec![AnswerRow { labels: Vec::new(), figures: question.metrics.iter().map(|metric| made.figure(*metric, &[])).collect() }]
    } else {
        Vec::new()
    };
    Answer { rows, total: u64::from(question.keys.is_empty()), time_labels: Vec::new() }
}

/// Starts and labels of buckets.
type Labels = Vec<(i64, String)>;

/// What to group by, and the buckets.
fn keys(asked: &Asked, range: Range, zone: Tz) -> Result<(Vec<Key>, Labels), AnalyticsError> {
    let (mut keys, mut time) = (Vec::new(), Labels::new());
    for by in &asked.dimensions {
        keys.push(match by {
            By::Dimension(dimension) => Key::By(dimension.clone()),
            By::Time(interval) => {
                let interval = interval.unwrap_or_else(|| fitting_interval(range, zone));
                time = buckets(range, interval, zone)?.into_iter().map(|bucket| (bucket.from, bucket.label)).collect();
                Key::Time(time.iter().map(|(start, _)| *start).collect())
            }
        });
    }
    Ok((keys, time))
}
