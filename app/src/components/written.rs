//! A page of a domain that the server writes alone: its bar, and what stands below.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::{
    api::Written,
    i18n::{Key, t},
    icons::{Icon, icon},
};

/// The page.
#[component]
pub fn WrittenPage(
    /// Its parts.
    page: Written,
) -> impl IntoView {
    let Written { title, switcher, account, bar, body } = page;
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

/// Path and query of the page that is asked for.
#[must_use]
pub fn own_address() -> String {
    let location = use_location();
    let (path, search) = (location.pathname.get_untracked(), location.search.get_untracked());
    let mark = if search.is_empty() || search.starts_with('?') { "" } else { "?" };
    format!("{path}{mark}{search}")
}
