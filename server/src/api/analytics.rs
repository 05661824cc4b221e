//! `GET /api/analytics/{kpis,timeseries,top-pages,breakdown}`: the reports of one domain, the same that the pages show.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::header,
    response::{IntoResponse, Response},
};
use footfall_model::{
    Interval,
    report::{Meta, Point},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::{ApiError, ErrorBody},
    params::{DimensionParams, IntervalParams, PageParams, Params, RangeParams},
    schema,
};
use crate::{
    App,
    analytics::{AnalyticsError, TopPages},
    auth::Caller,
};

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(kpis)).routes(routes!(timeseries)).routes(routes!(top_pages)).routes(routes!(breakdown))
}

/// Every bucket of the range, empty ones with zeros.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeseriesAnswer {
    /// Width of the buckets: `minute`, `hour`, `day`, `week` or `month`.
    #[schema(value_type = String)]
    interval: Interval,
    #[schema(value_type = Vec<schema::Point>)]
    points: Vec<Point>,
    /// The buckets of the period compared to; there may be more or fewer. Only with `compare`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::Point>>)]
    comparison: Option<Vec<Point>>,
    #[schema(value_type = schema::Meta)]
    meta: Meta,
}

/// The figures of a period.
#[utoipa::path(get, path = "/api/analytics/kpis", tag = "analytics", params(RangeParams),
    responses((status = 200, body = schema::Kpis), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "unknown, or not yours", body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
async fn kpis(State(app): State<Arc<App>>, caller: Caller, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let params = Params::new(query.as_deref());
    let scope = params.scope(&app, &caller).await?;
    let view = params.view(&app, &caller, &scope).await?;
    Ok(fresh(app.analytics()?.kpis(&scope, &view).await?))
}

/// Pageviews and visitors over time.
#[utoipa::path(get, path = "/api/analytics/timeseries", tag = "analytics", params(RangeParams, IntervalParams),
    responses((status = 200, body = TimeseriesAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "unknown, or not yours", body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
async fn timeseries(State(app): State<Arc<App>>, caller: Caller, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let params = Params::new(query.as_deref());
    let scope = params.scope(&app, &caller).await?;
    let (view, interval) = (params.view(&app, &caller, &scope).await?, params.interval()?);
    let (now, comparison) = app.analytics()?.timeseries(&scope, &view, interval).await?;
    Ok(fresh(TimeseriesAnswer { interval: now.interval, points: now.points, comparison, meta: now.meta }))
}

/// The pages with the most visitors.
#[utoipa::path(get, path = "/api/analytics/top-pages", tag = "analytics", params(RangeParams, PageParams),
    responses((status = 200, body = TopPages), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "unknown, or not yours", body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
async fn top_pages(State(app): State<Arc<App>>, caller: Caller, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let params = Params::new(query.as_deref());
    let scope = params.scope(&app, &caller).await?;
    let (view, (limit, page)) = (params.view(&app, &caller, &scope).await?, params.page()?);
    Ok(fresh(app.analytics()?.top_pages(&scope, &view, limit, page).await?))
}

/// Visitors and pageviews by a dimension.
#[utoipa::path(get, path = "/api/analytics/breakdown", tag = "analytics", params(DimensionParams, RangeParams, PageParams),
    responses((status = 200, body = schema::Breakdown), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "unknown, or not yours", body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
async fn breakdown(State(app): State<Arc<App>>, caller: Caller, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let params = Params::new(query.as_deref());
    let scope = params.scope(&app, &caller).await?;
    let (view, dimension, (limit, page)) = (params.view(&app, &caller, &scope).await?, params.dimension()?, params.page()?);
    Ok(fresh(app.analytics()?.breakdown(&scope, &view, dimension, limit, page).await?))
}

/// An answer that no cache on the way keeps: it is one caller's, and old in a moment.
fn fresh(answer: impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

impl From<AnalyticsError> for ApiError {
    fn from(error: AnalyticsError) -> Self {
        match error {
            away if away.is_away() => Self::unavailable(away),
            AnalyticsError::Question(text) => Self::bad_request("invalid_question", text),
            AnalyticsError::Store(fault) if fault.is_too_heavy() => {
                tracing::warn!(error = %fault, "a report was too heavy");
                Self::unprocessable(
                    "too_heavy",
                    "this report takes more time, memory or rows than it may; ask for a shorter period, or with fewer dimensions and filters",
                )
            }
            AnalyticsError::Store(fault) if fault.is_bad_pattern() => Self::bad_request(
                "invalid_question",
                "Invalid filters. One of the patterns of `matches` is not a regular expression (RE2).",
            ),
            other => Self::internal(other),
        }
    }
}
