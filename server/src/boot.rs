//! The one place that knows engines: URLs in, services out.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use footfall_config::{Config, Role};
use footfall_engine::{SuperviseOptions, Supervisor};
use footfall_live::{
    Live,
    memory::{MemoryLive, MemoryLiveOptions},
};
use footfall_log::{
    EventLog,
    file::{FileLog, FileLogOptions},
};
use footfall_meta::Meta;
use footfall_model::LogName;
use footfall_store::{Endpoint, Store};

/// The database of the analytics store, unless the URL names another.
const DATABASE: &str = "footfall";

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
pub async fn open_logs(config: &Config) -> anyhow::Result<(Arc<dyn EventLog>, Arc<dyn EventLog>)> {
    let url = &config.seams.event_log_url;
    if url.scheme() != "file" {
        bail!("FOOTFALL_EVENT_LOG_URL names the engine `{}`; use file:", url.scheme());
    }
    let dir = config.local_path(url, "log");
    let open = async |name: LogName| {
        let options = FileLogOptions {
            max_bytes: config.seams.log_max_bytes.0,
            retention: config.seams.log_retention.0,
            groups: vec![footfall_processor::stored::GROUP.to_owned()],
            ..FileLogOptions::new(dir.join(name.topic()), name)
        };
        let log = FileLog::open(options).await.with_context(|| format!("the event log {} cannot be opened", name.topic()))?;
        anyhow::Ok(log as Arc<dyn EventLog>)
    };
    Ok((open(LogName::Live).await?, open(LogName::Import).await?))
}

/// Opens live state.
///
/// # Errors
/// When the URL names an engine that there is not.
pub fn open_live(config: &Config) -> anyhow::Result<Arc<dyn Live>> {
    match config.seams.live_url.scheme() {
        "memory" => Ok(MemoryLive::new(MemoryLiveOptions::default())),
        other => bail!("FOOTFALL_LIVE_URL names the engine `{other}`; use memory:"),
    }
}

/// Whose embedded engine a process may work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Its own, or one that was started alone by `footfall engine`. What another process started ends with that process.
    Lasting,
    /// Any that runs, for work that is done at once.
    Any,
}

/// Connects to the analytics store and brings its schema up to date. The embedded engine is started unless there is one to use.
///
/// # Errors
/// When the library is missing, the folder is locked, or the server does not answer.
pub async fn open_store(config: &Config, engine: Engine) -> anyhow::Result<StoreService> {
    let url = &config.seams.store_url;
    let (endpoint, engine, memory_cap) = match url.scheme() {
        "engine" => {
            let data = config.process.data.clone();
            let running = match engine {
                Engine::Lasting => footfall_engine::Endpoint::discover_independent(&data).await,
                Engine::Any => footfall_engine::Endpoint::discover(&data).await,
            };
            if let Some(running) = running {
                (local_endpoint(running), None, None)
            } else {
                let cap = engine_memory(config)?;
                let engine = start_engine(config, cap).await?;
                (local_endpoint(engine.endpoint()), Some(engine), Some(cap))
            }
        }
        "http" | "https" => (remote_endpoint(config)?, None, None),
        other => bail!("FOOTFALL_STORE_URL names the engine `{other}`; use engine:, http: or https:"),
    };
    let store = Store::connect(&endpoint);
    store.migrate().await.context("the analytics store cannot be migrated")?;
    Ok(StoreService { store, engine, memory_cap })
}

async fn start_engine(config: &Config, memory_cap: u64) -> anyhow::Result<Supervisor> {
    let data = config.process.data.clone();
    std::fs::create_dir_all(&data).with_context(|| format!("the data folder {} cannot be made", data.display()))?;
    let library = footfall_engine::find_library(&data, explicit_library(config).as_deref())?;
    let exe = std::env::current_exe().context("the path of this program cannot be found")?;
    Ok(Supervisor::start(SuperviseOptions { exe, data, library, memory_cap: Some(memory_cap) }).await?)
}

fn local_endpoint(engine: footfall_engine::Endpoint) -> Endpoint {
    Endpoint { url: engine.url, user: engine.user, password: engine.password, database: DATABASE.to_owned(), cluster: None }
}

/// The first server that is configured.
fn remote_endpoint(config: &Config) -> anyhow::Result<Endpoint> {
    let Some(server) = config.servers.first().and_then(|shard| shard.first()) else { bail!("FOOTFALL_STORE_URL names no server") };
    let cluster = &config.store.store_cluster;
    Ok(Endpoint {
        url: server.url.clone(),
        user: server.user.clone(),
        password: server.password.expose().to_owned(),
        database: server.database.clone(),
        cluster: (!cluster.is_empty()).then(|| cluster.clone()),
    })
}

/// Migrations that a start would run, without running them. Needs the store to run, which a command does not start for this.
///
/// # Errors
/// When the accounts cannot be read, or the store is configured elsewhere and does not answer.
pub async fn pending_migrations(config: &Config) -> anyhow::Result<Vec<String>> {
    let (_, url) = accounts_url(config)?;
    let mut pending = Meta::connect(&url).await.context("the accounts database cannot be opened")?.pending_migrations().await?;
    let endpoint = match config.seams.store_url.scheme() {
        "engine" => footfall_engine::Endpoint::discover(&config.process.data).await.map(local_endpoint),
        _ => Some(remote_endpoint(config)?),
    };
    if let Some(endpoint) = endpoint {
        pending.extend(Store::connect(&endpoint).pending_migrations().await?.into_iter().map(str::to_owned));
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
    let mut needed = vec![("FOOTFALL_LIVE_URL", &seams.live_url, "memory")];
    if roles.has(Role::Capture) || roles.has(Role::Processor) {
        needed.push(("FOOTFALL_EVENT_LOG_URL", &seams.event_log_url, "file"));
    }
    if roles.has(Role::Query) || roles.has(Role::Processor) {
        needed.push(("FOOTFALL_STORE_URL", &seams.store_url, "engine"));
    }
    needed.push(("FOOTFALL_ACCOUNTS_URL", &seams.accounts_url, "sqlite"));
    for (setting, url, one_machine) in needed {
        if url.scheme() == one_machine {
            bail!(
                "a process with some of the roles cannot use {url}, which no other process can share; set {setting} to a service that all roles reach"
            );
        }
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
