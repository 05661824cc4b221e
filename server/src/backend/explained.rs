//! How a figure came about, of the strip or of a table: the same question as its programs would ask, and what the answer says of itself.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use footfall_app::{
    backend::{Explained, ExplainedRow, How, Look},
    filter,
    types::AppError,
};
use footfall_query::{
    question::Metric,
    range::{local, rfc3339},
};
use serde_json::json;

use super::{away, seen::Seen};
use crate::{
    App,
    analytics::{AnswerRow, Explanation},
    api::{explain::parameter, query_v2::understood, question::Question, refusal::Refusal},
};

/// One second: the last one of a range is named, its end is not.
const SECOND_MS: i64 = 1_000;

/// Rows of a table that show what its figures are.
const ROWS: u64 = 5;

/// A figure of a period, or those of a table: by a field.
pub(super) async fn explained(app: &App, seen: Seen, look: Look<'_>, metric: Metric, by: Option<&str>) -> Result<Explained, AppError> {
    let analytics = app.analytics().map_err(away)?;
    let is_own = seen.is_own;
    let (domain, zone) = (seen.scope.info().domain.to_string(), seen.scope.info().timezone);
    let range = analytics.range(&seen.scope, look.period, chrono::Utc::now().timestamp_millis()).await.map_err(away)?;
    let mut question = vec![
        ("site_id", json!(domain)),
        ("metrics", json!([metric.name()])),
        ("date_range", json!([rfc3339(range.from), rfc3339((range.to - SECOND_MS).max(range.from))])),
        ("include", json!({"explain": true})),
    ];
    if let Some(by) = by {
        question.push(("dimensions", json!([filter::dimension(by)])));
        question.push(("order_by", json!([[metric.name(), "desc"]])));
        question.push(("pagination", json!({"limit": ROWS})));
    }
    let filters = seen.filters(look);
    if !filters.is_empty() {
        question.push(("filters", filters.into()));
    }
    let lines: Vec<String> = question.iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
    let mut explained = Explained {
        unit: metric.meaning().unit,
        definition: metric.meaning().definition,
        figure: None,
        rows: Vec::new(),
        from: local(range.from, zone).to_string(),
        to: local(range.to, zone).to_string(),
        timezone: zone.name().to_owned(),
        endpoint: format!("{}/api/v2/query", app.config.base_url()),
        question: if is_own { format!("{{\n{}\n}}", lines.join(",\n")) } else { String::new() },
        how: None,
    };
    if range.length() == 0 {
        return Ok(explained);
    }
    let refused = |refusal: Refusal| AppError::Invalid { field: "filters".to_owned(), message: refusal.text().to_owned() };
    let body = question.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let question = Question::about(&app.meta, seen.scope, seen.person, body).await.map_err(refused)?;
    let asked = understood(&question).map_err(refused)?;
    let answer = analytics.answer(&question.scope, &asked, range).await.map_err(away)?;
    let figure = |row: &AnswerRow| row.figures.first().copied().flatten();
    if by.is_some() {
        let row = |row: &AnswerRow| ExplainedRow {
            label: row.labels.first().cloned().unwrap_or_default(),
            name: None,
            figure: figure(row),
            currency: row.currency.clone(),
        };
        explained.rows = answer.rows.iter().map(row).collect();
    } else {
        explained.figure = answer.rows.first().and_then(figure);
    }
    explained.how = answer.explanation.map(|explanation| how(explanation, metric, by.is_some(), zone));
    if !is_own {
        // Counts of all that came know no segment, and the statement names it.
        explained.how =
            explained.how.map(|How { exact, watermark, confidence, .. }| How { exact, watermark, confidence, ..How::default() });
    }
    Ok(explained)
}

fn how(explanation: Explanation, metric: Metric, is_table: bool, zone: Tz) -> How {
    let Explanation { sql, cost, approximate, watermark, left_out, confidence } = explanation;
    let [counted, bots, dropped, late] = left_out.map(i64::unsigned_abs);
    How {
        exact: !(approximate && metric.counts_visitors()),
        // By the clock of the period above it.
        watermark: watermark
            .and_then(|at| at.parse::<DateTime<Utc>>().ok())
            .map(|at| local(at.timestamp_millis(), zone).format("%Y-%m-%d %H:%M:%S").to_string()),
        rows: cost.rows,
        bytes: cost.bytes,
        elapsed_ms: cost.elapsed.as_secs_f64() * 1_000.0,
        counted,
        bots,
        dropped,
        late,
        // That of one row says nothing of the others.
        confidence: confidence.first().filter(|_| !is_table).and_then(|row| row.first().copied().flatten()),
        sql: sql.text,
        parameters: sql.params.into_iter().map(|(name, value)| (name, parameter(value).to_string())).collect(),
    }
}
