//! Names of settings that platforms and other programs use, and how their values become ours.
//!
//! # Which name decides
//! A `FOOTFALL_…` variable decides over every alias. Aliases of one setting that are set at the same time must say the same, in whatever
//! form; else the start is refused, as one of them was meant to change something. Where they say the same, the first of the table is named
//! as the source. `CLICKHOUSE_HOST` and its companions are parts of what `CLICKHOUSE_URL` says whole: each fills what the URL leaves open and
//! must agree with what it says. `CLICKHOUSE_HOST` may be a list, replicas as in a URL, but holds no login. A part of nothing
//! is refused. An alias that is set to nothing is not set, as compose files pass such, and neither is a port that is `tcp://…`, as Kubernetes
//! makes such up.

use crate::{
    dsn,
    sources::{Found, Rank, Sources},
    store,
    urls::{KafkaUrl, split_port},
};

/// How an alias's value becomes the setting's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// It is the same.
    Same,
    /// A port on all addresses.
    Port,
    /// A list of Kafka brokers.
    Brokers,
    /// A PostgreSQL URL, or its keyword form.
    Dsn,
    /// A list of ClickHouse servers.
    StoreHosts,
    /// A part of the store's URL.
    StorePart,
    /// A part of the event log's URL.
    LogPart,
}

impl Form {
    /// Whether it makes the setting's value only together with others.
    const fn is_part(self) -> bool {
        matches!(self, Self::StoreHosts | Self::StorePart | Self::LogPart)
    }
}

/// An alias.
#[derive(Debug)]
pub(crate) struct Alias {
    /// The variable.
    pub name: &'static str,
    /// The setting.
    pub key: &'static str,
    form: Form,
}

impl Alias {
    const fn new(name: &'static str, key: &'static str, form: Form) -> Self {
        Self { name, key, form }
    }

    /// What a reader of the reference page should know beyond the name.
    pub const fn note(&self) -> &'static str {
        match self.form {
            Form::Same => "the same value",
            Form::Port => "a port, on all addresses",
            Form::Brokers => "`HOST:PORT,HOST:PORT`; encrypted where `FOOTFALL_KAFKA_CA`, `_CERT` or `_KEY` is set; or a `kafka://` URL",
            Form::Dsn => "a URL, or `host=… port=… user=… password=… dbname=… sslmode=…`",
            Form::StoreHosts => {
                "`HOST` or `HOST:PORT`, several with commas for replicas, no login; the hosts of `CLICKHOUSE_URL` where that is set; port 443 or 8443 means https"
            }
            Form::StorePart => "a part of the URL: fills what `CLICKHOUSE_URL` leaves open; port 443 or 8443 means https",
            Form::LogPart => "the topic of a list of brokers",
        }
    }
}

/// All of them; of one setting the short name first.
pub(crate) const ALIASES: &[Alias] = &[
    Alias::new("PORT", "listen", Form::Port),
    Alias::new("CONSUMER_METRICS_PORT", "metrics_listen", Form::Port),
    Alias::new("KAFKA_BROKERS", "event_log_url", Form::Brokers),
    Alias::new("CAPTURE_KAFKA_BOOTSTRAP_SERVERS", "event_log_url", Form::Brokers),
    Alias::new("KAFKA_TOPIC", "event_log_url", Form::LogPart),
    Alias::new("CONSUMER_KAFKA_GROUP_ID", "kafka_group", Form::Same),
    Alias::new("REDIS_URL", "live_url", Form::Same),
    Alias::new("CLICKHOUSE_URL", "store_url", Form::Same),
    Alias::new("CLICKHOUSE_HOST", "store_url", Form::StoreHosts),
    Alias::new("QUERY_CLICKHOUSE_HOST", "store_url", Form::StoreHosts),
    Alias::new("CLICKHOUSE_PORT", "store_url", Form::StorePart),
    Alias::new("CLICKHOUSE_DATABASE", "store_url", Form::StorePart),
    Alias::new("CLICKHOUSE_USER", "store_user", Form::Same),
    Alias::new("CLICKHOUSE_PASSWORD", "store_password", Form::Same),
    Alias::new("DATABASE_URL", "accounts_url", Form::Dsn),
    Alias::new("POSTGRES_DSN", "accounts_url", Form::Dsn),
    Alias::new("JWT_SECRET", "secret", Form::Same),
    Alias::new("AWS_REGION", "aws_region", Form::Same),
    Alias::new("S3_BUCKET", "s3_bucket", Form::Same),
];

/// Whether a variable, or what its `_FILE` twin stands for, is an alias.
pub(crate) fn is_alias(name: &str) -> bool {
    let bare = name.strip_suffix("_FILE").unwrap_or(name);
    ALIASES.iter().any(|alias| alias.name == name || alias.name == bare)
}

/// What the aliases of a setting say.
pub(crate) fn look_up(sources: &Sources, key: &str) -> Result<Option<Found>, String> {
    let mut first: Option<Found> = None;
    for alias in ALIASES.iter().filter(|alias| alias.key == key && !alias.form.is_part()) {
        let Some(found) = set(sources, alias.name)? else { continue };
        let found = Found { value: value(sources, alias.form, &found)?, ..found };
        match &first {
            Some(other) if !same(&other.value, &found.value) => return Err(conflict(&other.source, &found.source)),
            Some(_) => {}
            None => first = Some(found),
        }
    }
    match (key, first) {
        ("store_url", whole) => store_url(sources, whole),
        ("event_log_url", None) => match set(sources, "KAFKA_TOPIC")? {
            Some(topic) => Err(lone(&topic, "the brokers", "KAFKA_BROKERS=HOST:9092")),
            None => Ok(None),
        },
        (_, first) => Ok(first),
    }
}

/// A part that completes nothing: what it was meant for is missing.
fn lone(part: &Found, missing: &str, set: &str) -> String {
    format!("{} is set, but not {missing} that it is a part of; set {set} as well, or remove {}", part.source, part.source)
}

fn conflict(one: &str, other: &str) -> String {
    format!("{one} and {other} are both set and say different things; keep one of them")
}

fn set(sources: &Sources, name: &str) -> Result<Option<Found>, String> {
    // In a namespace with a service named `clickhouse`, Kubernetes gives every container CLICKHOUSE_PORT=tcp://ADDRESS:PORT.
    let is_of_a_service = |found: &Found| name.ends_with("PORT") && found.value.starts_with("tcp://");
    Ok(sources.variable(name, Rank::Alias)?.filter(|found| !found.value.is_empty() && !is_of_a_service(found)))
}

fn value(sources: &Sources, form: Form, found: &Found) -> Result<String, String> {
    match form {
        Form::Port => Ok(format!("0.0.0.0:{}", found.value)),
        Form::Dsn => Ok(dsn::to_url(&found.value)),
        Form::Brokers => brokers(sources, found),
        Form::Same | Form::StoreHosts | Form::StorePart | Form::LogPart => Ok(found.value.clone()),
    }
}

fn same(one: &str, other: &str) -> bool {
    match (one.parse::<KafkaUrl>(), other.parse::<KafkaUrl>()) {
        (Ok(one), Ok(other)) => one.same(&other),
        _ => one == other,
    }
}

/// A list of brokers as a URL.
fn brokers(sources: &Sources, found: &Found) -> Result<String, String> {
    let topic = set(sources, "KAFKA_TOPIC")?;
    let is_url = found.value.contains("://");
    let names_topic = is_url && found.value.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
    let mut text = found.value.clone();
    if !is_url {
        let mut encrypted = false;
        for key in ["kafka_ca", "kafka_cert", "kafka_key"] {
            encrypted |= sources.look_up(key)?.is_some_and(|found| !found.value.is_empty());
        }
        text = format!("kafka{}://{text}", if encrypted { "+tls" } else { "" });
    }
    match topic {
        Some(topic) if !names_topic => text = format!("{}/{}", text.trim_end_matches('/'), topic.value),
        Some(topic) if !text.trim_end_matches('/').ends_with(&format!("/{}", topic.value)) => {
            return Err(conflict(&found.source, &topic.source));
        }
        _ => {}
    }
    match text.parse::<KafkaUrl>() {
        Ok(url) => Ok(url.text()),
        // Refused with its form where the setting is parsed.
        Err(_) => Ok(text),
    }
}

/// `CLICKHOUSE_URL`, or what its parts make of it.
fn store_url(sources: &Sources, whole: Option<Found>) -> Result<Option<Found>, String> {
    let mut hosts = Vec::new();
    for name in ["CLICKHOUSE_HOST", "QUERY_CLICKHOUSE_HOST"] {
        hosts.extend(set(sources, name)?);
    }
    let port = set(sources, "CLICKHOUSE_PORT")?;
    let database = set(sources, "CLICKHOUSE_DATABASE")?;
    let Some(base) = whole.as_ref().or(hosts.first()) else {
        // Shards are named by the program's own setting, which decides.
        let has_shards = sources.look_up("store_shards")?.is_some_and(|found| !found.value.is_empty());
        return match port.or(database).filter(|_| !has_shards) {
            Some(part) => Err(lone(&part, "the server", "CLICKHOUSE_HOST or CLICKHOUSE_URL")),
            None => Ok(None),
        };
    };
    let wanted = port.as_ref().map(|port| port.value.as_str());
    if let Some(port) = &port {
        store::check_port(wanted).map_err(|fault| format!("{}: {fault}", port.source))?;
    }
    let text = if whole.is_some() { base.value.clone() } else { hosts_as_url(base, wanted)? };
    let mut groups = store::parts(&text).map_err(|fault| format!("{}: {fault}", base.source))?;
    // Only a URL says by its scheme alone which port is meant.
    let default_port = if base.value.contains("://") { None } else { Some("8123") };
    let mut filled: Vec<(usize, usize, String)> = Vec::new();
    for (group_index, group) in groups.iter_mut().enumerate() {
        if let Some(name) = &database {
            match group.database {
                "" => group.database = &name.value,
                other if other != name.value => return Err(conflict(&base.source, &name.source)),
                _ => {}
            }
        }
        for (index, host) in group.hosts.iter().enumerate() {
            match (split_port(host).1, wanted) {
                (Some(own), Some(other)) if own != other => return Err(conflict(&base.source, "CLICKHOUSE_PORT")),
                (None, _) => {
                    if let Some(port) = wanted.or(default_port) {
                        filled.push((group_index, index, format!("{host}:{port}")));
                    }
                }
                _ => {}
            }
        }
    }
    for (group, index, host) in &filled {
        groups[*group].hosts[*index] = host;
    }
    let known: Vec<&str> = groups.iter().flat_map(|group| &group.hosts).copied().collect();
    for named in &hosts {
        let url = hosts_as_url(named, wanted)?;
        let parts = store::parts(&url).map_err(|fault| format!("{}: {fault}", named.source))?;
        let listed: Vec<&str> = parts.iter().flat_map(|group| &group.hosts).copied().collect();
        // One without a port means whatever port there is.
        let agree = |known: &str, host: &str| known == host || split_port(known).0 == host;
        let all_known = listed.iter().all(|host| known.iter().any(|known| agree(known, host)));
        let all_listed = known.iter().all(|known| listed.iter().any(|host| agree(known, host)));
        if !all_known || !all_listed {
            return Err(conflict(&base.source, &named.source));
        }
    }
    let value = groups.iter().map(store::Parts::text).collect::<Vec<_>>().join(",");
    Ok(Some(Found { value: value.trim_end_matches('/').to_owned(), ..base.clone() }))
}

/// A list of hosts, replicas of one shard, as a URL. One that was given as a URL is one already.
fn hosts_as_url(hosts: &Found, port: Option<&str>) -> Result<String, String> {
    if hosts.value.contains('@') {
        // Not shown: it may hold a password.
        return Err(format!(
            "{} takes hosts alone; put the login into CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, or write CLICKHOUSE_URL=http://USER:PASSWORD@HOST:8123/DATABASE instead",
            hosts.source
        ));
    }
    if hosts.value.contains("://") {
        return Ok(hosts.value.clone());
    }
    let mut secure = hosts.value.split(',').map(|host| matches!(split_port(host.trim()).1.or(port), Some("443" | "8443")));
    let first = secure.next().unwrap_or(false);
    if secure.any(|other| other != first) {
        return Err(format!(
            "{} mixes ports of http and https; write CLICKHOUSE_URL=http://HOST:8123,https://HOST:8443/DATABASE instead",
            hosts.source
        ));
    }
    Ok(format!("{}://{}", if first { "https" } else { "http" }, hosts.value))
}
