//! Which ClickHouse servers the analytics store is: shards of replicas, and which domain lives where by decree.

use std::{collections::BTreeMap, fmt, str::FromStr};

use url::Url;

use crate::{
    urls::{SeamUrl, split_port, without_passwords},
    values::{Malformed, Password},
};

/// The database of a URL that names none.
const DATABASE: &str = "footfall";
/// ClickHouse's own default.
const USER: &str = "default";

/// One ClickHouse server, over HTTP.
#[derive(Clone)]
pub struct Replica {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// User.
    pub user: String,
    /// Password; empty where there is none.
    pub password: Password,
    /// Database, the same on all of them.
    pub database: String,
}

impl Replica {
    /// As a seam's URL, without the login.
    pub(crate) fn seam_url(&self) -> SeamUrl {
        SeamUrl::checked(format!("{}/{}", self.url, self.database))
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}/{}", self.user, self.url, self.database)
    }
}

/// URLs of shards as they were given; may hold passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct ShardUrls(String);

impl ShardUrls {
    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ShardUrls {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for ShardUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_passwords(&self.0))
    }
}

/// Domains that live on a certain shard. Written `example.org=2,example.net=1` with shards counted from 1; held as their index, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(pub BTreeMap<String, usize>);

impl FromStr for Pins {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut pins = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (domain, shard) = part.split_once('=').ok_or(Malformed)?;
            let shard: usize = shard.trim().parse().map_err(|_| Malformed)?;
            let index = shard.checked_sub(1).ok_or(Malformed)?;
            let domain = domain.trim().to_ascii_lowercase();
            if domain.is_empty() || pins.insert(domain, index).is_some() {
                return Err(Malformed);
            }
        }
        Ok(Self(pins))
    }
}

/// User and password for URLs that have none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login<'a> {
    /// Empty: ClickHouse's default user.
    pub user: &'a str,
    /// Empty: none.
    pub password: &'a str,
}

/// One URL of a list, in parts. Its hosts share scheme, login and database.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub scheme: &'a str,
    /// `USER:PASSWORD` or `USER`, not decoded.
    pub login: Option<&'a str>,
    pub hosts: Vec<&'a str>,
    /// Empty: none named.
    pub database: &'a str,
}

impl Parts<'_> {
    /// As one URL again.
    pub fn text(&self) -> String {
        let login = self.login.map(|login| format!("{login}@")).unwrap_or_default();
        format!("{}://{login}{}/{}", self.scheme, self.hosts.join(","), self.database)
    }
}

/// Takes `http://USER:PASSWORD@HOST:8123,HOST:8123/DATABASE,https://…` apart.
pub(crate) fn parts(text: &str) -> Result<Vec<Parts<'_>>, String> {
    const FORM: &str = "wanted: http(s)://USER:PASSWORD@HOST:8123/DATABASE, with %2C for a comma and %2F for a slash in the password";
    let mut list: Vec<Parts<'_>> = Vec::new();
    for item in text.split(',').map(str::trim) {
        let (scheme, rest) = match item.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, item),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        let database = path.trim_end_matches('/');
        if host.is_empty() || database.contains(['/', '?', '#']) {
            return Err(FORM.to_owned());
        }
        match (scheme, list.last_mut()) {
            (Some(scheme), _) => {
                check_scheme(scheme)?;
                list.push(Parts { scheme, login, hosts: vec![host], database });
            }
            (None, Some(last)) if last.database.is_empty() => {
                last.hosts.push(host);
                last.login = last.login.or(login);
                last.database = database;
            }
            _ => return Err(FORM.to_owned()),
        }
    }
    for host in list.iter().flat_map(|parts| &parts.hosts) {
        check_port(split_port(host).1)?;
    }
    Ok(list)
}

fn check_scheme(scheme: &str) -> Result<(), String> {
    match scheme {
        "http" | "https" => Ok(()),
        "clickhouse" | "clickhouses" | "tcp" | "native" => {
            Err(format!("{scheme}:// is ClickHouse's native protocol; use its HTTP port, usually http://HOST:8123 or https://HOST:8443"))
        }
        other => Err(format!("`{other}` is no protocol of ClickHouse; use http or https")),
    }
}

/// Refuses ClickHouse's native ports: what connects there gets an answer that nobody understands.
pub(crate) fn check_port(port: Option<&str>) -> Result<(), String> {
    let native =
        |port: &str, http: &str| Err(format!("port {port} speaks ClickHouse's native protocol; use its HTTP port, usually {http}"));
    match port {
        Some(port @ "9000") => native(port, "8123"),
        Some(port @ "9440") => native(port, "8443 with https"),
        // Not shown: after a mistake with escaping it may be a part of the password.
        Some(port) if port.parse::<u16>().is_err() => Err("a port is not a number".to_owned()),
        _ => Ok(()),
    }
}

/// The replicas of one shard.
pub(crate) fn replicas(text: &str, login: Login<'_>) -> Result<Vec<Replica>, String> {
    let mut found = Vec::new();
    for part in parts(text)? {
        let (user, password) = match part.login {
            None => (login.user.to_owned(), login.password.to_owned()),
            Some(text) => match text.split_once(':') {
                Some((user, password)) => (decode(user), decode(password)),
                None => (decode(text), login.password.to_owned()),
            },
        };
        for host in &part.hosts {
            let url = Url::parse(&format!("{}://{host}", part.scheme)).map_err(|error| format!("a host is not usable: {error}"))?;
            found.push(Replica {
                url: url.as_str().trim_end_matches('/').to_owned(),
                user: if user.is_empty() { USER.to_owned() } else { user.clone() },
                password: Password::from(password.as_str()),
                database: if part.database.is_empty() { DATABASE.to_owned() } else { decode(part.database) },
            });
        }
    }
    Ok(found)
}

/// Shards separated by `;`, each a list of replicas. Nothing for an empty text.
pub(crate) fn shards(text: &str, login: Login<'_>) -> Result<Vec<Vec<Replica>>, String> {
    let mut shards = Vec::new();
    for shard in text.split(';').map(str::trim).filter(|shard| !shard.is_empty()) {
        shards.push(replicas(shard, login)?);
    }
    let mut databases: Vec<&str> = shards.iter().flatten().map(|replica| replica.database.as_str()).collect();
    databases.sort_unstable();
    databases.dedup();
    if databases.len() > 1 {
        return Err(format!("all servers have to use the same database; found {}", databases.join(" and ")));
    }
    Ok(shards)
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Login<'_> = Login { user: "", password: "" };

    #[test]
    fn shards_of_replicas() {
        let login = Login { user: "footfall", password: "x" };
        let shards = shards("http://a:8123,b:8123/web ; https://u:p%40%2C@c:8443/web,http://d/web", login).unwrap();
        let shown: Vec<Vec<String>> = shards
            .iter()
            .map(|shard| shard.iter().map(|r| format!("{} {} {} {}", r.url, r.user, r.password.expose(), r.database)).collect())
            .collect();
        assert_eq!(
            shown,
            [
                vec!["http://a:8123 footfall x web".to_owned(), "http://b:8123 footfall x web".to_owned()],
                vec!["https://c:8443 u p@, web".to_owned(), "http://d footfall x web".to_owned()],
            ]
        );
        let one = &replicas("http://h:8123", NOBODY).unwrap()[0];
        assert_eq!((one.user.as_str(), one.password.expose(), one.database.as_str()), ("default", "", "footfall"));
        assert!(super::shards("http://a/x;http://b/y", NOBODY).unwrap_err().contains("x and y"));
    }

    #[test]
    fn native_ports_and_protocols_are_answered_with_the_http_port() {
        for (text, part) in [
            ("http://h:9000/db", "8123"),
            ("https://h:9440/db", "8443"),
            ("http://a:8123,b:9000/db", "8123"),
            ("http://[::1]:9000", "8123"),
            ("clickhouse://h/db", "8123"),
            ("tcp://h:9000", "http://HOST:8123"),
            ("ftp://h", "http or https"),
            ("http://h/a/b", "%2F"),
            ("http://h/db?x=1", "DATABASE"),
            ("h:8123/db", "DATABASE"),
            ("http://", "DATABASE"),
            ("http://h:port/db", "not a number"),
        ] {
            let error = replicas(text, NOBODY).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn pins() {
        let pins: Pins = "Example.org=2, a.example=1".parse().unwrap();
        assert_eq!(pins.0.get("example.org"), Some(&1));
        for bad in ["x", "x=0", "x=y", "=1", "a=1,a=2"] {
            assert!(bad.parse::<Pins>().is_err(), "{bad} was accepted");
        }
    }
}
