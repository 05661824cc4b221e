//! `GET /api/v1/stats/*` in the shape of Plausible's Stats API v1, for clients that were written for it. Made of the language of v2.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use footfall_query::{
    Range,
    figures::change,
    language::{self, Asked, By, shortened, v1},
    period::days_earlier,
};
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    question,
    refusal::{QueryError, Refusal},
    values::values,
};
use crate::{
    App,
    analytics::{Answer, AnswerRow},
    auth::{Caller, SiteScope, caller},
};

/// Rows of a breakdown: the default and the most.
const ROWS: (u64, u64) = (100, 1_000);

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(realtime)).routes(routes!(aggregate)).routes(routes!(timeseries)).routes(routes!(breakdown))
}

/// What every report takes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "its fields are the documentation; `Ask` reads them one by one, after the caller was authorised")]
struct StatsParams {
    /// The name of the domain.
    site_id: String,
    /// `day`, `7d`, `30d` (default), `month`, `6mo`, `12mo` or `custom`. Days and months are full ones before `date`.
    period: Option<String>,
    /// The day that counts as today, `YYYY-MM-DD`; with `period=custom` two days joined by a comma.
    date: Option<String>,
    /// Metrics joined by commas; `visitors` by default.
    metrics: Option<String>,
    /// `property==value;property!=a|b`; `*` stands for anything.
    filters: Option<String>,
}

/// Visitors of the last five minutes.
#[utoipa::path(get, path = "/api/v1/stats/realtime/visitors", tag = "stats", params(("site_id" = String, Query, description = "The name of the domain.")),
    responses((status = 200, body = u64), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 429, body = QueryError)))]
async fn realtime(State(app): State<Arc<App>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let ask = Ask::authorised(&app, &headers, query).await?;
    let view = app.analytics()?.live_view(&ask.scope).await?;
    Ok(answer(json!(view.current_visitors)))
}

/// Figures of a period.
#[utoipa::path(get, path = "/api/v1/stats/aggregate", tag = "stats",
    params(StatsParams, ("compare" = Option<String>, Query, description = "`previous_period` adds `change`, in percent.")),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 429, body = QueryError)))]
async fn aggregate(State(app): State<Arc<App>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let ask = Ask::authorised(&app, &headers, query).await?;
    let (range, asked) = (ask.range()?, ask.asked(&app, None).await?);
    let before = match ask.get("compare") {
        None => None,
        Some("previous_period") => Some(days_earlier(range, false, ask.scope.info().timezone)),
        Some(other) => {
            return Err(Refusal::bad_request(format!("Invalid compare '{}'. It is `previous_period`.", shortened(other))));
        }
    };
    let answered = ask.ask(&app, &asked, range).await?;
    let (now, shown) = (figures(&answered), answered.rows.first().map(|row| values(&asked, row)).unwrap_or_default());
    let then = match before {
        Some(before) => Some(figures(&ask.ask(&app, &asked, before).await?)),
        None => None,
    };
    let mut results = Map::new();
    for (index, metric) in asked.metrics.iter().enumerate() {
        let mut result = json!({ "value": shown[index] });
        if let Some(then) = &then {
            let change = now[index].zip(then[index]).map(|(now, then)| change(now, then).unwrap_or(100));
            result["change"] = json!(change);
        }
        results.insert(metric.name().to_owned(), result);
    }
    Ok(answer(json!({ "results": results })))
}

/// Figures by day or month.
#[utoipa::path(get, path = "/api/v1/stats/timeseries", tag = "stats",
    params(StatsParams, ("interval" = Option<String>, Query, description = "`day` (or `date`) or `month`; by default the one that fits the period, hours for a day.")),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 429, body = QueryError)))]
async fn timeseries(State(app): State<Arc<App>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let ask = Ask::authorised(&app, &headers, query).await?;
    let range = ask.range()?;
    let dimension = match (ask.get("interval"), ask.get("period")) {
        (Some("day" | "date"), _) => "time:day",
        (Some("month"), _) | (None, Some("6mo" | "12mo")) => "time:month",
        (None, Some("day")) => "time:hour",
        (None, _) => "time:day",
        (Some(other), _) => {
            return Err(Refusal::bad_request(format!(
                "Error parsing `interval` parameter: invalid interval `{}`. Valid intervals are `day`, `month`",
                shortened(other)
            )));
        }
    };
    let asked = ask.asked(&app, Some(dimension)).await?;
    let Answer { rows, time_labels, .. } = ask.ask(&app, &asked, range).await?;
    let mut rows = rows.into_iter().peekable();
    let results: Vec<Value> = time_labels
        .into_iter()
        .map(|label| {
            let row = rows.next_if(|row| row.labels.first() == Some(&label));
            let values = row.map_or_else(|| vec![Value::from(0); asked.metrics.len()], |row| values(&asked, &row));
            named("date", label, &asked, values)
        })
        .collect();
    Ok(answer(json!({ "results": results })))
}

/// Figures by the values of a property.
#[utoipa::path(get, path = "/api/v1/stats/breakdown", tag = "stats",
    params(StatsParams, ("property" = String, Query, description = "A dimension of `POST /api/v2/query`, such as `event:page` or `visit:source`."),
        ("limit" = Option<u64>, Query, description = "Rows a page, 1 to 1,000; 100 by default."), ("page" = Option<u64>, Query, description = "From 1.")),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 429, body = QueryError)))]
async fn breakdown(State(app): State<Arc<App>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let ask = Ask::authorised(&app, &headers, query).await?;
    let range = ask.range()?;
    let Some(property) = ask.get("property") else {
        return Err(Refusal::bad_request(
            "The `property` parameter is required. Please provide at least one property to show a breakdown by.",
        ));
    };
    if property.starts_with("time") {
        return Err(Refusal::bad_request(format!("Invalid property '{}'. Ask for a timeseries.", shortened(property))));
    }
    let whole = |name: &str, default: u64| ask.get(name).map_or(Some(default), |text| text.parse().ok().filter(|number| *number > 0));
    let limit = whole("limit", ROWS.0).filter(|limit| *limit <= ROWS.1);
    let limit = limit.ok_or_else(|| Refusal::bad_request(format!("Please provide limit as a number between 1 and {}.", ROWS.1)))?;
    let page = whole("page", 1).ok_or_else(|| Refusal::bad_request("Please provide page as a positive number."))?;
    let mut asked = ask.asked(&app, Some(property)).await?;
    (asked.limit, asked.offset) = (limit, (page - 1).saturating_mul(limit));
    let rows = ask.ask(&app, &asked, range).await?.rows;
    let key = property.rsplit(':').next().unwrap_or(property);
    let result = |row: AnswerRow| named(key, row.labels.first().cloned().unwrap_or_default(), &asked, values(&asked, &row));
    Ok(answer(json!({ "results": rows.into_iter().map(result).collect::<Vec<_>>() })))
}

fn answer(body: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// `{label, metric, metric…}`.
fn named(key: &str, label: String, asked: &Asked, values: Vec<Value>) -> Value {
    let mut result = Map::new();
    result.insert(key.to_owned(), Value::String(label));
    for (metric, value) in asked.metrics.iter().zip(values) {
        result.insert(metric.name().to_owned(), value);
    }
    Value::Object(result)
}

/// The figures of an answer without dimensions.
fn figures(answer: &Answer) -> Vec<Option<f64>> {
    answer.rows.first().map(|row| row.figures.clone()).unwrap_or_default()
}

/// A request of somebody who may ask.
struct Ask {
    scope: SiteScope,
    person: Option<Uuid>,
    params: Vec<(String, String)>,
    now: i64,
}

impl Ask {
    /// Everything about the caller comes first, as in v2.
    async fn authorised(app: &App, headers: &HeaderMap, query: Option<String>) -> Result<Self, Refusal> {
        let key = caller::key_of(app, headers).await?;
        let params: Vec<(String, String)> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        let named: Map<String, Value> =
            params.iter().filter(|(name, _)| name == "site_id").map(|(name, value)| (name.clone(), json!(value))).collect();
        let person = key.reach.person();
        let scope = question::scope(app, &Caller::Key(Box::new(key)), &named).await?;
        Ok(Self { scope, person, params, now: chrono::Utc::now().timestamp_millis() })
    }

    /// A parameter; an empty one is none.
    fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn range(&self) -> Result<Range, Refusal> {
        let period = self.get("period").unwrap_or("30d");
        v1::range(period, self.get("date"), self.scope.info().timezone, self.now).map_err(Refusal::bad_request)
    }

    /// The question in the language of v2.
    async fn asked(&self, app: &App, dimension: Option<&str>) -> Result<Asked, Refusal> {
        let metrics: Vec<&str> = self.get("metrics").unwrap_or("visitors").split(',').map(str::trim).collect();
        let filters = v1::filters(self.get("filters").unwrap_or_default()).map_err(Refusal::bad_request)?;
        let dimensions: Vec<&str> = dimension.into_iter().collect();
        if let Some(property) = dimensions.iter().find(|property| By::named(property).is_none()) {
            let property = shortened(property);
            return Err(Refusal::bad_request(format!(
                "Invalid property '{property}'. Please provide a valid property for the breakdown endpoint."
            )));
        }
        let body = json!({ "site_id": "", "metrics": metrics, "date_range": "day", "dimensions": dimensions, "filters": filters });
        let settings = question::settings(&app.meta, &self.scope, self.person).await?;
        language::parse(body.as_object().unwrap_or(&Map::new()), &settings, |_| Ok(())).map_err(Refusal::bad_request)
    }

    async fn ask(&self, app: &App, asked: &Asked, range: Range) -> Result<Answer, Refusal> {
        Ok(app.analytics()?.answer(&self.scope, asked, range).await?)
    }
}
