//! The embedded ClickHouse of a one-machine installation.
//!
//! # Design
//!
//! A child process (`footfall engine`) loads `libchdb.so`, which is ClickHouse as a library, and serves the part of
//! ClickHouse's HTTP interface that its clients use, on loopback and behind a generated password. The collector talks to
//! it exactly as it talks to a ClickHouse cluster, and a crash of the engine cannot take the collector down.
//!
//! ```text
//!  server process                         engine process (one per data folder)
//!  Supervisor ── stdin pipe ────────────▶ process::run ── lock ── library ── config ── engine.json
//!  clickhouse crate ── HTTP, loopback ──▶ http (axum) ── request ── sql ── exec ── ffi ── libchdb.so
//!                                                                     └── kill (clients that left)
//! ```
//!
//! - One request is one library connection with its own session: `USE`, `SET`, the statement, close. It runs on a thread of
//!   its own with an 8 MiB stack; a semaphore bounds how many there are.
//! - Bodies are never held: inserts go piece by piece through a bounded channel into the library, row-wise results
//!   come back through another. Formats that cannot be cut into pieces are made whole.
//! - An answer's first piece is held until the second or the end: early errors become real HTTP errors, and a short
//!   answer gets a `Content-Length`.
//! - What the session must not do (read files, call addresses, run programs, write files) is refused by grants, and where
//!   the library's grants have holes by the module `sql`.
//!
//! Supervision: the child lives as long as its stdin. It is restarted on exit, on the same port with the same password, so
//! that an [`Endpoint`] stays valid. Everything acknowledged is in the library's own storage: recovery is opening the folder.

mod code;
mod config;
mod endpoint;
mod error;
mod exec;
mod ffi;
mod frames;
mod http;
mod kill;
mod library;
mod memory;
mod process;
mod prologue;
mod sql;
mod supervisor;
mod unpack;
mod workers;

pub use endpoint::Endpoint;
pub use error::EngineError;
pub use library::{LIBRARY_PACKAGE, LIBRARY_VARIABLE, find_library};
pub use memory::default_memory_cap;
pub use process::{EngineOptions, run};
pub use supervisor::{SuperviseOptions, Supervisor};
