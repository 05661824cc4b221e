//! The served part of ClickHouse's HTTP interface.
//!
//! | path | answer |
//! |---|---|
//! | `GET/POST /` | a statement from `query` and/or the body; `GET` only reads |
//! | `GET /ping`, `/replicas_status` | `Ok.`, without a password |
//!
//! Parameters: `query`, `database`, `default_format`, `user`, `password`, `query_id`, `compress`, `decompress`, `wait_end_of_query`,
//! `param_*`; every other one is a setting. A session's id is ignored: each request is a session of its own.

mod answer;
mod auth;
mod exception;
mod intake;
mod request;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use http::{HeaderMap, Method, Uri};
use tokio::sync::mpsc;

pub(crate) use auth::Credentials;
use exception::Exception;
use intake::{Intake, Text};
use request::Request;

use crate::exec::{Engine, Job, PIECES, Piece, Work};
use crate::kill::{Guard, Tag};
use crate::prologue::is_streamed;
use crate::sql::{Refusal, StatementKind};

/// How long a request waits for its turn before it hears that there are too many.
const TURN: Duration = Duration::from_secs(30);

/// What the handlers share.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) credentials: Credentials,
}

/// All routes.
pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", any(statement))
        .route("/ping", get(|| async { "Ok.\n" }))
        .route("/replicas_status", get(|| async { "Ok.\n" }))
        .fallback(|uri: Uri| async move {
            let text =
                format!("There is no handle {}\n\nUse / or /ping for health checks, and GET or POST to / for queries.\n", uri.path());
            (http::StatusCode::NOT_FOUND, text)
        })
        .with_state(server)
}

async fn statement(State(server): State<Arc<Server>>, method: Method, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    match run(&server, &method, &uri, &headers, body).await {
        Ok(response) => response,
        Err(exception) => exception.into_response(),
    }
}

async fn run(server: &Server, method: &Method, uri: &Uri, headers: &HeaderMap, body: Body) -> Result<Response, Exception> {
    if !matches!(*method, Method::GET | Method::HEAD | Method::POST) {
        return Err(Refusal::new(48, "NOT_IMPLEMENTED", format!("Method {method} is not supported: use GET or POST")).into());
    }
    let mut request = Request::parse(uri.query().unwrap_or_default(), headers)?;
    server.credentials.check(&request, headers)?;
    let body = request.absorb_form(headers, body).await?;
    if *method != Method::POST {
        if request.query.is_none() {
            return Ok("Ok.\n".into_response());
        }
        request.read_only();
    }
    let Text { statement, data, rest } = intake::text(request.query.take(), Intake::new(body, request.unpacker(headers)?)).await?;
    let format = statement.format.unwrap_or_else(|| request.default_format.clone());

    let turn = tokio::time::timeout(TURN, Arc::clone(&server.engine.places).acquire_owned()).await;
    let Ok(Ok(place)) = turn else {
        return Err(Refusal::new(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many simultaneous queries: try again later").into());
    };
    let tag = Tag::new(request.log_comment.as_deref());
    let (feed, work, guard) = match statement.kind {
        StatementKind::Insert { .. } => {
            let (sender, pieces) = mpsc::channel(PIECES);
            // No guard: a body that breaks off cancels by its channel, and one that was whole is stored, client or not.
            (Some((sender, rest)), Work::Insert(pieces), None)
        }
        kind => {
            let work = match kind {
                StatementKind::Select if is_streamed(&format) && !request.wait_end => Work::Stream,
                StatementKind::Select => Work::Select,
                _ => Work::Other,
            };
            (None, work, Some(Guard::new(Arc::clone(&tag), &server.engine.killer)))
        }
    };
    let job = Job {
        database: request.database.take(),
        settings: request.take_settings(),
        params: std::mem::take(&mut request.params),
        sql: statement.sql,
        format: format.clone(),
        work,
        tag,
    };
    let events = server
        .engine
        .start(job, place)
        .map_err(|error| Exception::from(Refusal::new(439, "CANNOT_SCHEDULE_TASK", format!("Cannot start a thread: {error}"))))?;
    if let Some((sender, mut rest)) = feed {
        pump(data, &mut rest, sender).await?;
    }
    answer::answer(&request, &format, events, guard).await
}

/// Sends an insert's data to its thread, no faster than that takes it.
async fn pump(first: bytes::Bytes, rest: &mut Intake, sender: mpsc::Sender<Piece>) -> Result<(), Exception> {
    if !first.is_empty() && sender.send(Piece::Data(first)).await.is_err() {
        return rest.drain().await;
    }
    while let Some(piece) = rest.next().await? {
        if sender.send(Piece::Data(piece)).await.is_err() {
            // The insert has failed. Most clients read the answer only after they have sent everything.
            return rest.drain().await;
        }
    }
    let _ = sender.send(Piece::End).await;
    Ok(())
}
