//! Forms that change something, and what is told of them on the page that follows.

use leptos::prelude::*;

use super::writer;
use crate::{
    backend::Backend,
    filter::{AnyOf, Filter, Op, SEGMENT},
    i18n::{Key, t},
    query::ViewQuery,
    settings::{Outcome, Typed},
    types::{AppError, Site, Viewer},
};

/// What came of a form that led here: kept under the key `said`, or a `fault` in the address. Anybody can make an address, so only texts of our own
/// are believed in it.
pub(super) async fn outcome(backend: &dyn Backend, viewer: &Viewer, said: Option<String>, fault: Option<String>) -> Option<Outcome> {
    if let Some(key) = said {
        return backend.outcome(viewer, &key).await;
    }
    let error = match leptos::server_fn::error::ServerFnUrlError::<AppError>::decode_err(&fault?) {
        AppError::Other(_) | AppError::Invalid { .. } | AppError::StoreAway { .. } => AppError::Other(t(Key::ErrorUnavailable).to_owned()),
        error => error,
    };
    Some(Outcome::Failed { error, typed: Typed::Nothing })
}

/// Leads to the page that says what came of a form. Where that cannot be kept, a fault travels in the address and a success shows by
/// itself.
pub(super) async fn follow(backend: &dyn Backend, viewer: &Viewer, address: &str, outcome: Outcome) -> Result<(), AppError> {
    match (backend.keep_outcome(viewer, &outcome).await, outcome) {
        (Some(key), _) => {
            let mark = if address.contains('?') { '&' } else { '?' };
            leptos_axum::redirect(&format!("{address}{mark}said={key}"));
        }
        (None, Outcome::Failed { error, .. }) => return Err(error),
        (None, _) => leptos_axum::redirect(address),
    }
    Ok(())
}

/// Leads to a domain's page, which says what went wrong.
async fn back_to_dashboard(backend: &dyn Backend, viewer: &Viewer, domain: &str, done: Result<(), AppError>) -> Result<(), AppError> {
    let page = format!("/{domain}");
    match done {
        Ok(()) => leptos_axum::redirect(&page),
        Err(error) => follow(backend, viewer, &page, Outcome::Failed { error, typed: Typed::Nothing }).await?,
    }
    Ok(())
}

/// Adds a domain, then leads to its snippet.
#[server(prefix = "/api/app", endpoint = "add-domain")]
pub async fn add_domain(csrf: String, domain: String, timezone: String) -> Result<Site, AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let site = backend.add_domain(&viewer, &domain, &timezone).await?;
    leptos_axum::redirect(&format!("/setup?domain={}", site.domain));
    Ok(site)
}

/// Loads demo data, then leads to the domain's page.
#[server(prefix = "/api/app", endpoint = "load-demo")]
pub async fn load_demo(csrf: String, domain: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let done = backend.load_demo(&viewer, &domain).await;
    back_to_dashboard(backend.as_ref(), &viewer, &domain, done).await
}

/// Removes demo data, then leads to the domain's page.
#[server(prefix = "/api/app", endpoint = "remove-demo")]
pub async fn remove_demo(csrf: String, domain: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let done = backend.remove_demo(&viewer, &domain).await;
    back_to_dashboard(backend.as_ref(), &viewer, &domain, done).await
}

/// Saves the filters of a state of the page as a segment, then leads to the dashboard, which shows it in their place. `view` is the page's query
/// string.
#[server(prefix = "/api/app", endpoint = "save-segment")]
pub async fn save_segment(csrf: String, domain: String, name: String, personal: Option<bool>, view: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let query = ViewQuery::parse(&view);
    let page = format!("/{domain}");
    match backend.save_segment(&viewer, &domain, &name, personal.unwrap_or(false), &query.filters).await {
        Ok(id) => {
            let filters = Filter::new(Op::Is, SEGMENT, &id.to_string()).map(AnyOf::from).into_iter().collect();
            leptos_axum::redirect(&query.with_filters(filters).href(&page));
        }
        Err(error @ (AppError::NotFound | AppError::NotSignedIn)) => return Err(error),
        Err(error) => follow(backend.as_ref(), &viewer, &query.href(&page), Outcome::Failed { error, typed: Typed::Nothing }).await?,
    }
    Ok(())
}
