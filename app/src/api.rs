//! Server functions: few lines each over [`crate::backend::Backend`].
//!
//! Reads are GET, so they can be repeated and cached by nobody but us; writes are POST and carry the viewer's token.

#![allow(missing_docs, reason = "the fields of the generated request types are the documented arguments")]

use footfall_model::Period;
use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

pub mod settings;
pub mod share;

use crate::{
    backend::{Backend, Look, Wanted},
    behaviour::{BehaviourQuery, Kind},
    filter::{AnyOf, Filter, Op, SEGMENT, is_field},
    i18n::{Key, t},
    markup::Html,
    metric::Metric,
    parts::{self, Page},
    query::{MAP, PanelId, ViewQuery},
    settings::{Outcome, Typed},
    share as shared, theme,
    types::{AppError, Bar, ChartView, Compare, Dashboard, Face, Site, Sites, Strip, Viewer},
};

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

/// The page of a breakdown, by the address of the request.
///
/// # Errors
/// When nobody is signed in, the domain is not the viewer's, or there is no such breakdown.
pub async fn detail(domain: String) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let uri = use_context::<http::request::Parts>().map(|parts| parts.uri).unwrap_or_default();
    // Decoded once, and here: a name of a property may hold anything.
    let field = uri.path().rsplit('/').next().unwrap_or_default();
    let field = percent_encoding::percent_decode_str(field).decode_utf8_lossy();
    let query = parts::DetailQuery::parse(&field, uri.query().unwrap_or_default()).ok_or(AppError::NotFound)?;
    let period = query.view.period_or_default(site.young);
    let look = Look::new(&period, &query.view);
    let (table, domains, offered) = futures::join!(
        backend.table(&viewer, &domain, look, query.wanted()),
        others(backend.as_ref(), &viewer),
        backend.offered(&viewer, &domain, look),
    );
    let (table, offered) = (signed_in(table)?, offered?);
    let bar = parts::bar(&query.first_page(&domain), &Face::from(&site), &query.view, &offered, &viewer.csrf);
    let body = parts::detail(&domain, &query, &offered, table);
    Ok(sheet(&site, &viewer, &domains?, bar, body))
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

/// The page about what people do in which order, by the address of the request.
///
/// # Errors
/// When nobody is signed in, or the domain is not the viewer's.
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
    let (answer, domains, offered) = futures::join!(asked, others(backend.as_ref(), &viewer), backend.offered(&viewer, &domain, look));
    let offered = offered?;
    let page = query.page(&parts::behaviour_page(&domain, kind));
    // Nothing is compared here.
    let menus = parts::filter_menu(&page, &query.view, &offered, &viewer.csrf).into_string();
    let bar = Bar { menus, ..parts::bar(&page, &Face::from(&site), &query.view, &offered, &viewer.csrf) };
    let body = parts::behaviour(&domain, &query, &offered, answer);
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

/// What happens right now, page and all. Its address carries the state of the dashboard, to which it leads back.
///
/// # Errors
/// When nobody is signed in, or the domain is not the viewer's.
pub async fn realtime_page(domain: String) -> Result<Sheet, AppError> {
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

/// How a figure of the strip came about, or those of a table. `metric` is its name in the API, `view` the query string: `by` names the table's field.
#[server(name = GetExplain, prefix = "/api/app", endpoint = "explain", input = GetUrl)]
pub async fn explain(domain: String, metric: String, view: String) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let query = ViewQuery::parse(&view);
    let asked = parts::Asked::parse(&metric, &view).ok_or(AppError::NotFound)?;
    let period = query.period_or_default(site.young);
    let look = Look::new(&period, &query);
    let explained = backend.explain(&viewer, &domain, look, asked.metric, asked.by.as_deref());
    let (explained, domains, offered) =
        futures::join!(explained, others(backend.as_ref(), &viewer), backend.offered(&viewer, &domain, look));
    let body = parts::explain(&domain, &asked, &query, &offered?, signed_in(explained)?);
    let menu = parts::period_menu(&asked.page(&domain), &site.today, &query, &period);
    Ok(sheet(&site, &viewer, &domains?, Bar { period: menu.into_string(), ..Bar::default() }, body))
}

/// What accounts for the change of a figure. `view` is the query string: its figure, if it is one that is counted, else visitors.
#[server(name = GetWhy, prefix = "/api/app", endpoint = "why", input = GetUrl)]
pub async fn why(domain: String, view: String) -> Result<Sheet, AppError> {
    let (backend, viewer) = reader().await?;
    let site = backend.domain(&viewer, &domain).await?;
    let query = ViewQuery::parse(&view);
    let period = query.period_or_default(site.young);
    let look = Look::new(&period, &query);
    let why = backend.why(&viewer, &domain, look, parts::reason_of(query.metric));
    let (why, domains, offered) = futures::join!(why, others(backend.as_ref(), &viewer), backend.offered(&viewer, &domain, look));
    let bar = parts::bar(&Page::new(format!("/{domain}/why")), &Face::from(&site), &query, &offered?, &viewer.csrf);
    let body = parts::why(&site.domain, &query, &viewer.csrf, signed_in(why)?);
    Ok(sheet(&site, &viewer, &domains?, bar, body))
}

/// Where the viewer could go from the page of a domain. Who came by a shared link sees that domain alone.
async fn others(backend: &dyn Backend, viewer: &Viewer) -> Result<Vec<String>, AppError> {
    if shared::of_request().is_some() { Ok(Vec::new()) } else { backend.domain_names(viewer).await }
}

/// The bar of a page that has no more to choose than the period.
fn period_bar(site: &Site, path: &str, query: &ViewQuery) -> Bar {
    let period = query.period_or_default(site.young);
    let menu = parts::period_menu(&Page::new(format!("/{}/{path}", site.domain)), &site.today, query, &period);
    Bar { period: menu.into_string(), ..Bar::default() }
}

/// A page of a domain.
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
async fn follow(backend: &dyn Backend, viewer: &Viewer, address: &str, outcome: Outcome) -> Result<(), AppError> {
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

/// Failures are drawn in place of what failed, but who is not signed in must be led elsewhere.
fn signed_in<T>(answer: Result<T, AppError>) -> Result<Result<T, AppError>, AppError> {
    if matches!(answer, Err(AppError::NotSignedIn)) { Err(AppError::NotSignedIn) } else { Ok(answer) }
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
