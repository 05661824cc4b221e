//! The one shape of errors: `{"error":{"code","message","fields"}}`.
//!
//! Which fault goes where: a caller that is nobody 401, a body or parameter that is malformed 400 (it names the field), one that is
//! well-formed but cannot be 422, unknown *and* forbidden things 404, a name in use 409, too often 429 and a dependency that
//! is away 503, both with `Retry-After`. What went wrong inside is logged and never shown.

use std::{borrow::Cow, collections::BTreeMap, fmt::Display, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use footfall_meta::MetaError;
use serde::Serialize;
use utoipa::ToSchema;

/// An answer that is an error.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    fields: BTreeMap<Cow<'static, str>, String>,
    retry_after: Option<Duration>,
}

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    error: ErrorDetail,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorDetail {
    /// Stable, for programs.
    code: &'static str,
    /// One sentence a person can act on.
    message: String,
    /// The parameters at fault and why.
    fields: BTreeMap<String, String>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), fields: BTreeMap::new(), retry_after: None }
    }

    /// 400: not what the interface takes.
    #[must_use]
    pub fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401: nobody is signed in and no valid key was sent.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in, or send a valid API key as `Authorization: Bearer KEY`")
    }

    /// 403: known, and not allowed. Only where the existence of nothing is given away.
    #[must_use]
    pub fn forbidden(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: unknown, or not the caller's.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing here, or it is not yours")
    }

    /// 409: the name is in use.
    #[must_use]
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 413: more than the route takes.
    #[must_use]
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than this route takes; send less")
    }

    /// 415: not a type of body that the route reads.
    #[must_use]
    pub fn unsupported_media_type(accepted: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", format!("send the body as {accepted}"))
    }

    /// 422: well-formed, but it cannot be.
    #[must_use]
    pub fn unprocessable(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// 429: too often.
    #[must_use]
    pub fn too_many(wait: Duration) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests; wait as long as Retry-After says");
        error.retry_after = Some(wait);
        error
    }

    /// 503: a dependency is away. The cause is logged, not shown.
    #[must_use]
    pub fn unavailable(cause: impl Display) -> Self {
        tracing::error!(error = %cause, "a request could not be answered");
        let mut error =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "this cannot be answered just now; try again in a moment");
        error.retry_after = Some(Duration::from_secs(1));
        error
    }

    /// 500: a fault of the program. The cause is logged, not shown.
    #[must_use]
    pub fn internal(cause: impl Display) -> Self {
        tracing::error!(error = %cause, "a request failed by a fault of the program");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server made a mistake; its log says more")
    }

    /// Names a parameter and what is wrong with it.
    #[must_use]
    pub fn field(mut self, name: impl Into<Cow<'static, str>>, what: impl Into<String>) -> Self {
        self.fields.insert(name.into(), what.into());
        self
    }

    /// Another code for programs.
    #[must_use]
    pub const fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// Another sentence for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How long to wait, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<MetaError> for ApiError {
    fn from(error: MetaError) -> Self {
        match error {
            MetaError::Taken(text) => Self::conflict("taken", text),
            MetaError::NotFound(_) => Self::not_found(),
            MetaError::Refused(text) => Self::unprocessable("refused", text),
            MetaError::Database(_) => Self::unavailable(error),
            MetaError::Url(_) | MetaError::Corrupt(_) => Self::internal(error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let fields = self.fields.into_iter().map(|(name, what)| (name.into_owned(), what)).collect();
        let body = ErrorBody { error: ErrorDetail { code: self.code, message: self.message.into_owned(), fields } };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs_f64().ceil().max(1.0) as u64));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
