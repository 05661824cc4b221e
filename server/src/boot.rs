//! The one place that knows engines: URLs in, services out.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use footfall_config::{Config, KafkaUrl, Role, SeamUrl};
use footfall_engine::{SuperviseOptions, Supervisor};
use footfall_live::{
    Live,
    memory::{MemoryLive, MemoryLiveOptions},
    redis::{RedisLive, RedisLiveOptions},
};
use footfall_log::{
    file::{FileLog, FileLogOptions},
    kafka::{KafkaLog, KafkaLogOptions, KafkaSasl, KafkaSecurity, KafkaSpill, KafkaTls, SaslMechanism},
};
use footfall_meta::Meta;
use footfall_model::LogName;
use footfall_store::{Endpoint, Replica, ShardOptions, Store, StoreError, StoreOptions};

use crate::services::Logs;

/// The database of the analytics store, unless the URL names another.
const DATABASE: &str = "footfall";

/// A store that was away at the start is tried again this often.
const STORE_AGAIN: Duration = Duration::from_secs(2);

/// The analytics store, and the child process behind it where that is ours.
pub struct StoreService {
    /// The client.
    pub store: Store,
    /// The embedded engine; none for a server elsewhere, or when another process of this installation runs it.
    pub engine: Option<Supervisor>,
    /// Memory cap of the embedded engine in bytes.
    pub memory_cap: Option<u64>,
}

/// Opens the accounts and brings their schema up to date.
///
/// # Errors
/// When the database cannot be opened; the message names the setting.
pub async fn open_accounts(config: &Config) -> anyhow::Result<Meta> {
    let (file, url) = accounts_url(config)?;
    if let Some(file) = file {
        make_folder_of(&file)?;
    }
    Meta::open(&url).await.context("the accounts database cannot be opened")
}

/// The accounts' URL for the database, and the file where it is one.
fn accounts_url(config: &Config) -> anyhow::Result<(Option<PathBuf>, String)> {
    let url = &config.seams.accounts_url;
    match url.scheme() {
        "sqlite" => {
            let path = config.local_path(url, "footfall.db");
            let text = format!("sqlite:{}", path.display());
            Ok((Some(path), text))
        }
        "postgres" | "postgresql" => Ok((None, url.expose().to_owned())),
        other => bail!("FOOTFALL_ACCOUNTS_URL names the engine `{other}`; use sqlite: or postgres:"),
    }
}

/// Opens both event logs: what happens now, and what is imported.
///
/// # Errors
/// When a log cannot be opened, for example because another process holds it.
pub async fn open_logs(config: &Config) -> anyhow::Result<Logs> {
    let url = &config.seams.event_log_url;
    if let Some(kafka) = url.kafka() {
        let (live, import) = (open_kafka(config, &kafka, LogName::Live).await?, open_kafka(config, &kafka, LogName::Import).await?);
        return Ok(Logs { live: live.clone(), import: import.clone(), files: None, topics: Some([live, import]) });
    }
    let (live, import) = open_files(config).await?;
    Ok(Logs { live: live.clone(), import: import.clone(), files: Some([live, import]), topics: None })
}

/// The one-machine logs.
async fn open_files(config: &Config) -> anyhow::Result<(Arc<FileLog>, Arc<FileLog>)> {
    let dir = config.local_path(&config.seams.event_log_url, "log");
    let open = async |name: LogName| {
        let options = FileLogOptions {
            max_bytes: config.seams.log_max_bytes.0,
            retention: config.seams.log_retention.0,
            groups: vec![footfall_processor::stored::GROUP.to_owned()],
            ..FileLogOptions::new(dir.join(name.topic()), name)
        };
        FileLog::open(options).await.with_context(|| format!("the event log {} cannot be opened", name.topic()))
    };
    Ok((open(LogName::Live).await?, open(LogName::Import).await?))
}

/// A topic to move to.
pub struct KafkaTarget {
    /// How it is used.
    pub options: Arc<KafkaLogOptions>,
    /// The topic, made if it was not there.
    pub log: Arc<KafkaLog>,
}

/// The topics of these settings: what happens now, and imports.
///
/// # Errors
/// When the settings name none.
pub async fn kafka_targets(config: &Config) -> anyhow::Result<[KafkaTarget; 2]> {
    let Some(url) = config.seams.event_log_url.kafka() else { bail!("event_log_url names no Kafka topic") };
    let open = async |name: LogName| {
        let options = kafka_options(config, &url, name);
        let log = KafkaLog::open(options.clone()).await.with_context(|| format!("the topic {}", options.topic))?;
        anyhow::Ok(KafkaTarget { options: Arc::new(options), log })
    };
    Ok([open(LogName::Live).await?, open(LogName::Import).await?])
}

async fn open_kafka(config: &Config, url: &KafkaUrl, name: LogName) -> anyhow::Result<Arc<KafkaLog>> {
    let options = kafka_options(config, url, name);
    let topic = options.topic.clone();
    KafkaLog::open(options).await.with_context(|| format!("the event log cannot use the topic {topic}"))
}

/// How a topic is used: `TOPIC` for what happens now, `TOPIC_import` for imports.
#[must_use]
pub fn kafka_options(config: &Config, url: &KafkaUrl, name: LogName) -> KafkaLogOptions {
    let (kafka, file) = (&config.kafka, |path: &String| (!path.is_empty()).then(|| PathBuf::from(path)));
    let (topic, group) = match name {
        LogName::Live => (url.topic.clone(), kafka.kafka_group.clone()),
        LogName::Import => (format!("{}_import", url.topic), format!("{}-import", kafka.kafka_group)),
    };
    let sasl = (!kafka.kafka_user.is_empty()).then(|| KafkaSasl {
        mechanism: match kafka.kafka_sasl {
            footfall_config::KafkaSasl::Plain => SaslMechanism::Plain,
            footfall_config::KafkaSasl::ScramSha256 => SaslMechanism::ScramSha256,
            footfall_config::KafkaSasl::ScramSha512 => SaslMechanism::ScramSha512,
        },
        user: kafka.kafka_user.clone(),
        password: kafka.kafka_password.expose().to_owned(),
    });
    let tls = url.tls.then(|| KafkaTls { ca: file(&kafka.kafka_ca), cert: file(&kafka.kafka_cert), key: file(&kafka.kafka_key) });
    let spill = file(&kafka.log_spill).map(|folder| KafkaSpill { dir: folder.join(name.topic()), max_bytes: config.seams.log_max_bytes.0 });
    KafkaLogOptions {
        partitions: kafka.kafka_partitions.get(),
        replication: kafka.kafka_replication.get(),
        retention: kafka.kafka_retention.0,
        called: Some((footfall_processor::stored::GROUP.to_owned(), group)),
        security: KafkaSecurity { tls, sasl },
        session_timeout: kafka.kafka_session_timeout.0,
        // An import waits by itself.
        spill: spill.filter(|_| name == LogName::Live),
        ..KafkaLogOptions::new(url.brokers.clone(), topic, name)
    }
}

/// Opens live state.
///
/// # Errors
/// When the URL names an engine that there is not.
pub fn open_live(config: &Config) -> anyhow::Result<Arc<dyn Live>> {
    let seams = &config.seams;
    if seams.live_url.scheme() == "memory" {
        return Ok(MemoryLive::new(MemoryLiveOptions::default()));
    }
    let password = seams.live_password.expose();
    let options = RedisLiveOptions {
        password: (!password.is_empty()).then(|| password.to_owned()),
        prefix: seams.live_prefix.clone(),
        ..RedisLiveOptions::new(seams.live_url.expose())
    };
    Ok(RedisLive::connect(options).context("FOOTFALL_LIVE_URL cannot be used")?)
}

/// What for the store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve: its own engine, or one that was started alone by `footfall engine`, as what another process started ends with that
    /// process. Servers elsewhere may be away for now.
    Serve,
    /// For work that is done at once: any engine that runs, or servers that answer.
    Once,
}

/// Connects to the analytics store and brings its schema up to date. The embedded engine is started unless there is one to use.
///
/// # Errors
/// When the library is missing, the folder is locked, or the server does not answer.
pub async fn open_store(config: &Config, meta: &Meta, purpose: Purpose) -> anyhow::Result<StoreService> {
    let (options, engine, memory_cap) = match config.seams.store_url.scheme() {
        "engine" => {
            let data = config.process.data.clone();
            let running = match purpose {
                Purpose::Serve => footfall_engine::Endpoint::discover_independent(&data).await,
                Purpose::Once => footfall_engine::Endpoint::discover(&data).await,
            };
            if let Some(running) = running {
                (local_store(running), None, None)
            } else {
                let cap = engine_memory(config)?;
                let engine = start_engine(config, cap).await?;
                (local_store(engine.endpoint()), Some(engine), Some(cap))
            }
        }
        _ => (remote_store(config, meta).await?, None, None),
    };
    let store = Store::connect(&options);
    match prepare(&store).await {
        // Servers elsewhere come back by themselves: until then pages show what they have, and events wait in their log.
        Err(error) if purpose == Purpose::Serve && is_shared(&config.seams.store_url) && error.is_away() => {
            tracing::error!(%error, "the analytics store is away; its schema is looked at as soon as it answers");
            let late = store.clone();
            tokio::spawn(async move {
                while let Err(error) = prepare(&late).await {
                    tracing::debug!(%error, "the analytics store is still away");
                    tokio::time::sleep(STORE_AGAIN).await;
                }
                tracing::info!("the analytics store is there and its schema is up to date");
            });
        }
        outcome => outcome.context("the analytics store cannot be migrated")?,
    }
    Ok(StoreService { store, engine, memory_cap })
}

/// Brings the schema up to date, and says which domains nobody will find.
async fn prepare(store: &Store) -> Result<(), StoreError> {
    store.migrate().await?;
    for domain in store.misplaced().await? {
        tracing::error!(
            site = %domain.site,
            found = domain.found + 1,
            home = domain.home + 1,
            "a domain has events on a shard where nobody looks for them; docs/operate/cluster.md says how to move a domain"
        );
    }
    Ok(())
}

async fn start_engine(config: &Config, memory_cap: u64) -> anyhow::Result<Supervisor> {
    let data = config.process.data.clone();
    std::fs::create_dir_all(&data).with_context(|| format!("the data folder {} cannot be made", data.display()))?;
    let library = footfall_engine::find_library(&data, explicit_library(config).as_deref())?;
    let exe = std::env::current_exe().context("the path of this program cannot be found")?;
    Ok(Supervisor::start(SuperviseOptions { exe, data, library, memory_cap: Some(memory_cap) }).await?)
}

fn local_store(engine: footfall_engine::Endpoint) -> StoreOptions {
    let endpoint = Endpoint { url: engine.url, user: engine.user, password: engine.password, database: DATABASE.to_owned(), cluster: None };
    StoreOptions::from(&endpoint)
}

/// The servers that are configured. Domains that are pinned to a shard are looked up, as the store knows ids alone.
async fn remote_store(config: &Config, meta: &Meta) -> anyhow::Result<StoreOptions> {
    let replica = |server: &footfall_config::Replica| Replica {
        url: server.url.clone(),
        user: server.user.clone(),
        password: server.password.expose().to_owned(),
    };
    let mut pins = BTreeMap::new();
    for (domain, shard) in &config.store.store_pins.0 {
        let name = domain.parse().with_context(|| format!("FOOTFALL_STORE_PINS names `{domain}`"))?;
        // One that was deleted and can be restored lives where it lived.
        let deleted = meta.deleted_site_by_domain(&name).await?.map(|deleted| deleted.site);
        match meta.site_by_domain(&name).await?.or(deleted) {
            Some(site) => drop(pins.insert(site.id, *shard)),
            None => tracing::warn!(
                domain,
                "FOOTFALL_STORE_PINS names a domain that is not measured here yet; restart once it was added, before its first event"
            ),
        }
    }
    let cluster = &config.store.store_cluster;
    Ok(StoreOptions {
        shards: config.servers.iter().map(|shard| ShardOptions { replicas: shard.iter().map(replica).collect() }).collect(),
        database: config
            .servers
            .first()
            .and_then(|shard| shard.first())
            .map_or_else(|| DATABASE.to_owned(), |server| server.database.clone()),
        cluster: (!cluster.is_empty()).then(|| cluster.clone()),
        quorum: config.store.store_quorum,
        pins,
    })
}

/// Whether an engine can be shared by several processes.
#[must_use]
pub fn is_shared(url: &SeamUrl) -> bool {
    !["file", "memory", "engine", "sqlite"].contains(&url.scheme())
}

/// Migrations that a start would run, without running them. Needs the store to run, which a command does not start for this.
///
/// # Errors
/// When the accounts cannot be read, or the store is configured elsewhere and does not answer.
pub async fn pending_migrations(config: &Config) -> anyhow::Result<Vec<String>> {
    let (_, url) = accounts_url(config)?;
    let meta = Meta::connect(&url).await.context("the accounts database cannot be opened")?;
    let mut pending = meta.pending_migrations().await?;
    let store = match config.seams.store_url.scheme() {
        "engine" => footfall_engine::Endpoint::discover(&config.process.data).await.map(local_store),
        // Accounts that are still to be made hold no pinned domain.
        _ if pending.is_empty() => Some(remote_store(config, &meta).await?),
        _ => None,
    };
    if let Some(options) = store {
        pending.extend(Store::connect(&options).pending_migrations().await?.into_iter().map(str::to_owned));
    }
    Ok(pending)
}

/// The memory cap of the embedded engine in bytes.
///
/// # Errors
/// When the setting is neither `auto` nor a size.
pub fn engine_memory(config: &Config) -> anyhow::Result<u64> {
    match config.seams.engine_memory.as_str() {
        "auto" => Ok(footfall_engine::default_memory_cap()),
        text => match text.parse::<footfall_config::Bytes>() {
            Ok(bytes) => Ok(bytes.0),
            Err(_) => bail!("FOOTFALL_ENGINE_MEMORY is `{text}`; use auto, or a size such as 1GiB"),
        },
    }
}

/// The library named by configuration.
#[must_use]
pub fn explicit_library(config: &Config) -> Option<PathBuf> {
    (!config.seams.libchdb.is_empty()).then(|| PathBuf::from(&config.seams.libchdb))
}

/// Refuses a subset of roles that would have to share what only one process can hold.
///
/// # Errors
/// Names the URL to set.
pub fn check_roles(config: &Config) -> anyhow::Result<()> {
    let roles = &config.http.roles;
    if [Role::Capture, Role::Query, Role::Auth, Role::Processor].into_iter().all(|role| roles.has(role)) {
        return Ok(());
    }
    let seams = &config.seams;
    let mut needed = vec![("FOOTFALL_LIVE_URL", &seams.live_url), ("FOOTFALL_ACCOUNTS_URL", &seams.accounts_url)];
    if roles.has(Role::Capture) || roles.has(Role::Processor) {
        needed.push(("FOOTFALL_EVENT_LOG_URL", &seams.event_log_url));
    }
    if roles.has(Role::Query) || roles.has(Role::Processor) {
        needed.push(("FOOTFALL_STORE_URL", &seams.store_url));
    }
    for (setting, url) in needed {
        if !is_shared(url) {
            bail!(
                "a process with some of the roles cannot use {url}, which no other process can share; set {setting} to a service that all roles reach"
            );
        }
    }
    if (roles.has(Role::Query) || roles.has(Role::Auth)) && config.secrets.secret.expose().is_empty() {
        bail!(
            "processes that serve pages have to share a secret; set FOOTFALL_SECRET to at least 32 random characters, the same for all of them"
        );
    }
    Ok(())
}

fn make_folder_of(file: &std::path::Path) -> anyhow::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            std::fs::create_dir_all(folder).with_context(|| format!("the data folder {} cannot be made", folder.display()))
        }
        _ => Ok(()),
    }
}
