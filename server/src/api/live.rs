//! `GET /api/analytics/live`: server-sent events. A connection begins with a whole `snapshot`; every `tick` is absolute, at
//! most four a second; a comment every 15 s keeps proxies from closing it. Ends when the server shuts down.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use bytes::Bytes;
use footfall_app::share::Handle;
use footfall_model::report::LiveView;
use futures::{Stream, stream};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};

use crate::{
    App,
    analytics::Analytics,
    api::{error::ApiError, params::Params},
    auth::{Caller, SiteScope, link},
};

/// No two ticks of a connection are closer.
const TICK: Duration = Duration::from_millis(250);
/// Without any event the view still changes: minutes pass, visitors leave.
const QUIET: Duration = Duration::from_secs(5);

/// A stream of somebody who has a shared link ends this long after the link does, at the latest.
const LOOKED_UP: Duration = Duration::from_secs(3);

struct Feed {
    analytics: Analytics,
    scope: SiteScope,
    by: Option<ByLink>,
    changes: Receiver<Bytes>,
    last: Option<LiveView>,
    sent: Instant,
}

/// Who listens by a shared link.
struct ByLink {
    app: Arc<App>,
    slug: String,
    passes: Vec<String>,
    looked_up: Instant,
}

impl ByLink {
    /// The domain, while the link opens it. Live state knows no filters: a link that is limited to a segment has no stream.
    async fn scope(&self) -> Result<SiteScope, ApiError> {
        let found = link::by_slug(&self.app, &self.slug, &self.passes).await?;
        let open = found.and_then(link::Found::open).filter(|open| open.limit.is_empty());
        open.map(|open| open.scope).ok_or_else(ApiError::not_found)
    }

    /// Whether the link may have ended since it was looked up, and has. Accounts that are away end nothing.
    async fn has_ended(&mut self) -> bool {
        if self.looked_up.elapsed() < LOOKED_UP {
            return false;
        }
        self.looked_up = Instant::now();
        self.scope().await.is_err_and(|error| error.status() == StatusCode::NOT_FOUND)
    }
}

/// Streams the live panels of a domain. In the place of its id stands the handle of a shared link, `~SLUG`, for who has one.
///
/// # Errors
/// 401 without a session or key, 404 for a domain that is not the caller's.
#[utoipa::path(get, path = "/api/analytics/live", tag = "analytics", params(("domainId" = uuid::Uuid, Query, description = "the domain")),
    responses((status = 200, description = "snapshot, then ticks", content_type = "text/event-stream"), (status = 401), (status = 404)))]
pub async fn live(State(app): State<Arc<App>>, mut parts: Parts) -> Result<Response, ApiError> {
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let named = url::form_urlencoded::parse(query.as_bytes()).find_map(|(name, value)| (name == "domainId").then(|| value.into_owned()));
    let (scope, by) = if let Some(handle) = named.as_deref().and_then(Handle::parse) {
        let by = ByLink { app: app.clone(), slug: handle.slug, passes: link::passes(&parts.headers), looked_up: Instant::now() };
        (by.scope().await?, Some(by))
    } else {
        let caller = Caller::from_request_parts(&mut parts, &app).await?;
        (Params::new(Some(&query)).scope(&app, &caller).await?, None)
    };
    let analytics = app.analytics()?.clone();
    let channel = footfall_live::ticks_channel(scope.site());
    let changes = app.live.subscribe(&channel).await.map_err(ApiError::unavailable)?;
    let closing = app.closing.clone();
    let feed = Feed { analytics, scope, by, changes, last: None, sent: Instant::now() };
    let stream = futures::StreamExt::take_until(ticks(feed), async move { closing.cancelled().await });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    Ok((headers, Sse::new(stream).keep_alive(keep_alive)).into_response())
}

fn ticks(feed: Feed) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(feed, |mut feed| async move {
        loop {
            if feed.last.is_some() && !feed.changed().await {
                return None;
            }
            if let Some(by) = &mut feed.by
                && by.has_ended().await
            {
                return None;
            }
            // A view that cannot be had now is not the end of the stream: the next change asks again.
            let Ok(view) = feed.analytics.live_view(&feed.scope).await else {
                tokio::time::sleep(QUIET).await;
                continue;
            };
            if feed.last.as_ref() == Some(&view) {
                continue;
            }
            let name = if feed.last.is_none() { "snapshot" } else { "tick" };
            feed.sent = Instant::now();
            let event = Event::default().event(name).json_data(&view).unwrap_or_default();
            feed.last = Some(view);
            return Some((Ok(event), feed));
        }
    })
}

impl Feed {
    /// Waits for a change (or for time to pass), then until a tick may be sent. False at the end of the channel.
    async fn changed(&mut self) -> bool {
        match tokio::time::timeout(QUIET, self.changes.recv()).await {
            Ok(Err(RecvError::Closed)) => return false,
            Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => {}
        }
        tokio::time::sleep_until(self.sent + TICK).await;
        while !self.changes.is_empty() {
            if let Err(RecvError::Closed) = self.changes.recv().await {
                return false;
            }
        }
        true
    }
}

/// The route.
pub fn router() -> utoipa_axum::router::OpenApiRouter<Arc<App>> {
    utoipa_axum::router::OpenApiRouter::new().routes(utoipa_axum::routes!(live))
}
