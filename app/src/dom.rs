//! The few things that only a browser can do. None of them runs while the server renders.

#[cfg(feature = "ssr")]
use leptos::prelude::use_context;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// Does something with each element that a selector finds.
pub fn for_each(selector: &str, mut act: impl FnMut(&Element)) {
    let found = web_sys::window().and_then(|window| window.document()).and_then(|document| document.query_selector_all(selector).ok());
    let Some(found) = found else { return };
    for i in 0..found.length() {
        if let Some(element) = found.get(i).and_then(|node| node.dyn_into::<Element>().ok()) {
            act(&element);
        }
    }
}

/// The pointer or the focus is in the element with this id.
#[must_use]
pub fn is_in_use(id: &str) -> bool {
    let mut used = false;
    for_each(&format!("#{id}:hover, #{id}:focus-within"), |_| used = true);
    used
}

/// The tab is in the background.
#[must_use]
pub fn is_hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden())
}

/// UTC milliseconds, on the server and in the browser.
#[must_use]
pub fn now_ms() -> i64 {
    #[cfg(target_family = "wasm")]
    {
        #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds")]
        {
            js_sys::Date::now() as i64
        }
    }
    #[cfg(not(target_family = "wasm"))]
    {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Path and query of the page; empty while the server renders.
#[must_use]
pub fn address() -> String {
    if cfg!(not(target_family = "wasm")) {
        return String::new();
    }
    let location = web_sys::window().map(|window| window.location());
    location.map(|location| location.pathname().unwrap_or_default() + &location.search().unwrap_or_default()).unwrap_or_default()
}

/// Leads elsewhere: by a redirect while the server renders, by a load in the browser.
pub fn lead_to(address: &str) {
    #[cfg(feature = "ssr")]
    leptos_axum::redirect(address);
    #[cfg(not(feature = "ssr"))]
    if let Some(window) = web_sys::window() {
        let _ = window.location().set_href(address);
    }
}

/// Loads the page anew, but while a form is sent: its answer leads on.
pub fn reload() {
    let mut is_sent = false;
    for_each("[data-working]:disabled", |_| is_sent = true);
    if is_sent {
        return;
    }
    if let Some(window) = web_sys::window() {
        let _ = window.location().reload();
    }
}

/// Sets the status of the page while the server renders it.
#[cfg(feature = "ssr")]
pub fn answer_with(status: u16) {
    if let (Some(response), Ok(status)) = (use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(status)) {
        response.set_status(status);
    }
}
