//! Values of visitors' making, prepared for the page: shortened in the middle, named, linked. Always text, never markup.

use leptos::prelude::*;

/// Longer labels give way in the middle.
const SPLIT_ABOVE: usize = 28;
const TAIL: usize = 10;

/// The label; a long one loses its middle where there is no room, and says all of it on hover.
#[must_use]
pub fn middle(label: String) -> impl IntoView + use<> {
    let count = label.chars().count();
    let cut = if count > SPLIT_ABOVE { label.char_indices().nth(count - TAIL).map_or(label.len(), |(at, _)| at) } else { label.len() };
    let tail = label.split_at(cut).1.to_owned();
    let head = label.split_at(cut).0.to_owned();
    view! {
        <span class="middle" title=label>
            <span class="middle-head">{head}</span>
            <span class="middle-tail">{tail}</span>
        </span>
    }
}

/// Where a path of a domain is found. None for what is not a path.
#[must_use]
pub fn page_address(domain: &str, path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    let mut address = format!("https://{domain}");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(address)
}

/// `US` → `United States`. Unknown codes are shown as they are.
#[must_use]
pub fn country(code: &str) -> &str {
    // Names by code, one per line, as ISO 3166 has them.
    const NAMES: &str = include_str!("../../data/countries.tsv");
    if code.len() != 2 {
        return code;
    }
    NAMES.lines().filter_map(|line| line.split_once('\t')).find_map(|(known, name)| (known == code).then_some(name)).unwrap_or(code)
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
        assert_eq!(
            [country("US"), country("DE"), country("ZW"), country("(unknown)"), country("??")],
            ["United States", "Germany", "Zimbabwe", "(unknown)", "??"]
        );
    }
}
