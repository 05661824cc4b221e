//! The pages in the browser: takes over what the server rendered.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called once by the page, after the WASM is loaded.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    footfall_app::browser::take_over();
}
