//! The address of the dashboard, which its parts follow. Links to another state of it are followed by the script of every page (`tools/page`), so the
//! browser loads no router.

use leptos::prelude::*;

/// What stands after the question mark, as it changes.
#[cfg(feature = "ssr")]
#[must_use]
pub fn search() -> Signal<String> {
    let parts = use_context::<http::request::Parts>();
    Signal::stored(parts.and_then(|parts| parts.uri.query().map(ToOwned::to_owned)).unwrap_or_default())
}

/// What stands after the question mark, as it changes.
#[cfg(not(feature = "ssr"))]
#[must_use]
pub fn search() -> Signal<String> {
    use wasm_bindgen::{JsCast, closure::Closure};

    let now = || web_sys::window().and_then(|window| window.location().search().ok()).unwrap_or_default();
    let search = RwSignal::new(now());
    // Going back and forth tells of itself; the script tells of links.
    let follow = Closure::<dyn Fn()>::new(move || search.set(now())).into_js_value();
    if let Some(window) = web_sys::window() {
        let _ = window.add_event_listener_with_callback("popstate", follow.unchecked_ref());
    }
    search.into()
}
