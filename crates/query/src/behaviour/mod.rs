//! What people do one thing after another: funnels, journeys, retention. Each question becomes one statement with the conditions of [`crate::question`].
//!
//! Visitor ids change with the UTC day (`docs/definitions.md`, Visitors and visits). So funnels end with the id, journeys are of visits, and retention over days
//! needs the user ids that a site declares.

pub mod funnel;
pub mod journey;
pub mod retention;

pub use funnel::Funnel;
pub use journey::{Journey, Start};
pub use retention::{Identity, Retention};
