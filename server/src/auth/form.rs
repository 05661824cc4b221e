//! Plain forms and their JSON twins: one reader, one way to answer.

use axum::{
    Form, Json,
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::api::{
    body::{media_type, unreadable},
    error::ApiError,
};

/// What was sent, and how the sender wants to be answered.
pub struct Submitted<T> {
    /// The fields.
    pub fields: T,
    /// Sent as JSON, so answered in JSON; else by a redirect.
    pub as_json: bool,
    /// The headers of the request.
    pub headers: HeaderMap,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Submitted<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let as_json = match media_type(&headers).as_deref() {
            Some("application/json") => true,
            Some("application/x-www-form-urlencoded") => false,
            _ => return Err(ApiError::unsupported_media_type("application/json or application/x-www-form-urlencoded")),
        };
        if as_json {
            let bytes = Bytes::from_request(request, state).await.map_err(|fault| unreadable(fault.status()))?;
            let fields = serde_json::from_slice(&bytes)
                .map_err(|fault| ApiError::bad_request("invalid_body", format!("the body is not what this route takes: {fault}")))?;
            return Ok(Self { fields, as_json, headers });
        }
        let Form(fields) = Form::<T>::from_request(request, state).await.map_err(|fault| match fault.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(),
            _ => ApiError::bad_request("invalid_body", format!("the form is not what this route takes: {}", fault.body_text())),
        })?;
        Ok(Self { fields, as_json, headers })
    }
}

/// The end of a form that worked: on to `path`.
pub fn done(as_json: bool, status: StatusCode, base_url: &str, path: &str) -> Response {
    if as_json { private((status, Json(json!({ "url": format!("{base_url}{path}") })))) } else { redirect(path) }
}

/// The end of a form that did not work: back to `path`, or the error as JSON with the address of the form.
pub fn failed(as_json: bool, base_url: &str, path: &str, error: &ApiError) -> Response {
    if !as_json {
        return redirect(path);
    }
    let error_json = json!({ "code": error.code(), "message": error.message(), "fields": {} });
    let mut response = private((error.status(), Json(json!({ "url": format!("{base_url}{path}"), "error": error_json }))));
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

/// 303, so that the browser comes back with GET.
fn redirect(path: &str) -> Response {
    private((StatusCode::SEE_OTHER, [(header::LOCATION, path.to_owned())]))
}

/// An answer that belongs to one browser.
pub fn private(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}

/// Adds a cookie to an answer.
pub fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Unreserved characters stay readable.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `path?name=value&…`, leaving out what is empty.
pub fn address(path: &str, params: &[(&str, &str)]) -> String {
    let mut text = path.to_owned();
    let mut joint = '?';
    for (name, value) in params.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(joint);
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, QUERY));
        joint = '&';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped() {
        assert_eq!(
            address("/login", &[("error", "credentials"), ("email", "a+b&c@é.org"), ("callbackUrl", "")]),
            "/login?error=credentials&email=a%2Bb%26c%40%C3%A9.org"
        );
    }
}
