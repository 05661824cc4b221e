//! How a figure of the strip came about: the same question as its programs would ask, and what the answer says of itself.

use footfall_app::{
    backend::{Explained, How, Look},
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
    analytics::Explanation,
    api::{explain::parameter, query_v2::understood, question::Question, refusal::Refusal},
};

/// One second: the last one of a range is named, its end is not.
const SECOND_MS: i64 = 1_000;

/// A figure of a period.
pub(super) async fn explained(app: &App, seen: Seen, look: Look<'_>, metric: Metric) -> Result<Explained, AppError> {
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
    let filters = seen.filters(look);
    if !filters.is_empty() {
        question.push(("filters", filters.into()));
    }
    let lines: Vec<String> = question.iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
    let mut explained = Explained {
        unit: metric.meaning().unit,
        definition: metric.meaning().definition,
        figure: None,
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
    explained.figure = answer.rows.first().and_then(|row| row.figures.first().copied().flatten());
    explained.how = answer.explanation.map(|explanation| how(explanation, metric));
    if !is_own {
        // Counts of all that came know no segment, and the statement names it.
        explained.how =
            explained.how.map(|How { exact, watermark, confidence, .. }| How { exact, watermark, confidence, ..How::default() });
    }
    Ok(explained)
}

fn how(explanation: Explanation, metric: Metric) -> How {
    let Explanation { sql, cost, approximate, watermark, left_out, confidence } = explanation;
    let [counted, bots, dropped, late] = left_out.map(i64::unsigned_abs);
    How {
        exact: !(approximate && metric.counts_visitors()),
        watermark,
        rows: cost.rows,
        bytes: cost.bytes,
        elapsed_ms: cost.elapsed.as_secs_f64() * 1_000.0,
        counted,
        bots,
        dropped,
        late,
        confidence: confidence.first().and_then(|row| row.first().copied().flatten()),
        sql: sql.text,
        parameters: sql.params.into_iter().map(|(name, value)| (name, parameter(value).to_string())).collect(),
    }
}
