//! The pages.
use leptos::prelude::*;

pub mod assets;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod types;

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    view! { <p>"Footfall"</p> }
}
