//! What can go wrong around the engine's process.
//!
//! Errors of a query never appear here: they travel to the client as ClickHouse exceptions (see `http::exception`).

use std::path::{Path, PathBuf};

use crate::library::{LIBRARY_PACKAGE, LIBRARY_VARIABLE};

/// A failure to find, start or supervise the engine; every text says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// `libchdb.so` is at none of the places looked at.
    #[error(
        "the embedded ClickHouse library libchdb.so was not found (looked at: {}); run `make setup`, or install it with \
         `npm install {LIBRARY_PACKAGE}`, or set {LIBRARY_VARIABLE} to the file, or set FOOTFALL_STORE_URL to use a ClickHouse server instead",
        list(.looked)
    )]
    LibraryMissing {
        /// Every path that was tried, in order.
        looked: Vec<PathBuf>,
    },
    /// The file exists but is not a library of the expected version.
    #[error("cannot load {}: {reason}; install the version that fits with `npm install {LIBRARY_PACKAGE}`", .path.display())]
    LibraryUnusable {
        /// The library that was loaded.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// Another process holds the data folder.
    #[error(
        "the folder {} is in use by another engine process{}; stop that process, or choose another folder with --data",
        .folder.display(),
        .holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The engine's folder.
        folder: PathBuf,
        /// The process that is said to hold it.
        holder: Option<u32>,
    },
    /// The library refused to open the folder; it printed why on stderr.
    #[error("the engine could not open {}: {reason}; check that the folder is writable and was not made by a newer version", .folder.display())]
    Open {
        /// The engine's folder.
        folder: PathBuf,
        /// What is known of the reason.
        reason: String,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}; check its permissions and the free space", .path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The address for HTTP could not be bound.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The child process could not be started.
    #[error("cannot start {}: {source}; check that the file exists and is executable", .exe.display())]
    Spawn {
        /// The program.
        exe: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The child process ended or stayed silent before it was ready.
    #[error("the engine did not start: {reason}; run `footfall engine` by hand to see it fail, or `footfall doctor`")]
    NotReady {
        /// Its exit status and last words.
        reason: String,
    },
    /// A failure inside the engine's process that no input explains.
    #[error("the engine failed: {reason}; please report this")]
    Internal {
        /// What failed.
        reason: String,
    },
}

impl EngineError {
    pub(crate) fn file(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }

    pub(crate) fn internal(reason: impl std::fmt::Display) -> Self {
        Self::Internal { reason: reason.to_string() }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(", ")
}
