//! Reading and writing the two cookies.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::App;

/// A cookie of this product.
#[derive(Clone, Copy, Debug)]
pub enum Cookie {
    /// The login session's token.
    Session,
    /// The token that forms must repeat.
    Csrf,
}

impl Cookie {
    /// Its name; see the module text of `auth` about the two.
    #[must_use]
    pub fn name(self, app: &App) -> &'static str {
        self.name_by(app.is_https())
    }

    const fn name_by(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-footfall.session",
            (Self::Session, false) => "footfall.session",
            (Self::Csrf, true) => "__Host-footfall.csrf",
            (Self::Csrf, false) => "footfall.csrf",
        }
    }

    fn line(self, https: bool, value: &str, max_age_s: Option<i64>) -> String {
        let age = max_age_s.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if https { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name_by(https))
    }

    /// Its value in a request.
    #[must_use]
    pub fn read<'a>(self, app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
        find(headers, self.name(app))
    }

    /// The `Set-Cookie` that keeps a value for some seconds, or for the browser's session.
    #[must_use]
    pub fn write(self, app: &App, value: &str, max_age_s: Option<i64>) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.line(app.is_https(), value, max_age_s)).ok()
    }

    /// The `Set-Cookie` that removes it.
    #[must_use]
    pub fn clear(self, app: &App) -> Option<HeaderValue> {
        self.write(app, "", Some(0))
    }
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value.trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_https_cookies_are_bound_to_the_host() {
        // Browsers take a `__Host-` cookie only with Secure, Path=/ and no Domain.
        assert_eq!(
            Cookie::Session.line(true, "x", Some(60)),
            "__Host-footfall.session=x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
        );
        assert_eq!(Cookie::Csrf.line(false, "x", None), "footfall.csrf=x; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn finds_a_cookie_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; footfall.session=abc-_; xfootfall.session=no"));
        headers.append(header::COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!(find(&headers, "footfall.session"), Some("abc-_"));
        assert_eq!(find(&headers, "b"), Some("2"));
        assert_eq!(find(&headers, "session"), None);
    }
}
