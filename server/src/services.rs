//! Everything one process runs behind its listeners: engines, collector, processor, reports, imports.

use std::sync::{Arc, Mutex};

use axum::Router;
use footfall_config::Config;
use footfall_live::Live;
use footfall_log::EventLog;
use footfall_meta::Meta;
use footfall_processor::{Processor, ProcessorDeps, Running};
use tokio_util::sync::CancellationToken;

use crate::{
    analytics::{Analytics, AnalyticsDeps},
    boot::{self, StoreService},
    collect::{Collector, CollectorDeps},
    import::{self, Imports},
};

/// The running parts of a one-machine installation.
pub struct Services {
    /// Configuration.
    pub config: Config,
    /// Accounts.
    pub meta: Meta,
    /// Live state.
    pub live: Arc<dyn Live>,
    /// The log of what happens now.
    pub log: Arc<dyn EventLog>,
    /// The log of imports.
    pub import_log: Arc<dyn EventLog>,
    /// The analytics store and its engine.
    pub store: StoreService,
    /// Takes events in.
    pub collector: Arc<Collector>,
    /// Moves them into the store.
    pub processor: Running,
    /// Reports.
    pub analytics: Analytics,
    /// Imports.
    pub imports: Arc<Imports>,
    /// Cancelled when the process is to end.
    pub closing: CancellationToken,
}

impl Services {
    /// Starts everything.
    ///
    /// # Errors
    /// When a part cannot start; the message says which and what to do.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        // The log's lock comes early: a second process on the same folder ends here, before it disturbs anything.
        let (log, import_log) = boot::open_logs(&config).await?;
        let meta = boot::open_accounts(&config).await?;
        let enricher = tokio::task::spawn_blocking(crate::data::load_enricher);
        let store = boot::open_store(&config, boot::Engine::Lasting).await?;
        let live = boot::open_live(&config)?;
        let enricher = Arc::new(enricher.await??);
        let collector = Arc::new(
            Collector::new(CollectorDeps {
                meta: meta.clone(),
                live: live.clone(),
                log: log.clone(),
                import_log: import_log.clone(),
                enricher,
                options: (&config).into(),
            })
            .await?,
        );
        let processor = Processor::spawn(ProcessorDeps {
            live_log: log.clone(),
            import_log: import_log.clone(),
            store: store.store.clone(),
            live: live.clone(),
            meta: meta.clone(),
            options: footfall_processor::Options::default(),
        });
        let analytics = Analytics::new(AnalyticsDeps {
            store: store.store.clone(),
            live: live.clone(),
            meta: meta.clone(),
            watermark: processor.watermark(),
            versions: processor.versions(),
        });
        let spool = config.process.data.join("import");
        let imports = Arc::new(Imports {
            meta: meta.clone(),
            log: import_log.clone(),
            collector: collector.clone(),
            settled: processor.import_settled(),
            owner: import::owner_of(&spool)?,
            spool,
            running: Mutex::default(),
        });
        Ok(Self { config, meta, live, log, import_log, store, collector, processor, analytics, imports, closing: CancellationToken::new() })
    }

    /// What the control socket serves.
    pub fn control_router(&self) -> Router {
        import::routes::router(self.imports.clone())
    }

    /// Stops the parts in the order of the way of an event, so that what was accepted is settled or waits in the log.
    pub async fn stop(self) {
        self.closing.cancel();
        self.processor.shutdown().await;
        if let Some(engine) = self.store.engine {
            engine.shutdown().await;
        }
    }
}
