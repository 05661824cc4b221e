//! URLs of engines: which engine, which Kafka, and how they are shown.

use std::{fmt, str::FromStr};

use crate::values::Malformed;

/// The topic of a Kafka URL that names none.
const TOPIC: &str = "page_views";
/// Kafka's usual port, for brokers that name none.
const BROKER_PORT: &str = "9092";
/// Kafka's own limit for names of topics, less what `_import` and `.dlq` add.
const LONGEST_TOPIC: usize = 240;

/// The URL of an engine behind a seam: `scheme:rest`.
#[derive(Clone, PartialEq, Eq)]
pub struct SeamUrl(String);

impl SeamUrl {
    /// A text whose scheme was looked at.
    pub(crate) const fn checked(text: String) -> Self {
        Self(text)
    }

    /// What picks the engine.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or("")
    }

    /// What follows the scheme's colon.
    #[must_use]
    pub fn rest(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, rest)| rest)
    }

    /// The whole text; may hold a password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The brokers and the topic, where this names Kafka.
    #[must_use]
    pub fn kafka(&self) -> Option<KafkaUrl> {
        self.0.parse().ok()
    }
}

impl FromStr for SeamUrl {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (scheme, _) = text.split_once(':').ok_or(Malformed)?;
        if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b)) {
            return Err(Malformed);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SeamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_passwords(&self.0))
    }
}

impl fmt::Debug for SeamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `kafka://HOST:PORT,HOST:PORT/TOPIC`, or `kafka+tls://…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaUrl {
    /// `HOST:PORT,HOST:PORT`, as Kafka's clients take it.
    pub brokers: String,
    /// The topic of what happens now; imports and dead letters have `TOPIC_import` and `TOPIC.dlq`.
    pub topic: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

impl KafkaUrl {
    /// As a URL; every broker with its port.
    pub(crate) fn text(&self) -> String {
        format!("kafka{}://{}/{}", if self.tls { "+tls" } else { "" }, self.brokers, self.topic)
    }

    /// Whether both name the same topic on the same brokers, in whatever order.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let sorted = |url: &Self| {
            let mut brokers: Vec<String> = url.brokers.split(',').map(str::to_owned).collect();
            brokers.sort();
            brokers
        };
        self.topic == other.topic && self.tls == other.tls && sorted(self) == sorted(other)
    }
}

impl FromStr for KafkaUrl {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (tls, rest) = match text.split_once("://").ok_or(Malformed)? {
            ("kafka", rest) => (false, rest),
            ("kafka+tls", rest) => (true, rest),
            _ => return Err(Malformed),
        };
        let (list, topic) = match rest.trim_end_matches('/').split_once('/') {
            None => (rest.trim_end_matches('/'), TOPIC),
            Some((list, topic)) => (list, topic),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if topic.len() > LONGEST_TOPIC || !topic.bytes().all(plain) {
            return Err(Malformed);
        }
        let mut brokers = Vec::new();
        for broker in list.split(',').map(str::trim) {
            let (host, port) = split_port(broker);
            let port = port.unwrap_or(BROKER_PORT);
            let host_is_fine = !host.is_empty() && host.bytes().all(|byte| plain(byte) || b"[]:".contains(&byte));
            if !host_is_fine || port.parse::<u16>().is_err() {
                return Err(Malformed);
            }
            brokers.push(format!("{host}:{port}"));
        }
        Ok(Self { brokers: brokers.join(","), topic: topic.to_owned(), tls })
    }
}

/// `HOST:PORT` or `[V6]:PORT` in two; a bare IPv6 address has no port.
pub(crate) fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if name.ends_with(']') || !name.contains(':') => (name, Some(port)),
        _ => (host, None),
    }
}

/// A text without the passwords of the URLs in it, several in a list and several hosts in one too. Where it is unclear what belongs to a
/// password, too much is hidden rather than too little.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut shown = String::new();
    let mut at = 0;
    for end in url_starts(text).into_iter().chain([text.len()]) {
        shown.push_str(&hidden_in_url(&text[at..end]));
        at = end;
    }
    hidden_in_pairs(&shown)
}

/// Where each URL begins.
fn url_starts(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    for (at, _) in text.match_indices("://") {
        let scheme = text[..at].bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
        let start = at - scheme;
        // Inside a password `://` begins nothing.
        if start == 0 || text[..start].ends_with([',', ';', ' ', '\t', '\n', '"', '\'', '`']) {
            starts.push(start);
        }
    }
    starts
}

/// `scheme://user:password@host` without the password; a password may hold `@` and `/`, so the last `@` counts.
fn hidden_in_url(url: &str) -> String {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (login, host) = rest.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some((scheme, user, host))
    });
    match parts {
        Some((scheme, user, host)) => format!("{scheme}://{user}:hidden@{host}"),
        None => url.to_owned(),
    }
}

/// `password=…` in query strings and keyword lists, and words like it.
fn hidden_in_pairs(text: &str) -> String {
    // ASCII only, so that positions stay the same.
    let lower = text.to_ascii_lowercase();
    let mut shown = String::new();
    let mut at = 0;
    while let Some(equals) = lower[at..].find('=').map(|found| at + found) {
        let word = lower[at..equals].trim_end();
        let is_secret = ["password", "passwd", "pass", "secret", "token"].iter().any(|name| word.ends_with(name));
        shown.push_str(&text[at..=equals]);
        at = equals + 1;
        if is_secret {
            let value = &text[at..];
            let length = match value.strip_prefix(['\'', '"']) {
                Some(quoted) => quoted.find(['\'', '"']).map_or(value.len(), |end| end + 2),
                None => value.find(['&', ';', ' ', '`']).unwrap_or(value.len()),
            };
            shown.push_str("hidden");
            at += length;
        }
    }
    shown.push_str(&text[at..]);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafka_urls() {
        let url: KafkaUrl = "kafka://b1:9092, b2,[::1]:9093/views".parse().unwrap();
        assert_eq!((url.brokers.as_str(), url.topic.as_str(), url.tls), ("b1:9092,b2:9092,[::1]:9093", "views", false));
        assert_eq!("kafka+tls://b1:9/".parse::<KafkaUrl>().unwrap().text(), "kafka+tls://b1:9/page_views");
        assert!(url.same(&"kafka://[::1]:9093,b2:9092,b1/views".parse().unwrap()));
        for bad in ["kafka:b1", "kafka://", "kafka://b1,,b2", "kafka://b1:x", "kafka://b1/a/b", "kafka://u:p@b1/t", "kafka://b1,kafka://b2"]
        {
            assert!(bad.parse::<KafkaUrl>().is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn no_password_is_shown() {
        for text in [
            "postgres://u:hunter2@h/db",
            "redis-sentinel://:hunter2@a:1,b:2,c:3/mymaster",
            "http://u:hunter2@a:8123,b:8123/db",
            "http://u:hunter2@a/db,https://v:hunter2@b/db;http://w:hunter2@c/db",
            "http://u:hunter2@a,v:hunter2@b/db",
            "postgres://u:x/hunter2@y@h/db",
            "postgres://u:a://hunter2@h/db",
            "postgres://h/db?sslpassword=hunter2&x=1",
            "redis://h?PASSWORD=hunter2",
            "host=h password=hunter2 user=u",
            "host=h password='hunter2 hunter2' user=u",
            "rediss://default:hunter2@h:6379#x",
        ] {
            let shown = without_passwords(text);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        for text in ["postgres://u@h/db", "redis://a:1,b:2/0", "http://a/db?x=1", "file:/a=b", "a@b.example", ""] {
            assert_eq!(without_passwords(text), text);
        }
        assert_eq!(without_passwords("http://u:p@a,b/db?x=1"), "http://u:hidden@a,b/db?x=1");
    }
}
