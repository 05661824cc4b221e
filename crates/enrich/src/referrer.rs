//! What is kept of a referrer: host and path of an `http(s)` address of another host, without scheme, query and fragment.

use url::Url;

use crate::{text, url as page};

/// A referrer is cut here; it is only shown, never matched as a whole.
const MAX_REFERRER: usize = 2_000;

/// A referrer worth keeping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Lower case, without `www.`.
    pub host: String,
    /// `host/path`, without a trailing slash.
    pub text: String,
}

/// None for what is empty, not `http(s)`, or the event's own host name.
#[must_use]
pub fn parse(referrer: &str, own_host: &str) -> Option<Referrer> {
    let referrer = referrer.trim();
    if referrer.is_empty() || referrer.len() > 16 << 10 {
        return None;
    }
    let parsed = Url::parse(referrer).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = page::bare_host(parsed.host_str()?);
    if host.is_empty() || host == own_host {
        return None;
    }
    let raw_path = text::head(parsed.path(), 2 * MAX_REFERRER);
    let path = page::clean_path(raw_path).unwrap_or_else(|_| "/".to_owned());
    let whole = if path == "/" { host.clone() } else { format!("{host}{path}") };
    Some(Referrer { text: text::head(&whole, MAX_REFERRER).to_owned(), host })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://www.Google.com/", "google.com", "google.com")]
    #[case("http://news.ycombinator.com/item?id=1#c", "news.ycombinator.com", "news.ycombinator.com/item")]
    #[case("https://blog.example.org/a/", "blog.example.org", "blog.example.org/a")]
    #[case("https://other.example/%E6%97%A5%00", "other.example", "other.example/日\u{fffd}")]
    #[case("http://other.example:8080/a", "other.example", "other.example/a")]
    fn kept(#[case] given: &str, #[case] host: &str, #[case] text: &str) {
        assert_eq!(parse(given, "example.org"), Some(Referrer { host: host.into(), text: text.into() }));
    }

    #[rstest]
    #[case("")]
    #[case("about:blank")]
    #[case("android-app://com.google.android.gm/")]
    #[case("javascript:alert(1)")]
    #[case("google.com")]
    #[case("https://example.org/previous")]
    #[case("https://www.EXAMPLE.org/previous")]
    fn none(#[case] given: &str) {
        assert_eq!(parse(given, "example.org"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_kept_is_short(referrer in any::<String>(), path in any::<String>()) {
            for kept in [parse(&referrer, "a.b"), parse(&format!("http://c.d/{path}"), "a.b")].into_iter().flatten() {
                prop_assert!(kept.text.len() <= MAX_REFERRER);
                prop_assert!(!kept.text.contains(char::is_control));
            }
        }
    }
}
