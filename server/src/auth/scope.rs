//! The proof that a caller may use one domain.
//!
//! A [`SiteScope`] cannot be made outside this file. Unknown and forbidden domains look alike: both are 404. A key without the
//! needed scope is told so (403) before any domain is looked up.

use footfall_meta::{DeletedSite, Meta, MetaError, Reach, Scope, SharedLink, Site};
use footfall_model::{Domain, SiteId};
use uuid::Uuid;

use super::Caller;
use crate::{App, api::error::ApiError};

/// A domain that the caller may use in the way it was asked for.
#[derive(Clone, Debug)]
pub struct SiteScope {
    site: Site,
}

impl SiteScope {
    /// To read its figures, by the parameter `domainId`.
    ///
    /// # Errors
    /// 403 for a key without `stats:read`, 400 without the parameter, 404 for a domain that is not the caller's.
    pub async fn read(app: &App, caller: &Caller, domain_id: Option<Uuid>) -> Result<Self, ApiError> {
        caller.require(Scope::StatsRead)?;
        let id = domain_id.ok_or_else(|| {
            ApiError::bad_request("missing_parameter", "name the domain by the parameter domainId").field("domainId", "is missing")
        })?;
        Self::find(app, caller.reach(), id).await
    }

    /// To read its figures, by the domain's name (`site_id` of the compatible APIs).
    ///
    /// # Errors
    /// As [`SiteScope::read`].
    pub async fn read_by_name(app: &App, caller: &Caller, name: &str) -> Result<Self, ApiError> {
        caller.require(Scope::StatsRead)?;
        Self::named(app, caller.reach(), name).await?.ok_or_else(ApiError::not_found)
    }

    /// To see its settings, by an id in a path.
    ///
    /// # Errors
    /// 404 for a domain that is not the caller's.
    pub async fn visible(app: &App, caller: &Caller, id: &str) -> Result<Self, ApiError> {
        let id = Uuid::parse_str(id).map_err(|_| ApiError::not_found())?;
        Self::find(app, caller.reach(), id).await
    }

    /// To change or remove it, by an id in a path.
    ///
    /// # Errors
    /// 403 for a key without `sites:manage`, 404 for a domain that is not the caller's.
    pub async fn manage(app: &App, caller: &Caller, id: &str) -> Result<Self, ApiError> {
        caller.require(Scope::SitesManage)?;
        Self::visible(app, caller, id).await
    }

    /// To change it, by the domain's name; none if it is not the caller's.
    ///
    /// # Errors
    /// 403 for a key without `sites:manage`.
    pub async fn managed_by_name(app: &App, caller: &Caller, name: &str) -> Result<Option<Self>, ApiError> {
        caller.require(Scope::SitesManage)?;
        Ok(Self::named(app, caller.reach(), name).await?)
    }

    /// To show it to a signed-in user, by name: for the pages.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_user(app: &App, user: Uuid, name: &str) -> Result<Option<Self>, MetaError> {
        Self::named(app, Reach::Owner(user), name).await
    }

    /// The domain of a shared link, to show it to whoever has that link: within what it is limited to (`link.rs`).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_link(app: &App, link: &SharedLink) -> Result<Option<Self>, MetaError> {
        Ok(app.meta.site(link.site).await?.map(|site| Self { site }))
    }

    /// All domains that a signed-in user may see, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_of_user(app: &App, user: Uuid) -> Result<Vec<Self>, MetaError> {
        Ok(app.meta.sites_of(user).await?.into_iter().map(|site| Self { site }).collect())
    }

    /// Any domain, for the operator, who may open the data folder: through the control socket alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_operator(meta: &Meta, name: &str) -> Result<Option<Self>, MetaError> {
        let Ok(domain) = name.parse::<Domain>() else { return Ok(None) };
        Ok(meta.site_by_domain(&domain).await?.map(|site| Self { site }))
    }

    /// A domain that was deleted and can be restored, by an id in a path: for nothing but that, or to delete it for good.
    ///
    /// # Errors
    /// 403 for a key without `sites:manage`, 404 for a domain that is not the caller's or was not deleted.
    pub async fn deleted(app: &App, caller: &Caller, id: &str) -> Result<DeletedSite, ApiError> {
        caller.require(Scope::SitesManage)?;
        let id = Uuid::parse_str(id).map_err(|_| ApiError::not_found())?;
        let found = app.meta.deleted_site(SiteId(id)).await?;
        found.filter(|deleted| covers(caller.reach(), &deleted.site)).ok_or_else(ApiError::not_found)
    }

    /// The same by its name; none if it is not the caller's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deleted_by_name(app: &App, reach: Reach, name: &str) -> Result<Option<DeletedSite>, MetaError> {
        let Ok(domain) = name.parse::<Domain>() else { return Ok(None) };
        Ok(app.meta.deleted_site_by_domain(&domain).await?.filter(|deleted| covers(reach, &deleted.site)))
    }

    /// To go on with work that a caller of this reach began.
    ///
    /// # Errors
    /// 404 for a domain that is gone, or no longer theirs.
    pub async fn of_work(app: &App, reach: Reach, id: SiteId) -> Result<Self, ApiError> {
        Self::find(app, reach, id.0).await
    }

    async fn find(app: &App, reach: Reach, id: Uuid) -> Result<Self, ApiError> {
        let found = app.meta.site(SiteId(id)).await?;
        found.filter(|site| covers(reach, site)).map(|site| Self { site }).ok_or_else(ApiError::not_found)
    }

    async fn named(app: &App, reach: Reach, name: &str) -> Result<Option<Self>, MetaError> {
        Ok(Self::of_operator(&app.meta, name).await?.filter(|scope| covers(reach, &scope.site)))
    }

    /// Its id.
    #[must_use]
    pub const fn site(&self) -> SiteId {
        self.site.id
    }

    /// Name, zone and so on.
    #[must_use]
    pub const fn info(&self) -> &Site {
        &self.site
    }

    /// The scope of queries.
    #[must_use]
    pub const fn query(&self) -> footfall_query::Scope {
        footfall_query::Scope::authorised(self.site.id)
    }
}

fn covers(reach: Reach, site: &Site) -> bool {
    match reach {
        Reach::Site(id) => site.id == id,
        Reach::Owner(owner) => site.owner == Some(owner),
    }
}
