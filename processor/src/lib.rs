//! The processor: reads the event log, assigns visits, writes to the analytics store exactly once, keeps live state and hourly
//! aggregates.
pub mod assign;
pub mod clock;
pub mod ids;
pub mod pace;
pub mod range;
pub mod row;
pub mod visits;
