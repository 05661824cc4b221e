//! Answers to questions of the whole language (`footfall_query::question`), by the store alone: they trail an event by half a second.

use std::sync::Arc;

use chrono_tz::Tz;
use footfall_query::{
    Range, Row, Sql, buckets,
    language::{Asked, By, Currency, fitting_interval},
    question::{Key, Metric, Question, RolledDay, Statement, days::rolled_days, statement},
    range::rfc3339,
    sql,
};
use footfall_store::Cost;
use futures::try_join;

use super::{Analytics, AnalyticsError, is_too_many};
use crate::auth::SiteScope;

/// Rows of figures.
pub struct Answer {
    /// In the order asked for.
    pub rows: Vec<AnswerRow>,
    /// Rows over all pages.
    pub total: u64,
    /// Labels of all buckets, where one of the dimensions is time.
    pub time_labels: Vec<String>,
    /// How it came about, if that was asked for.
    pub explanation: Option<Explanation>,
}

/// How an answer came about.
pub struct Explanation {
    /// What was asked.
    pub sql: Sql,
    /// What it cost.
    pub cost: Cost,
    /// Whether visitors are estimated.
    pub approximate: bool,
    /// All older events are in it.
    pub watermark: Option<String>,
    /// Events of the range that count, those of bots, those dropped with a reason, and those that count and came late.
    pub left_out: [i64; 4],
    /// For each row and metric what a share may be, in percent.
    pub confidence: Vec<Vec<Option<(f64, f64)>>>,
}

/// One of them.
pub struct AnswerRow {
    /// One per dimension.
    pub labels: Vec<String>,
    /// One per metric; none where nothing was reported.
    pub figures: Vec<Option<f64>>,
    /// The currency of its revenue.
    pub currency: Option<String>,
}

impl Analytics {
    /// Answers a question about a range.
    ///
    /// # Errors
    /// When the store is away, or the question asks for too much.
    pub async fn answer(&self, scope: &SiteScope, asked: &Asked, range: Range) -> Result<Answer, AnalyticsError> {
        let (keys, time) = keys(asked, range, scope.info().timezone)?;
        let question = Question {
            keys,
            condition: asked.condition.clone(),
            order: asked.order_by.clone(),
            limit: asked.limit,
            offset: asked.offset,
            currency: match asked.currency() {
                Currency::One(currency) => Some(currency),
                Currency::OfGoals | Currency::None(..) => None,
            },
            ..Question::totals(asked.metrics.clone(), range)
        };
        let question = self.prepared(scope, question).await?;
        let time_labels = time.iter().map(|(_, label)| label.clone()).collect();
        if range.length() == 0 {
            return Ok(Answer { time_labels, ..nothing(&question, &statement(scope.query(), &question)?) });
        }
        let mut explanation = None;
        let (made, rows) = if asked.includes("explain") {
            let made = statement(scope.query(), &question)?;
            // Asked anew, as what is kept costs nothing.
            let turn = self.turns.take(scope.site()).await;
            let (rows, cost) = self.deps.store.explained(&made.sql).await?;
            drop(turn);
            let left_out = self.sums(scope, sql::left_out(scope.query(), range)).await?;
            let confidence = |row: &Row| question.metrics.iter().map(|metric| made.confidence(*metric, &row.sums)).collect();
            explanation = Some(Explanation {
                sql: made.sql.clone(),
                cost,
                approximate: question.approximate,
                watermark: self.watermark().map(rfc3339),
                left_out: std::array::from_fn(|index| left_out.get(index).copied().unwrap_or(0)),
                confidence: rows.iter().map(confidence).collect(),
            });
            (made, Arc::new(rows))
        } else {
            self.asked(scope, question.clone()).await?
        };
        let total = self.total_of(scope, question.clone(), &rows).await?;
        let shown = |key: &Key, label: &String| match key {
            Key::By(_) | Key::Goal(_) | Key::PropName => label.clone(),
            Key::Time(_) => {
                let start = label.parse().unwrap_or(0_i64);
                time.binary_search_by_key(&start, |(known, _)| *known).map_or_else(|_| String::new(), |index| time[index].1.clone())
            }
        };
        let rows = rows.iter().map(|row| AnswerRow {
            labels: question.keys.iter().zip(&row.labels).map(|(key, label)| shown(key, label)).collect(),
            figures: question.metrics.iter().map(|metric| made.figure(*metric, &row.sums)).collect(),
            currency: currency(&question, &row.labels),
        });
        Ok(Answer { rows: rows.collect(), total, time_labels, explanation })
    }
}

/// What is asked in each report.
impl Analytics {
    /// The rows of a question, and how they are read.
    pub(super) async fn rows(&self, scope: &SiteScope, question: Question) -> Result<(Statement, Arc<Vec<Row>>), AnalyticsError> {
        let question = self.prepared(scope, question).await?;
        if question.range.length() == 0 {
            return Ok((statement(scope.query(), &question)?, Arc::default()));
        }
        self.asked(scope, question).await
    }

    /// The same of a prepared question. Where figures of days say what its shares are of, that is asked beside it: once for all panels of a page.
    async fn asked(&self, scope: &SiteScope, mut question: Question) -> Result<(Statement, Arc<Vec<Row>>), AnalyticsError> {
        let mut whole = None;
        if let Some(of) = question.whole().filter(Question::may_use_days) {
            whole = Some(self.prepared(scope, of).await?).filter(|whole| !whole.rolled.is_empty());
        }
        question.is_beside_its_whole = whole.is_some();
        let made = statement(scope.query(), &question)?;
        let Some(whole) = whole else {
            let rows = self.ask(scope, made.sql.clone()).await?;
            return Ok((made, rows));
        };
        let whole = statement(scope.query(), &whole)?;
        let (rows, visitors) = try_join!(self.ask(scope, made.sql.clone()), self.sums(scope, whole.sql))?;
        Ok((made.of_whole(visitors.first().copied().unwrap_or(0)), rows))
    }

    /// The same question, which has the names of places, uses figures of days where it can, and counts visitors only where they are not too many.
    pub(super) async fn prepared(&self, scope: &SiteScope, mut question: Question) -> Result<Question, AnalyticsError> {
        self.name_places(scope, question.range, question.dimensions_mut()).await?;
        let mut events = None;
        if question.may_use_days() {
            let days = self.ask_here(scope, rolled_days(scope.query(), question.range, scope.info().timezone)).await?;
            let days = || days.iter().filter_map(|row| <[i64; 3]>::try_from(row.sums.as_slice()).ok());
            let rolled = days().filter(|[.., build]| *build != 0).map(|[day, _, build]| RolledDay { day, build });
            question = question.over_days(rolled, scope.info().timezone);
            if !question.rolled.is_empty() {
                let is_read = |day: i64| question.rolled.binary_search_by_key(&day, |rolled| rolled.day).is_err();
                events = Some(days().filter(|[day, ..]| is_read(*day)).map(|[_, events, _]| events.unsigned_abs()).sum());
            }
        }
        let counts_visitors = question.metrics.iter().copied().any(Metric::counts_visitors) && question.range.length() > 0;
        let approximate = counts_visitors
            && match events {
                Some(events) => is_too_many(events),
                None => self.is_large(scope, question.range).await?,
            };
        Ok(Question { approximate, ..question })
    }

    /// Number of rows over all pages. Past the last one no row says it, but the first does.
    pub(super) async fn total_of(&self, scope: &SiteScope, question: Question, rows: &[Row]) -> Result<u64, AnalyticsError> {
        match rows.first() {
            Some(row) => Ok(row.total),
            None if question.offset == 0 => Ok(0),
            None => {
                let (_, first) = self.rows(scope, Question { limit: 1, offset: 0, ..question }).await?;
                Ok(first.first().map_or(0, |row| row.total))
            }
        }
    }
}

/// The currency of a row's revenue: that of its goal, or of the question.
pub(super) fn currency(question: &Question, labels: &[String]) -> Option<String> {
    let by_goal = question.keys.iter().zip(labels).find_map(|(key, label)| match key {
        Key::Goal(goals) => Some(goals.iter().find(|goal| goal.name == *label)),
        _ => None,
    });
    match by_goal {
        Some(goal) => goal.and_then(|goal| goal.currency.clone()),
        None => question.currency.clone(),
    }
}

/// The answer for a range in which nothing can be.
fn nothing(question: &Question, made: &Statement) -> Answer {
    let rows = if question.keys.is_empty() && question.offset == 0 {
        let figures = question.metrics.iter().map(|metric| made.figure(*metric, &[])).collect();
        vec![AnswerRow { labels: Vec::new(), figures, currency: question.currency.clone() }]
    } else {
        Vec::new()
    };
    Answer { rows, total: u64::from(question.keys.is_empty()), time_labels: Vec::new(), explanation: None }
}

/// Starts and labels of buckets.
type Labels = Vec<(i64, String)>;

/// What to group by, and the buckets.
fn keys(asked: &Asked, range: Range, zone: Tz) -> Result<(Vec<Key>, Labels), AnalyticsError> {
    let (mut keys, mut time) = (Vec::new(), Labels::new());
    for by in &asked.dimensions {
        keys.push(match by {
            By::Dimension(dimension) => Key::By(dimension.clone()),
            By::Goal(goals) => Key::Goal(goals.clone()),
            By::Time(interval) => {
                let interval = interval.unwrap_or_else(|| fitting_interval(range, zone));
                time = buckets(range, interval, zone)?.into_iter().map(|bucket| (bucket.from, bucket.label)).collect();
                Key::Time(time.iter().map(|(start, _)| *start).collect())
            }
        });
    }
    Ok((keys, time))
}
