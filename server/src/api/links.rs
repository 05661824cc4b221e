//! `/api/domains/{id}/shared-links`: links by which somebody without an account sees a domain's dashboard.
//!
//! Also to list them a key needs `sites:manage`: their addresses open what another key may not.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono_tz::Tz;
use footfall_meta::SharedLink;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::JsonBody,
    error::{ApiError, ErrorBody},
};
use crate::{
    App,
    auth::{Caller, SiteScope},
    links::{self, AskedLink, NotMade},
};

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

impl From<NotMade> for ApiError {
    fn from(fault: NotMade) -> Self {
        match fault {
            NotMade::Wrong(wrong) => wrong.into(),
            NotMade::Meta(error) => error.into(),
        }
    }
}

/// A shared link.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkAnswer {
    id: Uuid,
    /// What its owner calls it.
    name: String,
    /// Its address.
    url: String,
    /// It asks for a password.
    has_password: bool,
    /// The last day on which it opens, `YYYY-MM-DD` in the domain's zone.
    until: Option<String>,
    /// The number of the segment that all its figures are limited to. Where that segment is gone the link opens nothing.
    segment: Option<i64>,
    /// Anybody sees the domain under its own name as well.
    public: bool,
}

impl LinkAnswer {
    fn new(app: &App, link: SharedLink, zone: Tz) -> Self {
        Self {
            id: link.id,
            url: links::address(app, &link),
            has_password: link.password_hash.is_some(),
            until: links::until(&link, zone),
            segment: link.segment,
            public: link.is_public,
            name: link.name,
        }
    }
}

/// A link to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// What it is called; unique in the domain.
    name: String,
    /// The password that it shall ask for, 10 to 200 characters.
    password: Option<String>,
    /// The last day on which it opens, `YYYY-MM-DD` in the domain's zone.
    until: Option<String>,
    /// The number of one of the domain's segments: all figures are limited to it.
    segment: Option<i64>,
    /// Anybody sees the domain under its own name as well. One link of a domain can be so, without a password.
    #[serde(default)]
    public: bool,
}

/// The shared links of a domain.
#[utoipa::path(get, path = "/api/domains/{id}/shared-links", tag = "sharing", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Vec<LinkAnswer>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Vec<LinkAnswer>>, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let links = app.meta.links_of(scope.site()).await?;
    Ok(Json(links.into_iter().map(|link| LinkAnswer::new(&app, link, scope.info().timezone)).collect()))
}

/// Makes a shared link.
#[utoipa::path(post, path = "/api/domains/{id}/shared-links", tag = "sharing", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = LinkBody,
    responses((status = 201, body = LinkAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, description = "the domain has a link of this name", body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn add(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<LinkAnswer>), ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let LinkBody { name, password, until, segment, public } = body.parse()?;
    let link = links::add(&app.meta, scope.info(), AskedLink { name, password, until, segment, public }).await?;
    Ok((StatusCode::CREATED, Json(LinkAnswer::new(&app, link, scope.info().timezone))))
}

/// Removes a shared link: it opens nothing any more, at once and for good.
#[utoipa::path(delete, path = "/api/domains/{id}/shared-links/{link}", tag = "sharing",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("link" = uuid::Uuid, Path, description = "the link")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove(State(app): State<Arc<App>>, caller: Caller, Path((id, link)): Path<(String, String)>) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let link = Uuid::try_parse(&link).map_err(|_| ApiError::not_found())?;
    if app.meta.delete_link(scope.site(), link).await? { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}
