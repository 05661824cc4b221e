//! The listener: HTTP/1.1 with bounds on everything a slow or hostile client can hold.
//!
//! - at most [`CONNECTIONS`] at once; more wait in the kernel's queue;
//! - a request head must arrive within [`HEAD_TIMEOUT`] and fit into 16 KB and 64 fields;
//! - a body must keep moving (`router` bounds its size and time per route);
//! - on shutdown connections finish the request they are in, at most [`DRAIN`].

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use futures::future::BoxFuture;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const CONNECTIONS: usize = 10_000;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const DRAIN: Duration = Duration::from_secs(5);
/// Also the most that a request's head may take.
const BUFFER: usize = 16 << 10;
/// Connections, and what else the process opens: tables, the log, the engine's pipes.
const OPEN_FILES: u64 = CONNECTIONS as u64 + 2_000;

/// Raises the soft limit of open files, often 1,024, as far as the hard one lets: otherwise idle connections of anybody would
/// keep everybody else out.
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
        if raised.is_err() || wanted < OPEN_FILES {
            tracing::warn!(open_files = wanted, "few files may be open at once; raise the limit (ulimit -n) to {OPEN_FILES}");
        }
    }
}

/// Serves until `closing` is cancelled and the connections have drained.
pub async fn serve(listener: TcpListener, app: Router, closing: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            permit = room.clone().acquire_owned() => {
                tokio::select! {
                    () = closing.cancelled() => break,
                    accepted = listener.accept() => accepted.map(|(stream, peer)| (stream, peer, permit)),
                }
            }
        };
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or a client that left already: neither ends the server.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_headers(64)
            .max_buf_size(BUFFER)
            .pipeline_flush(true)
            .serve_connection(TokioIo::new(stream), service_fn(answer(app.clone(), peer)));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that breaks off is everyday; nothing can be said to it any more.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!(drain_s = DRAIN.as_secs(), "connections that did not finish were closed");
    }
}

fn answer(
    app: Router,
    peer: SocketAddr,
) -> impl Fn(hyper::Request<Incoming>) -> BoxFuture<'static, Result<axum::response::Response, Infallible>> + Clone {
    move |request| {
        let app = app.clone();
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        Box::pin(app.oneshot(request))
    }
}
