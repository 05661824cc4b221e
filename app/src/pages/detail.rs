//! All rows of a breakdown. Written by the server alone: every change is another address.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    api::{self, Detail},
    failed::PageFailed,
    i18n::{Key, t},
    icons::{Icon, icon},
};

/// The page.
#[component]
pub fn DetailPage() -> impl IntoView {
    let params = use_params_map();
    let domain = params.with_untracked(|params| params.get("domain")).unwrap_or_default();
    let location = use_location();
    let address = location.pathname.get_untracked() + &location.search.with_untracked(|search| with_mark(search));
    let detail = Resource::new_blocking(|| (), move |()| api::detail(domain.clone()));
    view! {
        <Suspense>
            {move || {
                let address = address.clone();
                Suspend::new(async move {
                    match detail.await {
                        Ok(detail) => view! { <Rows detail /> }.into_any(),
                        Err(error) => view! { <PageFailed error address /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

/// With its question mark, where there is one.
fn with_mark(search: &str) -> String {
    if search.is_empty() || search.starts_with('?') { search.to_owned() } else { format!("?{search}") }
}

#[component]
fn Rows(detail: Detail) -> impl IntoView {
    let Detail { title, switcher, account, bar, body } = detail;
    view! {
        <Title text=title />
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
