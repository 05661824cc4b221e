//! Notes of what happened to a domain.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use footfall_meta::Annotation;
use serde::{Deserialize, Serialize};
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
    OpenApiRouter::new().routes(routes!(annotations, add_annotation)).routes(routes!(remove_annotation))
}

/// A note at a moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnotationAnswer {
    id: i64,
    at: DateTime<Utc>,
    note: String,
}

impl From<Annotation> for AnnotationAnswer {
    fn from(Annotation { id, at, note }: Annotation) -> Self {
        Self { id, at, note }
    }
}

/// A note to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnotationBody {
    /// When, RFC 3339.
    at: String,
    /// What happened.
    note: String,
}

/// The notes of a domain, by time.
#[utoipa::path(get, path = "/api/domains/{id}/annotations", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Vec<AnnotationAnswer>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn annotations(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Vec<AnnotationAnswer>>, ApiError> {
    let scope = SiteScope::visible(&app, &caller, &id).await?;
    Ok(Json(app.meta.annotations_of(scope.site()).await?.into_iter().map(AnnotationAnswer::from).collect()))
}

/// Adds a note.
#[utoipa::path(post, path = "/api/domains/{id}/annotations", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    request_body = AnnotationBody,
    responses((status = 201, body = AnnotationAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn add_annotation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<AnnotationAnswer>), ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let body: AnnotationBody = body.parse()?;
    let (at, note) = (settings::moment(&body.at)?, settings::note(&body.note)?);
    Ok((StatusCode::CREATED, Json(app.meta.create_annotation(scope.site(), at, &note).await?.into())))
}

/// Removes a note.
#[utoipa::path(delete, path = "/api/domains/{id}/annotations/{annotation}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("annotation" = i64, Path, description = "the note")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove_annotation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, annotation)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    gone(app.meta.delete_annotation(scope.site(), number(&annotation)?).await?)
}
