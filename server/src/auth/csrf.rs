//! `GET /api/auth/csrf`: the token that a form must repeat (double submit).
//!
//! The cookie holds `token|HMAC(secret, token)`, the form the token. Another site can make a browser send the cookie, but can
//! neither read it nor set one that fits, as it lacks the installation's secret.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use footfall_meta::token::random_token;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use utoipa::ToSchema;

use super::cookies::Cookie;
use crate::App;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CsrfAnswer {
    /// Send it as `csrfToken`.
    csrf_token: String,
}

/// A token for a form, and the cookie that has to go out with it unless the browser has it already.
#[derive(Clone, Debug)]
pub struct FormToken {
    /// For the hidden field `csrfToken`.
    pub token: String,
    /// `Set-Cookie`, when the browser has none that fits.
    pub set_cookie: Option<HeaderValue>,
}

/// The token of this browser, made if it has none.
#[must_use]
pub fn for_form(app: &App, headers: &HeaderMap) -> FormToken {
    if let Some(token) = current(app, headers) {
        return FormToken { token: token.to_owned(), set_cookie: None };
    }
    let token = random_token();
    let set_cookie = Cookie::Csrf.write(app, &format!("{token}|{}", seal(&app.secret, &token)), None);
    FormToken { token, set_cookie }
}

/// Whether a submitted token is this browser's.
#[must_use]
pub fn fits(app: &App, headers: &HeaderMap, submitted: &str) -> bool {
    current(app, headers).is_some_and(|token| same(token, submitted))
}

/// The token in the cookie, if we made it.
fn current<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    // Some clients escape the bar, as NextAuth itself does.
    let value = Cookie::Csrf.read(app, headers)?;
    let (token, mac) = value.split_once('|').or_else(|| value.split_once("%7C"))?;
    same(mac, &seal(&app.secret, token)).then_some(token)
}

fn seal(secret: &[u8], token: &str) -> String {
    keyed(secret, &["csrf", token])
}

/// HMAC-SHA-256 as hex over parts that cannot run into each other.
pub(super) fn keyed(secret: &[u8], parts: &[&str]) -> String {
    // HMAC takes keys of any length, so this cannot fail; an empty result would fit nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn same(one: &str, two: &str) -> bool {
    !one.is_empty() && subtle::ConstantTimeEq::ct_eq(one.as_bytes(), two.as_bytes()).into()
}

/// The token that forms must carry.
#[utoipa::path(get, path = "/api/auth/csrf", tag = "auth", responses((status = 200, body = CsrfAnswer)))]
pub async fn csrf(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let FormToken { token, set_cookie } = for_form(&app, &headers);
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Json(CsrfAnswer { csrf_token: token })).into_response();
    if let Some(cookie) = set_cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_needs_the_secret() {
        let token = random_token();
        assert_eq!(seal(b"secret", &token), seal(b"secret", &token));
        assert_ne!(seal(b"secret", &token), seal(b"another", &token));
        assert_ne!(keyed(b"k", &["ab", "c"]), keyed(b"k", &["a", "bc"]));
        assert!(!same("", ""));
    }
}
