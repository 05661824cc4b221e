//! The analytics store.
pub mod row;

pub use row::{Attributes, EventRow, VisitAfter, event_id, visit_id};
