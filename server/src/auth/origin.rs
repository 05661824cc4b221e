//! Did this request come from one of our own pages?
//!
//! Browsers say so: `Sec-Fetch-Site` (all current ones) and `Origin` (every one that sends POST). A client that sends neither is
//! no browser: no user's cookie can be misused through it.

use axum::http::{HeaderMap, header};

use crate::App;

/// Whether a request that changes something may go on by a user's cookie.
#[must_use]
pub fn is_own(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    decide(text("sec-fetch-site"), text("origin"), &app.config.base_url(), text(header::HOST.as_str()))
}

/// The address by which the client reached us, without a trailing slash: as configured, else what it said.
#[must_use]
pub fn base_url(app: &App, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    match host {
        Some(host) if app.config.http.base_url.is_empty() => format!("http://{host}"),
        _ => app.config.base_url(),
    }
}

fn decide(fetch_site: Option<&str>, origin: Option<&str>, base_url: &str, host: Option<&str>) -> bool {
    match (fetch_site, origin) {
        // `none`: typed or bookmarked by the user.
        (Some("same-origin" | "none"), _) => true,
        // `same-site` is refused too: a neighbour under the same registrable domain is not us.
        (Some(_), _) => false,
        (None, None) => true,
        (None, Some(origin)) => {
            let same_host = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
            same_host || origin == origin_of(base_url)
        }
    }
}

fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or(url)
}

/// Where to go after signing in or out: a path of this server, and `/` instead of anything else.
#[must_use]
pub fn own_path<'a>(wanted: Option<&'a str>, base_url: &str) -> &'a str {
    let Some(wanted) = wanted else { return "/" };
    let path = wanted.strip_prefix(origin_of(base_url)).unwrap_or(wanted);
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.chars().any(|c| c == '\\' || c.is_control() || !c.is_ascii());
    if is_path { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_pages_and_programs_pass_other_sites_do_not() {
        let base = "https://stats.example.org/";
        for (fetch_site, origin, host, passes) in [
            (Some("same-origin"), Some("https://stats.example.org"), "stats.example.org", true),
            (Some("none"), None, "stats.example.org", true),
            (Some("same-site"), Some("https://example.org"), "stats.example.org", false),
            (Some("cross-site"), Some("https://stats.example.org"), "stats.example.org", false),
            (None, Some("https://stats.example.org"), "10.0.0.7:8080", true),
            (None, Some("http://localhost:8080"), "localhost:8080", true),
            (None, Some("https://evil.example"), "stats.example.org", false),
            (None, Some("null"), "stats.example.org", false),
            (None, None, "stats.example.org", true),
        ] {
            assert_eq!(decide(fetch_site, origin, base, Some(host)), passes, "{fetch_site:?} {origin:?}");
        }
    }

    #[test]
    fn leads_nowhere_else() {
        let base = "https://stats.example.org";
        for (wanted, path) in [
            ("/example.org?period=7d", "/example.org?period=7d"),
            ("https://stats.example.org/sites", "/sites"),
            ("https://stats.example.org.evil.example/", "/"),
            ("https://stats.example.org", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(Some(wanted), base), path, "{wanted}");
        }
    }
}
