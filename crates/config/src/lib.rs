//! Configuration: one struct per concern, read once at start.
//!
//! A value comes from the first of: a command-line flag, a `FOOTFALL_…` variable (or its `…_FILE` twin that names a file
//! holding the value), the file given by `--config` (TOML, same keys without the prefix, lower case), the default.
//! A bad or unknown value refuses to start and names key, value, source and the accepted form.

mod setting;
mod sources;
mod values;

pub use setting::{ConfigError, SettingDoc};
pub use sources::Sources;
pub use values::{Bytes, Duration, LogFormat, Proxies, Role, Roles, SeamUrl, Secret};

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
        /// Address and port of pages, API and collector. `PORT` (all addresses) is used where only that is set.
        listen: SocketAddr = "127.0.0.1:8080", "ADDRESS:PORT, for example 0.0.0.0:8080";
        /// The address under which browsers reach the server; empty: `http://` and the listen address. Cookies are `Secure` where it is https.
        base_url: String = "", "a URL such as https://stats.example.org, or nothing";
        /// Roles that this process takes.
        roles: Roles = "capture,query,auth,processor", "a comma-separated list of capture, query, auth, processor";
        /// Addresses or networks of the proxies whose `X-Forwarded-For` is believed. Loopback only by default, as nothing else can forge it there.
        trusted_proxies: Proxies = "127.0.0.1/32,::1/128", "a comma-separated list of addresses or CIDR networks, or nothing";
        /// Where `/metrics` is served; never the public port.
        metrics_listen: SocketAddr = "127.0.0.1:9090", "ADDRESS:PORT";
    }
}

settings! {
    /// Seams: which engine stands behind each.
    pub struct SeamConfig {
        /// The event log. `file:` alone means `DATA/log`.
        event_log_url: SeamUrl = "file:", "file:FOLDER";
        /// Live state.
        live_url: SeamUrl = "memory:", "memory:";
        /// The analytics store. `engine:` alone runs the embedded ClickHouse on `DATA/clickhouse`.
        store_url: SeamUrl = "engine:", "engine:FOLDER, or http(s)://USER:PASSWORD@HOST:8123/DATABASE";
        /// Accounts. `sqlite:` alone means `DATA/footfall.db`.
        accounts_url: SeamUrl = "sqlite:", "sqlite:FILE, or postgres://USER:PASSWORD@HOST/DATABASE";
        /// Most bytes of disk that the local event log may take; beyond, events are refused with 503 rather than lost.
        log_max_bytes: Bytes = "10GiB", "a size such as 512MiB or 10GiB";
        /// How long entries stay in the local log after they were processed.
        log_retention: Duration = "7d", "a duration such as 90m, 24h or 7d";
        /// Memory cap of the embedded ClickHouse; `auto`: 40 % of the machine's memory or of the cgroup's limit, at least 256 MiB.
        engine_memory: String = "auto", "`auto`, or a size such as 1GiB";
        /// Path of libchdb.so; empty: looked for beside the binary, in the data folder and in the checkout.
        libchdb: String = "", "a file, or nothing";
    }
}

settings! {
    /// Limits on what callers may do.
    pub struct LimitConfig {
        /// Events per second and client that the collector takes (burst: twice that); 0 switches the limit off.
        rate_limit_client: u32 = "100", "a whole number, 0 for no limit";
        /// Events per second and domain that the collector takes; 0 switches the limit off.
        rate_limit_domain: u32 = "5000", "a whole number, 0 for no limit";
        /// Events per second of one `events:write` key; 0 switches the limit off.
        rate_limit_key: u32 = "5000", "a whole number, 0 for no limit";
        /// Queries per hour of one API key that has no limit of its own; 0 switches the limit off.
        rate_limit_query: u32 = "600", "a whole number, 0 for no limit";
    }
}

settings! {
    /// Secrets.
    pub struct SecretConfig {
        /// Keys CSRF tokens and one-time links. Generated and kept with the accounts on one machine. `JWT_SECRET` is an alias.
        secret: Secret = "", "at least 32 characters, or nothing";
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
    /// Limits.
    pub limits: LimitConfig,
    /// Secrets.
    pub secrets: SecretConfig,
}

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// All faults at once: bad values, unknown keys, unreadable files.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut faults = sources.unknown_keys(Self::reference().map(|setting| setting.key));
        let process = ProcessConfig::load(sources, &mut faults);
        let http = HttpConfig::load(sources, &mut faults);
        let seams = SeamConfig::load(sources, &mut faults);
        let limits = LimitConfig::load(sources, &mut faults);
        let secrets = SecretConfig::load(sources, &mut faults);
        match (process, http, seams, limits, secrets) {
            (Some(process), Some(http), Some(seams), Some(limits), Some(secrets)) if faults.is_empty() => {
                Ok(Self { process, http, seams, limits, secrets })
            }
            _ => Err(ConfigError(faults)),
        }
    }

    /// Every setting, in the order of the reference page.
    pub fn reference() -> impl Iterator<Item = &'static SettingDoc> {
        [ProcessConfig::DOCS, HttpConfig::DOCS, SeamConfig::DOCS, LimitConfig::DOCS, SecretConfig::DOCS].into_iter().flatten()
    }

    /// The reference page (`docs/reference/configuration.md`) as Markdown.
    #[must_use]
    pub fn reference_page() -> String {
        let mut page = String::from(
            "# Configuration\n\nMade by `footfall config reference`. A value comes from the first of: command-line flag, variable \
             (or the file named by its `_FILE` twin), the TOML file given by `--config`, default.\n\n\
             | variable | in the file | default | accepted | what it does |\n|---|---|---|---|---|\n",
        );
        for setting in Self::reference() {
            let default = if setting.default.is_empty() { "(empty)".to_owned() } else { format!("`{}`", setting.default) };
            page.push_str(&format!(
                "| `{}` | `{}` | {default} | {} | {} |\n",
                setting.variable(),
                setting.key,
                setting.form,
                setting.doc.trim()
            ));
        }
        page
    }

    /// Every setting with its value and where it came from; secrets are not shown.
    #[must_use]
    pub fn print(sources: &Sources) -> String {
        let mut text = String::new();
        for setting in Self::reference() {
            let (value, source) = sources.find(setting.key).unwrap_or_else(|| (setting.default.to_owned(), "default".to_owned()));
            let shown = if value.is_empty() { "\"\"".to_owned() } else { values::redact(setting.key, &value) };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        let config = Config::load(&Sources::default()).unwrap();
        assert_eq!(config.base_url(), "http://127.0.0.1:8080");
        assert_eq!(config.local_path(&config.seams.event_log_url, "log"), PathBuf::from("./data/log"));
        assert_eq!(config.seams.log_max_bytes.0, 10 << 30);
    }

    #[test]
    fn the_first_source_wins_and_port_is_the_last_resort() {
        let file = "listen = \"127.0.0.1:1\"\nrate_limit_client = 7\n";
        let sources =
            Sources::from_parts([("listen", "127.0.0.1:3")], [("FOOTFALL_LISTEN", "127.0.0.1:2"), ("PORT", "4")], Some(file)).unwrap();
        let config = Config::load(&sources).unwrap();
        assert_eq!(config.http.listen.port(), 3);
        assert_eq!(config.limits.rate_limit_client, 7);
        let sources = Sources::from_parts([], [("PORT", "4")], None).unwrap();
        assert_eq!(Config::load(&sources).unwrap().http.listen.to_string(), "0.0.0.0:4");
    }

    #[test]
    fn faults_name_key_value_source_and_form() {
        let sources =
            Sources::from_parts([], [("FOOTFALL_LISTEN", "here"), ("FOOTFALL_LISTENN", "x")], Some("roles = \"capture,cook\"\n")).unwrap();
        let text = Config::load(&sources).unwrap_err().to_string();
        for part in ["FOOTFALL_LISTEN", "`here`", "ADDRESS:PORT", "FOOTFALL_LISTENN", "`capture,cook`", "configuration file"] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn secrets_are_read_from_files_and_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123456789abcdef0123456789abcdef\n").unwrap();
        let path = file.path().to_str().unwrap();
        let sources = Sources::from_parts([], [("FOOTFALL_SECRET_FILE", path)], None).unwrap();
        let config = Config::load(&sources).unwrap();
        assert_eq!(config.secrets.secret.expose(), "0123456789abcdef0123456789abcdef");
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
        assert!(!Config::print(&sources).contains("0123456789abcdef"));
        let sources = Sources::from_parts([], [("FOOTFALL_ACCOUNTS_URL", "postgres://u:hunter2@h/db")], None).unwrap();
        assert!(!Config::print(&sources).contains("hunter2"));
    }
}
