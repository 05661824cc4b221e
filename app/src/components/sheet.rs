//! The frame of the domain's pages that only show data: the bar with the domain switcher and the period, and what the server wrote.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::{
    api::{PlainPage, sheets::Sheet},
    components::forms::PlainBar,
    failed::PageFailed,
    i18n::{Key, t},
    icons::{Icon, icon},
    share,
    types::AppError,
};

/// Such a page.
#[component]
pub fn SheetPage(
    /// Its name in the browser.
    title: String,
    /// Its own address.
    address: String,
    /// What it shows.
    sheet: Resource<Result<Sheet, AppError>>,
) -> impl IntoView {
    // The host name stands where the address has the handle of a shared link.
    let title = share::of_request().map_or_else(|| title.clone(), |shared| title.replace(&shared.address, &shared.domain));
    view! {
        <Title text=title />
        <Suspense>
            {
                let address = address.clone();
                move || {
                    let address = address.clone();
                    Suspend::new(async move {
                        match sheet.await {
                            Ok(sheet) => view! { <Shown sheet /> }.into_any(),
                            Err(error) => view! { <PageFailed error address /> }.into_any(),
                        }
                    })
                }
            }
        </Suspense>
    }
    .into_any()
}

/// A page of somebody, not of a domain's bar: settings, and several domains as one.
#[component]
pub fn WrittenPage(
    /// Its name in the browser.
    title: String,
    /// Its own address.
    address: String,
    /// How it is laid out.
    class: &'static str,
    /// What it shows.
    page: Resource<Result<PlainPage, AppError>>,
) -> impl IntoView {
    view! {
        <Title text=title />
        <Suspense>
            {move || {
                let address = address.clone();
                Suspend::new(async move {
                    match page.await {
                        Ok(PlainPage { viewer, body }) => view! {
                            <PlainBar viewer />
                            <main id="content" class=class inner_html=body></main>
                        }
                        .into_any(),
                        Err(error) => view! { <PageFailed error address /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

/// Path and query of the page that is asked for.
#[must_use]
pub fn own_address() -> String {
    let location = use_location();
    let (path, search) = (location.pathname.get_untracked(), location.search.get_untracked());
    let mark = if search.is_empty() || search.starts_with('?') { "" } else { "?" };
    format!("{path}{mark}{search}")
}

#[component]
fn Shown(sheet: Sheet) -> impl IntoView {
    let Sheet { switcher, bar, account, body } = sheet;
    view! {
        <header class="bar">
            <div class="bar-inner">
                <a class="mark" href="/sites" aria-label=t(Key::AllDomains) inner_html=icon(Icon::Mark).into_string()></a>
                <div class="bar-switcher" inner_html=switcher></div>
                <nav class="bar-choices" aria-label=t(Key::MainNavigation)>
                    <div class="bar-menus" inner_html=bar.menus></div>
                    <div class="bar-period" inner_html=bar.period></div>
                    <div class="bar-account" inner_html=account></div>
                </nav>
            </div>
        </header>
        <main id="content" class="wide" inner_html=body></main>
    }
    .into_any()
}
