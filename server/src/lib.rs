//! The `footfall` server and command line. `commands` is the table of contents of the command line, `router` of HTTP.

pub mod analytics;
pub mod api;
pub mod auth;
pub mod collect;
pub mod commands;
pub mod state;

pub use state::App;
