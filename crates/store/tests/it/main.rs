//! The store against a real engine. Each test has a database of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation is how a test fails")]

mod behaviour;
mod days;
mod engine;
mod erase;
mod figures;
mod insert;
mod live_rollup;
mod oracle;
mod questions;
mod recovery;
mod schema;
mod world;

/// Shards of each test's store.
const SHARDS: usize = 1;
