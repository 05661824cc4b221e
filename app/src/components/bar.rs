//! The sticky bar: domain, live pill, filters, comparison, period, theme, account. What stands in its menus is written by the server
//! (`parts/bar.rs`).

use leptos::prelude::*;

use super::{live::LivePill, state::State};
use crate::{
    i18n::{Key, t},
    icons::{Icon, icon},
};

/// The bar of the domain page.
#[component]
pub fn DomainBar(
    /// The domain switcher, HTML.
    switcher: String,
    /// Theme and account, HTML.
    account: String,
) -> impl IntoView {
    let state = expect_context::<State>();
    view! {
        <header class="bar">
            <div class="bar-inner">
                <a class="mark" href="/sites" rel="external" aria-label=t(Key::AllDomains) inner_html=icon(Icon::Mark).into_string()></a>
                <div class="bar-switcher" inner_html=switcher></div>
                <LivePill />
                <nav class="bar-choices" aria-label=t(Key::MainNavigation)>
                    <div class="bar-menus" inner_html=move || state.bar.value.with(|bar| bar.menus.clone())></div>
                    <div class="bar-period" inner_html=move || state.bar.value.with(|bar| bar.period.clone())></div>
                    <div class="bar-account" inner_html=account></div>
                </nav>
            </div>
        </header>
    }
    .into_any()
}

/// What the page is filtered by. Nothing where all visits count.
#[component]
pub fn FilterChips() -> impl IntoView {
    let state = expect_context::<State>();
    view! { <div inner_html=move || state.bar.value.with(|bar| bar.chips.clone())></div> }.into_any()
}
