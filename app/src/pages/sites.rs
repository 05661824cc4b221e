//! All domains of the viewer, and the form to add one.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::{
    api,
    components::{
        forms::{DomainForm, PlainBar},
        sheet::own_address,
    },
    failed::PageFailed,
    i18n::{Key, t},
    types::Sites,
};

/// The list.
#[component]
pub fn SitesPage() -> impl IntoView {
    let view = use_location().search.get_untracked();
    // Whoever corrects a fault begins where it is.
    let is_faulty = view.contains("__err=");
    let sites = Resource::new_blocking(|| (), move |()| api::sites(view.clone()));
    let address = own_address();
    view! {
        <Title text=t(Key::DomainsTitle) />
        <Suspense>
            {move || {
                let address = address.clone();
                Suspend::new(async move {
                    match sites.await {
                        Ok(sites) => view! { <List sites is_faulty /> }.into_any(),
                        Err(error) => view! { <PageFailed error address /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

#[component]
fn List(sites: Sites, is_faulty: bool) -> impl IntoView {
    let Sites { viewer, list, time_zones, notice, deleted } = sites;
    let csrf = viewer.csrf.clone();
    let none = list.is_none();
    view! {
        <PlainBar viewer />
        <main id="content" class="wide">
            <div inner_html=notice></div>
            <h1 class="title">{t(Key::DomainsTitle)}</h1>
            {none.then(|| view! { <p class="lead">{t(Key::NoDomains)}</p> })}
            <div inner_html=list.unwrap_or_default()></div>
            <details class="add" open=none || is_faulty>
                <summary class="button">{t(Key::AddDomain)}</summary>
                <DomainForm csrf time_zones />
            </details>
            <div inner_html=deleted></div>
        </main>
    }
    .into_any()
}
