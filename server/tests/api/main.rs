//! The reports and the compatible query API from outside: what programs send, and what they are told when it cannot be.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod behaviour;
mod days;
mod measured;
mod places;
mod query;
mod removal;
mod reports;
mod settings;
mod sharing;
mod sites_v1;
mod stats_v1;
mod whole;
