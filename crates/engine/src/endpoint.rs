//! Where the running engine listens, and as whom to talk to it.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};

use crate::EngineError;

/// The engine answers in a millisecond; one that needs longer than this is not there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// An engine's address and credentials; stays valid over the engine's restarts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The only user.
    pub user: String,
    /// Its generated password.
    pub password: String,
}

/// The password is not for logs.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).field("user", &self.user).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The engine that runs on this data folder, if one does: reads `run/engine.json` and asks the engine `SELECT 1`.
    ///
    /// A file left behind by a crash gives `None`, as does an engine that answers with anything but 1.
    pub async fn discover(data: &Path) -> Option<Endpoint> {
        let state = State::read(data).await?;
        state.endpoint.answers().await.then_some(state.endpoint)
    }

    /// As [`Endpoint::discover`], but only an engine that was started on its own. A supervised one ends with the process that
    /// started it, so who is to live longer waits for the folder and starts another.
    pub async fn discover_independent(data: &Path) -> Option<Endpoint> {
        let state = State::read(data).await?;
        (!state.supervised && state.endpoint.answers().await).then_some(state.endpoint)
    }

    /// Whether the engine runs a query for these credentials, within two seconds.
    pub async fn answers(&self) -> bool {
        tokio::time::timeout(PROBE_TIMEOUT, self.select_one()).await.is_ok_and(|answer| answer.is_some())
    }

    async fn select_one(&self) -> Option<()> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", self.user, self.password));
        let request = http::Request::post(format!("{}/", self.url))
            .header(http::header::AUTHORIZATION, format!("Basic {credentials}"))
            .body(Full::from("SELECT 1"))
            .ok()?;
        let response = client.request(request).await.ok()?;
        let body = response.into_body().collect().await.ok()?.to_bytes();
        (body.as_ref() == b"1\n").then_some(())
    }
}

/// What `run/engine.json` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(flatten)]
    pub(crate) endpoint: Endpoint,
    /// The engine's process.
    pub(crate) pid: u32,
    /// When it became ready, RFC 3339.
    pub(crate) started: String,
    /// It ends with the process that started it.
    #[serde(default)]
    pub(crate) supervised: bool,
}

impl State {
    async fn read(data: &Path) -> Option<Self> {
        let text = tokio::fs::read_to_string(state_path(data)).await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Writes the file for its owner alone, whole or not at all.
    pub(crate) fn write(&self, data: &Path) -> Result<(), EngineError> {
        let text = serde_json::to_string_pretty(self).map_err(EngineError::internal)?;
        write_private(&state_path(data), &text)
    }

    /// Removes the file if it is still this process's.
    pub(crate) fn remove(data: &Path) {
        let path = state_path(data);
        let own = std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<State>(&text).ok());
        if own.is_some_and(|state| state.pid == std::process::id()) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// `DATA/run`, where a running installation keeps what dies with it.
pub(crate) fn run_folder(data: &Path) -> PathBuf {
    data.join("run")
}

fn state_path(data: &Path) -> PathBuf {
    run_folder(data).join("engine.json")
}

/// Makes a folder for its owner alone; one that exists keeps its mode.
pub(crate) fn make_folder(path: &Path) -> Result<(), EngineError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| EngineError::file("create", path, source))
}

/// Writes a file with mode 0600, by renaming a finished one into place.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), EngineError> {
    let failed = |source| EngineError::file("write", path, source);
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let _ = std::fs::remove_file(&temporary);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    drop(file);
    std::fs::rename(&temporary, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint { url: "http://127.0.0.1:1".into(), user: "footfall".into(), password: "geheim".into() }
    }

    #[test]
    fn the_password_is_not_shown() {
        assert!(!format!("{:?}", endpoint()).contains("geheim"));
    }

    #[tokio::test]
    async fn a_file_left_behind_is_not_an_engine() {
        let data = tempfile::tempdir().unwrap();
        assert!(Endpoint::discover(data.path()).await.is_none());
        make_folder(&run_folder(data.path())).unwrap();
        let state = State { endpoint: endpoint(), pid: std::process::id(), started: "2026-01-01T00:00:00Z".into(), supervised: false };
        state.write(data.path()).unwrap();
        let mode = std::fs::metadata(state_path(data.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(Endpoint::discover(data.path()).await.is_none());
        State::remove(data.path());
        assert!(!state_path(data.path()).exists());
    }
}
