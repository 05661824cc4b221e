//! `/api/domains`: list, add, show, change, remove.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use footfall_meta::{DeletedSite, MetaError, Reach, Role, Scope, Site, SiteChange};
use footfall_model::Domain;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::{JsonBody, RawParams},
    error::{ApiError, ErrorBody},
};
use crate::{
    App,
    auth::{Caller, SiteScope},
    removal,
};

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(deleted))
        .routes(routes!(show, change, remove))
        .routes(routes!(restore))
        .routes(routes!(clear))
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

/// A domain that was deleted and can be restored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletedDomain {
    /// For the routes that restore it or delete it for good; no others know it.
    id: Uuid,
    /// Its name, which stays taken.
    domain: String,
    /// When it was deleted.
    deleted_at: DateTime<Utc>,
    /// When it goes for good.
    goes_at: DateTime<Utc>,
}

impl From<DeletedSite> for DeletedDomain {
    fn from(deleted: DeletedSite) -> Self {
        let DeletedSite { site, deleted_at, goes_at } = deleted;
        Self { id: site.id.0, domain: site.domain.to_string(), deleted_at, goes_at }
    }
}

/// How to delete.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Removal {
    /// `true`: at once and for good, also what was deleted before and can still be restored.
    #[serde(default)]
    for_good: bool,
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
    /// New name; events and settings stay with the domain. For 72 hours events count under its former name too.
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

/// Deletes a domain: it is gone at once, and can be restored for 7 days. Then, or at once if that is asked for, it goes for good with all its figures.
#[utoipa::path(delete, path = "/api/domains/{id}", tag = "domains", params(("id" = Uuid, Path, description = "the domain"), Removal),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn remove(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>, params: RawParams) -> Result<StatusCode, ApiError> {
    match (SiteScope::manage(&app, &caller, &id).await, params.parse::<Removal>()) {
        (Err(error), asked) => {
            // Whoever cannot see a deleted domain either learns nothing from it.
            let deleted = SiteScope::deleted(&app, &caller, &id).await.map_err(|_| error)?;
            if !asked?.for_good {
                return Err(ApiError::not_found());
            }
            app.meta.delete_hidden_site(deleted.site.id).await?;
        }
        (Ok(scope), asked) => {
            if asked?.for_good {
                app.meta.delete_site(scope.site()).await?;
            } else {
                app.meta.hide_site(scope.site(), Utc::now()).await?;
            }
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's domains that were deleted and can be restored, by name.
#[utoipa::path(get, path = "/api/domains/deleted", tag = "domains",
    responses((status = 200, body = Vec<DeletedDomain>), (status = 401, body = ErrorBody)))]
async fn deleted(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Vec<DeletedDomain>>, ApiError> {
    let deleted = match caller.reach() {
        Reach::Owner(owner) => app.meta.deleted_sites_of(owner).await?,
        Reach::Site(site) => app.meta.deleted_site(site).await?.into_iter().collect(),
    };
    Ok(Json(deleted.into_iter().map(DeletedDomain::from).collect()))
}

/// Brings a deleted domain back as it was.
#[utoipa::path(post, path = "/api/domains/{id}/restore", tag = "domains", params(("id" = Uuid, Path, description = "the domain")),
    responses((status = 200, body = DomainAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "unknown, not yours, or not deleted", body = ErrorBody)))]
async fn restore(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<DomainAnswer>, ApiError> {
    let deleted = SiteScope::deleted(&app, &caller, &id).await?;
    app.meta.restore_site(deleted.site.id).await?;
    Ok(Json(DomainAnswer::from(&deleted.site)))
}

/// Removes all data of a domain: everything that arrived by now. Name, settings and keys stay, and what arrives after the answer counts.
#[utoipa::path(delete, path = "/api/domains/{id}/data", tag = "domains", params(("id" = Uuid, Path, description = "the domain")),
    responses((status = 204, description = "it is gone"), (status = 202, description = "it goes within minutes"), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, description = "an import is under way", body = ErrorBody)))]
async fn clear(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    Ok(if removal::clear(&app, scope.site()).await? { StatusCode::NO_CONTENT } else { StatusCode::ACCEPTED })
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
