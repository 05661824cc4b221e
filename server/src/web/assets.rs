//! The built files, inside the binary: dashboard, styles, tracker.
//!
//! Names with a content hash are immutable; the short name of the tracker lives five minutes, so that a new version reaches
//! every page soon and a page never waits for a second request.

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use footfall_app::assets::Assets;
use rust_embed::{Embed, EmbeddedFile};

use super::headers::guard;

#[derive(Embed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Site;

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The names of the dashboard's files.
///
/// # Errors
/// When the binary was built without them.
pub fn manifest() -> anyhow::Result<Assets> {
    let file = Site::get("manifest.json").ok_or_else(|| anyhow::anyhow!("this binary was built without its pages; run `make release`"))?;
    Ok(Assets::from_manifest(std::str::from_utf8(&file.data)?)?)
}

/// Files below `/pkg/` and the public files at the root.
pub fn site_router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(
            "/pkg/{*file}",
            get(|Path(file): Path<String>, headers: HeaderMap| async move { serve(&format!("pkg/{file}"), &headers, IMMUTABLE) }),
        )
        .route("/favicon.svg", get(|headers: HeaderMap| async move { serve("favicon.svg", &headers, SHORT) }))
        .route("/favicon.ico", get(|headers: HeaderMap| async move { serve("favicon.svg", &headers, SHORT) }))
        .route("/robots.txt", get(|headers: HeaderMap| async move { serve("robots.txt", &headers, SHORT) }))
}

/// The tracker under its short name and under the name with its hash.
pub fn tracker_router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new().route("/tracker.js", get(|headers: HeaderMap| async move { serve("tracker.js", &headers, SHORT) }));
    let hashed = Site::iter().filter(|name| name.starts_with("tracker.") && name.ends_with(".js") && name != "tracker.js");
    for name in hashed {
        let path = format!("/{name}");
        router = router.route(&path, get(move |headers: HeaderMap| async move { serve(&name, &headers, IMMUTABLE) }));
    }
    router.layer(middleware::from_fn(guard))
}

fn serve(name: &str, request: &HeaderMap, cache: HeaderValue) -> Response {
    // A debug build reads from the folder, where `..` would mean something.
    if name.split('/').any(|part| part == "..") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let accepts_br = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|coding| coding.trim().split(';').next() == Some("br")));
    let packed = if accepts_br { Site::get(&format!("{name}.br")) } else { None };
    let is_packed = packed.is_some();
    let Some(file) = packed.or_else(|| Site::get(name)) else { return StatusCode::NOT_FOUND.into_response() };
    let tag = entity_tag(&file);
    let mut response = if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.data.into_owned()).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::ETAG, tag);
    // Other sites embed the tracker, whatever isolation they ask of their browser.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

fn entity_tag(file: &EmbeddedFile) -> HeaderValue {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
