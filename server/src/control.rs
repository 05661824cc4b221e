//! The control socket: how a command reaches the server that runs on the same data folder.
//!
//! `DATA/run/control.sock` is a Unix socket with mode 0600: who may open the data folder may control the server, and nobody
//! else. Long work answers with one JSON object a line, the last with `"phase":"done"` or `"failed"`.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use axum::{Router, body::Body, http::Request};
use futures::StreamExt;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

fn socket_path(data: &Path) -> PathBuf {
    data.join("run/control.sock")
}

/// Serves the control router until `closing` is cancelled.
///
/// # Errors
/// When the socket cannot be made.
pub fn serve(data: &Path, router: Router, closing: CancellationToken) -> anyhow::Result<()> {
    let path = socket_path(data);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Left over by a process that was killed: the event log's lock already says that no other server runs here.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("the control socket {} cannot be made", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    tokio::spawn(async move {
        let server = axum::serve(listener, router).with_graceful_shutdown(async move { closing.cancelled().await });
        if let Err(error) = server.await {
            tracing::error!(%error, "the control socket ended");
        }
        let _ = std::fs::remove_file(&path);
    });
    Ok(())
}

/// A line of an answer.
pub trait Line: serde::de::DeserializeOwned {
    /// Why the work ended early, on the last line of such an answer.
    fn failed(&self) -> Option<&str>;
    /// Whether this is the last line of work that was done.
    fn is_done(&self) -> bool;
}

/// Where a command sends its work: a running server, or services started for this command.
pub enum Control {
    /// A server runs on the data folder.
    Running(UnixStream),
    /// None runs: the router of this process does the work.
    Here(Router),
}

/// Every command that works through the socket may be repeated: imports by the hash of their file, promotions by their record.
const BROKE_OFF: &str = "the running server broke off; run the command again, it goes on where it stopped";

impl Control {
    /// Connects to the server of a data folder, if there is one.
    pub async fn running(data: &Path) -> Option<Self> {
        UnixStream::connect(socket_path(data)).await.ok().map(Self::Running)
    }

    /// Sends one request and hands every line of its answer to `see`.
    ///
    /// # Errors
    /// When the server refuses, breaks off, or the work fails.
    pub async fn call<L: Line>(self, request: Request<Body>, mut see: impl FnMut(&L)) -> anyhow::Result<L> {
        let response = match self {
            Self::Here(router) => router.oneshot(request).await?,
            Self::Running(stream) => {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender.send_request(request).await.context(BROKE_OFF)?.map(Body::new)
            }
        };
        let status = response.status();
        let mut lines = Vec::new();
        let mut last: Option<L> = None;
        let mut body = response.into_body().into_data_stream();
        while let Some(piece) = body.next().await {
            lines.extend_from_slice(&piece.context(BROKE_OFF)?);
            if !status.is_success() {
                continue;
            }
            while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
                let line: L = serde_json::from_slice(&lines[..end])?;
                lines.drain(..=end);
                see(&line);
                last = Some(line);
            }
        }
        if !status.is_success() {
            bail!("{}", String::from_utf8_lossy(&lines));
        }
        match last {
            Some(line) if line.is_done() => Ok(line),
            Some(line) if line.failed().is_some() => bail!("{}", line.failed().unwrap_or_default()),
            _ => bail!(BROKE_OFF),
        }
    }
}
