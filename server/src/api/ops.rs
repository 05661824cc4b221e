//! `GET /health`, `GET /ready`: is the process up, and can it do its work.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::{BoxFuture, join_all};
use serde::Serialize;

use crate::web::headers::guard;

/// Longest that one dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks one dependency; the error is for the operator.
pub type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The dependencies of the mounted roles, by name.
#[derive(Default)]
pub struct Checks(Vec<(&'static str, Check)>);

impl Checks {
    /// Adds a dependency.
    #[must_use]
    pub fn with<F>(mut self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.0.push((name, Box::new(move || Box::pin(check()))));
        self
    }

    /// Asks all of them at once.
    pub async fn ask(&self) -> Readiness {
        let answers = join_all(self.0.iter().map(|(name, check)| async move {
            let answer = match tokio::time::timeout(PATIENCE, check()).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            };
            (*name, answer.err().unwrap_or_else(|| "ok".to_owned()))
        }))
        .await;
        let ready = answers.iter().all(|(_, state)| state == "ok");
        Readiness { ready, dependencies: answers.into_iter().collect() }
    }
}

/// The answer of `/ready`.
#[derive(Debug, Serialize)]
pub struct Readiness {
    /// Every dependency holds.
    pub ready: bool,
    /// `ok`, or what is wrong.
    pub dependencies: BTreeMap<&'static str, String>,
}

/// Both routes.
pub fn router(checks: Arc<Checks>) -> Router {
    Router::new()
        .route("/health", get(async || Json(serde_json::json!({ "status": "ok" }))))
        .route("/ready", get(ready))
        .with_state(checks)
        .layer(middleware::from_fn(guard))
}

async fn ready(State(checks): State<Arc<Checks>>) -> Response {
    let readiness = checks.ask().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}
