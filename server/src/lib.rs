//! The `footfall` server and command line. `commands` is the table of contents of the command line, `router` of HTTP,
//! `boot` the one place that knows engines.

pub mod analytics;
pub mod api;
pub mod auth;
pub mod backend;
pub mod boot;
pub mod client;
pub mod collect;
pub mod commands;
pub mod control;
pub mod data;
pub mod demo;
pub mod housekeeping;
pub mod http;
pub mod import;
pub mod links;
pub mod promote;
pub mod removal;
pub mod router;
pub mod services;
pub mod settings;
pub mod state;
pub mod web;

pub use state::App;
