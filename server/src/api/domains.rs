//! `/api/domains`: list, add, show, change, remove.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use footfall_meta::{MetaError, Reach, Role, Scope, Site, SiteChange};
use footfall_model::Domain;
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
};

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(show, change, remove))
}

/// A domain.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainAnswer {
    /// `domainId` of the other routes.
    id: Uuid,
    /// Its name.
    domain: String,
    /// IANA name of the zone in which its days begin.
    timezone: String,
    /// When it was added.
    created_at: DateTime<Utc>,
}

impl From<&Site> for DomainAnswer {
    fn from(site: &Site) -> Self {
        Self { id: site.id.0, domain: site.domain.to_string(), timezone: site.timezone.name().to_owned(), created_at: site.created_at }
    }
}

/// A domain to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDomain {
    /// Its name, for example `example.org`.
    domain: String,
    /// IANA name; UTC by default.
    timezone: Option<String>,
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainPatch {
    /// New name; events and settings stay with the domain.
    domain: Option<String>,
    /// New zone; figures are cut anew, nothing is lost.
    timezone: Option<String>,
}

/// The caller's domains, by name.
#[utoipa::path(get, path = "/api/domains", tag = "domains", responses((status = 200, body = Vec<DomainAnswer>), (status = 401, body = ErrorBody)))]
async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Vec<DomainAnswer>>, ApiError> {
    let sites = match caller.reach() {
        Reach::Owner(owner) => app.meta.sites_of(owner).await?,
        Reach::Site(site) => app.meta.site(site).await?.into_iter().collect(),
    };
    Ok(Json(sites.iter().map(DomainAnswer::from).collect()))
}

/// Adds a domain.
#[utoipa::path(post, path = "/api/domains", tag = "domains", request_body = NewDomain,
    responses((status = 201, body = DomainAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, description = "the name is in use", body = ErrorBody), (status = 422, description = "not a host name or time zone", body = ErrorBody)))]
async fn add(State(app): State<Arc<App>>, caller: Caller, body: JsonBody) -> Result<(StatusCode, Json<DomainAnswer>), ApiError> {
    caller.require(Scope::SitesManage)?;
    let Reach::Owner(owner) = caller.reach() else {
        return Err(ApiError::forbidden(
            "key_of_one_domain",
            "this key belongs to one domain; add domains with a key for all domains of their owner",
        ));
    };
    if caller.user().is_some_and(|user| user.role != Role::Owner) {
        return Err(ApiError::forbidden("owner_required", "only owners add domains; ask one"));
    }
    let new: NewDomain = body.parse()?;
    let domain = parse_domain(&new.domain)?;
    let timezone = new.timezone.as_deref().map_or(Ok(Tz::UTC), parse_timezone)?;
    let site = app.meta.create_site(&domain, timezone, Some(owner)).await.map_err(taken)?;
    Ok((StatusCode::CREATED, Json(DomainAnswer::from(&site))))
}

/// One domain.
#[utoipa::path(get, path = "/api/domains/{id}", tag = "domains", params(("id" = Uuid, Path, description = "the domain")),
    responses((status = 200, body = DomainAnswer), (status = 401, body = ErrorBody), (status = 404, description = "unknown, or not yours", body = ErrorBody)))]
async fn show(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<DomainAnswer>, ApiError> {
    let scope = SiteScope::visible(&app, &caller, &id).await?;
    Ok(Json(DomainAnswer::from(scope.info())))
}

/// Renames a domain or moves it to another time zone.
#[utoipa::path(patch, path = "/api/domains/{id}", tag = "domains", params(("id" = Uuid, Path, description = "the domain")), request_body = DomainPatch,
    responses((status = 200, body = DomainAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<DomainAnswer>, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let patch: DomainPatch = body.parse()?;
    let change = SiteChange {
        domain: patch.domain.as_deref().map(parse_domain).transpose()?,
        timezone: patch.timezone.as_deref().map(parse_timezone).transpose()?,
    };
    let site = app.meta.change_site(scope.site(), change).await.map_err(taken)?;
    Ok(Json(DomainAnswer::from(&site)))
}

/// Removes a domain with all its figures.
#[utoipa::path(delete, path = "/api/domains/{id}", tag = "domains", params(("id" = Uuid, Path, description = "the domain")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    app.meta.delete_site(scope.site()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the name of a domain.
///
/// # Errors
/// 422 that names the field.
pub fn parse_domain(text: &str) -> Result<Domain, ApiError> {
    text.parse().map_err(|fault: footfall_model::domain::NotADomain| {
        let text = fault.to_string();
        ApiError::unprocessable("not_a_host_name", text.clone()).field("domain", text)
    })
}

/// Reads the name of a time zone.
///
/// # Errors
/// 422 that names the field.
pub fn parse_timezone(text: &str) -> Result<Tz, ApiError> {
    text.parse().map_err(|_| {
        let text =
            format!("`{}` is not a time zone; use an IANA name, for example Europe/Berlin", text.chars().take(50).collect::<String>());
        ApiError::unprocessable("not_a_time_zone", text.clone()).field("timezone", text)
    })
}

fn taken(error: MetaError) -> ApiError {
    match error {
        MetaError::Taken(text) => ApiError::conflict("domain_taken", text.clone()).field("domain", text),
        other => other.into(),
    }
}
