//! The main chart, in three steps: [`model`] decides what is drawn, [`svg`] draws it on the server, [`option`] says the same to
//! ECharts, which takes over in the browser ([`engine`]). Both drawings use the same frame, so nothing moves at the hand-over.

pub mod engine;
pub mod model;
pub mod option;
pub mod svg;

/// Pixels kept free for the labels: left, top, right and bottom of the plot.
pub const FRAME: [u32; 4] = [44, 12, 12, 28];
