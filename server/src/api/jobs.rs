//! `POST /api/v2/jobs`, `GET /api/v2/jobs/{id}`: questions that are answered later.
//!
//! A job is a value in live state, kept for a day, and a field of the board `jobs` until it has ended. Every process with the role `query` takes
//! open jobs, one at a time, by a lock that it renews. So a job outlives the process that took it, as long as live state does: on one
//! machine jobs end with the process.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use footfall_live::LiveError;
use footfall_meta::Reach;
use footfall_model::SiteId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    error::{ApiError, ErrorBody},
    query_v2,
    question::Question,
    refusal::{QueryError, Refusal},
};
use crate::{
    App,
    auth::{Caller, SiteScope},
};

/// Open jobs, and the channel that tells of new ones.
const BOARD: &str = "jobs";
/// Jobs, ended ones too, are kept this long.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Jobs that may wait, of all callers.
const MOST_OPEN: usize = 1_000;
/// Who runs a job holds it this long, and renews that.
const TURN: Duration = Duration::from_secs(6);
/// Left-over jobs of processes that died are looked for this often.
const LOOK: Duration = Duration::from_secs(5);

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(add)).routes(routes!(show))
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Phase {
    /// It waits for its turn.
    Queued,
    /// It is being answered.
    Running,
    /// `result` is there.
    Done,
    /// `error` says why it was not answered.
    Failed,
}

/// A job as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    id: Uuid,
    site: SiteId,
    /// Whose domains: either one domain's key, or an owner's.
    owner: Option<Uuid>,
    body: Map<String, Value>,
    state: Phase,
    created: DateTime<Utc>,
    result: Option<Value>,
    error: Option<String>,
}

/// A job as callers see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobAnswer {
    /// Its id.
    id: Uuid,
    /// How far it is.
    state: Phase,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// The answer of `POST /api/v2/query`, once `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// Why there is none, once `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<Job> for JobAnswer {
    fn from(job: Job) -> Self {
        Self { id: job.id, state: job.state, created_at: job.created, result: job.result, error: job.error }
    }
}

impl Job {
    const fn reach(&self) -> Reach {
        match self.owner {
            Some(owner) => Reach::Owner(owner),
            None => Reach::Site(self.site),
        }
    }

    async fn read(app: &App, id: &str) -> Result<Option<Self>, LiveError> {
        let kept = app.live.get(&format!("job:{id}")).await?;
        Ok(kept.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    async fn keep(&self, app: &App) -> Result<(), LiveError> {
        let text = serde_json::to_vec(self).map_err(|error| LiveError(error.to_string()))?;
        app.live.put(&format!("job:{}", self.id), text.into(), KEPT).await
    }

    fn turn(&self) -> String {
        format!("job-turn:{}", self.id)
    }
}

/// Asks a question that is answered later.
#[utoipa::path(post, path = "/api/v2/jobs", tag = "stats",
    request_body(content = Object, description = "a question of POST /api/v2/query", content_type = "application/json"),
    responses((status = 202, body = JobAnswer), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 413, body = QueryError),
        (status = 429, description = "too many jobs are waiting", body = QueryError), (status = 503, body = QueryError)))]
async fn add(State(app): State<Arc<App>>, caller: Caller, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let question = Question::of_caller(&app, &caller, body).await?;
    query_v2::understood(&question)?;
    if app.live.read_board(BOARD).await.map_err(ApiError::unavailable)?.len() >= MOST_OPEN {
        return Err(ApiError::too_many(LOOK).with_message("too many jobs are waiting; try again in a moment").into());
    }
    let job = Job {
        id: Uuid::new_v4(),
        site: question.scope.site(),
        owner: caller.reach().person(),
        body: question.body,
        state: Phase::Queued,
        created: Utc::now(),
        result: None,
        error: None,
    };
    job.keep(&app).await.map_err(ApiError::unavailable)?;
    app.live.post(BOARD, vec![(job.id.to_string(), Bytes::from_static(b"open"))]).await.map_err(ApiError::unavailable)?;
    let place = [("location", format!("/api/v2/jobs/{}", job.id)), ("cache-control", "no-store".to_owned())];
    Ok((StatusCode::ACCEPTED, place, Json(JobAnswer::from(job))).into_response())
}

/// A question that was asked before, and its answer.
#[utoipa::path(get, path = "/api/v2/jobs/{id}", tag = "stats", params(("id" = Uuid, Path, description = "the job")),
    responses((status = 200, body = JobAnswer), (status = 401, body = ErrorBody), (status = 404, description = "unknown, older than a day, or not yours", body = ErrorBody),
        (status = 503, body = ErrorBody)))]
async fn show(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = Uuid::parse_str(&id).map_err(|_| ApiError::not_found())?;
    let job = Job::read(&app, &id.to_string()).await.map_err(ApiError::unavailable)?.ok_or_else(ApiError::not_found)?;
    SiteScope::read(&app, &caller, Some(job.site.0)).await?;
    Ok(([("cache-control", "no-store")], Json(JobAnswer::from(job))).into_response())
}

/// Answers open jobs until `closing` is cancelled.
pub async fn run(app: Arc<App>, closing: CancellationToken) {
    let mut told = match app.live.subscribe(BOARD).await {
        Ok(told) => told,
        Err(error) => {
            tracing::error!(%error, "jobs are not answered by this process: it cannot listen for them");
            return;
        }
    };
    // Something may have been left over by a process that died; afterwards only while jobs are known to be open.
    let mut open = true;
    loop {
        if open {
            open = match app.live.read_board(BOARD).await {
                Ok(board) => !board.is_empty() && !answer_open(&app, board, &closing).await,
                Err(error) => {
                    tracing::debug!(%error, "open jobs cannot be read");
                    true
                }
            };
        }
        tokio::select! {
            () = closing.cancelled() => return,
            message = told.recv() => match message {
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                // An empty value says that a job has ended.
                Ok(message) => open |= footfall_live::decode_post(&message).is_none_or(|fields| {
                    fields.is_empty() || fields.iter().any(|(_, value)| !value.is_empty())
                }),
                Err(_) => open = true,
            },
            () = tokio::time::sleep(LOOK), if open => {}
        }
    }
}

/// Answers what nobody else answers; whether that was all there is.
async fn answer_open(app: &Arc<App>, board: HashMap<String, Bytes>, closing: &CancellationToken) -> bool {
    let mut all = true;
    for id in board.into_keys() {
        if closing.is_cancelled() {
            return false;
        }
        match answer(app, &id, closing).await {
            Ok(answered) => all &= answered,
            Err(error) => {
                tracing::debug!(%error, job = id, "a job waits for live state");
                all = false;
            }
        }
    }
    all
}

/// Answers one job, unless another process does.
async fn answer(app: &Arc<App>, id: &str, closing: &CancellationToken) -> Result<bool, LiveError> {
    let Some(mut job) = Job::read(app, id).await? else {
        // Lost, or too old: nobody can ask for it.
        app.live.post(BOARD, vec![(id.to_owned(), Bytes::new())]).await?;
        return Ok(true);
    };
    let turn = job.turn();
    if !app.live.put_new(&turn, Bytes::from_static(b"taken"), TURN).await? {
        return Ok(false);
    }
    if matches!(job.state, Phase::Queued | Phase::Running) {
        job.state = Phase::Running;
        job.keep(app).await?;
        let renew = async {
            loop {
                tokio::time::sleep(TURN / 3).await;
                if let Err(error) = app.live.put(&turn, Bytes::from_static(b"taken"), TURN).await {
                    tracing::debug!(%error, "the turn of a job cannot be renewed");
                }
            }
        };
        tokio::select! {
            outcome = work(app, &job) => match outcome {
                Ok(result) => (job.state, job.result) = (Phase::Done, Some(result)),
                Err(error) => (job.state, job.error) = (Phase::Failed, Some(error)),
            },
            () = renew => {}
            () = closing.cancelled() => {
                // Another process goes on at once.
                job.state = Phase::Queued;
                job.keep(app).await?;
                app.live.remove(&turn).await?;
                return Ok(false);
            }
        }
        job.keep(app).await?;
    }
    app.live.post(BOARD, vec![(id.to_owned(), Bytes::new())]).await?;
    app.live.remove(&turn).await?;
    Ok(true)
}

async fn work(app: &App, job: &Job) -> Result<Value, String> {
    let scope = SiteScope::of_work(app, job.reach(), job.site).await.map_err(|error| error.message().to_owned())?;
    let text = |refusal: Refusal| refusal.text().to_owned();
    let question = Question::about(&app.meta, scope, job.owner, job.body.clone()).await.map_err(text)?;
    let answer = query_v2::answer(app.analytics().map_err(|error| error.to_string())?, &question).await.map_err(text)?;
    serde_json::to_value(answer).map_err(|error| error.to_string())
}
