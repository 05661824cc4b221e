//! The name of a measured domain.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A host name, lower case, without a leading `www.`; at most 253 bytes, each label 1 to 63 bytes of letters, digits and
/// hyphens. Internationalised names are given in their `xn--` form. `localhost` is allowed for trying things out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

/// Why a text is not a [`Domain`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a host name; give the bare name, for example example.org")]
pub struct NotADomain(pub String);

impl Domain {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = NotADomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NotADomain(text.chars().take(100).collect());
        let lower = text.trim().to_ascii_lowercase();
        let name = lower.strip_prefix("www.").unwrap_or(&lower);
        if name.is_empty() || name.len() > 253 {
            return Err(refuse());
        }
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let several_labels = name.contains('.') || name == "localhost";
        let looks_like_an_address = name.split('.').all(|l| l.bytes().all(|b| b.is_ascii_digit()));
        if !several_labels || looks_like_an_address || !name.split('.').all(label_ok) {
            return Err(refuse());
        }
        Ok(Self(name.to_owned()))
    }
}

impl TryFrom<String> for Domain {
    type Error = NotADomain;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_normalises_host_names() {
        for (given, kept) in [
            ("example.org", "example.org"),
            ("WWW.Example.ORG", "example.org"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("localhost", "localhost"),
            ("a-b.c1.io", "a-b.c1.io"),
        ] {
            assert_eq!(given.parse::<Domain>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn refuses_what_is_not_a_host_name() {
        let long = "a".repeat(64) + ".org";
        for given in
            ["", " ", "nodots", "http://example.org", "example.org/", "ex ample.org", "-a.org", "a..b", "1.2.3.4", "bücher.example", &long]
        {
            assert!(given.parse::<Domain>().is_err(), "{given} was accepted");
        }
    }
}
