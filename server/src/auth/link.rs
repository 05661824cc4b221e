//! Shared links: who has one may look at one domain, within what it is limited to, and no more.
//!
//! A slug that is unknown, one whose time is over and one whose segment is gone look alike: there is none. It is looked up at every request, so that
//! a link that is removed is shut at once. Who gave a link's password gets a *pass*: a cookie that is sealed for this link and this password.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use chrono::{DateTime, Duration, Utc};
use footfall_app::share::Handle;
use footfall_meta::{MetaError, SharedLink};
use footfall_model::Domain;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    SiteScope, attempts,
    credentials::Client,
    csrf::{self, keyed, same},
    form::{self, Submitted, address, with_cookie},
    origin::{self, base_url},
    session,
};
use crate::{
    App,
    api::error::{ApiError, ErrorBody},
};

/// A pass ends after this; then the password is asked for again.
const PASS_LASTS: Duration = Duration::days(30);
/// Passes of a browser that are looked at.
const MOST_PASSES: usize = 50;

/// A link that opens its domain.
#[derive(Clone, Debug)]
pub struct OpenLink {
    /// The domain.
    pub scope: SiteScope,
    /// The link.
    pub link: SharedLink,
    /// What all figures are limited to: filters of the query language, which must all hold. Empty: nothing.
    pub limit: Vec<Value>,
}

/// A link that there is.
#[derive(Clone, Debug)]
pub enum Found {
    /// It opens.
    Open(Box<OpenLink>),
    /// It asks for a password first.
    Locked(SharedLink),
}

impl Found {
    /// The link, if it opens.
    #[must_use]
    pub fn open(self) -> Option<OpenLink> {
        match self {
            Self::Open(open) => Some(*open),
            Self::Locked(_) => None,
        }
    }
}

/// The link of a slug, for a browser with these passes.
///
/// # Errors
/// When the database fails.
pub async fn by_slug(app: &App, slug: &str, passes: &[String]) -> Result<Option<Found>, MetaError> {
    let Some(link) = app.meta.link_by_slug(slug).await? else { return Ok(None) };
    let Some(open) = opened(app, link).await? else { return Ok(None) };
    let is_open = open.link.password_hash.is_none() || passes.iter().any(|pass| fits(app, &open.link, pass, Utc::now()));
    Ok(Some(if is_open { Found::Open(Box::new(open)) } else { Found::Locked(open.link) }))
}

/// The link that makes a domain public.
///
/// # Errors
/// When the database fails.
pub async fn of_public(app: &App, domain: &str) -> Result<Option<OpenLink>, MetaError> {
    let Ok(domain) = domain.parse::<Domain>() else { return Ok(None) };
    let link = app.meta.public_link_of(&domain).await?;
    match link.filter(|link| link.password_hash.is_none()) {
        Some(link) => opened(app, link).await,
        None => Ok(None),
    }
}

/// What a link opens, whoever asks.
async fn opened(app: &App, link: SharedLink) -> Result<Option<OpenLink>, MetaError> {
    if link.is_over(Utc::now()) {
        return Ok(None);
    }
    let Some(scope) = SiteScope::of_link(app, &link).await? else { return Ok(None) };
    let limit = match link.segment {
        None => Vec::new(),
        Some(number) => {
            let segments = app.meta.segments_of(link.site, None).await?;
            match segments.into_iter().find(|segment| segment.id == number) {
                // A segment without filters would limit nothing.
                Some(segment) if !segment.filters.is_empty() => segment.filters,
                _ => return Ok(None),
            }
        }
    };
    Ok(Some(OpenLink { scope, link, limit }))
}

fn cookie_name(app: &App, link: &SharedLink) -> String {
    format!("{}footfall.link.{}", if app.is_https() { "__Host-" } else { "" }, link.id.simple())
}

/// What a browser was given for passwords.
#[must_use]
pub fn passes(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let is_pass = |name: &str| name.strip_prefix("__Host-").unwrap_or(name).starts_with("footfall.link.");
    pairs.filter(|(name, _)| is_pass(name)).map(|(_, value)| value.to_owned()).take(MOST_PASSES).collect()
}

/// `END.SEAL`: the end in seconds, sealed with the link and its password's hash.
fn pass(app: &App, link: &SharedLink, end: i64) -> Option<String> {
    let hash = link.password_hash.as_deref()?;
    Some(format!("{end}.{}", keyed(&app.secret, &["shared link", &link.id.to_string(), hash, &end.to_string()])))
}

fn fits(app: &App, link: &SharedLink, given: &str, now: DateTime<Utc>) -> bool {
    let end = given.split_once('.').and_then(|(end, _)| end.parse::<i64>().ok()).filter(|end| *end > now.timestamp());
    end.and_then(|end| pass(app, link, end)).is_some_and(|pass| same(&pass, given))
}

/// What the form of a password sends.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PasswordForm {
    csrf_token: String,
    password: String,
    /// What stood after the question mark of the link's address.
    query: String,
}

/// Gives the password of a shared link. A form is answered by a redirect: back to the link, which then opens, or with `error=…`.
#[utoipa::path(post, path = "/share/{slug}", tag = "sharing", params(("slug" = String, Path, description = "the link")), request_body = PasswordForm, security(()),
    responses((status = 200, description = "JSON was sent: `{url}` and the cookie that opens the link"), (status = 303, description = "a form was sent"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn open(
    State(app): State<Arc<App>>,
    Client(client): Client,
    Path(slug): Path<String>,
    submitted: Submitted<PasswordForm>,
) -> Result<Response, ApiError> {
    let Submitted { fields, as_json, headers } = submitted;
    // Before it becomes a part of an address.
    Handle::parse(&format!("~{slug}")).filter(|handle| handle.slug == slug).ok_or_else(ApiError::not_found)?;
    let base = base_url(&app, &headers);
    let trusted = origin::is_own(&app, &headers) && csrf::fits(&app, &headers, &fields.csrf_token);
    let outcome = if trusted { attempt(&app, client, &slug, &fields.password).await } else { Err(session::stale()) };
    let back = |error: &str| {
        let sent: Vec<(String, String)> = url::form_urlencoded::parse(fields.query.as_bytes()).into_owned().collect();
        let mut params: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        params.retain(|(name, _)| {
            !matches!(*name, "error" | "auth") && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        params.push(("error", error));
        address(&format!("/share/{slug}"), &params)
    };
    Ok(match outcome {
        Ok(cookie) => with_cookie(form::done(as_json, StatusCode::OK, &base, &back("")), cookie),
        Err(error) => form::failed(as_json, &base, &back(error.code()), &error),
    })
}

async fn attempt(app: &App, client: std::net::IpAddr, slug: &str, password: &str) -> Result<Option<HeaderValue>, ApiError> {
    // As many as to sign in: a link's password is guessed as a user's is.
    attempts::take(app, client, &format!("~{slug}")).await?;
    let found = by_slug(app, slug, &[]).await?.ok_or_else(ApiError::not_found)?;
    let link = match found {
        Found::Locked(link) => link,
        Found::Open(open) => open.link,
    };
    if !app.meta.opens(&link, password).await? {
        return Err(ApiError::unauthorized().with_code("password").with_message("this is not the password of this link"));
    }
    let end = (Utc::now() + PASS_LASTS).timestamp();
    let secure = if app.is_https() { "; Secure" } else { "" };
    let line = pass(app, &link, end).map(|pass| {
        format!("{}={pass}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={}", cookie_name(app, &link), PASS_LASTS.num_seconds())
    });
    Ok(line.and_then(|line| HeaderValue::from_str(&line).ok()))
}
