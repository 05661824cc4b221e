//! The pages of Footfall: rendered by the server, taken over by the browser where that brings something.
//!
//! `api.rs` asks the server through the one trait of `backend.rs`. `pages/` says what stands where. `components/` are the pieces that
//! live in the browser; `parts/` only show data, so the server writes them as HTML ([`markup`]) and the browser asks for them anew:
//! that keeps the WASM small. `i18n.rs` has the words. Everything a page shows is in its address (`query.rs`), so it works
//! without script too.

use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

pub mod api;
pub mod assets;
#[cfg(feature = "ssr")]
pub mod backend;
#[cfg(feature = "ssr")]
pub mod badge;
#[cfg(feature = "ssr")]
pub mod behaviour;
pub mod chart;
pub mod components;
pub mod dom;
#[cfg(feature = "ssr")]
pub mod download;
pub mod failed;
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
mod wire;

#[cfg(feature = "ssr")]
pub use shell::shell;

use i18n::{Key, t};
#[cfg(feature = "ssr")]
use pages::{
    behaviour::BehaviourPage,
    detail::DetailPage,
    drops::DropsPage,
    explain::ExplainPage,
    landing::LandingPage,
    login::LoginPage,
    settings::{SettingsEntrance, SettingsPage},
    setup::SetupPage,
    share::SharePage,
    sites::SitesPage,
    why::WhyPage,
};
use pages::{domain::DomainPage, not_found::NotFoundPage};

/// All pages.
#[component]
pub fn App() -> impl IntoView {
    #[cfg(feature = "ssr")]
    leptos_meta::provide_meta_context();
    view! {
        <Router>
            <a class="skip" href="#content" rel="external">
                {t(Key::SkipToContent)}
            </a>
            <Pages />
            <footer class="foot">
                <p>{t(Key::PrivacyFooter)}</p>
            </footer>
        </Router>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
#[component]
fn Pages() -> impl IntoView {
    view! {
        <FlatRoutes fallback=NotFoundPage>
            <Route path=path!("/") view=LandingPage ssr=SsrMode::Async />
            <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
            <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async />
            <Route path=path!("/sites") view=SitesPage ssr=SsrMode::Async />
            <Route path=path!("/share/:slug") view=SharePage ssr=SsrMode::Async />
            <Route path=path!("/:domain") view=DomainPage ssr=SsrMode::Async />
            <Route path=path!("/:domain/by/:field") view=DetailPage ssr=SsrMode::Async />
            <Route path=path!("/:domain/funnel") view=BehaviourPage ssr=SsrMode::Async />
            <Route path=path!("/:domain/journeys") view=BehaviourPage ssr=SsrMode::Async />
            <Route path=path!("/:domain/retention") view=BehaviourPage ssr=SsrMode::Async />
            <Route path=path!("/:domain/settings") view=SettingsEntrance ssr=SsrMode::Async />
            <Route path=path!("/:domain/settings/:section") view=SettingsPage ssr=SsrMode::Async />
            <Route path=path!("/:domain/drops") view=DropsPage ssr=SsrMode::Async />
            <Route path=path!("/:domain/explain/:metric") view=ExplainPage ssr=SsrMode::Async />
            <Route path=path!("/:domain/why") view=WhyPage ssr=SsrMode::Async />
        </FlatRoutes>
    }
}

/// The pages that live on in the browser. The others load no WASM, and links to them leave the page.
#[cfg(not(feature = "ssr"))]
#[component]
fn Pages() -> impl IntoView {
    view! {
        <FlatRoutes fallback=NotFoundPage>
            <Route path=path!("/:domain") view=DomainPage ssr=SsrMode::Async />
        </FlatRoutes>
    }
}
