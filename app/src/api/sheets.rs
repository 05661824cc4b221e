//! Pages of a domain that only show data: written whole, each by its address.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

use super::{others, reader, signed_in};
use crate::{
    backend::Look,
    behaviour::{BehaviourQuery, Kind},
    markup::Html,
    parts::{self, Page},
    query::ViewQuery,
    theme,
    types::{AppError, Bar, Face, Site, Viewer},
};

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

/// The bar of a page that has no more to choose than the period.
fn period_bar(site: &Site, path: &str, query: &ViewQuery) -> Bar {
    let period = query.period_or_default(site.young);
    let menu = parts::period_menu(&Page::new(format!("/{}/{path}", site.domain)), &site.today, query, &period);
    Bar { period: menu.into_string(), ..Bar::default() }
}

/// A page of a domain.
pub(super) fn sheet(site: &Site, viewer: &Viewer, domains: &[String], bar: Bar, body: Html) -> Sheet {
    Sheet {
        switcher: parts::switcher(&site.domain, domains).into_string(),
        bar,
        account: parts::bar_end(theme::of_request(), viewer).into_string(),
        body: body.into_string(),
    }
}
