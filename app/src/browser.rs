//! The dashboard in the browser: takes over what the server wrote.

use leptos::prelude::*;

use crate::{App, types::Dashboard};

/// Called once, when the page and the WASM are loaded. Where the page carries no first answer it stays as it is.
pub fn take_over() {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let text = document.get_element_by_id("first").and_then(|element| element.text_content());
    let Some(first) = text.and_then(|text| serde_json::from_slice::<Dashboard>(text.as_bytes()).ok()) else { return };
    leptos::mount::hydrate_body(move || view! { <App first /> });
    // Links to another state of the page need not load it any more.
    if let Some(root) = document.document_element() {
        let _ = root.set_attribute("data-live", "");
    }
}
