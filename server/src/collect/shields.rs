//! What a domain refuses: host names, addresses, paths, countries. Read once per version of the list of domains.

use std::net::IpAddr;

use footfall_config::Proxies;
use footfall_meta::{Shield, ShieldKind};

/// The rules of one domain in the form in which they are asked.
#[derive(Debug, Default)]
pub struct Shields {
    /// Patterns of the only host names that count; empty: all do.
    hosts: Vec<String>,
    /// Networks that do not count.
    addresses: Proxies,
    /// Path patterns that do not count.
    paths: Vec<String>,
    /// Countries that do not count.
    countries: Vec<String>,
}

impl Shields {
    /// A rule that cannot be read is left out and logged; it was checked when it was made.
    pub fn read(rules: &[Shield]) -> Self {
        let mut shields = Self::default();
        for rule in rules {
            match rule.kind {
                ShieldKind::Host => shields.hosts.push(footfall_enrich::url::bare_host(&rule.value)),
                ShieldKind::Path => shields.paths.push(rule.value.clone()),
                ShieldKind::Country => shields.countries.push(rule.value.to_ascii_uppercase()),
                ShieldKind::Ip => match rule.value.parse::<Proxies>() {
                    Ok(networks) => shields.addresses.0.extend(networks.0),
                    Err(_) => {
                        tracing::warn!(site = %rule.site, shield = %rule.id, "an address shield cannot be read; remove it and add it again")
                    }
                },
            }
        }
        shields
    }

    pub fn refuses_host(&self, hostname: &str) -> bool {
        !self.hosts.is_empty() && !self.hosts.iter().any(|pattern| matches(pattern, hostname))
    }

    pub fn refuses_address(&self, address: IpAddr) -> bool {
        !self.addresses.0.is_empty() && self.addresses.trusts(address)
    }

    pub fn refuses_path(&self, path: &str) -> bool {
        self.paths.iter().any(|pattern| matches(pattern, path))
    }

    pub fn refuses_country(&self, country: &str) -> bool {
        self.countries.iter().any(|refused| refused == country)
    }
}

/// Whether the whole text fits a pattern in which `*` stands for anything. Linear in text times stars.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use footfall_model::SiteId;
    use proptest::prelude::*;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    fn shields(rules: &[(ShieldKind, &str)]) -> Shields {
        let rules: Vec<_> = rules
            .iter()
            .map(|(kind, value)| Shield { id: Uuid::nil(), site: SiteId(Uuid::nil()), kind: *kind, value: (*value).to_owned() })
            .collect();
        Shields::read(&rules)
    }

    #[rstest]
    #[case("/a", "/a", true)]
    #[case("/a", "/ab", false)]
    #[case("/a*", "/ab/c", true)]
    #[case("*", "", true)]
    #[case("/*/edit", "/a/b/edit", true)]
    #[case("/*/edit", "/edit", false)]
    #[case("a*a", "a", false)]
    #[case("**b**", "abc", true)]
    #[case("", "", true)]
    #[case("", "a", false)]
    fn patterns(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(matches(pattern, text), expected);
    }

    #[test]
    fn rules_are_asked_by_kind() {
        let none = shields(&[]);
        assert!(
            !none.refuses_host("a.b")
                && !none.refuses_address([1, 2, 3, 4].into())
                && !none.refuses_path("/")
                && !none.refuses_country("DE")
        );
        let some = shields(&[
            (ShieldKind::Host, "www.Example.org"),
            (ShieldKind::Host, "*.example.org"),
            (ShieldKind::Ip, "192.0.2.0/24"),
            (ShieldKind::Ip, "2001:db8::1"),
            (ShieldKind::Ip, "rubbish"),
            (ShieldKind::Path, "/admin*"),
            (ShieldKind::Country, "de"),
        ]);
        assert!(!some.refuses_host("example.org") && !some.refuses_host("blog.example.org") && some.refuses_host("evil.example"));
        assert!(some.refuses_address([192, 0, 2, 9].into()) && !some.refuses_address([192, 0, 3, 9].into()));
        assert!(some.refuses_address("2001:db8::1".parse().unwrap()));
        assert!(some.refuses_path("/admin/users") && !some.refuses_path("/"));
        assert!(some.refuses_country("DE") && !some.refuses_country("FR") && !some.refuses_country(""));
    }

    proptest! {
        #[test]
        fn a_pattern_matches_as_its_regex_does(pattern in "[ab*]{0,6}", text in "[ab]{0,8}") {
            let parts: Vec<_> = pattern.split('*').collect();
            // The slow, obvious way: every star may take any number of characters.
            fn slow(parts: &[&str], text: &str) -> bool {
                match parts {
                    [] => text.is_empty(),
                    [last] => text == *last,
                    [first, rest @ ..] => text.strip_prefix(first).is_some_and(|tail| (0..=tail.len()).any(|cut| slow(rest, &tail[cut..]))),
                }
            }
            prop_assert_eq!(matches(&pattern, &text), slow(&parts, &text));
        }
    }
}
