//! The pages of Footfall: rendered by the server, taken over by the browser where that brings something.
//!
//! `api.rs` asks the server through the one trait of `backend.rs`. `pages/` says what stands where. `components/` are the pieces that
//! live in the browser; `parts/` only show data, so the server writes them as HTML ([`markup`]) and the browser asks for them anew:
//! that keeps the WASM small. `i18n.rs` has the words. Everything a page shows is in its address (`query.rs`), so it works
//! without script too.

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

pub mod address;
#[cfg(feature = "ssr")]
pub mod api;
pub mod ask;
pub mod assets;
#[cfg(feature = "ssr")]
pub mod backend;
#[cfg(feature = "ssr")]
pub mod badge;
#[cfg(feature = "ssr")]
pub mod behaviour;
#[cfg(not(feature = "ssr"))]
pub mod browser;
pub mod chart;
pub mod components;
pub mod dom;
#[cfg(feature = "ssr")]
pub mod download;
pub mod failed;
#[cfg(feature = "ssr")]
pub mod filter;
pub mod format;
pub mod i18n;
pub mod icons;
pub mod live;
pub mod markup;
pub mod metric;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod parts;
pub mod query;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod share;
#[cfg(feature = "ssr")]
mod shell;
pub mod text;
#[cfg(feature = "ssr")]
pub mod theme;
pub mod types;

#[cfg(feature = "ssr")]
pub use shell::shell;

use i18n::{Key, t};
use pages::domain::DomainPage;
#[cfg(feature = "ssr")]
use pages::{
    behaviour::BehaviourPage,
    detail::DetailPage,
    drops::DropsPage,
    explain::ExplainPage,
    landing::LandingPage,
    login::LoginPage,
    not_found::NotFoundPage,
    realtime::RealtimePage,
    settings::{SettingsEntrance, SettingsPage},
    setup::SetupPage,
    share::SharePage,
    sites::SitesPage,
    together::TogetherPage,
    why::WhyPage,
};
use types::Dashboard;

/// The dashboard of a domain, from the server's first answer. It alone lives on in the browser.
#[component]
pub fn App(
    /// What the server knew when it wrote the page.
    first: Dashboard,
) -> impl IntoView {
    view! { <SkipLink /> <DomainPage first /> <Foot /> }.into_any()
}

/// The other pages, which load no WASM. Links between them leave the page.
#[cfg(feature = "ssr")]
#[component]
pub fn Pages() -> impl IntoView {
    leptos_meta::provide_meta_context();
    view! {
        <SkipLink />
        <Router>
            <FlatRoutes fallback=NotFoundPage>
                <Route path=path!("/") view=LandingPage ssr=SsrMode::Async />
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async />
                <Route path=path!("/sites") view=SitesPage ssr=SsrMode::Async />
                <Route path=path!("/sites/together") view=TogetherPage ssr=SsrMode::Async />
                <Route path=path!("/share/:slug") view=SharePage ssr=SsrMode::Async />
                <Route path=path!("/:domain/by/:field") view=DetailPage ssr=SsrMode::Async />
                <Route path=path!("/:domain/funnel") view=BehaviourPage ssr=SsrMode::Async />
                <Route path=path!("/:domain/journeys") view=BehaviourPage ssr=SsrMode::Async />
                <Route path=path!("/:domain/retention") view=BehaviourPage ssr=SsrMode::Async />
                <Route path=path!("/:domain/settings") view=SettingsEntrance ssr=SsrMode::Async />
                <Route path=path!("/:domain/settings/:section") view=SettingsPage ssr=SsrMode::Async />
                <Route path=path!("/:domain/realtime") view=RealtimePage ssr=SsrMode::Async />
                <Route path=path!("/:domain/drops") view=DropsPage ssr=SsrMode::Async />
                <Route path=path!("/:domain/explain/:metric") view=ExplainPage ssr=SsrMode::Async />
                <Route path=path!("/:domain/why") view=WhyPage ssr=SsrMode::Async />
            </FlatRoutes>
        </Router>
        <Foot />
    }
    .into_any()
}

/// Leads past the bar.
#[component]
pub(crate) fn SkipLink() -> impl IntoView {
    view! {
        <a class="skip" href="#content" rel="external">
            {t(Key::SkipToContent)}
        </a>
    }
    .into_any()
}

/// The end of every page.
#[component]
pub(crate) fn Foot() -> impl IntoView {
    view! {
        <footer class="foot">
            <p>{t(Key::PrivacyFooter)}</p>
        </footer>
    }
    .into_any()
}
