//! Server functions: few lines each over [`crate::backend::Backend`].
//!
//! Reads are GET, so they can be repeated and cached by nobody but us; writes are POST and carry the viewer's token.

#![allow(missing_docs, reason = "the fields of the generated request types are the documented arguments")]

use footfall_model::Period;
use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

use crate::types::{AppError, Bar, ChartView, Dashboard, Site, Sites, Strip, Viewer};

#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod share;

#[cfg(feature = "ssr")]
use crate::{
    backend::{Backend, Look, Wanted},
    behaviour::{BehaviourQuery, Kind},
    i18n::{Key, t},
    markup::Html,
    metric::Metric,
    parts::{self, Page},
    query::{PanelId, ViewQuery},
    settings::{Outcome, Typed},
    share as shared, theme,
    types::Face,
};

/// The backend and who asks it.
#[cfg(feature = "ssr")]
async fn reader() -> Result<(std::sync::Arc<dyn Backend>, Viewer), AppError> {
    let (backend, headers) = request()?;
    let viewer = backend.viewer(&headers).await?;
    Ok((backend, viewer))
}

/// The backend and who changes something.
#[cfg(feature = "ssr")]
async fn writer(csrf: &str) -> Result<(std::sync::Arc<dyn Backend>, Viewer), AppError> {
    let (backend, headers) = request()?;
    let viewer = backend.writer(&headers, csrf).await?;
    Ok((backend, viewer))
}

#[cfg(feature = "ssr")]
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
    let deleted = match outcome(backend.as_ref(), &viewer, said, None).await {
        Some(Outcome::Deleted(domain)) => Some(domain),
        _ => None,
    };
    let list = (!sites.is_empty()).then(|| parts::sites(&view, sites).into_string());
    Ok(Sites { viewer, list, time_zones: backend.time_zones(), deleted })
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
#[server(name = GetDashboard, prefix = "/api/app", endpoint = "dashboard", input = GetUrl)]
pub async fn dashboard(domain: String, query: String, said: Option<String>, fault: Option<String>) -> Result<Dashboard, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let query = ViewQuery::parse(&query);
    let period = query.period_or_default(site.young);
    let look = Look::new(&period, &query);
    let tables = PanelId::ALL.map(|panel| backend.table(&viewer, &domain, look, in_panel(query.tab(panel))));
    let (kpis, series, notes, tables, live, domains, names) = futures::join!(
        backend.kpis(&viewer, &domain, look),
        backend.timeseries(&viewer, &domain, look, query.interval),
        backend.notes(&viewer, &domain, &period),
        futures::future::join_all(tables),
        backend.live(&viewer, &domain),
        others(backend.as_ref(), &viewer),
        backend.place_names(places(&query)),
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
        bar: parts::bar(&page, &face, &query, &names),
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
    let names = backend.place_names(places(&query)).await;
    Ok(parts::bar(&Page::dashboard(&domain), &Face::from(&site), &query, &names))
}

/// What a panel asks for.
#[cfg(feature = "ssr")]
fn in_panel(field: &str) -> Wanted<'_> {
    let (metrics, order) = (parts::figures(field), Some(Metric::Visitors));
    Wanted { field, metrics, order, descending: true, search: "", limit: parts::ROWS, page: 1 }
}

/// The places that the filters name by code.
#[cfg(feature = "ssr")]
fn places(query: &ViewQuery) -> Vec<(String, String)> {
    let of_places = query.filters.iter().filter(|filter| matches!(filter.field.as_str(), "region" | "city"));
    of_places.flat_map(|filter| filter.values.iter().map(|value| (filter.field.clone(), value.clone()))).collect()
}

/// The page of a breakdown, by the address of the request.
///
/// # Errors
/// When nobody is signed in, the domain is not the viewer's, or there is no such breakdown.
#[cfg(feature = "ssr")]
pub async fn detail(domain: String) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let uri = use_context::<http::request::Parts>().map(|parts| parts.uri).unwrap_or_default();
    // Decoded once, and here: a name of a property may hold anything.
    let field = uri.path().rsplit('/').next().unwrap_or_default();
    let field = percent_encoding::percent_decode_str(field).decode_utf8_lossy();
    let query = parts::DetailQuery::parse(&field, uri.query().unwrap_or_default()).ok_or(AppError::NotFound)?;
    let period = query.view.period_or_default(site.young);
    let (table, domains, names) = futures::join!(
        backend.table(&viewer, &domain, Look::new(&period, &query.view), query.wanted()),
        others(backend.as_ref(), &viewer),
        backend.place_names(places(&query.view)),
    );
    let table = signed_in(table)?;
    let bar = parts::bar(&query.first_page(&domain), &Face::from(&site), &query.view, &names);
    let body = parts::detail(&domain, &query, &names, table);
    Ok(sheet(&site, &viewer, &domains?, bar, body))
}

/// The six figures. `view` is the page's query string: comparison and filters count.
#[server(name = GetStrip, prefix = "/api/app", endpoint = "strip", input = GetUrl)]
pub async fn strip(domain: String, period: Period, view: String) -> Result<Strip, AppError> {
    let (backend, viewer) = reader().await?;
    let view = ViewQuery::parse(&view);
    let kpis = backend.kpis(&viewer, &domain, Look::new(&period, &view)).await;
    Ok(parts::strip(&domain, &view, signed_in(kpis)?))
}

/// The chart. `view` is the page's query string: interval, comparison, figure and filters count.
#[server(name = GetChart, prefix = "/api/app", endpoint = "chart", input = GetUrl)]
pub async fn chart(domain: String, period: Period, view: String) -> Result<ChartView, AppError> {
    let (backend, viewer) = reader().await?;
    let view = ViewQuery::parse(&view);
    let series = backend.timeseries(&viewer, &domain, Look::new(&period, &view), view.interval);
    let (series, notes) = futures::join!(series, backend.notes(&viewer, &domain, &period));
    Ok(parts::chart(&Page::dashboard(&domain), &view, &period, signed_in(series)?, notes))
}

/// A panel as HTML. `panel` counts in `PanelId::ALL`; `view` is the page's query string: the panel's tab, comparison and filters count.
#[server(name = GetPanel, prefix = "/api/app", endpoint = "panel", input = GetUrl)]
pub async fn panel(domain: String, period: Period, panel: usize, view: String) -> Result<String, AppError> {
    let (backend, viewer) = reader().await?;
    let panel = PanelId::ALL.get(panel).copied().ok_or(AppError::NotFound)?;
    let query = ViewQuery::parse(&view);
    let table = backend.table(&viewer, &domain, Look::new(&period, &query), in_panel(query.tab(panel))).await;
    Ok(parts::panel(&domain, &query, panel, signed_in(table)?).into_string())
}

/// The page about what people do in which order, by the address of the request.
///
/// # Errors
/// When nobody is signed in, or the domain is not the viewer's.
#[cfg(feature = "ssr")]
pub async fn behaviour(domain: String, kind: Kind) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let uri = use_context::<http::request::Parts>().map(|parts| parts.uri).unwrap_or_default();
    let query = BehaviourQuery::parse(uri.query().unwrap_or_default());
    let period = query.view.period_or_default(site.young);
    let look = Look::new(&period, &query.view);
    let asked = async {
        match kind {
            Kind::Funnel if query.steps.len() < 2 => parts::Behaviour::Funnel(None),
            Kind::Funnel => parts::Behaviour::Funnel(Some(backend.funnel(&viewer, &domain, look, &query).await)),
            Kind::Journeys => parts::Behaviour::Journeys(backend.journeys(&viewer, &domain, look, &query).await),
            Kind::Retention => parts::Behaviour::Retention(backend.retention(&viewer, &domain, look, &query).await),
        }
    };
    let (answer, domains, names) = futures::join!(asked, others(backend.as_ref(), &viewer), backend.place_names(places(&query.view)));
    let page = query.page(&parts::behaviour_page(&domain, kind));
    // Nothing is compared here.
    let bar =
        Bar { menus: parts::filter_menu(&page, &query.view).into_string(), ..parts::bar(&page, &Face::from(&site), &query.view, &names) };
    let body = parts::behaviour(&domain, &query, &names, answer);
    Ok(sheet(&site, &viewer, &domains?, bar, body))
}

/// A page of a domain that only shows data, HTML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The domain switcher.
    pub switcher: String,
    /// The choices in the bar.
    pub bar: Bar,
    /// Theme and account.
    pub account: String,
    /// What it shows.
    pub body: String,
}

/// What was not counted. `view` is the query string: the period counts, the rest leads back to the dashboard as it was.
#[server(name = GetDrops, prefix = "/api/app", endpoint = "drops", input = GetUrl)]
pub async fn drops(domain: String, view: String) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let query = ViewQuery::parse(&view);
    let period = query.period_or_default(site.young);
    let (drops, refusals, domains) =
        futures::join!(backend.drops(&viewer, &domain, &period), backend.refusals(&viewer, &domain), others(backend.as_ref(), &viewer),);
    let body = parts::drops(&domain, &query, signed_in(drops)?, refusals?.as_ref());
    Ok(sheet(&site, &viewer, &domains?, period_bar(&site, "drops", &query), body))
}

/// How a figure of the strip came about. `metric` is its name in the API, `view` the query string.
#[server(name = GetExplain, prefix = "/api/app", endpoint = "explain", input = GetUrl)]
pub async fn explain(domain: String, metric: String, view: String) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let metric = Metric::of_strip(&metric).ok_or(AppError::NotFound)?;
    let query = ViewQuery::parse(&view);
    let period = query.period_or_default(site.young);
    let explained = backend.explain(&viewer, &domain, Look::new(&period, &query), metric.code());
    let (explained, domains, names) = futures::join!(explained, others(backend.as_ref(), &viewer), backend.place_names(places(&query)));
    let body = parts::explain(&domain, metric, &query, &names, signed_in(explained)?);
    Ok(sheet(&site, &viewer, &domains?, period_bar(&site, &format!("explain/{}", metric.code()), &query), body))
}

/// What accounts for the change of a figure. `view` is the query string: its figure, if it is one that is counted, else visitors.
#[server(name = GetWhy, prefix = "/api/app", endpoint = "why", input = GetUrl)]
pub async fn why(domain: String, view: String) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let query = ViewQuery::parse(&view);
    let period = query.period_or_default(site.young);
    let why = backend.why(&viewer, &domain, Look::new(&period, &query), parts::reason_of(query.metric));
    let (why, domains, names) = futures::join!(why, others(backend.as_ref(), &viewer), backend.place_names(places(&query)));
    let bar = parts::bar(&Page::new(format!("/{domain}/why")), &Face::from(&site), &query, &names);
    let body = parts::why(&site.domain, &query, &viewer.csrf, signed_in(why)?);
    Ok(sheet(&site, &viewer, &domains?, bar, body))
}

/// Where the viewer could go from the page of a domain. Who came by a shared link sees that domain alone.
#[cfg(feature = "ssr")]
async fn others(backend: &dyn Backend, viewer: &Viewer) -> Result<Vec<String>, AppError> {
    if shared::of_request().is_some() { Ok(Vec::new()) } else { backend.domain_names(viewer).await }
}

/// The bar of a page that has no more to choose than the period.
#[cfg(feature = "ssr")]
fn period_bar(site: &Site, path: &str, query: &ViewQuery) -> Bar {
    let period = query.period_or_default(site.young);
    let menu = parts::period_menu(&Page::new(format!("/{}/{path}", site.domain)), &site.today, query, &period);
    Bar { period: menu.into_string(), ..Bar::default() }
}

/// A page of a domain.
#[cfg(feature = "ssr")]
fn sheet(site: &Site, viewer: &Viewer, domains: &[String], bar: Bar, body: Html) -> Sheet {
    Sheet {
        switcher: parts::switcher(&site.domain, domains).into_string(),
        bar,
        account: parts::bar_end(theme::of_request(), viewer).into_string(),
        body: body.into_string(),
    }
}

/// What came of a form that led here: kept under the key `said`, or a `fault` in the address. Anybody can make an address, so only texts of our own
/// are believed in it.
#[cfg(feature = "ssr")]
async fn outcome(backend: &dyn Backend, viewer: &Viewer, said: Option<String>, fault: Option<String>) -> Option<Outcome> {
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
#[cfg(feature = "ssr")]
async fn follow(backend: &dyn Backend, viewer: &Viewer, address: &str, outcome: Outcome) -> Result<(), AppError> {
    match (backend.keep_outcome(viewer, &outcome).await, outcome) {
        (Some(key), _) => leptos_axum::redirect(&format!("{address}?said={key}")),
        (None, Outcome::Failed { error, .. }) => return Err(error),
        (None, _) => leptos_axum::redirect(address),
    }
    Ok(())
}

/// Failures are drawn in place of what failed, but who is not signed in must be led elsewhere.
#[cfg(feature = "ssr")]
fn signed_in<T>(answer: Result<T, AppError>) -> Result<Result<T, AppError>, AppError> {
    if matches!(answer, Err(AppError::NotSignedIn)) { Err(AppError::NotSignedIn) } else { Ok(answer) }
}

/// Leads to a domain's page, which says what went wrong.
#[cfg(feature = "ssr")]
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
