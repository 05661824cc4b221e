//! What a domain does not count.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use footfall_meta::{Shield, ShieldKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    super::{
        body::JsonBody,
        error::{ApiError, ErrorBody},
    },
    gone,
};
use crate::{
    App,
    auth::{Caller, SiteScope},
    settings::{self, Wrong},
};

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(shields, add_shield)).routes(routes!(remove_shield))
}

/// Something that a domain does not count.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShieldAnswer {
    id: Uuid,
    /// `ip`, `country` or `path`: these do not count; `host`: only these do.
    kind: &'static str,
    /// What it looks for; in paths and hosts `*` stands for any characters.
    value: String,
}

impl From<Shield> for ShieldAnswer {
    fn from(Shield { id, kind, value, .. }: Shield) -> Self {
        Self { id, kind: kind.code(), value }
    }
}

/// A shield to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShieldBody {
    /// `ip`, `country`, `path` or `host`.
    kind: String,
    /// An address or a network, a country by name or code, a pattern of paths, a pattern of host names.
    value: String,
}

/// The shields of a domain, in the order in which they were made.
#[utoipa::path(get, path = "/api/domains/{id}/shields", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Vec<ShieldAnswer>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn shields(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Vec<ShieldAnswer>>, ApiError> {
    let scope = SiteScope::visible(&app, &caller, &id).await?;
    Ok(Json(app.meta.shields_of(scope.site()).await?.into_iter().map(ShieldAnswer::from).collect()))
}

/// Adds a shield; it holds for events from now on.
#[utoipa::path(post, path = "/api/domains/{id}/shields", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    request_body = ShieldBody,
    responses((status = 201, body = ShieldAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, description = "the domain has it already", body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn add_shield(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<ShieldAnswer>), ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let ShieldBody { kind, value } = body.parse()?;
    let kind: ShieldKind = kind.parse().map_err(|text| Wrong { field: "kind", text })?;
    let value = settings::shield(kind, &value)?;
    Ok((StatusCode::CREATED, Json(settings::add_shield(&app.meta, scope.site(), kind, &value).await?.into())))
}

/// Removes a shield; what it refused stays refused.
#[utoipa::path(delete, path = "/api/domains/{id}/shields/{shield}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("shield" = uuid::Uuid, Path, description = "the shield")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove_shield(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, shield)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let shield = Uuid::parse_str(&shield).map_err(|_| ApiError::not_found())?;
    gone(app.meta.delete_shield(scope.site(), shield).await?)
}
