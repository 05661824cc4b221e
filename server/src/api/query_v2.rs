//! `POST /api/v2/query` in the shape of Plausible's Stats API v2; `docs/compat.md` says what differs. `footfall_query::language` reads questions.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use footfall_query::{
    language::{self, Asked, By, Currency},
    question::{Direction, Metric},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    explain::Explain,
    question::{Question, READ_BYTES},
    refusal::{QueryError, Refusal},
    values::values,
};
use crate::{App, analytics::Analytics};

/// The JSON schema of a question.
const SCHEMA: &str = include_str!("query_v2/schema.json");

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(query)).routes(routes!(schema)).layer(DefaultBodyLimit::max(READ_BYTES))
}

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryAnswer {
    results: Vec<ResultRow>,
    meta: AnswerMeta,
    query: Echo,
}

#[derive(Debug, Serialize, ToSchema)]
struct ResultRow {
    /// Values in the order of `metrics`; null where nothing was reported. Revenue is `{value, currency, short, long}`.
    #[schema(value_type = Vec<Option<Object>>)]
    metrics: Vec<Value>,
    /// Values in the order of `dimensions`.
    dimensions: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AnswerMeta {
    /// With `include.imports`.
    #[serde(skip_serializing_if = "Option::is_none")]
    imports_included: Option<bool>,
    /// Why they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    imports_skip_reason: Option<&'static str>,
    /// Metrics of which something is to be known, with `code` and `warning`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metric_warnings: BTreeMap<&'static str, MetricWarning>,
    /// With `include.time_labels`: the labels of all buckets, those without rows too.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_labels: Option<Vec<String>>,
    /// With `include.total_rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_rows: Option<u64>,
    /// With `include.explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Explain>,
}

/// What is to be known of a metric.
#[derive(Debug, Serialize, ToSchema)]
struct MetricWarning {
    code: &'static str,
    warning: &'static str,
}

/// The question as it was understood.
#[derive(Debug, Serialize, ToSchema)]
struct Echo {
    site_id: String,
    metrics: Vec<&'static str>,
    /// First and last second, in the domain's zone.
    date_range: [String; 2],
    #[schema(value_type = Vec<Object>)]
    filters: Vec<Value>,
    dimensions: Vec<String>,
    #[schema(value_type = Vec<Vec<String>>)]
    order_by: Vec<(String, &'static str)>,
    /// What was switched on.
    include: BTreeMap<String, bool>,
    pagination: Pagination,
}

#[derive(Debug, Serialize, ToSchema)]
struct Pagination {
    limit: u64,
    offset: u64,
}

/// Figures of a domain.
#[utoipa::path(post, path = "/api/v2/query", tag = "stats",
    request_body(content = Object, description = "see /api/docs/query/schema.json", content_type = "application/json"),
    responses((status = 200, body = QueryAnswer), (status = 400, body = QueryError), (status = 401, description = "no valid key for this domain", body = QueryError),
        (status = 413, body = QueryError), (status = 429, description = "more than 600 requests an hour, or what the key allows", body = QueryError),
        (status = 503, body = QueryError)))]
async fn query(State(app): State<Arc<App>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let question = Question::authorised(&app, &headers, body).await?;
    let answer = answer(app.analytics()?, &question).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Reads a question without answering it.
///
/// # Errors
/// 400 with what is wrong.
pub fn understood(question: &Question) -> Result<Asked, Refusal> {
    language::parse(&question.body, &question.settings, |value| question.dated(value)).map_err(Refusal::bad_request)
}

/// Answers a question about a domain.
///
/// # Errors
/// 400 for a question that cannot be understood, 503 with the store away.
pub async fn answer(analytics: &Analytics, question: &Question) -> Result<QueryAnswer, Refusal> {
    let asked = understood(question)?;
    let range = question.range(analytics).await?;
    let scope = &question.scope;
    let answer = analytics.answer(scope, &asked, range).await?;
    let results = answer.rows.into_iter().map(|row| ResultRow { metrics: values(&asked, &row), dimensions: row.labels }).collect();
    let imports = asked.includes("imports");
    let meta = AnswerMeta {
        imports_included: imports.then_some(false),
        imports_skip_reason: imports.then_some("no_imported_data"),
        metric_warnings: warnings(&asked),
        time_labels: asked.includes("time_labels").then_some(answer.time_labels),
        total_rows: asked.includes("total_rows").then_some(answer.total),
        explain: answer.explanation.map(|explanation| Explain::of(&asked, explanation)),
    };
    let direction = |direction: Direction| if direction == Direction::Ascending { "asc" } else { "desc" };
    let query = Echo {
        site_id: scope.info().domain.to_string(),
        metrics: asked.metrics.iter().copied().map(Metric::name).collect(),
        date_range: question.bounds(range),
        filters: question.body.get("filters").and_then(Value::as_array).cloned().unwrap_or_default(),
        dimensions: asked.dimensions.iter().map(By::name).collect(),
        order_by: asked.order_by.iter().map(|(order, way)| (asked.order_name(*order), direction(*way))).collect(),
        include: asked.include,
        pagination: Pagination { limit: asked.limit, offset: asked.offset },
    };
    Ok(QueryAnswer { results, meta, query })
}

fn warnings(asked: &Asked) -> BTreeMap<&'static str, MetricWarning> {
    let Currency::None(code, warning) = asked.currency() else { return BTreeMap::new() };
    asked.metrics.iter().filter(|metric| metric.is_revenue()).map(|metric| (metric.name(), MetricWarning { code, warning })).collect()
}

/// The JSON schema of `POST /api/v2/query`.
#[utoipa::path(get, path = "/api/docs/query/schema.json", tag = "stats", responses((status = 200, description = "JSON schema, draft 7", body = Object)))]
async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], SCHEMA)
}

#[cfg(test)]
mod tests {
    use footfall_query::question::Dimension;

    use super::*;

    #[test]
    fn the_schema_names_all_of_the_language_and_closes_every_object() {
        fn closed(schema: &Value) {
            if schema["properties"].is_object() {
                assert_eq!(schema["additionalProperties"], false, "{schema}");
            }
            let inner: Vec<&Value> = match schema {
                Value::Object(object) => object.values().collect(),
                Value::Array(list) => list.iter().collect(),
                _ => vec![],
            };
            inner.into_iter().for_each(closed);
        }
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        closed(&schema);
        let consts = |name: &str| -> Vec<String> {
            let list = schema["definitions"][name]["oneOf"].as_array().unwrap();
            list.iter().filter_map(|one| one["const"].as_str().map(str::to_owned)).collect()
        };
        assert_eq!(consts("metric"), Metric::all().map(Metric::name).collect::<Vec<_>>());
        let known: Vec<String> = ["event:goal".to_owned()].into_iter().chain(Dimension::all().map(|dimension| dimension.name())).collect();
        let dimensions = consts("dimension");
        assert_eq!(dimensions, known);
        assert!(consts("time").iter().all(|name| By::named(name).is_some()));
    }
}
