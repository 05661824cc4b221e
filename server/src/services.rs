//! Everything one process runs behind its listeners: the engines, and the parts of the product that its roles need.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::Router;
use footfall_config::{Config, Role, Roles};
use footfall_live::Live;
use footfall_log::{EventLog, file::FileLog, kafka::KafkaLog};
use footfall_meta::Meta;
use footfall_processor::{Processor, ProcessorDeps, Running, Told, memory::Memory};
use tokio_util::sync::CancellationToken;

use crate::{
    analytics::{Analytics, AnalyticsDeps, Places},
    api::operator,
    boot::{self, StoreService},
    collect::{Collector, CollectorDeps},
    import::{self, Imports},
    promote::{self, Promotion},
    removal::Remover,
};

/// The processor of this process, while it has one: none while a promotion stands still, and after one.
#[derive(Clone, Default)]
pub struct SharedProcessor(Arc<Mutex<Option<Running>>>);

impl SharedProcessor {
    fn slot(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that runs now.
    #[must_use]
    pub fn running(&self) -> Option<Running> {
        self.slot().clone()
    }

    /// Starts one, unless one runs.
    pub fn start(&self, deps: &ProcessorDeps) {
        self.slot().get_or_insert_with(|| Processor::spawn(deps.clone()));
    }

    /// Ends the one that runs.
    pub async fn stop(&self) {
        let running = self.slot().take();
        if let Some(running) = running {
            running.shutdown().await;
        }
    }
}

/// The live cursor counts at most 20 times a second per partition in Redis: people look four times a second, and calls may be paid for.
const LIVE_PAUSE: Duration = Duration::from_millis(50);

/// The processor may take so long to end its ranges; after that they are left to their intents. Connections drain meanwhile.
const PROCESSOR_STOPS: Duration = Duration::from_secs(4);
/// Leaving groups and flushing may take so long.
const TOPICS_CLOSE: Duration = Duration::from_secs(1);
/// So long an engine of this process is waited for. It notices by itself that its parent ends.
const ENGINE_STOPS: Duration = Duration::from_secs(2);

/// Both event logs.
#[derive(Clone)]
pub struct Logs {
    /// What happens now.
    pub live: Arc<dyn EventLog>,
    /// Imports and back-dated events.
    pub import: Arc<dyn EventLog>,
    /// Both as local files, where they are.
    pub files: Option<[Arc<FileLog>; 2]>,
    /// Both as topics, where they are.
    pub topics: Option<[Arc<KafkaLog>; 2]>,
}

impl Logs {
    /// Ends what the brokers have of this process: the others of its groups need not wait until its silence counts.
    async fn close(&self) {
        let Some([live, import]) = &self.topics else { return };
        if tokio::time::timeout(TOPICS_CLOSE, async { tokio::join!(live.close(), import.close()) }).await.is_err() {
            tracing::warn!("the brokers do not answer: they notice later that this process has gone");
        }
    }
}

/// What takes events in: the role capture.
pub struct Capture {
    /// One by one, or in batches, over HTTP.
    pub collector: Arc<Collector>,
    /// Whole files.
    pub imports: Arc<Imports>,
}

/// The running parts of a process. What its roles do not need is not there.
pub struct Services {
    /// Configuration.
    pub config: Config,
    /// Accounts.
    pub meta: Meta,
    /// Live state.
    pub live: Arc<dyn Live>,
    /// The event logs, for capture and processor.
    pub logs: Option<Logs>,
    /// The analytics store and its engine, for query and processor.
    pub store: Option<StoreService>,
    /// For capture.
    pub capture: Option<Capture>,
    /// For the processor.
    pub processor: Option<SharedProcessor>,
    /// Moves a one-machine installation to a cluster.
    pub promotion: Option<Arc<Promotion>>,
    /// Reports, for query.
    pub analytics: Option<Analytics>,
    /// How far the logs are stored.
    pub told: Arc<Told>,
    /// Cancelled when the process is to end.
    pub closing: CancellationToken,
}

impl Services {
    /// Starts what these roles need.
    ///
    /// # Errors
    /// When a part cannot start; the message says which and what to do.
    pub async fn start(config: Config, roles: &Roles) -> anyhow::Result<Self> {
        let closing = CancellationToken::new();
        let (captures, processes, reports) = (roles.has(Role::Capture), roles.has(Role::Processor), roles.has(Role::Query));
        // A local log's lock comes early: a second process on the same folder ends here, before it disturbs anything.
        let logs = if captures || processes { Some(boot::open_logs(&config).await?) } else { None };
        let meta = boot::open_accounts(&config).await?;
        let city_database = config.places.city_database();
        let enricher = captures.then(|| tokio::task::spawn_blocking(move || crate::data::load_enricher(city_database.as_deref())));
        let store = if reports || processes { Some(boot::open_store(&config, &meta, boot::Purpose::Serve).await?) } else { None };
        let live = boot::open_live(&config)?;
        let told = Told::follow(live.clone(), closing.clone()).await.context("live state cannot be listened to")?;
        let processor = processes.then(SharedProcessor::default);
        let capture = match (enricher, &logs) {
            (Some(enricher), Some(logs)) => {
                let enricher = Arc::new(enricher.await??);
                // What is imported into a local log, only the processor beside it can store.
                let local = processor.clone().filter(|_| logs.files.is_some());
                Some(Capture::start(&config, &meta, &live, logs, enricher, &told, local).await?)
            }
            _ => None,
        };
        let mut promotion = None;
        if let (Some(logs), Some(store), Some(processor)) = (&logs, &store, &processor) {
            let visits = config.limits.visits_per_partition as usize;
            let deps = ProcessorDeps {
                live_log: logs.live.clone(),
                import_log: logs.import.clone(),
                store: store.store.clone(),
                live: live.clone(),
                meta: meta.clone(),
                options: footfall_processor::Options {
                    memory: (visits > 0).then_some(Memory { visits }),
                    live_pause: boot::is_shared(&config.seams.live_url).then_some(LIVE_PAUSE),
                    ..footfall_processor::Options::default()
                },
            };
            if let Some(files) = &logs.files {
                promotion = Some(Arc::new(Promotion {
                    data: config.process.data.clone(),
                    files: files.clone(),
                    processor: processor.clone(),
                    deps: deps.clone(),
                    closing: closing.clone(),
                    running: tokio::sync::Mutex::default(),
                }));
            }
            let is_promoted = promotion.as_ref().map(Promotion::resume).transpose()?.unwrap_or(false);
            if !is_promoted {
                processor.start(&deps);
            }
        }
        let analytics = store.as_ref().filter(|_| reports).map(|store| {
            Analytics::new(AnalyticsDeps {
                store: store.store.clone(),
                live: live.clone(),
                meta: meta.clone(),
                told: told.clone(),
                places: Places::new(config.places.city_database()),
                is_shared: boot::is_shared(&config.seams.live_url),
            })
        });
        Ok(Self { config, meta, live, logs, store, capture, processor, promotion, analytics, told, closing })
    }

    /// What a command such as `import` needs that finds no server to do its work: with a local log also what stores the events.
    ///
    /// # Errors
    /// As [`Services::start`].
    pub async fn start_for_command(config: Config, role: Role) -> anyhow::Result<Self> {
        let mut roles = vec![role];
        if role == Role::Capture && !boot::is_shared(&config.seams.event_log_url) {
            roles.push(Role::Processor);
        }
        Self::start(config, &Roles(roles)).await
    }

    /// What removes data, where the store is.
    #[must_use]
    pub fn remover(&self) -> Option<Remover> {
        let store = self.store.as_ref()?.store.clone();
        Some(Remover { meta: self.meta.clone(), store, live: self.live.clone(), told: self.told.clone() })
    }

    /// What the control socket serves.
    pub fn control_router(&self) -> Router {
        let imports = self.capture.as_ref().map(|capture| import::routes::router(capture.imports.clone()));
        let promotion = self.promotion.as_ref().map(|promotion| promote::routes::router(promotion.clone()));
        let questions = self.analytics.as_ref().map(|analytics| operator::router(analytics.clone(), self.meta.clone()));
        imports.into_iter().chain(promotion).chain(questions).fold(Router::new(), Router::merge)
    }

    /// Stops the parts, so that what was accepted is settled or waits in the log. Open requests may still ask the engine: it goes after
    /// them, which is when `drained` ends.
    pub async fn stop(self, drained: impl Future<Output = ()>) {
        self.closing.cancel();
        tokio::join!(drained, self.stop_processing());
        if let Some(logs) = &self.logs {
            logs.close().await;
        }
        if let Some(engine) = self.store.and_then(|store| store.engine)
            && tokio::time::timeout(ENGINE_STOPS, engine.shutdown()).await.is_err()
        {
            tracing::warn!("the engine is still ending; it does so by itself");
        }
    }

    async fn stop_processing(&self) {
        let Some(processor) = &self.processor else { return };
        if tokio::time::timeout(PROCESSOR_STOPS, processor.stop()).await.is_err() {
            tracing::warn!("ranges were left half way, as the event log or the store does not answer: whoever processes next ends them");
        }
    }
}

impl Capture {
    async fn start(
        config: &Config,
        meta: &Meta,
        live: &Arc<dyn Live>,
        logs: &Logs,
        enricher: Arc<footfall_enrich::Enricher>,
        told: &Arc<Told>,
        local: Option<SharedProcessor>,
    ) -> anyhow::Result<Self> {
        let collector = Collector::new(CollectorDeps {
            meta: meta.clone(),
            live: live.clone(),
            log: logs.live.clone(),
            import_log: logs.import.clone(),
            enricher,
            options: config.into(),
        });
        let collector = Arc::new(collector.await?);
        let spool = config.process.data.join("import");
        let imports = Imports {
            meta: meta.clone(),
            log: logs.import.clone(),
            collector: collector.clone(),
            told: told.clone(),
            local,
            owner: import::owner_of(&spool)?,
            spool,
            running: Mutex::default(),
        };
        Ok(Self { collector, imports: Arc::new(imports) })
    }
}
