//! `GET /share/{slug}/badge.svg` and `badge.json`: how many visitors there are, for a picture or a program on any page.
//!
//! Only links that ask for no password have them: whoever sees the page may see the figure. The link is looked up at every request; the figure is
//! kept for a minute, by link and period, so a badge on a busy page costs the store a question a minute at most.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use footfall_app::{badge::Badge, i18n::Lang};
use footfall_model::Period;
use footfall_query::language;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::error::{ApiError, ErrorBody};
use crate::{
    App,
    analytics::View,
    auth::link::{self, OpenLink},
    settings,
};

/// A figure is shown for as long.
const KEPT: Duration = Duration::from_secs(60);
/// The same for browsers, and for proxies on the way.
const CACHED: &str = "public, max-age=60";

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(svg)).routes(routes!(json))
}

/// What a badge shows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `now` (default; of a link that is limited to a segment `30d`), `30m`, `24h`, `day`, `7d`, `30d`, `month`, `6mo`, `12mo`, `year` or `all`.
    period: Option<String>,
    /// What it says before the figure, at most 60 letters; else what is counted, in the reader's language.
    label: Option<String>,
    /// The language of what it says, in the place of the reader's: `en`, `de`, `fr`, `es`, `ja` or `ar`.
    lang: Option<String>,
    /// `light` (default) or `dark`.
    theme: Option<String>,
}

/// A badge for programs.
#[derive(Debug, Serialize, ToSchema)]
struct BadgeAnswer {
    /// Visitors.
    visitors: u64,
    /// `now`, or the period.
    period: String,
    /// What the picture says before the figure.
    label: String,
    /// The figure as the picture shows it.
    message: String,
}

/// A link's visitors as a picture.
#[utoipa::path(get, path = "/share/{slug}/badge.svg", tag = "sharing", params(("slug" = String, Path, description = "the link"), Asked), security(()),
    responses((status = 200, content_type = "image/svg+xml", body = String), (status = 400, body = ErrorBody),
        (status = 404, description = "no such link, or one with a password", body = ErrorBody), (status = 503, body = ErrorBody)))]
async fn svg(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let (badge, lang, _) = made(&app, &slug, &headers, &asked).await?;
    let is_dark = match asked.theme.as_deref() {
        None | Some("light") => false,
        Some("dark") => true,
        Some(_) => return Err(ApiError::bad_request("invalid_parameter", "theme is light or dark").field("theme", "is light or dark")),
    };
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml; charset=utf-8"),
        (header::CACHE_CONTROL, CACHED),
        (header::VARY, "accept-language, cookie"),
        // Opened by itself it is a document, in which nothing may run.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    Ok((headers, [("cross-origin-resource-policy", "cross-origin")], badge.svg(is_dark, lang)).into_response())
}

/// A link's visitors for programs. Any page may read it.
#[utoipa::path(get, path = "/share/{slug}/badge.json", tag = "sharing", params(("slug" = String, Path, description = "the link"), Asked), security(()),
    responses((status = 200, body = BadgeAnswer), (status = 400, body = ErrorBody),
        (status = 404, description = "no such link, or one with a password", body = ErrorBody), (status = 503, body = ErrorBody)))]
async fn json(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let (badge, _, (period, visitors)) = made(&app, &slug, &headers, &asked).await?;
    let headers = [(header::CACHE_CONTROL, CACHED), (header::VARY, "accept-language, cookie"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    let answer = BadgeAnswer { visitors, period, label: badge.label, message: badge.value };
    Ok((headers, [("cross-origin-resource-policy", "cross-origin")], Json(answer)).into_response())
}

async fn made(app: &App, slug: &str, headers: &HeaderMap, asked: &Asked) -> Result<(Badge, Lang, (String, u64)), ApiError> {
    // Without passes only a link that asks for nothing is open.
    let open = link::by_slug(app, slug, &[]).await?.and_then(link::Found::open).ok_or_else(ApiError::not_found)?;
    let lang = match asked.lang.as_deref() {
        None => Lang::of_reader(headers),
        Some(tag) => Lang::from_tag(tag)
            .ok_or_else(|| ApiError::bad_request("invalid_parameter", "lang is en, de, fr, es, ja or ar").field("lang", "is not known"))?,
    };
    let period = period(&open, asked.period.as_deref())?;
    let visitors = visitors(app, &open, period.as_ref()).await?;
    let badge = Badge::new(lang, asked.label.as_deref(), period.as_ref(), visitors);
    let named = period.map_or_else(|| "now".to_owned(), |period| period.code().to_owned());
    Ok((badge, lang, (named, visitors)))
}

/// The period; none is now.
fn period(open: &OpenLink, code: Option<&str>) -> Result<Option<Period>, ApiError> {
    let wrong = |text: &'static str| ApiError::bad_request("invalid_parameter", text).field("period", text);
    match code {
        None if open.limit.is_empty() => Ok(None),
        None => Ok(Some(Period::Last30Days)),
        Some("now") if open.limit.is_empty() => Ok(None),
        Some("now") => Err(wrong("who is there now is not known of a segment; ask for a period such as 30d")),
        Some("custom") => Err(wrong("a badge shows a period that goes on, such as 30d")),
        Some(code) => Period::from_parts(code, None, None)
            .map(Some)
            .map_err(|_| wrong("period is now, 30m, 24h, day, 7d, 30d, month, 6mo, 12mo, year or all")),
    }
}

async fn visitors(app: &App, open: &OpenLink, period: Option<&Period>) -> Result<u64, ApiError> {
    let segment = open.link.segment.unwrap_or_default();
    let key = format!("badge:{}:{segment}:{}", open.link.id, period.map_or("now", Period::code));
    if let Ok(Some(kept)) = app.live.get(&key).await
        && let Ok(figure) = <[u8; 8]>::try_from(kept.as_ref())
    {
        return Ok(u64::from_le_bytes(figure));
    }
    let analytics = app.analytics()?;
    let figure = match period {
        None => analytics.current_visitors(&open.scope).await?,
        Some(period) => {
            let known = settings::for_questions(&app.meta, open.scope.site(), None).await?;
            // A segment that the domain no longer understands shows nothing, rather than everything.
            let condition = language::condition(&open.limit, &known).map_err(|_| ApiError::not_found())?;
            let view = View { period: period.clone(), compare: None, condition };
            analytics.kpis(&open.scope, &view).await?.figures.visitors
        }
    };
    // Where nothing is kept the next one asks again.
    let _ = app.live.put(&key, Bytes::copy_from_slice(&figure.to_le_bytes()), KEPT).await;
    Ok(figure)
}
