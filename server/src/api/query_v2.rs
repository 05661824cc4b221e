//! `POST /api/v2/query` in the shape of Plausible's Stats API v2; `docs/compat.md` says what differs. `footfall_query::language` reads questions.
//!
//! Everything about the caller comes first: the key, its limit, its right to the domain. Only then is the rest of the body looked at. A
//! missing key, a bad key, a key of somebody else and a domain that does not exist all get the same answer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use footfall_meta::Meta;
use footfall_query::{
    Range, date_range,
    language::{self, Asked, By},
    question::{Direction, Metric},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use footfall_query::language::shortened;

use super::error::ApiError;
use crate::{
    App,
    analytics::{Analytics, AnalyticsError},
    auth::{Caller, KeyFault, SiteScope, caller},
    control::Line,
};

/// The JSON schema of a question.
const SCHEMA: &str = include_str!("query_v2/schema.json");

/// Bytes of a question.
const MOST_BYTES: usize = 256 << 10;
/// Bytes that are read: who still sends when the answer comes may never read it, so what is a little too large is read to its end.
const READ_BYTES: usize = 4 * MOST_BYTES;

const UNAUTHORISED: &str =
    "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site you've requested.";
const NO_SITE: &str = "Missing site ID. Please provide the required site_id parameter with your request.";

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
    /// Values in the order of `metrics`; null where nothing was reported.
    #[schema(value_type = Vec<Option<f64>>)]
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
    /// With `include.time_labels`: the labels of all buckets, those without rows too.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_labels: Option<Vec<String>>,
    /// With `include.total_rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_rows: Option<u64>,
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

/// An error in the shape of the protocol.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryError {
    /// What is wrong.
    error: String,
}

/// No answer.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    text: String,
    retry_after: Option<Duration>,
}

/// Figures of a domain.
#[utoipa::path(post, path = "/api/v2/query", tag = "stats",
    request_body(content = Object, description = "see /api/docs/query/schema.json", content_type = "application/json"),
    responses((status = 200, body = QueryAnswer), (status = 400, body = QueryError), (status = 401, description = "no valid key for this domain", body = QueryError),
        (status = 413, body = QueryError), (status = 429, description = "more than 600 requests an hour, or what the key allows", body = QueryError),
        (status = 503, body = QueryError)))]
async fn query(State(app): State<Arc<App>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let key = caller::key_of(&app, &headers).await?;
    let body = read(body)?;
    let scope = scope(&app, &Caller::Key(Box::new(key)), &body).await?;
    let answer = answer(app.analytics()?, &scope, &body).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Reads a question about a domain without answering it.
///
/// # Errors
/// 400 with what is wrong.
pub fn check(scope: &SiteScope, body: &Map<String, Value>) -> Result<(), Refusal> {
    understand(scope, body, chrono::Utc::now().timestamp_millis()).map(drop)
}

fn understand(scope: &SiteScope, body: &Map<String, Value>, now: i64) -> Result<Asked, Refusal> {
    let zone = scope.info().timezone;
    let dated =
        |value: &Value| date_range::resolve(value, zone, now, None).map(|_| ()).map_err(|fault| language::shortened(&fault.to_string()));
    language::parse(body, dated).map_err(Refusal::bad_request)
}

/// Answers a question about a domain.
///
/// # Errors
/// 400 for a question that cannot be understood, 503 with the store away.
pub async fn answer(analytics: &Analytics, scope: &SiteScope, body: &Map<String, Value>) -> Result<QueryAnswer, Refusal> {
    let (zone, now) = (scope.info().timezone, chrono::Utc::now().timestamp_millis());
    let asked = understand(scope, body, now)?;
    let range = &body["date_range"];
    let first_event = if range == "all" { analytics.first_event(scope).await? } else { None };
    let range = date_range::resolve(range, zone, now, first_event).map_err(|fault| Refusal::bad_request(fault.to_string()))?;

    let answer = analytics.answer(scope, &asked, range).await?;
    let results =
        answer.rows.into_iter().map(|row| ResultRow { metrics: row.figures.into_iter().map(number).collect(), dimensions: row.labels });
    let imports = asked.includes("imports");
    let meta = AnswerMeta {
        imports_included: imports.then_some(false),
        imports_skip_reason: imports.then_some("no_imported_data"),
        time_labels: asked.includes("time_labels").then_some(answer.time_labels),
        total_rows: asked.includes("total_rows").then_some(answer.total),
    };
    let direction = |direction: Direction| if direction == Direction::Ascending { "asc" } else { "desc" };
    let query = Echo {
        site_id: scope.info().domain.to_string(),
        metrics: asked.metrics.iter().copied().map(Metric::name).collect(),
        date_range: bounds(range, zone),
        filters: body.get("filters").and_then(Value::as_array).cloned().unwrap_or_default(),
        dimensions: asked.dimensions.iter().map(By::name).collect(),
        order_by: asked.order_by.iter().map(|(order, way)| (asked.order_name(*order), direction(*way))).collect(),
        include: asked.include,
        pagination: Pagination { limit: asked.limit, offset: asked.offset },
    };
    let results = results.collect();
    Ok(QueryAnswer { results, meta, query })
}

/// What the control socket serves: `POST /query` with a question of v2. The operator may ask about every domain.
pub fn control_router(analytics: Analytics, meta: Meta) -> Router {
    Router::new().route("/query", post(of_operator)).with_state((analytics, meta))
}

/// The one line of an answer to the operator.
#[derive(Serialize, Deserialize)]
pub struct OperatorsAnswer {
    /// As `POST /api/v2/query` answers.
    pub answer: Option<Value>,
    failed: Option<String>,
}

impl Line for OperatorsAnswer {
    fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    fn is_done(&self) -> bool {
        self.answer.is_some()
    }
}

async fn of_operator(State((analytics, meta)): State<(Analytics, Meta)>, body: Result<Bytes, BytesRejection>) -> Response {
    let asked = async {
        let body = read(body)?;
        let name = body.get("site_id").and_then(Value::as_str).unwrap_or_default();
        let found = SiteScope::of_operator(&meta, name).await.map_err(ApiError::from)?;
        let unknown = || Refusal::bad_request(format!("{name} is not measured here; add it with `footfall site add {name}`"));
        answer(&analytics, &found.ok_or_else(unknown)?, &body).await
    };
    let line = match asked.await {
        Ok(answer) => OperatorsAnswer { answer: serde_json::to_value(answer).ok(), failed: None },
        Err(refusal) => OperatorsAnswer { answer: None, failed: Some(refusal.text) },
    };
    serde_json::to_string(&line)
        .map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |line| format!("{line}\n").into_response())
}

/// A figure: whole numbers without a point, as JSON has them.
pub fn number(figure: Option<f64>) -> Value {
    match figure {
        Some(figure) if figure.fract() == 0.0 => Value::from(figure as i64),
        other => Value::from(other),
    }
}

/// The JSON schema of `POST /api/v2/query`.
#[utoipa::path(get, path = "/api/docs/query/schema.json", tag = "stats", responses((status = 200, description = "JSON schema, draft 7", body = Object)))]
async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], SCHEMA)
}

/// The question in a body.
///
/// # Errors
/// 400 or 413 with what is wrong.
pub fn read(body: Result<Bytes, BytesRejection>) -> Result<Map<String, Value>, Refusal> {
    let too_large = || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is larger than {} KB.", MOST_BYTES >> 10));
    let bytes = body.map_err(|fault| match fault.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Refusal::bad_request("The body could not be read to its end."),
    })?;
    if bytes.len() > MOST_BYTES {
        return Err(too_large());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(other) => Err(Refusal::bad_request(format!("#: Type mismatch. Expected Object but got {}.", language::kind(&other)))),
        Err(fault) => Err(Refusal::bad_request(format!("The body is not JSON: {fault}."))),
    }
}

/// The domain that a question names, if it is the caller's.
///
/// # Errors
/// 400 without a name, 401 for a domain that is not the caller's.
pub async fn scope(app: &App, caller: &Caller, body: &Map<String, Value>) -> Result<SiteScope, Refusal> {
    let name = match body.get("site_id") {
        None | Some(Value::Null) => return Err(Refusal::bad_request(NO_SITE)),
        Some(Value::String(name)) => name,
        Some(other) => {
            return Err(Refusal::bad_request(format!("#/site_id: Type mismatch. Expected String but got {}.", language::kind(other))));
        }
    };
    SiteScope::read_by_name(app, caller, name).await.map_err(|error| match error.status() {
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Refusal::unauthorised(),
        _ => Refusal::from(error),
    })
}

/// The first and the last second.
fn bounds(range: Range, zone: Tz) -> [String; 2] {
    let show = |ms: i64| {
        let time = DateTime::from_timestamp_millis(ms).unwrap_or_default().with_timezone(&zone);
        time.to_rfc3339_opts(SecondsFormat::Secs, zone == Tz::UTC)
    };
    [show(range.from), show((range.to - 1).max(range.from))]
}

impl Refusal {
    /// The sentence for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None }
    }

    /// 400.
    #[must_use]
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    fn unauthorised() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, UNAUTHORISED)
    }
}

impl From<KeyFault> for Refusal {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Missing | KeyFault::Unknown => Self::unauthorised(),
            KeyFault::TooMany(wait) => {
                let text =
                    "Too many API requests. Your API key has reached its limit of requests per hour; wait as long as Retry-After says.";
                Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, text) }
            }
            failed @ KeyFault::Failed(_) => ApiError::from(failed).into(),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { retry_after: error.retry_after(), ..Self::new(error.status(), error.message()) }
    }
}

impl From<AnalyticsError> for Refusal {
    fn from(error: AnalyticsError) -> Self {
        ApiError::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CACHE_CONTROL, "no-store")], Json(QueryError { error: self.text })).into_response();
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs_f64().ceil().max(1.0) as u64));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use footfall_query::question::Dimension;

    use super::*;

    #[test]
    fn the_echo_shows_the_last_second_of_the_range() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let range = date_range::resolve(&serde_json::json!(["2026-10-25", "2026-10-25"]), zone, 0, None).unwrap();
        assert_eq!(bounds(range, zone), ["2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59+01:00"]);
        assert_eq!(bounds(Range::new(0, 1_000), Tz::UTC), ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]);
    }

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
        let known = Dimension::all().map(|dimension| dimension.name()).collect::<Vec<_>>();
        let dimensions = consts("dimension");
        assert_eq!(dimensions, known);
        assert!(consts("time").iter().all(|name| By::named(name).is_some()));
    }
}
