//! Server functions: few lines each over [`crate::backend::Backend`].
//!
//! Reads are GET, so they can be repeated and cached by nobody but us; writes are POST and carry the viewer's token.

#![allow(missing_docs, reason = "the fields of the generated request types are the documented arguments")]

use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

pub mod forms;
pub mod realtime;
pub mod settings;
pub mod share;
pub mod sheets;

use crate::{
    backend::{Backend, Look, Wanted},
    filter::is_field,
    metric::Metric,
    parts::{self, Page},
    query::{MAP, PanelId, ViewQuery},
    settings::Outcome,
    share as shared, theme,
    types::{AppError, Bar, ChartView, Compare, Dashboard, Face, Site, Sites, Strip, Viewer},
};
use forms::outcome;

/// The backend and who asks it.
async fn reader() -> Result<(std::sync::Arc<dyn Backend>, Viewer), AppError> {
    let (backend, headers) = request()?;
    let viewer = backend.viewer(&headers).await?;
    Ok((backend, viewer))
}

/// The backend and who changes something.
async fn writer(csrf: &str) -> Result<(std::sync::Arc<dyn Backend>, Viewer), AppError> {
    let (backend, headers) = request()?;
    let viewer = backend.writer(&headers, csrf).await?;
    Ok((backend, viewer))
}

fn request() -> Result<(std::sync::Arc<dyn Backend>, http::HeaderMap), AppError> {
    let backend = use_context::<std::sync::Arc<dyn Backend>>()
        .ok_or_else(|| AppError::Other("the server provides no backend to its pages".into()))?;
    let headers = use_context::<http::request::Parts>().map(|parts| parts.headers).unwrap_or_default();
    Ok((backend, headers))
}

/// Who looks.
#[server(name = GetViewer, prefix = "/api/app", endpoint = "viewer", input = GetUrl)]
pub async fn viewer() -> Result<Viewer, AppError> {
    let (_, viewer) = reader().await?;
    Ok(viewer)
}

/// What the entrance needs to know: who looks, and the names of the domains that one may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrance {
    /// Who looks.
    pub viewer: Viewer,
    /// Names of the viewer's domains.
    pub domains: Vec<String>,
}

/// Who looks, and where they could go.
#[server(name = GetEntrance, prefix = "/api/app", endpoint = "entrance", input = GetUrl)]
pub async fn entrance() -> Result<Entrance, AppError> {
    let (backend, viewer) = reader().await?;
    let domains = if viewer.email.is_some() { backend.domain_names(&viewer).await? } else { Vec::new() };
    Ok(Entrance { viewer, domains })
}

/// The list of domains. `view` is the query string: it sorts and narrows, and may have the key of what came of a form that led here.
#[server(name = GetSites, prefix = "/api/app", endpoint = "sites", input = GetUrl)]
pub async fn sites(view: String) -> Result<Sites, AppError> {
    let (backend, viewer) = reader().await?;
    let sites = backend.domains(&viewer).await?;
    let said = crate::query::decoded_pairs(&view).into_iter().find_map(|(name, value)| (name == "said").then_some(value));
    let (outcome, deleted) = futures::join!(outcome(backend.as_ref(), &viewer, said, None), backend.deleted_domains(&viewer));
    let list = (!sites.is_empty()).then(|| parts::sites(&view, sites).into_string());
    let notice = parts::settings::domains_notice(outcome.as_ref()).into_string();
    let deleted = parts::settings::deleted_domains(&viewer.csrf, &deleted?, outcome.as_ref()).into_string();
    Ok(Sites { viewer, list, time_zones: backend.time_zones(), notice, deleted })
}

/// A page that is nobody's domain's, written out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainPage {
    /// Who looks.
    pub viewer: Viewer,
    /// All below the bar, HTML.
    pub body: String,
}

/// Several domains as one. `view` is the query string: it names them, and what dashboards share but for filters.
#[server(name = GetTogether, prefix = "/api/app", endpoint = "together", input = GetUrl)]
pub async fn together(view: String) -> Result<PlainPage, AppError> {
    let (backend, viewer) = reader().await?;
    let (names, query) = parts::together_query(&view);
    let period = query.period_or_default(false);
    let answer = backend.together(&viewer, &names, Look::new(&period, &query), query.interval).await;
    let body = parts::together(&query, signed_in(answer)?).into_string();
    Ok(PlainPage { viewer, body })
}

/// What the setup page shows: the viewer, the domain of the last step, the time zones of the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Who looks.
    pub viewer: Viewer,
    /// The domain that was just added.
    pub site: Option<Site>,
    /// IANA names offered by the form.
    pub time_zones: Vec<String>,
}

/// The state of the setup.
#[server(name = GetSetup, prefix = "/api/app", endpoint = "setup", input = GetUrl)]
pub async fn setup(domain: Option<String>) -> Result<Setup, AppError> {
    let (backend, viewer) = reader().await?;
    if viewer.needs_setup {
        return Ok(Setup { viewer, site: None, time_zones: Vec::new() });
    }
    if viewer.email.is_none() {
        return Err(AppError::NotSignedIn);
    }
    let site = match domain {
        Some(domain) => Some(backend.domain(&viewer, &domain).await?),
        None => None,
    };
    let time_zones = if site.is_none() { backend.time_zones() } else { Vec::new() };
    Ok(Setup { viewer, site, time_zones })
}

/// The whole domain page in one answer: what the server renders first. `query` is the page's query string; `said` and `fault` say
/// what came of a form that was sent from the page.
///
/// # Errors
/// When nobody is signed in, or the domain is not the viewer's.
pub async fn dashboard(domain: String, query: String, said: Option<String>, fault: Option<String>) -> Result<Dashboard, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let query = ViewQuery::parse(&query);
    let period = query.period_or_default(site.young);
    let look = Look::new(&period, &query);
    let tables = PanelId::ALL.map(|panel| backend.table(&viewer, &domain, look, in_panel(query.tab(panel))));
    let (kpis, series, notes, tables, live, domains, offered) = futures::join!(
        backend.kpis(&viewer, &domain, look),
        backend.timeseries(&viewer, &domain, look, query.interval),
        backend.notes(&viewer, &domain, &period),
        futures::future::join_all(tables),
        backend.live(&viewer, &domain),
        others(backend.as_ref(), &viewer),
        backend.offered(&viewer, &domain, look),
    );
    let fault = match outcome(backend.as_ref(), &viewer, said, fault).await {
        Some(Outcome::Failed { error, .. }) => Some(error),
        _ => None,
    };
    let panels = PanelId::ALL.into_iter().zip(tables);
    // The live state knows of an event before the store does.
    let begun = site.has_events || live.as_ref().is_ok_and(|live| live.has_events);
    let (face, page) = (Face::from(&site), Page::dashboard(&domain));
    Ok(Dashboard {
        bar: parts::bar(&page, &face, &query, &offered?, &viewer.csrf),
        switcher: parts::switcher(&domain, &domains?).into_string(),
        account: parts::bar_end(theme::of_request(), &viewer).into_string(),
        notices: parts::notices(&site, &viewer.csrf, fault.as_ref()).into_string(),
        empty: (!begun).then(|| parts::no_visits_yet(&site, &viewer.csrf).into_string()),
        chart: parts::chart(&page, &query, &period, series, notes),
        panels: panels.map(|(panel, table)| parts::panel(&domain, &query, panel, table).into_string()).collect(),
        live: live.ok(),
        strip: parts::strip(&domain, &query, kpis),
        face,
    })
}

/// The choices in the bar. `view` is the page's query string.
#[server(name = GetBar, prefix = "/api/app", endpoint = "bar", input = GetUrl)]
pub async fn bar(domain: String, view: String) -> Result<Bar, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let query = ViewQuery::parse(&view);
    let offered = backend.offered(&viewer, &domain, Look::new(&query.period_or_default(site.young), &query)).await?;
    Ok(parts::bar(&Page::dashboard(&domain), &Face::from(&site), &query, &offered, &viewer.csrf))
}

/// Values that a field has in a period, most visitors first, as options of a list. `view` is the page's query string.
#[server(name = GetValues, prefix = "/api/app", endpoint = "values", input = GetUrl)]
pub async fn values(domain: String, field: String, view: String) -> Result<String, AppError> {
    /// As many as a list is looked through.
    const OFFERED: u32 = 100;
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let query = ViewQuery::parse(&view).with_compare(Compare::Off);
    let period = query.period_or_default(site.young);
    if !is_field(&field) {
        return Err(AppError::NotFound);
    }
    let wanted = Wanted { metrics: &[Metric::Visitors], limit: OFFERED, ..in_panel(&field) };
    let table = backend.table(&viewer, &domain, Look::new(&period, &query), wanted).await?;
    Ok(parts::suggestions(&field, &table).into_string())
}

/// What a panel asks for.
fn in_panel(tab: &str) -> Wanted<'_> {
    let (field, limit) = if tab == MAP { ("country", parts::MOST_COUNTRIES) } else { (tab, parts::ROWS) };
    let (metrics, order) = (parts::figures(field), Some(Metric::Visitors));
    Wanted { field, metrics, order, descending: true, search: "", limit, page: 1 }
}

/// The six figures. `view` is the page's query string: period, comparison and filters count.
#[server(name = GetStrip, prefix = "/api/app", endpoint = "strip", input = GetUrl)]
pub async fn strip(domain: String, view: String) -> Result<Strip, AppError> {
    let (backend, viewer) = reader().await?;
    let view = ViewQuery::parse(&view);
    let period = view.period_or_default(false);
    let kpis = backend.kpis(&viewer, &domain, Look::new(&period, &view)).await;
    Ok(parts::strip(&domain, &view, signed_in(kpis)?))
}

/// The chart. `view` is the page's query string: period, interval, comparison, figure and filters count.
#[server(name = GetChart, prefix = "/api/app", endpoint = "chart", input = GetUrl)]
pub async fn chart(domain: String, view: String) -> Result<ChartView, AppError> {
    let (backend, viewer) = reader().await?;
    let view = ViewQuery::parse(&view);
    let period = view.period_or_default(false);
    let series = backend.timeseries(&viewer, &domain, Look::new(&period, &view), view.interval);
    let (series, notes) = futures::join!(series, backend.notes(&viewer, &domain, &period));
    Ok(parts::chart(&Page::dashboard(&domain), &view, &period, signed_in(series)?, notes))
}

/// A panel as HTML, by its code. `view` is the page's query string: period, the panel's tab, comparison and filters count.
#[server(name = GetPanel, prefix = "/api/app", endpoint = "panel", input = GetUrl)]
pub async fn panel(domain: String, panel: String, view: String) -> Result<String, AppError> {
    let (backend, viewer) = reader().await?;
    let panel = PanelId::ALL.into_iter().find(|known| known.code() == panel).ok_or(AppError::NotFound)?;
    let query = ViewQuery::parse(&view);
    let period = query.period_or_default(false);
    let table = backend.table(&viewer, &domain, Look::new(&period, &query), in_panel(query.tab(panel))).await;
    Ok(parts::panel(&domain, &query, panel, signed_in(table)?).into_string())
}

/// Where the viewer could go from the page of a domain. Who came by a shared link sees that domain alone.
async fn others(backend: &dyn Backend, viewer: &Viewer) -> Result<Vec<String>, AppError> {
    if shared::of_request().is_some() { Ok(Vec::new()) } else { backend.domain_names(viewer).await }
}

/// Failures are drawn in place of what failed, but who is not signed in must be led elsewhere.
fn signed_in<T>(answer: Result<T, AppError>) -> Result<Result<T, AppError>, AppError> {
    if matches!(answer, Err(AppError::NotSignedIn)) { Err(AppError::NotSignedIn) } else { Ok(answer) }
}
