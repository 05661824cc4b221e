//! The border to JavaScript: one import, one export, numbers only.
#![allow(unsafe_code, reason = "raw imports, exports and a static are the border to JavaScript; wasm-bindgen would cost kilobytes")]

use crate::{Observation, Occasion, Page};

#[link(wasm_import_module = "g")]
unsafe extern "C" {
    /// Sends an engagement for the page that the glue holds.
    safe fn r(engaged_ms: u32, depth: u32);
}

static mut PAGE: Page = Page::new();

/// One observation. `active` is a JavaScript boolean. `occasion`: 0 something changed, 1 the page may vanish, 2 another page begins.
#[unsafe(no_mangle)]
extern "C" fn o(now_ms: u32, active: bool, bottom_px: u32, height_px: u32, occasion: u32) {
    let seen = Observation { now_ms, active, bottom_px, height_px };
    let why = match occasion {
        0 => Occasion::Change,
        1 => Occasion::Leave,
        _ => Occasion::Begin,
    };
    let page = &raw mut PAGE;
    // SAFETY: WASM without threads, and `r` never calls back into `o`: the glue only starts a request.
    let report = unsafe { (*page).observe(seen, why) };
    if let Some(report) = report {
        r(report.engaged_ms, report.depth);
    }
}

/// Nothing above can panic; the compiler asks for it all the same.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
