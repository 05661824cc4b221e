//! The accounting core of the tracker: how long a page was engaged with and how far it was scrolled.
//!
//! The glue (`tracker/glue.js`) observes and sends, this crate decides. At every moment of interest (scroll, focus, blur,
//! hidden, navigation, once a minute) the glue hands over one [`Observation`], and the core says what, if anything, is to
//! be reported. It knows no clock, no page and no network, so the same code runs natively under the tests and as a
//! few hundred bytes of WASM in the browser. `abi.rs` is the only part that needs `unsafe`; [`Page`] is plain safe Rust.
#![cfg_attr(all(target_arch = "wasm32", not(test)), no_std)]

#[cfg(all(target_arch = "wasm32", not(test)))]
mod abi;
mod page;

pub use page::{MAX_SPAN_MS, MIN_REPORT_MS, Observation, Occasion, Page, REPORT_AT_MS, Report};
