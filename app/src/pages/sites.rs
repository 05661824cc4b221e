//! All domains of the viewer, and the form to add one.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api,
    components::forms::{DomainForm, PlainBar},
    failed::PageFailed,
    format,
    i18n::{Key, fill, t},
    types::{Site, Sites},
};

/// The list.
#[component]
pub fn SitesPage() -> impl IntoView {
    let said = use_query_map().get_untracked().get("said");
    let sites = Resource::new_blocking(move || said.clone(), api::sites);
    view! {
        <Title text=t(Key::DomainsTitle) />
        <Suspense>
            {move || Suspend::new(async move {
                match sites.await {
                    Ok(sites) => view! { <List sites /> }.into_any(),
                    Err(error) => view! { <PageFailed error address="/sites".to_owned() /> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn List(sites: Sites) -> impl IntoView {
    let Sites { viewer, sites, time_zones, deleted } = sites;
    let csrf = viewer.csrf.clone();
    let none = sites.is_empty();
    view! {
        <PlainBar viewer />
        <main id="content" class="column column-wide">
            {deleted
                .map(|domain| {
                    view! {
                        <p class="notice" role="status">
                            {fill(Key::DomainDeleted, &[("domain", &domain)])}
                        </p>
                    }
                })}
            <h1 class="title">{t(Key::DomainsTitle)}</h1>
            {none.then(|| view! { <p class="lead">{t(Key::NoDomains)}</p> })}
            <ul class="sites">{sites.into_iter().map(row).collect::<Vec<_>>()}</ul>
            <details class="add" open=none>
                <summary class="button">{t(Key::AddDomain)}</summary>
                <DomainForm csrf time_zones />
            </details>
        </main>
    }
    .into_any()
}

fn row(site: Site) -> impl IntoView {
    let figure = match site.visitors_24h {
        _ if !site.has_events => view! { <span class="note">{t(Key::NoEventsYet)}</span> }.into_any(),
        Some(visitors) => view! {
            <span class="sites-figure">{format::number(visitors)}</span>
            <span class="note">{t(Key::Visitors24h)}</span>
        }
        .into_any(),
        None => ().into_any(),
    };
    view! {
        <li>
            <a class="sites-row" href=format!("/{}", site.domain)>
                <span class="sites-name">{site.domain.clone()}</span>
                <span class="note">{site.timezone}</span>
                <span class="sites-now">{figure}</span>
            </a>
        </li>
    }
}
