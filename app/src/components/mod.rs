//! Pieces of the domain page that live in the browser, and of the pages around it.

pub mod bar;
pub mod chart;
#[cfg(feature = "ssr")]
pub mod forms;
pub mod kpis;
pub mod live;
pub mod panel;
#[cfg(feature = "ssr")]
pub mod sheet;
pub mod state;
