//! The main chart, in three steps: `model` decides what is drawn, `svg` draws it for the first page, `option` says the same to
//! ECharts, which takes over in the browser ([`engine`]). Both drawings use the same frame, so nothing moves at the hand-over. `zoom` says what dragging over it chooses.

pub mod engine;
#[cfg(feature = "ssr")]
pub mod model;
#[cfg(feature = "ssr")]
pub mod option;
#[cfg(feature = "ssr")]
pub mod svg;
#[cfg(feature = "ssr")]
pub mod zoom;

/// Pixels kept free for the labels: left, top, right and bottom of the plot.
#[cfg(feature = "ssr")]
pub const FRAME: [u32; 4] = [44, 12, 12, 28];
