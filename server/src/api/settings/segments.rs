//! Filters of a domain that are saved under a name.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use footfall_meta::{Reach, Segment};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        body::JsonBody,
        error::{ApiError, ErrorBody},
    },
    gone, number,
};
use crate::{
    App,
    auth::{Caller, SiteScope},
    settings,
};

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(segments, add_segment)).routes(routes!(change_segment, remove_segment))
}

/// Saved filters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SegmentAnswer {
    /// For `["is","segment",[id]]`.
    id: i64,
    name: String,
    /// Only for whom it was made by.
    personal: bool,
    /// Filters of `POST /api/v2/query`.
    #[schema(value_type = Vec<Object>)]
    filters: Vec<Value>,
    changed_at: DateTime<Utc>,
}

impl From<Segment> for SegmentAnswer {
    fn from(segment: Segment) -> Self {
        Self {
            id: segment.id,
            name: segment.name,
            personal: segment.owner.is_some(),
            filters: segment.filters,
            changed_at: segment.changed_at,
        }
    }
}

/// Filters to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentBody {
    name: String,
    /// Filters of `POST /api/v2/query`; at least one, and none that names a segment.
    #[schema(value_type = Vec<Object>)]
    filters: Vec<Value>,
    /// Only for whom it is made by; else for everybody who sees the domain.
    #[serde(default)]
    personal: bool,
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentPatch {
    name: Option<String>,
    #[schema(value_type = Option<Vec<Object>>)]
    filters: Option<Vec<Value>>,
}

/// The domain's segments, and the caller's own.
#[utoipa::path(get, path = "/api/domains/{id}/segments", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Vec<SegmentAnswer>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn segments(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Vec<SegmentAnswer>>, ApiError> {
    let scope = SiteScope::visible(&app, &caller, &id).await?;
    let segments = app.meta.segments_of(scope.site(), caller.reach().person()).await?;
    Ok(Json(segments.into_iter().map(SegmentAnswer::from).collect()))
}

/// Saves filters.
#[utoipa::path(post, path = "/api/domains/{id}/segments", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = SegmentBody,
    responses((status = 201, body = SegmentAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn add_segment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<SegmentAnswer>), ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let body: SegmentBody = body.parse()?;
    let name = settings::name(&body.name)?;
    settings::filters(&body.filters, &settings::for_questions(&app.meta, scope.site(), None).await?)?;
    let owner = match (body.personal, caller.reach()) {
        (false, _) => None,
        (true, Reach::Owner(person)) => Some(person),
        (true, Reach::Site(_)) => {
            return Err(ApiError::unprocessable("key_of_one_domain", "this key is nobody's; sign in to make a personal segment"));
        }
    };
    let segment = settings::add_segment(&app.meta, scope.site(), owner, &name, body.filters).await?;
    Ok((StatusCode::CREATED, Json(segment.into())))
}

/// Changes a segment.
#[utoipa::path(patch, path = "/api/domains/{id}/segments/{segment}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("segment" = i64, Path, description = "the segment")), request_body = SegmentPatch,
    responses((status = 200, body = SegmentAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn change_segment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, segment)): Path<(String, String)>,
    body: JsonBody,
) -> Result<Json<SegmentAnswer>, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let number = number(&segment)?;
    let patch: SegmentPatch = body.parse()?;
    let name = patch.name.as_deref().map(settings::name).transpose()?;
    if let Some(filters) = &patch.filters {
        settings::filters(filters, &settings::for_questions(&app.meta, scope.site(), None).await?)?;
    }
    let changed = app.meta.change_segment(scope.site(), caller.reach().person(), number, name, patch.filters).await?;
    changed.map(|segment| Json(segment.into())).ok_or_else(ApiError::not_found)
}

/// Removes a segment.
#[utoipa::path(delete, path = "/api/domains/{id}/segments/{segment}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("segment" = i64, Path, description = "the segment")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove_segment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, segment)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    gone(app.meta.delete_segment(scope.site(), caller.reach().person(), number(&segment)?).await?)
}
