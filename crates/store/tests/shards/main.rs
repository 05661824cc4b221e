//! The same scenarios on a store of two shards, each a real engine of its own, and what only several servers can do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation is how a test fails")]

mod away;
mod copy;
#[path = "../it/days.rs"]
mod days;
#[path = "../it/engine.rs"]
mod engine;
#[path = "../it/erase.rs"]
mod erase;
#[path = "../it/figures.rs"]
mod figures;
#[path = "../it/live_rollup.rs"]
mod live_rollup;
#[path = "../it/oracle.rs"]
mod oracle;
#[path = "../it/recovery.rs"]
mod recovery;
mod spread;
#[path = "../it/world.rs"]
mod world;

/// Shards of each test's store.
const SHARDS: usize = 2;
