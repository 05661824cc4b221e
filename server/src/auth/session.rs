//! `GET /api/auth/session` and `POST /api/auth/signout`: who am I, and no longer.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::Response,
};
use chrono::{DateTime, SecondsFormat, Utc};
use footfall_meta::{MetaError, Role, Session, User, sessions::LIFETIME};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    cookies::Cookie,
    csrf,
    form::{self, Submitted, private, with_cookie},
    origin::{self, base_url, own_path},
};
use crate::{
    App,
    api::error::{ApiError, ErrorBody},
};

/// Who is signed in; empty when nobody is.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct SessionAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<SessionUser>,
    /// When the session ends unless used, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionUser {
    email: String,
    /// `owner` or `viewer`.
    #[schema(value_type = String)]
    role: Role,
}

/// What a sign-out form sends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SignOutForm {
    csrf_token: String,
    callback_url: Option<String>,
    /// NextAuth's clients ask for JSON by this.
    #[schema(value_type = Option<String>)]
    json: Option<serde_json::Value>,
}

/// The session of a request, by its cookie.
///
/// # Errors
/// When the database fails.
pub async fn of_request(app: &App, headers: &HeaderMap) -> Result<Option<Session>, MetaError> {
    match Cookie::Session.read(app, headers) {
        Some(token) if !token.is_empty() => app.meta.session(token, Utc::now()).await,
        _ => Ok(None),
    }
}

/// Signs a user in: the cookie to be set.
///
/// # Errors
/// When the database fails.
pub async fn begin(app: &App, user: &User) -> Result<Option<HeaderValue>, MetaError> {
    let (token, _) = app.meta.start_session(user.id, Utc::now()).await?;
    Ok(cookie(app, &token))
}

fn cookie(app: &App, token: &str) -> Option<HeaderValue> {
    Cookie::Session.write(app, token, Some(LIFETIME.num_seconds()))
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/auth/session", tag = "auth", responses((status = 200, description = "`{}` when nobody is", body = SessionAnswer)))]
pub async fn session(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let Some(session) = of_request(&app, &headers).await? else {
        return Ok(private(Json(SessionAnswer::default())));
    };
    let answer = SessionAnswer {
        user: Some(SessionUser { email: session.user.email.to_string(), role: session.user.role }),
        expires: Some(rfc3339(session.info.expires_at)),
    };
    // The cookie's own end moves with the session's.
    let renewed = Cookie::Session.read(&app, &headers).and_then(|token| cookie(&app, token));
    Ok(with_cookie(private(Json(answer)), renewed))
}

/// Signs out.
#[utoipa::path(post, path = "/api/auth/signout", tag = "auth", request_body = SignOutForm,
    responses((status = 200, description = "JSON was sent"), (status = 303, description = "a form was sent"), (status = 403, body = ErrorBody)))]
pub async fn sign_out(State(app): State<Arc<App>>, submitted: Submitted<SignOutForm>) -> Result<Response, ApiError> {
    let Submitted { fields, as_json, headers } = submitted;
    let as_json = as_json || is_true(fields.json.as_ref());
    let base = base_url(&app, &headers);
    if !origin::is_own(&app, &headers) || !csrf::fits(&app, &headers, &fields.csrf_token) {
        return Ok(form::failed(as_json, &base, "/", &stale()));
    }
    if let Some(token) = Cookie::Session.read(&app, &headers) {
        app.meta.end_session(token).await?;
    }
    let path = own_path(fields.callback_url.as_deref(), &base);
    Ok(with_cookie(form::done(as_json, StatusCode::OK, &base, path), Cookie::Session.clear(&app)))
}

pub(super) fn stale() -> ApiError {
    ApiError::forbidden("stale_form", "csrfToken or origin do not fit; get a new token from /api/auth/csrf and send its cookie along")
}

/// `true`, also as a form writes it.
pub(super) fn is_true(value: Option<&serde_json::Value>) -> bool {
    value.is_some_and(|value| value.as_bool().unwrap_or(value == "true"))
}

pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
