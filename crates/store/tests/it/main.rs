//! The store against a real engine. Each test has a database of its own.

mod engine;
mod erase;
mod figures;
mod insert;
mod live_rollup;
mod oracle;
mod recovery;
mod schema;
mod world;
