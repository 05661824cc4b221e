//! Values of visitors' making, prepared for the page: shortened in the middle, named, linked. Always text, never markup.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::markup::Html;

/// What is encoded in a path.
pub const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longer labels give way in the middle.
const SPLIT_ABOVE: usize = 28;
const TAIL: usize = 10;

/// The label; a long one loses its middle where there is no room, and says all of it on hover.
pub fn middle(html: &mut Html, label: &str) {
    let count = label.chars().count();
    let cut = if count > SPLIT_ABOVE { label.char_indices().nth(count - TAIL).map_or(label.len(), |(at, _)| at) } else { label.len() };
    let (head, tail) = label.split_at(cut);
    html.raw(r#"<span class="middle" dir="auto""#).attr("title", label).raw(r#"><span class="middle-head">"#).text(head);
    html.raw(r#"</span><span class="middle-tail">"#).text(tail).raw("</span></span>");
}

/// Where a path of a domain is found. None for what is not a path.
#[must_use]
pub fn page_address(domain: &str, path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    Some(format!("https://{domain}{}", utf8_percent_encode(path, PATH)))
}

/// Codes and names, as ISO 3166 has them.
fn countries() -> impl Iterator<Item = (&'static str, &'static str)> {
    const NAMES: &str = include_str!("../data/countries.tsv");
    NAMES.lines().filter_map(|line| line.split_once('\t'))
}

/// `US` → `United States`. Unknown codes are shown as they are.
#[must_use]
pub fn country(code: &str) -> &str {
    if code.len() != 2 {
        return code;
    }
    countries().find_map(|(known, name)| (known == code).then_some(name)).unwrap_or(code)
}

/// `united states` or `us` → `US`.
#[must_use]
pub fn country_code(text: &str) -> Option<String> {
    let is_it = |known: &str, name: &str| known.eq_ignore_ascii_case(text) || name.to_lowercase() == text.to_lowercase();
    countries().find_map(|(known, name)| is_it(known, name).then(|| known.to_owned()))
}

/// Codes of the countries whose names, or codes, hold the text.
#[must_use]
pub fn country_codes(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let holds = |known: &str, name: &str| known.to_lowercase() == text || name.to_lowercase().contains(&text);
    countries().filter(|(known, name)| holds(known, name)).map(|(known, _)| known.to_owned()).collect()
}

/// Error texts are lower case without a full stop; on a page they are sentences.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_encoded_and_only_of_paths() {
        assert_eq!(page_address("a.org", "/é?x=1 \"<").unwrap(), "https://a.org/%C3%A9%3Fx%3D1%20%22%3C");
        assert_eq!(page_address("a.org", "(none)"), None);
    }

    #[test]
    fn countries_have_names() {
        let names = ["US", "DE", "ZW", "(unknown)", "??"].map(country);
        assert_eq!(country_codes("united"), ["AE", "GB", "US"]);
        assert_eq!(names, ["United States", "Germany", "Zimbabwe", "(unknown)", "??"]);
    }

    #[test]
    fn a_long_label_keeps_both_ends() {
        let mut html = Html::new();
        middle(&mut html, "/a-path-with-ünicode-that-is-far-too-long");
        assert!(html.into_string().contains(r#"<span class="middle-tail">r-too-long</span>"#));
    }
}
