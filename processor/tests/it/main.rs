//! The processor with a real log, a real engine, real accounts and live state in memory. Each test has a database and folders of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod crash;
mod days;
mod flow;
mod import;
mod live;
mod midnight;
mod poison;
mod rollup;
mod world;
