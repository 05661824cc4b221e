//! What a metric is, and how figures came about: `include.explain` and `GET /api/v2/metrics`.

use std::{collections::BTreeMap, sync::Arc};

use axum::Json;
use footfall_query::{
    Param,
    figures::share,
    language::Asked,
    question::{Metric, explain},
    range::rfc3339,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{App, analytics::Explanation};

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// How the figures came about.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explain {
    /// What each metric is.
    metrics: BTreeMap<&'static str, MetricMeaning>,
    /// What the store was asked, with `{name:Type}` for each of `parameters`.
    sql: String,
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
    /// Rows that it read.
    rows_read: u64,
    /// Bytes that it read, uncompressed.
    bytes_read: u64,
    /// How long it took, milliseconds.
    elapsed_ms: f64,
    /// All older events are in the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<String>,
    /// Pageviews and custom events of the range, whatever the filters.
    events: ExplainedEvents,
    /// For each row and metric the 95 % confidence interval of a share (Wilson's score), in percent; null for what is no share.
    #[schema(value_type = Vec<Vec<Option<Vec<f64>>>>)]
    confidence: Vec<Vec<Option<(f64, f64)>>>,
}

/// What became of the events of a range.
#[derive(Debug, Serialize, ToSchema)]
struct ExplainedEvents {
    /// Those that count.
    counted: u64,
    /// Those of bots, which are left out.
    bots: u64,
    /// Of all that are no repetition and the like, percent, 1 decimal.
    bots_share: f64,
    /// Those that were dropped with a reason.
    dropped: u64,
    /// Those that count and came more than a minute after they happened.
    late: u64,
}

/// What a metric is.
#[derive(Debug, Serialize, ToSchema)]
struct MetricMeaning {
    unit: &'static str,
    definition: &'static str,
    /// What a question must have for it.
    #[serde(skip_serializing_if = "str::is_empty")]
    needs: &'static str,
    /// Whether it is exact: visitors are estimated above 5 million events.
    exact: bool,
}

fn meaning(metric: Metric, approximate: bool) -> MetricMeaning {
    let explain::Meaning { unit, definition, needs } = metric.meaning();
    MetricMeaning { unit, definition, needs, exact: !(approximate && metric.counts_visitors()) }
}

impl Explain {
    /// Of an answer.
    #[must_use]
    pub fn of(asked: &Asked, explanation: Explanation) -> Self {
        let Explanation { sql, cost, approximate, watermark, left_out, confidence } = explanation;
        let [counted, bots, dropped, late] = left_out.map(i64::unsigned_abs);
        Self {
            metrics: asked.metrics.iter().map(|metric| (metric.name(), meaning(*metric, approximate))).collect(),
            sql: sql.text,
            parameters: sql.params.into_iter().map(|(name, value)| (name, parameter(value))).collect(),
            rows_read: cost.rows,
            bytes_read: cost.bytes,
            elapsed_ms: (cost.elapsed.as_secs_f64() * 10_000.0).round() / 10.0,
            watermark,
            events: ExplainedEvents { counted, bots, bots_share: share(bots, counted + bots), dropped, late },
            confidence,
        }
    }
}

/// The value of a parameter as people read it.
#[must_use]
pub fn parameter(value: Param) -> Value {
    match value {
        Param::Site(site) => json!(site),
        Param::Int(number) => json!(number),
        Param::Instant(ms) => json!(rfc3339(ms)),
        Param::Text(text) => json!(text),
        Param::Texts(list) => json!(list),
        Param::Ints(list) => json!(list),
    }
}

/// A metric and what it is.
#[derive(Debug, Serialize, ToSchema)]
struct NamedMetric {
    name: &'static str,
    #[serde(flatten)]
    meaning: MetricMeaning,
}

/// All metrics and what they are; nothing of any domain, so without a key.
#[utoipa::path(get, path = "/api/v2/metrics", tag = "stats", responses((status = 200, body = Vec<NamedMetric>)))]
async fn metrics() -> Json<Vec<NamedMetric>> {
    Json(Metric::all().map(|metric| NamedMetric { name: metric.name(), meaning: meaning(metric, false) }).collect())
}
