//! The pages of Footfall: rendered by the server, taken over by the browser where that brings something.
//!
//! `api.rs` asks the server through the one trait of `backend.rs`; `pages/` says what stands where; `components/` draws it;
//! `i18n.rs` has the words. Everything a page shows is in its address (`query.rs`), so it works without script too.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

pub mod api;
pub mod assets;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod chart;
pub mod components;
pub mod dom;
pub mod format;
pub mod i18n;
pub mod live;
pub mod pages;
pub mod query;
#[cfg(feature = "ssr")]
mod shell;
pub mod theme;
pub mod types;

#[cfg(feature = "ssr")]
pub use shell::shell;

use i18n::{Key, t};
use pages::{domain::DomainPage, landing::LandingPage, login::LoginPage, not_found::NotFoundPage, setup::SetupPage, sites::SitesPage};

/// All pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    theme::ThemeState::provide();
    Effect::new(|_| dom::close_menus_by_themselves());
    view! {
        <Router>
            <a class="skip" href="#content" rel="external">
                {t(Key::SkipToContent)}
            </a>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=LandingPage ssr=SsrMode::Async />
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async />
                <Route path=path!("/sites") view=SitesPage ssr=SsrMode::Async />
                <Route path=path!("/:domain") view=DomainPage ssr=SsrMode::Async />
            </Routes>
            <footer class="foot">
                <p>{t(Key::PrivacyFooter)}</p>
            </footer>
        </Router>
    }
    .into_any()
}
