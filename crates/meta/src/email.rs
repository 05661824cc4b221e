//! The e-mail address by which a user signs in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An e-mail address in lower case: two spellings that differ in case are one user.
/// `Display` shows it: never put one into a log line.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// A text is not an e-mail address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an e-mail address; write it like name@example.org")]
pub struct NotAnEmail;

impl Email {
    /// The address, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = NotAnEmail;

    /// Only what every address has is checked: one `@` with something on both sides, no blanks or control characters, at
    /// most 254 bytes (RFC 5321). Whether it works, only a letter can tell.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (local, host) = text.rsplit_once('@').ok_or(NotAnEmail)?;
        let well_formed = text.len() <= 254
            && !local.is_empty()
            && local.len() <= 64
            && !local.contains('@')
            && !host.is_empty()
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ',' | ';'));
        if well_formed { Ok(Self(text.to_lowercase())) } else { Err(NotAnEmail) }
    }
}

impl TryFrom<String> for Email {
    type Error = NotAnEmail;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_user_whatever_the_case() {
        let typed: Email = " Ada@Example.ORG ".parse().unwrap();
        assert_eq!(typed.as_str(), "ada@example.org");
        assert_eq!(Ok(typed), "ada@example.org".parse());
    }

    #[test]
    fn refuses_what_cannot_be_an_address() {
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "a b@example.org",
            "a@b@c",
            "ada@.org",
            "ada@org.",
            "Ada <ada@example.org>",
            "a\n@b.org",
            &long,
        ] {
            assert!(text.parse::<Email>().is_err(), "{text} was accepted");
        }
    }
}
