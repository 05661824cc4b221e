//! Who may ask: one user, one generated password.

use base64::Engine as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;

use super::exception::Exception;
use super::request::Request;

/// The engine's only user.
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Credentials {
    /// Takes the credentials from `user`/`password`, else the `X-ClickHouse-…` headers, else basic authentication, as ClickHouse does.
    pub(super) fn check(&self, request: &Request, headers: &HeaderMap) -> Result<(), Exception> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let from_headers = || header("X-ClickHouse-User").or(header("X-ClickHouse-Key").map(|_| String::new()));
        let given = if request.user.is_some() || request.password.is_some() {
            Some((request.user.clone().unwrap_or_default(), request.password.clone().unwrap_or_default()))
        } else if let Some(user) = from_headers() {
            Some((user, header("X-ClickHouse-Key").unwrap_or_default()))
        } else {
            headers.get(AUTHORIZATION).and_then(|value| basic(value.to_str().ok()?))
        };
        let Some((user, password)) = given else {
            return Err(Exception::no_credentials());
        };
        let same = user.as_bytes().ct_eq(self.user.as_bytes()) & password.as_bytes().ct_eq(self.password.as_bytes());
        if bool::from(same) { Ok(()) } else { Err(Exception::wrong_credentials()) }
    }
}

fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read() {
        assert_eq!(basic("Basic YTpiOmM="), Some(("a".into(), "b:c".into())));
        assert_eq!(basic("bearer x"), None);
        assert_eq!(basic("Basic !"), None);
    }
}
