//! How the Stats and Sites APIs say no: `{"error": "…"}`, as Plausible does.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::{analytics::AnalyticsError, auth::KeyFault};

const UNAUTHORISED: &str =
    "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site you've requested.";

/// An error in the shape of the protocol.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryError {
    /// What is wrong.
    error: String,
}

/// No answer.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    text: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// The sentence for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// An answer with this status and sentence.
    #[must_use]
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None }
    }

    /// 400.
    #[must_use]
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// 401: a missing key, a bad key, a key of somebody else and a domain that does not exist all get the same answer.
    #[must_use]
    pub fn unauthorised() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, UNAUTHORISED)
    }
}

impl From<KeyFault> for Refusal {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Missing | KeyFault::Unknown => Self::unauthorised(),
            KeyFault::TooMany(wait) => {
                let text =
                    "Too many API requests. Your API key has reached its limit of requests per hour; wait as long as Retry-After says.";
                Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, text) }
            }
            failed @ KeyFault::Failed(_) => ApiError::from(failed).into(),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { retry_after: error.retry_after(), ..Self::new(error.status(), error.message()) }
    }
}

impl From<AnalyticsError> for Refusal {
    fn from(error: AnalyticsError) -> Self {
        ApiError::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CACHE_CONTROL, "no-store")], Json(QueryError { error: self.text })).into_response();
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs_f64().ceil().max(1.0) as u64));
        }
        response
    }
}
