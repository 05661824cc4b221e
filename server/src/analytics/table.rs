//! Rows of the dashboard's panels and of their details: any figures, by anything, beside those of another period.

use std::collections::HashMap;

use footfall_query::{
    Range,
    figures::change,
    period,
    question::{Direction, Key, Labels, Metric, Order, Question},
};

use super::{Analytics, AnalyticsError, View, answer::currency, now_ms};
use crate::auth::SiteScope;

/// Which rows are asked for.
pub struct AskedRows {
    /// What they are by.
    pub key: Key,
    /// The figures; the first one is compared.
    pub metrics: Vec<Metric>,
    /// What they are ordered by.
    pub order: (Order, Direction),
    /// Which of them.
    pub labels: Labels,
    /// Rows at most.
    pub limit: u64,
    /// Rows to skip.
    pub offset: u64,
}

/// One page of them.
pub struct Rows {
    /// In the order asked for.
    pub rows: Vec<ComparedRow>,
    /// Rows over all pages.
    pub total: u64,
    /// There is another period to compare with, and all of it was measured.
    pub is_compared: bool,
    /// Visitors are estimated.
    pub approximate: bool,
}

/// One of them.
pub struct ComparedRow {
    /// What the figures are of.
    pub label: String,
    /// One per metric; none where nothing was reported.
    pub figures: Vec<Option<f64>>,
    /// The change of the first figure in whole percent; none where there is nothing earlier.
    pub change: Option<i64>,
    /// The currency of its revenue.
    pub currency: Option<String>,
}

impl Analytics {
    /// Rows of a view by the store.
    ///
    /// # Errors
    /// When the store is away, or metrics do not go with what rows are by.
    pub async fn table(&self, scope: &SiteScope, view: &View, asked: AskedRows) -> Result<Rows, AnalyticsError> {
        let range = self.range(scope, &view.period, now_ms()).await?;
        let other = self.measured_before(scope, view, range).await?;
        let question = Question {
            keys: vec![asked.key],
            condition: view.condition.clone(),
            order: vec![asked.order],
            labels: asked.labels,
            limit: asked.limit,
            offset: asked.offset,
            ..Question::totals(asked.metrics, range)
        };
        let (made, rows) = self.rows(scope, question.clone()).await?;
        let total = self.total_of(scope, question.clone(), &rows).await?;
        let labels: Vec<String> = rows.iter().filter_map(|row| row.labels.first().cloned()).collect();
        let before = match (other, question.metrics.first()) {
            (Some(other), Some(first)) if !labels.is_empty() => self.figures_of(scope, &question, (other, *first), labels).await?,
            _ => HashMap::new(),
        };
        let row = |row: &footfall_query::Row| {
            let label = row.labels.first().cloned().unwrap_or_default();
            let figures: Vec<Option<f64>> = question.metrics.iter().map(|metric| made.figure(*metric, &row.sums)).collect();
            let then = before.get(&label).copied().unwrap_or(0.0);
            let change = figures.first().copied().flatten().and_then(|now| change(now, then));
            ComparedRow { currency: currency(&question, &row.labels), label, figures, change }
        };
        Ok(Rows { rows: rows.iter().map(row).collect(), total, is_compared: other.is_some(), approximate: made.approximate })
    }

    /// The period that a view is compared with, if all of it was measured.
    async fn measured_before(&self, scope: &SiteScope, view: &View, range: Range) -> Result<Option<Range>, AnalyticsError> {
        let compared = |compare| period::compared(&view.period, range, compare, scope.info().timezone);
        let Some(other) = view.compare.as_ref().and_then(compared) else { return Ok(None) };
        let first = self.first_event(scope).await?;
        Ok(first.is_some_and(|first| first <= other.from).then_some(other))
    }

    /// A figure of another range for these labels.
    async fn figures_of(
        &self,
        scope: &SiteScope,
        question: &Question,
        (range, metric): (Range, Metric),
        labels: Vec<String>,
    ) -> Result<HashMap<String, f64>, AnalyticsError> {
        let limit = labels.len() as u64;
        let labels = Labels::Among(labels);
        let asked = Question { metrics: vec![metric], range, order: Vec::new(), labels, limit, offset: 0, ..question.clone() };
        let (made, rows) = self.rows(scope, asked).await?;
        let figure = |row: &footfall_query::Row| Some((row.labels.first()?.clone(), made.figure(metric, &row.sums)?));
        Ok(rows.iter().filter_map(figure).collect())
    }
}
