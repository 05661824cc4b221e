//! What happens right now: the page, and its parts as they change.

use footfall_model::Period;
use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::{
    in_panel, others, reader,
    sheets::{Sheet, sheet},
    signed_in,
};
use crate::{
    backend::{Backend, Look},
    parts,
    query::{MAP, ViewQuery},
    types::{AppError, Bar, Compare, Viewer},
};

/// What happens right now, page and all. Its address carries the state of the dashboard, to which it leads back.
///
/// # Errors
/// When nobody is signed in, or the domain is not the viewer's.
pub async fn page(domain: String) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let uri = use_context::<http::request::Parts>().map(|parts| parts.uri).unwrap_or_default();
    let query = ViewQuery::parse(uri.query().unwrap_or_default());
    let (now, domains) = futures::join!(now(backend.as_ref(), &viewer, &domain, true), others(backend.as_ref(), &viewer));
    let body = parts::realtime(&site, &query, &viewer.csrf, &now?);
    Ok(sheet(&site, &viewer, &domains?, Bar::default(), body))
}

/// The parts of the realtime page as of now, HTML. What comes from the store trails a little and costs more: only if `stored`.
#[server(name = GetRealtime, prefix = "/api/app", endpoint = "realtime", input = GetUrl)]
pub async fn realtime(domain: String, stored: bool) -> Result<String, AppError> {
    let (backend, viewer) = reader().await?;
    let now = now(backend.as_ref(), &viewer, &domain, stored).await?;
    Ok(parts::realtime_parts(&domain, &now).into_string())
}

/// What is known of the last half hour.
async fn now(backend: &dyn Backend, viewer: &Viewer, domain: &str, stored: bool) -> Result<parts::Now, AppError> {
    let look = Look { period: &Period::Last30Minutes, compare: &Compare::Off, filters: &[] };
    let of_store = async {
        let (sources, countries) =
            futures::join!(backend.table(viewer, domain, look, in_panel("source")), backend.table(viewer, domain, look, in_panel(MAP)),);
        Ok::<_, AppError>(parts::Stored { sources: signed_in(sources)?, countries: signed_in(countries)? })
    };
    let of_store = futures::future::OptionFuture::from(stored.then_some(of_store));
    let (live, stored) = futures::join!(backend.live(viewer, domain), of_store);
    // Whose domain it is not learns nothing, whatever else failed.
    match signed_in(live)? {
        Err(AppError::NotFound) => Err(AppError::NotFound),
        live => Ok(parts::Now { at: crate::dom::now_ms(), live, stored: stored.transpose()? }),
    }
}
