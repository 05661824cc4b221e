//! The browser's texts and language: those of the page that the server wrote.

use std::sync::OnceLock;

use super::{Key, Lang};

struct Page {
    lang: Lang,
    /// By the place of their keys.
    texts: Vec<String>,
}

/// Read once: a page keeps its language.
fn page() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| {
        let document = web_sys::window().and_then(|window| window.document());
        let tag = document.as_ref().and_then(|document| document.document_element()?.get_attribute("lang"));
        let texts = document.and_then(|document| document.get_element_by_id("texts")?.text_content());
        Page {
            lang: tag.and_then(|tag| Lang::from_tag(&tag)).unwrap_or_default(),
            texts: texts.and_then(|texts| serde_json::from_slice(texts.as_bytes()).ok()).unwrap_or_default(),
        }
    })
}

pub fn lang() -> Lang {
    page().lang
}

pub fn text(key: Key) -> &'static str {
    page().texts.get(key as usize).map_or("", String::as_str)
}
