//! Headers that guard every answer. The content security policy of pages is made with their nonce, in `app/src/shell.rs`.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use footfall_app::share::Handle;

/// Puts the guarding headers on every answer that does not set them itself.
pub async fn guard(request: Request, next: Next) -> Response {
    // What is made for frames of other sites; its policy says so as well.
    let embeds = Handle::of_path(request.uri().path()).is_some_and(|handle| handle.embed);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("permissions-policy"), "browsing-topics=()"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        if embeds && name == header::X_FRAME_OPTIONS {
            continue;
        }
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
