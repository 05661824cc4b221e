//! What the control socket serves of reports: questions as bodies of `POST /api/v2/{query,funnel,journey,retention}`. The operator may ask about
//! every domain.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use footfall_meta::Meta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    behaviour,
    error::ApiError,
    query_v2,
    question::{self, Question},
    refusal::Refusal,
};
use crate::{analytics::Analytics, auth::SiteScope, control::Line};

/// `POST /ask/{kind}`
pub fn router(analytics: Analytics, meta: Meta) -> Router {
    Router::new().route("/ask/{kind}", post(ask)).with_state((analytics, meta))
}

/// What kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Figures.
    Query,
    /// How far visitors come.
    Funnel,
    /// What visits do next.
    Journey,
    /// Who comes back.
    Retention,
}

impl Kind {
    /// Where it is asked.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Query => "/ask/query",
            Self::Funnel => "/ask/funnel",
            Self::Journey => "/ask/journey",
            Self::Retention => "/ask/retention",
        }
    }
}

/// The one line of an answer.
#[derive(Serialize, Deserialize)]
pub struct OperatorsAnswer {
    /// As the HTTP API answers.
    pub answer: Option<Value>,
    failed: Option<String>,
}

impl Line for OperatorsAnswer {
    fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    fn is_done(&self) -> bool {
        self.answer.is_some()
    }
}

async fn ask(State((analytics, meta)): State<(Analytics, Meta)>, Path(kind): Path<Kind>, body: Result<Bytes, BytesRejection>) -> Response {
    let line = match answered(&analytics, &meta, kind, body).await {
        Ok(answer) => OperatorsAnswer { answer: Some(answer), failed: None },
        Err(refusal) => OperatorsAnswer { answer: None, failed: Some(refusal.text().to_owned()) },
    };
    serde_json::to_string(&line)
        .map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |line| format!("{line}\n").into_response())
}

async fn answered(analytics: &Analytics, meta: &Meta, kind: Kind, body: Result<Bytes, BytesRejection>) -> Result<Value, Refusal> {
    let body = question::read(body)?;
    let name = body.get("site_id").and_then(Value::as_str).unwrap_or_default();
    let found = SiteScope::of_operator(meta, name).await.map_err(ApiError::from)?;
    let unknown = || Refusal::bad_request(format!("{name} is not measured here; add it with `footfall site add {name}`"));
    let scope = found.ok_or_else(unknown)?;
    let question = Question::about(meta, scope, None, body).await?;
    let answer = match kind {
        Kind::Query => serde_json::to_value(query_v2::answer(analytics, &question).await?),
        Kind::Funnel => serde_json::to_value(behaviour::funnel_answer(analytics, &question).await?),
        Kind::Journey => serde_json::to_value(behaviour::journey_answer(analytics, &question).await?),
        Kind::Retention => serde_json::to_value(behaviour::retention_answer(analytics, &question).await?),
    };
    answer.map_err(|fault| Refusal::bad_request(fault.to_string()))
}
