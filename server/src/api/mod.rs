//! The HTTP API: one file per resource, each with its routes, its types and its part of the OpenAPI document. `router.rs` lists
//! the routers.
//!
//! In every handler the caller is authorised first and only then parameters are looked at, so that a stranger learns nothing. Errors have
//! one shape (`error`), except where a protocol is kept that has its own (`refusal`).

pub mod analytics;
pub mod badge;
pub mod behaviour;
pub mod body;
pub mod domains;
pub mod error;
pub mod explain;
pub mod jobs;
pub mod links;
pub mod live;
pub mod operator;
pub mod ops;
pub mod params;
pub mod query_v2;
pub mod question;
pub mod refusal;
pub mod schema;
pub mod settings;
pub mod sites_v1;
pub mod stats_v1;
pub mod values;
