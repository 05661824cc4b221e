//! ECharts in the browser: loads the bundle once, after everything else, and hands it options. The bundle (`tools/charts`) is
//! thin over ECharts and owns nothing but the drawing; colours it takes from the style sheet, also when the theme changes.

use std::cell::Cell;

use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// Draws into the element, or changes what is drawn there. Both texts are JSON: the option, and the words in it.
    #[wasm_bindgen(js_namespace = footfallCharts, catch)]
    fn draw(element: &web_sys::Element, option: &str, words: &str) -> Result<(), JsValue>;

    /// Frees what `draw` made.
    #[wasm_bindgen(js_namespace = footfallCharts, catch)]
    fn dispose(element: &web_sys::Element) -> Result<(), JsValue>;
}

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Loads the bundle and calls back when it is there. The address stands in the page's head, put there by the shell.
pub fn load(ready: impl Fn() + 'static) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    if js_sys::Reflect::has(&js_sys::global(), &"footfallCharts".into()).unwrap_or(false) {
        ready();
        return;
    }
    let callback = Closure::<dyn Fn()>::new(ready).into_js_value();
    let script = if ASKED.replace(true) { document.query_selector("script[data-charts]").ok().flatten() } else { make_script(&document) };
    if let Some(script) = script {
        let _ = script.add_event_listener_with_callback("load", callback.unchecked_ref());
    }
}

fn make_script(document: &web_sys::Document) -> Option<web_sys::Element> {
    let meta = document.query_selector("meta[name=footfall-charts]").ok().flatten()?;
    let script = document.create_element("script").ok()?;
    script.set_attribute("src", &meta.get_attribute("content")?).ok()?;
    script.set_attribute("data-charts", "").ok()?;
    document.head()?.append_child(&script).ok()?;
    Some(script)
}

/// Draws, once the bundle is loaded. Returns whether it is drawn now.
#[must_use]
pub fn show(element: &web_sys::Element, option: &str, words: &str) -> bool {
    draw(element, option, words).is_ok()
}

/// Takes the drawing away.
pub fn hide(element: &web_sys::Element) {
    let _ = dispose(element);
}
