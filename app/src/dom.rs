//! The few things that only a browser can do. None of them runs while the server renders.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDocument};

/// The document, in a browser.
#[must_use]
pub fn html_document() -> Option<HtmlDocument> {
    web_sys::window()?.document()?.dyn_into().ok()
}

/// IANA name of the browser's time zone.
#[must_use]
pub fn time_zone() -> Option<String> {
    let options = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new()).resolved_options();
    js_sys::Reflect::get(&options, &"timeZone".into()).ok()?.as_string()
}

/// Puts a text on the clipboard.
pub fn copy_text(text: &str) {
    if let Some(window) = web_sys::window() {
        let _ = window.navigator().clipboard().write_text(text);
    }
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

/// Menus are `<details>`, which work without script. With it they also close on a click elsewhere, on a choice, and on Escape.
pub fn close_menus_by_themselves() {
    let on_click = window_event_listener(leptos::ev::click, |event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        for_each_open_menu(|menu| {
            let inside = target.as_ref().is_some_and(|target| menu.contains(Some(target)));
            let chosen = target.as_ref().and_then(|target| target.closest("a").ok().flatten()).is_some();
            if !inside || chosen {
                let _ = menu.remove_attribute("open");
            }
        });
    });
    let on_key = window_event_listener(leptos::ev::keydown, |event| {
        if event.key() == "Escape" {
            for_each_open_menu(|menu| {
                let _ = menu.remove_attribute("open");
                if let Some(summary) = menu.first_element_child().and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
                    let _ = summary.focus();
                }
            });
        }
    });
    on_cleanup(move || {
        on_click.remove();
        on_key.remove();
    });
}

fn for_each_open_menu(mut act: impl FnMut(&Element)) {
    let Some(document) = html_document() else { return };
    let Ok(menus) = document.query_selector_all("details.menu[open]") else { return };
    for i in 0..menus.length() {
        if let Some(menu) = menus.get(i).and_then(|node| node.dyn_into::<Element>().ok()) {
            act(&menu);
        }
    }
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

/// Sets the status of the page while the server renders it.
pub fn answer_with(status: u16) {
    #[cfg(feature = "ssr")]
    if let (Some(response), Ok(status)) = (use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(status)) {
        response.set_status(status);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = status;
}
