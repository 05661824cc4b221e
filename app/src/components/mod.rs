//! Pieces that pages are made of.

pub mod bar;
pub mod chart;
pub mod empty;
pub mod failed;
pub mod forms;
pub mod icons;
pub mod kpis;
pub mod live;
pub mod notices;
pub mod panel;
pub mod rolling;
pub mod snippet;
pub mod state;
pub mod text;
