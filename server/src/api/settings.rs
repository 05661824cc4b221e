//! `/api/domains/{id}/{goals,segments,annotations,properties,routes,channels,shields}`: what is configured of a domain.
//!
//! Who sees the domain sees its settings; to change them a key needs `sites:manage`. A personal segment is its owner's alone: a
//! signed-in user's, or that of whom a key belongs to.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use footfall_meta::List;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::JsonBody,
    error::{ApiError, ErrorBody},
};
use crate::{
    App,
    auth::{Caller, SiteScope},
    settings::{self, AskedRule, Wrong},
};

mod annotations;
mod goals;
mod segments;
mod shields;

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(properties, set_properties))
        .routes(routes!(page_routes, set_page_routes))
        .routes(routes!(channels, set_channels))
        .merge(goals::router())
        .merge(segments::router())
        .merge(annotations::router())
        .merge(shields::router())
}

impl From<Wrong> for ApiError {
    fn from(wrong: Wrong) -> Self {
        Self::unprocessable("invalid_setting", wrong.to_string()).field(wrong.field, wrong.text)
    }
}

/// Custom properties that reports offer. Any property can be asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Properties {
    properties: Vec<String>,
}

/// The custom properties of a domain.
#[utoipa::path(get, path = "/api/domains/{id}/properties", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Properties), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn properties(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Properties>, ApiError> {
    Ok(Json(Properties { properties: list(&app, &caller, &id, List::Properties).await? }))
}

/// Puts a list of custom properties in the place of the one that was.
#[utoipa::path(put, path = "/api/domains/{id}/properties", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = Properties,
    responses((status = 200, body = Properties), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn set_properties(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Properties>, ApiError> {
    let new = |body: Properties| body.properties.iter().try_fold(Vec::new(), |list, name| settings::with_property(list, name));
    Ok(Json(Properties { properties: set_list(&app, &caller, &id, List::Properties, body, new).await? }))
}

/// Patterns of paths: `/blog/:slug`, `/docs/*`. The first that fits is a page's route, in all of history.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Routes {
    routes: Vec<String>,
}

/// The routes of a domain.
#[utoipa::path(get, path = "/api/domains/{id}/routes", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Routes), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn page_routes(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Routes>, ApiError> {
    Ok(Json(Routes { routes: list(&app, &caller, &id, List::Routes).await? }))
}

/// Puts a list of routes in the place of the one that was.
#[utoipa::path(put, path = "/api/domains/{id}/routes", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = Routes,
    responses((status = 200, body = Routes), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn set_page_routes(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Routes>, ApiError> {
    let new = |body: Routes| body.routes.iter().try_fold(Vec::new(), |list, pattern| settings::with_route(list, pattern));
    Ok(Json(Routes { routes: set_list(&app, &caller, &id, List::Routes, body, new).await? }))
}

/// A domain's own rules of channels. The first that applies to a visit says its channel, in all of history; where none does, the rules of everybody do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    rules: Vec<AskedRule>,
}

/// The rules of channels of a domain.
#[utoipa::path(get, path = "/api/domains/{id}/channels", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Channels), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn channels(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Channels>, ApiError> {
    Ok(Json(Channels { rules: settings::stored_rules(&list(&app, &caller, &id, List::Channels).await?)? }))
}

/// Puts a list of rules of channels in the place of the one that was.
#[utoipa::path(put, path = "/api/domains/{id}/channels", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = Channels,
    responses((status = 200, body = Channels), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn set_channels(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Channels>, ApiError> {
    let new = |body: Channels| body.rules.iter().try_fold(Vec::new(), settings::with_channel_rule);
    Ok(Json(Channels { rules: settings::stored_rules(&set_list(&app, &caller, &id, List::Channels, body, new).await?)? }))
}

/// A list of a domain that the caller sees.
async fn list(app: &App, caller: &Caller, id: &str, list: List) -> Result<Vec<String>, ApiError> {
    let scope = SiteScope::visible(app, caller, id).await?;
    Ok(app.meta.list_of(scope.site(), list).await?)
}

/// Puts what `new` makes of the body in the place of a list of a domain that the caller manages; answers what it is then.
async fn set_list<B: DeserializeOwned>(
    app: &App,
    caller: &Caller,
    id: &str,
    list: List,
    body: JsonBody,
    new: impl FnOnce(B) -> Result<Vec<String>, Wrong> + Send,
) -> Result<Vec<String>, ApiError> {
    let scope = SiteScope::manage(app, caller, id).await?;
    let values = new(body.parse()?)?;
    Ok(app.meta.change_list(scope.site(), list, |_| Ok(values)).await?)
}

/// The number in a path; what is none is unknown.
fn number(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::not_found())
}

fn gone(found: bool) -> Result<StatusCode, ApiError> {
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}
