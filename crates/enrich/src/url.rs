//! Which page an event is about, and which campaign brought the visitor there: `docs/definitions.md`, path and hostname.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::text;

/// A path longer than this after decoding is refused.
pub const MAX_PATH: usize = 2_000;
/// Campaign fields are cut here; a longer value is an accident of whoever built the link.
pub const MAX_CAMPAIGN: usize = 1_000;

/// Click ids of advertisers, in order of precedence. Only the name is kept, never the value, which identifies a person.
const CLICK_IDS: &[&str] = &["gclid", "msclkid", "gbraid", "wbraid", "fbclid", "ttclid", "twclid", "li_fat_id", "yclid"];

/// The page of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Lower case, without `www.`; none where only a path was given.
    pub hostname: Option<String>,
    /// As `docs/definitions.md` says.
    pub path: String,
    /// What the query string says about the campaign.
    pub campaign: Campaign,
}

/// Parameters of the query string that name a campaign, as sent; empty where absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    /// `utm_source`
    pub utm_source: String,
    /// `utm_medium`
    pub utm_medium: String,
    /// `utm_campaign`
    pub utm_campaign: String,
    /// `utm_content`
    pub utm_content: String,
    /// `utm_term`
    pub utm_term: String,
    /// `source`
    pub source: String,
    /// `ref`
    pub reference: String,
    /// Name of the click id that was present.
    pub click_id: &'static str,
}

impl Campaign {
    /// What the link itself says about the source: `utm_source`, else `source`, else `ref`.
    #[must_use]
    pub fn tagged_source(&self) -> Option<&str> {
        [&self.utm_source, &self.source, &self.reference].into_iter().find(|value| !value.is_empty()).map(String::as_str)
    }
}

/// What a domain wants kept of its addresses.
#[derive(Clone, Copy, Debug, Default)]
pub struct UrlOptions<'a> {
    /// Hash mode: the fragment is part of the path.
    pub keep_fragment: bool,
    /// Query parameters that are part of the path.
    pub kept_params: &'a [String],
}

/// Why a page address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not an absolute URL with a host.
    #[error("is not an absolute URL with a host; send location.href, or use path")]
    NotAUrl,
    /// Longer than [`MAX_PATH`].
    #[error("has a path longer than 2,000 bytes")]
    TooLong,
}

/// From an absolute URL.
///
/// # Errors
/// When it is not one, or its path is too long.
pub fn from_url(address: &str, options: UrlOptions<'_>) -> Result<Page, UrlError> {
    let parsed = Url::parse(address.trim()).map_err(|_| UrlError::NotAUrl)?;
    let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or(UrlError::NotAUrl)?;
    let mut page = from_parts(parsed.path(), parsed.query().unwrap_or(""), parsed.fragment().unwrap_or(""), options)?;
    page.hostname = Some(bare_host(host));
    Ok(page)
}

/// From a path, optionally with query string and fragment.
///
/// # Errors
/// When the path is too long.
pub fn from_path(path: &str, options: UrlOptions<'_>) -> Result<Page, UrlError> {
    let (rest, fragment) = path.trim().split_once('#').unwrap_or((path.trim(), ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    from_parts(path, query, fragment, options)
}

/// Lower case, without leading `www.` and trailing dot, at most 253 bytes.
#[must_use]
pub fn bare_host(host: &str) -> String {
    let lower = host.to_lowercase();
    let bare = lower.strip_prefix("www.").unwrap_or(&lower).trim_end_matches('.');
    text::tidy(bare, 253)
}

fn from_parts(path: &str, query: &str, fragment: &str, options: UrlOptions<'_>) -> Result<Page, UrlError> {
    let mut campaign = Campaign::default();
    let mut kept = String::new();
    read_query(query, &mut campaign, &options, &mut kept);
    let mut clean = clean_path(path)?;
    clean.push_str(&kept);
    if options.keep_fragment && !fragment.is_empty() {
        // A router in the fragment has a query string of its own.
        let (route, query) = fragment.split_once('?').unwrap_or((fragment, ""));
        let mut ignored = String::new();
        read_query(query, &mut campaign, &UrlOptions::default(), &mut ignored);
        clean.push('#');
        clean.push_str(&decoded(route));
    }
    if clean.len() > MAX_PATH {
        return Err(UrlError::TooLong);
    }
    Ok(Page { hostname: None, path: clean, campaign })
}

/// Decoded, with a leading slash and without trailing ones.
pub(crate) fn clean_path(path: &str) -> Result<String, UrlError> {
    // A byte takes at most three characters when encoded.
    if path.len() > 3 * MAX_PATH {
        return Err(UrlError::TooLong);
    }
    let decoded = decoded(path);
    let bare = decoded.trim_end_matches('/');
    let clean = if bare.is_empty() {
        "/".to_owned()
    } else if bare.starts_with('/') {
        bare.to_owned()
    } else {
        format!("/{bare}")
    };
    if clean.len() > MAX_PATH { Err(UrlError::TooLong) } else { Ok(clean) }
}

/// Percent-decoded and neutral; what is not UTF-8 becomes U+FFFD.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text::neutral(text);
    }
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    Cow::Owned(text::neutral(&decoded).into_owned())
}

/// Reads the campaign parameters (the first of each name counts) and collects the kept ones.
fn read_query(query: &str, campaign: &mut Campaign, options: &UrlOptions<'_>, kept: &mut String) {
    if query.is_empty() {
        return;
    }
    let mut click_id = CLICK_IDS.iter().position(|known| *known == campaign.click_id);
    for pair in query.split('&') {
        let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = raw_name.trim_start_matches("amp;");
        let field = match name {
            "utm_source" => &mut campaign.utm_source,
            "utm_medium" => &mut campaign.utm_medium,
            "utm_campaign" => &mut campaign.utm_campaign,
            "utm_content" => &mut campaign.utm_content,
            "utm_term" => &mut campaign.utm_term,
            "source" => &mut campaign.source,
            "ref" => &mut campaign.reference,
            _ => {
                let rank = CLICK_IDS.iter().position(|known| *known == name).filter(|_| !raw_value.is_empty());
                if let Some(rank) = rank {
                    click_id = Some(click_id.map_or(rank, |best| best.min(rank)));
                }
                if options.kept_params.iter().any(|wanted| wanted == name) {
                    kept.push(if kept.is_empty() { '?' } else { '&' });
                    kept.push_str(&decoded(pair));
                }
                continue;
            }
        };
        if field.is_empty() {
            *field = text::tidy(&form_decoded(raw_value), MAX_CAMPAIGN);
        }
        if options.kept_params.iter().any(|wanted| wanted == name) {
            kept.push(if kept.is_empty() { '?' } else { '&' });
            kept.push_str(&decoded(pair));
        }
    }
    if let Some(rank) = click_id {
        campaign.click_id = CLICK_IDS[rank];
    }
}

fn form_decoded(value: &str) -> String {
    let spaced = value.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn path(address: &str) -> String {
        from_path(address, UrlOptions::default()).unwrap().path
    }

    #[rstest]
    #[case("/", "/")]
    #[case("", "/")]
    #[case("//", "/")]
    #[case("a", "/a")]
    #[case("/a/", "/a")]
    #[case("/a/b//", "/a/b")]
    #[case("/a?b=c", "/a")]
    #[case("/a#b", "/a")]
    #[case("/a#b?c", "/a")]
    #[case("?q", "/")]
    #[case("/caf%C3%A9/%E6%97%A5", "/café/日")]
    #[case("/100%", "/100%")]
    #[case("/%zz", "/%zz")]
    #[case("/%ff", "/\u{fffd}")]
    #[case("/a%00b\0c%0a", "/a\u{fffd}b\u{fffd}c\u{fffd}")]
    #[case("/a%2Fb%3Fc", "/a/b?c")]
    #[case("  /a  ", "/a")]
    fn paths(#[case] given: &str, #[case] kept: &str) {
        assert_eq!(path(given), kept);
    }

    #[rstest]
    #[case("https://www.Example.ORG/a/?x=1#f", Some("example.org"), "/a")]
    #[case("http://example.org:8080", Some("example.org"), "/")]
    #[case("https://user:pw@example.org./a%20b", Some("example.org"), "/a b")]
    #[case("https://bücher.example/", Some("xn--bcher-kva.example"), "/")]
    #[case("http://[::1]/a", Some("[::1]"), "/a")]
    #[case("app://login.example/x", Some("login.example"), "/x")]
    fn urls(#[case] given: &str, #[case] host: Option<&str>, #[case] kept: &str) {
        let page = from_url(given, UrlOptions::default()).unwrap();
        assert_eq!((page.hostname.as_deref(), page.path.as_str()), (host, kept));
    }

    #[rstest]
    #[case("")]
    #[case("/a")]
    #[case("example.org/a")]
    #[case("javascript:alert(1)")]
    #[case("data:text/html,x")]
    #[case("file:///etc/passwd")]
    #[case("https://")]
    fn not_urls(#[case] given: &str) {
        assert_eq!(from_url(given, UrlOptions::default()), Err(UrlError::NotAUrl));
    }

    #[test]
    fn two_thousand_bytes_after_decoding_are_the_limit() {
        let longest = format!("/{}", "a".repeat(MAX_PATH - 1));
        assert_eq!(path(&longest), longest);
        assert_eq!(path(&format!("/{}", "%61".repeat(MAX_PATH - 1))), longest);
        assert_eq!(from_path(&(longest + "b"), UrlOptions::default()), Err(UrlError::TooLong));
        assert_eq!(from_path(&"é".repeat(1_000), UrlOptions::default()), Err(UrlError::TooLong));
        assert_eq!(from_path(&"x".repeat(1 << 20), UrlOptions::default()), Err(UrlError::TooLong));
    }

    #[test]
    fn hash_mode_keeps_the_route_and_reads_its_query() {
        let options = UrlOptions { keep_fragment: true, kept_params: &[] };
        let page = from_url("https://example.org/app?utm_medium=cpc#/users/%C3%A9?utm_source=x", options).unwrap();
        assert_eq!(page.path, "/app#/users/é");
        assert_eq!((page.campaign.utm_source.as_str(), page.campaign.utm_medium.as_str()), ("x", "cpc"));
    }

    #[test]
    fn named_parameters_stay() {
        let kept = ["q".to_owned(), "ref".to_owned()];
        let options = UrlOptions { keep_fragment: false, kept_params: &kept };
        let page = from_path("/search?x=1&q=a%20b&ref=y", options).unwrap();
        assert_eq!(page.path, "/search?q=a b&ref=y");
        assert_eq!(page.campaign.reference, "y");
    }

    #[test]
    fn campaigns_are_read_as_sent() {
        let query = "/?utm_source=News+Letter&utm_medium=E%2Dmail&utm_campaign=a&utm_campaign=b&amp;utm_content=c&utm_term=%ff&source=s&ref=r&fbclid=1&gclid=2";
        let campaign = from_path(query, UrlOptions::default()).unwrap().campaign;
        assert_eq!(
            campaign,
            Campaign {
                utm_source: "News Letter".into(),
                utm_medium: "E-mail".into(),
                utm_campaign: "a".into(),
                utm_content: "c".into(),
                utm_term: "\u{fffd}".into(),
                source: "s".into(),
                reference: "r".into(),
                click_id: "gclid",
            }
        );
        assert_eq!(campaign.tagged_source(), Some("News Letter"));
    }

    #[rstest]
    #[case("/?source=s&ref=r", Some("s"))]
    #[case("/?ref=r", Some("r"))]
    #[case("/?utm_source=&ref=r", Some("r"))]
    #[case("/", None)]
    fn tagged_sources(#[case] given: &str, #[case] expected: Option<&str>) {
        assert_eq!(from_path(given, UrlOptions::default()).unwrap().campaign.tagged_source(), expected);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_every_path_keeps_the_rules(address in any::<String>(), keep_fragment in any::<bool>()) {
            let options = UrlOptions { keep_fragment, kept_params: &[] };
            for page in [from_path(&address, options), from_url(&address, options), from_url(&format!("https://a.b/{address}"), options)]
                .into_iter()
                .flatten()
            {
                prop_assert!(page.path.starts_with('/'));
                prop_assert!(page.path.len() <= MAX_PATH);
                prop_assert!(!page.path.contains(char::is_control));
                prop_assert!(keep_fragment || page.path == "/" || !page.path.ends_with('/'));
            }
        }
    }
}
