//! What is promised of shared services beyond faults at random, from outside: topics, spills, shards, jobs, shutdown, and the move from one machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]

mod jobs;
#[path = "../load/mod.rs"]
mod load;
mod promotion;
mod shared;
mod shutdown;
mod spill;
mod store;
mod topics;
