//! `GET /api/events/pixel.gif`: a pageview for pages without JavaScript. The event's fields come as parameters; without `path` and `url` the
//! page is the one that the browser names as referrer of the image.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, Response, header, request::Parts},
};

use super::{
    Collector,
    fault::Fault,
    handler::{answer, user_agent},
    intake::Client,
    wire::{Loose, WireEvent},
};
use crate::client::client_address;

/// One transparent pixel.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
/// Fields that a parameter can hold. What needs a key or has structure is not among them.
const PARAMETERS: &[&str] = &["domain", "path", "url", "referrer", "name", "title", "language", "sessionId", "pageId", "id", "userId"];

/// Counts, and answers the image.
pub async fn get(State(collector): State<Arc<Collector>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    // Looking whether the image is there is no pageview.
    if parts.method == Method::HEAD {
        return image();
    }
    match take(&collector, &parts).await {
        Ok(()) => image(),
        Err(fault) => fault.response(),
    }
}

async fn take(collector: &Collector, parts: &Parts) -> Result<(), Fault> {
    let query = parts.uri.query().unwrap_or("");
    let mut event = WireEvent::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if PARAMETERS.contains(&name.as_ref())
            && let Some(field) = event.field_mut(&name)
        {
            *field = Loose::Text(value);
        }
    }
    if event.path == Loose::None
        && event.url == Loose::None
        && let Some(page) = parts.headers.get(header::REFERER).and_then(|value| value.to_str().ok())
    {
        event.url = Loose::Text(Cow::Borrowed(page));
    }
    let client = Client { address: client_address(parts, &collector.trusted_proxies), user_agent: user_agent(&parts.headers), key: None };
    let outcome = collector.take(client, vec![Ok(event)]).await?;
    answer(outcome, true, 1).map(drop)
}

fn image() -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from_static(GIF)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
