//! The HTTP API: one file per resource, each with its routes, its types and its part of the OpenAPI document. `router.rs` lists
//! the routers.
//!
//! In every handler the caller is authorised first and only then parameters are looked at, so that a stranger learns nothing. Errors have
//! one shape (`error`), except in `query_v2`, which keeps the shape of the protocol that it is compatible with.

pub mod analytics;
pub mod body;
pub mod domains;
pub mod error;
pub mod jobs;
pub mod live;
pub mod ops;
pub mod params;
pub mod query_v2;
pub mod schema;
pub mod stats_v1;
