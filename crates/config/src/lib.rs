//! Configuration: one struct per concern, read once at start.
//!
//! A value comes from the first of: a command-line flag, a `FOOTFALL_…` variable, a name that other programs use too (`aliases`), the file
//! given by `--config` (TOML, same keys without the prefix, lower case), the default. Every variable has a `…_FILE` twin that names a file
//! holding the value. A bad or unknown value, or two names that contradict each other, refuse to start; the message names key, value, source
//! and the accepted form.

mod aliases;
mod check;
mod dsn;
mod reference;
mod seams;
mod setting;
mod sources;
mod store;
mod urls;
mod values;

pub use seams::{KafkaConfig, SeamConfig, StoreConfig};
pub use setting::{ConfigError, SettingDoc};
pub use sources::Sources;
pub use store::{Pins, Replica, ShardUrls};
pub use urls::{KafkaUrl, SeamUrl};
pub use values::{Bytes, Duration, KafkaSasl, LogFormat, Password, Proxies, Role, Roles, Secret};

use std::{net::SocketAddr, path::PathBuf};

use setting::settings;

settings! {
    /// Process: where state lives and how the process speaks.
    pub struct ProcessConfig {
        /// The folder that holds all state of a one-machine installation.
        data: PathBuf = "./data", "a folder";
        /// How log lines look on stderr: `pretty` for people, `json` for machines.
        log_format: LogFormat = "pretty", "`pretty` or `json`";
        /// Which log lines are written: a level (`error`, `warn`, `info`, `debug`), or directives such as `info,footfall_log=debug`.
        log_level: String = "info", "a level or tracing directives";
    }
}

settings! {
    /// HTTP: where the server listens and what it believes of its clients.
    pub struct HttpConfig {
        /// Address and port of pages, API and collector.
        listen: SocketAddr = "127.0.0.1:8080", "ADDRESS:PORT, for example 0.0.0.0:8080";
        /// The address under which browsers reach the server; empty: `http://` and the listen address. Cookies are `Secure` where it is https.
        base_url: String = "", "a URL such as https://stats.example.org, or nothing";
        /// Roles that this process takes.
        roles: Roles = "capture,query,auth,processor", "a comma-separated list of capture, query, auth, processor";
        /// Addresses or networks of the proxies whose `X-Forwarded-For` is believed. Loopback only by default, as nothing else can forge it there.
        trusted_proxies: Proxies = "127.0.0.1/32,::1/128", "a comma-separated list of addresses or CIDR networks, or nothing";
        /// Where `/metrics`, and `/health` of a processor without pages, are served; never the public port.
        metrics_listen: SocketAddr = "127.0.0.1:9090", "ADDRESS:PORT";
    }
}

settings! {
    /// Limits on what callers may do, and on what is kept in memory for them.
    pub struct LimitConfig {
        /// Events per second and client that the collector takes (burst: twice that); 0 switches the limit off.
        rate_limit_client: u32 = "100", "a whole number, 0 for no limit";
        /// Events per second and domain that the collector takes; 0 switches the limit off.
        rate_limit_domain: u32 = "5000", "a whole number, 0 for no limit";
        /// Events per second of one `events:write` key; 0 switches the limit off.
        rate_limit_key: u32 = "5000", "a whole number, 0 for no limit";
        /// Queries per hour of one API key that has no limit of its own; 0 switches the limit off.
        rate_limit_query: u32 = "600", "a whole number, 0 for no limit";
        /// Visits under way that a processor remembers per partition of the log, about 1.2 KB each, and 16 times as many records in which a repeated id is found. The same for all processors. 0: 500,000 divided by the partitions, at most 250,000.
        visits_per_partition: u32 = "0", "a whole number, 0 for the share";
    }
}

settings! {
    /// Places: where visits come from.
    pub struct PlaceConfig {
        /// A city database in MaxMind's format (GeoLite2 City, DB-IP City): regions, cities and their names. Without it countries are known alone, by a list in the binary. About its size in memory.
        city_database: String = "", "a file such as /var/lib/GeoIP/GeoLite2-City.mmdb, or nothing";
    }
}

impl PlaceConfig {
    /// The city database, if there is to be one.
    #[must_use]
    pub fn city_database(&self) -> Option<PathBuf> {
        (!self.city_database.is_empty()).then(|| PathBuf::from(&self.city_database))
    }
}

settings! {
    /// Secrets.
    pub struct SecretConfig {
        /// Keys CSRF tokens and one-time links. Generated and kept with the accounts on one machine; to be set, and the same, for all processes of a cluster.
        secret: Secret = "", "at least 32 characters, or nothing";
    }
}

settings! {
    /// Object storage: reserved. Read and shown; no command of this version uses it.
    pub struct ObjectConfig {
        /// Reserved: the region of the bucket.
        aws_region: String = "", "a region such as eu-central-1, or nothing";
        /// Reserved: the bucket.
        s3_bucket: String = "", "a bucket's name, or nothing";
    }
}

/// Everything.
#[derive(Clone, Debug)]
pub struct Config {
    /// Process.
    pub process: ProcessConfig,
    /// HTTP.
    pub http: HttpConfig,
    /// Seams.
    pub seams: SeamConfig,
    /// The event log on Kafka.
    pub kafka: KafkaConfig,
    /// The analytics store on servers.
    pub store: StoreConfig,
    /// Limits.
    pub limits: LimitConfig,
    /// Places.
    pub places: PlaceConfig,
    /// Secrets.
    pub secrets: SecretConfig,
    /// Object storage.
    pub objects: ObjectConfig,
    /// The ClickHouse servers: shards, each a list of replicas. Empty where the engine is embedded.
    pub servers: Vec<Vec<Replica>>,
}

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// All faults at once: bad values, unknown keys, unreadable files, names that contradict each other.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut faults = sources.unknown_keys(Self::reference().map(|setting| setting.key));
        let process = ProcessConfig::load(sources, &mut faults);
        let http = HttpConfig::load(sources, &mut faults);
        let seams = SeamConfig::load(sources, &mut faults);
        let kafka = KafkaConfig::load(sources, &mut faults);
        let store = StoreConfig::load(sources, &mut faults);
        let limits = LimitConfig::load(sources, &mut faults);
        let places = PlaceConfig::load(sources, &mut faults);
        let secrets = SecretConfig::load(sources, &mut faults);
        let objects = ObjectConfig::load(sources, &mut faults);
        if let (Some(seams), Some(kafka)) = (&seams, &kafka) {
            check::seams(sources, seams, kafka, &mut faults);
        }
        let servers = match (&seams, &store) {
            (Some(seams), Some(store)) => check::servers(sources, seams, store, &mut faults),
            _ => Vec::new(),
        };
        let (
            Some(process),
            Some(http),
            Some(mut seams),
            Some(kafka),
            Some(store),
            Some(limits),
            Some(places),
            Some(secrets),
            Some(objects),
            true,
        ) = (process, http, seams, kafka, store, limits, places, secrets, objects, faults.is_empty())
        else {
            return Err(ConfigError(faults));
        };
        if let Some(first) = servers.first().and_then(|shard| shard.first()) {
            // So that the scheme says "servers" however they were named.
            seams.store_url = first.seam_url();
        }
        Ok(Self { process, http, seams, kafka, store, limits, places, secrets, objects, servers })
    }

    /// Every setting with the title of its section, in the order of the reference page.
    pub(crate) const SECTIONS: &'static [(&'static str, &'static [SettingDoc])] = &[
        ("Process", ProcessConfig::DOCS),
        ("HTTP", HttpConfig::DOCS),
        ("Seams: which engine stands behind each", SeamConfig::DOCS),
        ("The event log on Kafka", KafkaConfig::DOCS),
        ("The analytics store on ClickHouse servers", StoreConfig::DOCS),
        ("Limits", LimitConfig::DOCS),
        ("Places", PlaceConfig::DOCS),
        ("Secrets", SecretConfig::DOCS),
        ("Object storage (reserved: no command of this version uses it)", ObjectConfig::DOCS),
    ];

    /// Every setting, in the order of the reference page.
    pub fn reference() -> impl Iterator<Item = &'static SettingDoc> {
        Self::SECTIONS.iter().flat_map(|(_, settings)| settings.iter())
    }

    /// The reference page (`docs/reference/configuration.md`) as Markdown.
    #[must_use]
    pub fn reference_page() -> String {
        reference::page()
    }

    /// Every setting with its value and where it came from; secrets are not shown.
    #[must_use]
    pub fn print(sources: &Sources) -> String {
        let mut text = String::new();
        for setting in Self::reference() {
            let (value, source) = match sources.look_up(setting.key) {
                Ok(Some(found)) => (found.value, found.source),
                _ => (setting.default.to_owned(), "default".to_owned()),
            };
            let shown = if value.is_empty() { "\"\"".to_owned() } else { setting.shown(&value) };
            text.push_str(&format!("{} = {shown}  # {source}\n", setting.key));
        }
        text
    }

    /// The folder or file of a one-machine engine: what the URL names, else `name` in the data folder.
    #[must_use]
    pub fn local_path(&self, url: &SeamUrl, name: &str) -> PathBuf {
        let rest = url.rest();
        if rest.is_empty() { self.process.data.join(name) } else { PathBuf::from(rest) }
    }

    /// The address under which browsers reach this server, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        if self.http.base_url.is_empty() {
            format!("http://{}", self.http.listen)
        } else {
            self.http.base_url.trim_end_matches('/').to_owned()
        }
    }
}
