//! What a viewer sees of a domain: all of it as its owner, or what a shared link shows.

use axum::http::HeaderMap;
use footfall_app::{
    backend::Look,
    share::{Handle, Shared},
    types::{AppError, Viewer},
};
use footfall_meta::MetaError;
use serde_json::Value;
use uuid::Uuid;

use super::{ServerBackend, failed, filters};
use crate::{
    App,
    auth::{
        SiteScope,
        link::{self, OpenLink},
        session,
    },
};

/// A domain that a viewer may read, and what of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The domain.
    pub(super) scope: SiteScope,
    /// Whose segments questions may name; nobody's where the domain is not the viewer's own.
    pub(super) person: Option<Uuid>,
    /// What stands for it in addresses.
    pub(super) address: String,
    /// It is the viewer's own: what concerns all of it, and how it is asked for, may be told.
    pub(super) is_own: bool,
    /// What every question is limited to, beside what it asks itself.
    limit: Vec<Value>,
}

impl Seen {
    fn by_link(OpenLink { scope, limit, .. }: OpenLink, address: &str) -> Self {
        Self { scope, person: None, address: address.to_owned(), is_own: false, limit }
    }

    /// The filters of a question: those of the limit first. All must hold, so none that is asked for can widen what is seen.
    pub(super) fn filters(&self, look: Look<'_>) -> Vec<Value> {
        self.limit.iter().cloned().chain(filters(look.filters)).collect()
    }

    /// Only a part is seen: what knows no filters cannot be shown.
    pub(super) fn is_limited(&self) -> bool {
        !self.limit.is_empty()
    }
}

impl ServerBackend {
    /// What a viewer may read of a domain, or of what stands for one in an address.
    pub(super) async fn seen(&self, viewer: &Viewer, domain: &str) -> Result<Seen, AppError> {
        if let Some(handle) = Handle::parse(domain) {
            let found = link::by_slug(&self.app, &handle.slug, &viewer.passes).await.map_err(failed)?;
            return found.and_then(link::Found::open).map(|open| Seen::by_link(open, domain)).ok_or(AppError::NotFound);
        }
        // What is the viewer's own is seen whole, however public it is.
        let refused = match self.scope(viewer, domain).await {
            Ok(scope) => {
                let address = scope.info().domain.to_string();
                return Ok(Seen { scope, person: viewer.user, address, is_own: true, limit: Vec::new() });
            }
            Err(refused @ (AppError::NotFound | AppError::NotSignedIn)) => refused,
            Err(failed) => return Err(failed),
        };
        let open = link::of_public(&self.app, domain).await.map_err(failed)?;
        open.map(|open| Seen::by_link(open, domain)).ok_or(refused)
    }

    /// Whether a link is open to a viewer.
    pub(super) async fn is_open(&self, viewer: &Viewer, slug: &str, domain: Option<&str>) -> Result<bool, AppError> {
        let found = link::by_slug(&self.app, slug, &viewer.passes).await.map_err(failed)?.ok_or(AppError::NotFound)?;
        let (is_open, site) = match &found {
            link::Found::Open(open) => (true, open.link.site),
            link::Found::Locked(link) => (false, link.site),
        };
        if let Some(named) = domain {
            let scope = SiteScope::of_operator(&self.app.meta, named).await.map_err(failed)?;
            scope.filter(|scope| scope.site() == site).ok_or(AppError::NotFound)?;
        }
        Ok(is_open)
    }
}

/// How the pages of a domain are shared with whoever sends these headers; none where they are not: they are the viewer's own, or nobody's to see.
///
/// # Errors
/// When the database fails.
pub async fn shared(app: &App, headers: &HeaderMap, domain: &str) -> Result<Option<Shared>, MetaError> {
    let open = if let Some(handle) = Handle::parse(domain) {
        link::by_slug(app, &handle.slug, &link::passes(headers)).await?.and_then(link::Found::open)
    } else {
        match link::of_public(app, domain).await? {
            Some(_) if is_own(app, headers, domain).await? => None,
            open => open,
        }
    };
    Ok(open.map(|OpenLink { scope, link, limit }| Shared {
        address: domain.to_owned(),
        domain: scope.info().domain.to_string(),
        live: limit.is_empty().then(|| Handle { slug: link.slug, ..Handle::default() }.to_string()),
    }))
}

async fn is_own(app: &App, headers: &HeaderMap, domain: &str) -> Result<bool, MetaError> {
    let Some(session) = session::of_request(app, headers).await? else { return Ok(false) };
    Ok(SiteScope::of_user(app, session.user.id, domain).await?.is_some())
}
