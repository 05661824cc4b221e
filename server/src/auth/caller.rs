//! Who asks: extractors that end in 401 where nobody does.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chrono::Utc;
use footfall_live::{Allowance, Limit};
use footfall_meta::{ApiKey, MetaError, Reach, Scope, Session, User};

use super::{origin, session};
use crate::{App, api::error::ApiError};

/// A signed-in user or an API key.
///
/// As an extractor: `Authorization: Bearer KEY` counts alone when it is there, else the session's cookie. A request by cookie
/// that could change something must come from our own pages.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A user, by cookie.
    User(Box<Session>),
    /// A program, by key.
    Key(Box<ApiKey>),
}

impl Caller {
    /// The domains that the caller can have access to.
    #[must_use]
    pub fn reach(&self) -> Reach {
        match self {
            Self::User(session) => Reach::Owner(session.user.id),
            Self::Key(key) => key.reach,
        }
    }

    /// The user, unless it is a key.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::User(session) => Some(&session.user),
            Self::Key(_) => None,
        }
    }

    /// Refuses a key that lacks a scope; users have all of them. This says nothing about any domain, so it is no leak.
    ///
    /// # Errors
    /// 403 that names the scope.
    pub fn require(&self, scope: Scope) -> Result<(), ApiError> {
        match self {
            Self::Key(key) if !key.allows(scope) => Err(ApiError::forbidden(
                "scope_required",
                format!("this key lacks the scope {scope}; make one with `footfall token add --scopes {scope}`"),
            )),
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self::Key(Box::new(key_of(app, &parts.headers).await?)));
        }
        let SignedIn(session) = SignedIn::from_request_parts(parts, app).await?;
        Ok(Self::User(session))
    }
}

/// A signed-in user; keys do not count.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Box<Session>);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let session = session::of_request(app, &parts.headers).await?.ok_or_else(ApiError::unauthorized)?;
        if !parts.method.is_safe() && !origin::is_own(app, &parts.headers) {
            return Err(ApiError::forbidden("cross_site", "this request came from another site's page; use an API key there"));
        }
        Ok(Self(Box::new(session)))
    }
}

/// Why a bearer key opens nothing. The compatible APIs have error shapes of their own and match on this.
#[derive(Debug)]
pub enum KeyFault {
    /// No `Authorization: Bearer …`.
    Missing,
    /// Unknown or revoked.
    Unknown,
    /// Its hourly limit is reached.
    TooMany(Duration),
    /// The accounts database failed.
    Failed(MetaError),
}

impl From<KeyFault> for ApiError {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Missing | KeyFault::Unknown => Self::unauthorized(),
            KeyFault::TooMany(wait) => Self::too_many(wait),
            KeyFault::Failed(error) => error.into(),
        }
    }
}

/// A bucket lets one request through while anything is in it: less than a whole token of slack makes N an hour N, not N + 1.
const SLACK: f64 = 0.999;

/// The key of a request, which takes one request from its hourly limit (600 unless the key or the configuration says otherwise).
///
/// # Errors
/// See [`KeyFault`].
pub async fn key_of(app: &App, headers: &HeaderMap) -> Result<ApiKey, KeyFault> {
    let text = bearer(headers).ok_or(KeyFault::Missing)?;
    let key = app.meta.key(text, Utc::now()).await.map_err(KeyFault::Failed)?.ok_or(KeyFault::Unknown)?;
    let per_hour = f64::from(key.rate_limit_per_hour.unwrap_or(app.config.limits.rate_limit_query));
    if per_hour > 0.0 {
        let bucket = [(format!("key:{}", key.id), Limit { rate: per_hour / 3_600.0, burst: per_hour - SLACK })];
        // With live state away the limit is not kept; answering is worth more.
        if let Ok(answers) = app.live.take(&bucket, 1).await
            && let Some(Allowance::Wait(wait)) = answers.first()
        {
            return Err(KeyFault::TooMany(*wait));
        }
    }
    Ok(key)
}

/// The text after `Bearer`.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, text) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim()).filter(|text| !text.is_empty())
}
