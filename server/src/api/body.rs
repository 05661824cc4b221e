//! Reading bodies and parameters *after* the caller was authorised, with errors in the API's own shape.
//!
//! The extractors here only take the bytes; a handler first authorises and then calls `parse`. So a stranger learns nothing
//! about parameters.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// A JSON body, not yet looked at.
pub struct JsonBody {
    is_json: bool,
    bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = media_type(request.headers()).is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
        let bytes = Bytes::from_request(request, state).await.map_err(|fault| unreadable(fault.status()))?;
        Ok(Self { is_json, bytes })
    }
}

impl JsonBody {
    /// Reads it.
    ///
    /// # Errors
    /// 415 for another type than JSON, 400 for what is not JSON or not of the right shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if !self.is_json {
            return Err(ApiError::unsupported_media_type("application/json"));
        }
        serde_json::from_slice(&self.bytes).map_err(|fault| {
            let code = if fault.is_data() { "invalid_body" } else { "not_json" };
            ApiError::bad_request(code, format!("the body is not what this route takes: {fault}"))
        })
    }
}

/// The query string, not yet looked at.
pub struct RawParams(String);

impl<S: Send + Sync> FromRequestParts<S> for RawParams {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.uri.query().unwrap_or("").to_owned()))
    }
}

impl RawParams {
    /// Reads it.
    ///
    /// # Errors
    /// 400 for a parameter that is missing or malformed.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let uri = axum::http::Uri::builder().path_and_query(format!("/?{}", self.0)).build();
        let uri = uri.map_err(|_| ApiError::bad_request("invalid_parameters", "the query string is malformed"))?;
        axum::extract::Query::try_from_uri(&uri).map(|axum::extract::Query(params)| params).map_err(|fault| {
            ApiError::bad_request("invalid_parameters", format!("the parameters are not what this route takes: {}", fault.body_text()))
        })
    }
}

/// The type of the body, in lower case, without its parameters.
pub fn media_type(headers: &axum::http::HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
}

/// A body that could not be read to its end.
pub fn unreadable(status: axum::http::StatusCode) -> ApiError {
    if status == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::too_large()
    } else {
        ApiError::bad_request("unreadable_body", "the body could not be read to its end; send it again")
    }
}
