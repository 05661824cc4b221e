//! The collector: `POST /api/events` and the pixel, up to the moment an event is durable.
//!
//! | file | question |
//! |---|---|
//! | [`handler`], [`pixel`] | what a request says, what is answered |
//! | [`body`], [`wire`] | bytes → wire event (parsed, not validated) |
//! | [`intake`] | the way of a request: look-ups, limits, pipeline, append |
//! | [`pipeline`] | **the list of steps** from wire event to record |
//! | [`steps`], [`fields`] | the steps themselves |
//! | [`fault`] | why an event is refused, and with which status |
//! | [`domains`], [`shields`], [`keys`], [`salts`], [`limits`] | what the steps need to know |
//! | [`import`] | the same pipeline for the lines of an import |
//! | [`tally`] | what was dropped, per domain and reason |
//!
//! Neither the address nor the user agent goes further than a record's derived fields; nothing here logs them.

mod body;
mod domains;
mod fault;
mod fields;
mod handler;
mod import;
mod intake;
mod keys;
mod limits;
mod metrics;
mod pipeline;
mod pixel;
mod salts;
mod shields;
mod steps;
mod tally;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use axum::{Router, routing::MethodFilter};
use footfall_config::{Config, Proxies};
use footfall_enrich::{Enricher, visitor::UserKey};
use footfall_live::{Limit, Live};
use footfall_log::EventLog;
use footfall_meta::Meta;
use tokio::sync::Semaphore;

pub use import::ImportKeys;
pub use tally::{DropTally, Dropped};

/// Requests with a large or compressed body that are worked on at once: each may hold 8 MB.
const LARGE_AT_ONCE: usize = 16;

/// What the collector works with.
pub struct CollectorDeps {
    /// Accounts: domains, keys, salts.
    pub meta: Meta,
    /// Live state: rate limits.
    pub live: Arc<dyn Live>,
    /// The log of what happens now.
    pub log: Arc<dyn EventLog>,
    /// The log of what is back-dated.
    pub import_log: Arc<dyn EventLog>,
    /// Lists and databases.
    pub enricher: Arc<Enricher>,
    /// Switches.
    pub options: CollectOptions,
}

/// Switches of the collector.
#[derive(Clone, Debug)]
pub struct CollectOptions {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Proxies,
    /// Of one client.
    pub client_limit: Limit,
    /// Of one domain.
    pub domain_limit: Limit,
    /// Of one `events:write` key that has no limit of its own.
    pub key_limit: Limit,
}

impl From<&Config> for CollectOptions {
    fn from(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            trusted_proxies: config.http.trusted_proxies.clone(),
            client_limit: per_second(limits.rate_limit_client),
            domain_limit: per_second(limits.rate_limit_domain),
            key_limit: per_second(limits.rate_limit_key),
        }
    }
}

/// So many events a second, with a burst of twice that.
fn per_second(events: u32) -> Limit {
    Limit { rate: f64::from(events), burst: 2.0 * f64::from(events) }
}

/// Takes events in. One per process, shared by all requests.
pub struct Collector {
    domains: domains::Domains,
    keys: keys::Keys,
    salts: salts::Salts,
    limits: limits::Limiter,
    log: Arc<dyn EventLog>,
    import_log: Arc<dyn EventLog>,
    enricher: Arc<Enricher>,
    user_key: UserKey,
    trusted_proxies: Proxies,
    tally: DropTally,
    metrics: metrics::Metrics,
    large: Semaphore,
}

impl Collector {
    /// Reads the domains and salts once, so that the first event finds them.
    ///
    /// # Errors
    /// When the accounts database does not answer.
    pub async fn new(deps: CollectorDeps) -> anyhow::Result<Self> {
        let CollectorDeps { meta, live, log, import_log, enricher, options } = deps;
        // Kept with the accounts and moved with them: a changed FOOTFALL_SECRET renames nobody.
        let secret = meta.installation_secret().await?;
        let collector = Self {
            domains: domains::Domains::new(meta.clone()),
            keys: keys::Keys::new(meta.clone()),
            salts: salts::Salts::new(meta),
            limits: limits::Limiter::new(live, &options),
            log,
            import_log,
            enricher,
            user_key: UserKey::derive(&secret),
            trusted_proxies: options.trusted_proxies,
            tally: DropTally::default(),
            metrics: metrics::Metrics::default(),
            large: Semaphore::new(LARGE_AT_ONCE),
        };
        collector.domains.load().await?;
        collector.salts.load(chrono::Utc::now()).await?;
        Ok(collector)
    }

    /// What was dropped before it became durable, since the start of the process.
    #[must_use]
    pub fn drops(&self) -> &DropTally {
        &self.tally
    }
}

/// The collector's routes. They carry their own CORS headers and body limits.
pub fn router(collector: Arc<Collector>) -> Router {
    use axum::routing::on;

    Router::new()
        .route("/api/events", on(MethodFilter::POST, handler::post).on(MethodFilter::OPTIONS, handler::options))
        .route("/api/events/pixel.gif", on(MethodFilter::GET, pixel::get).on(MethodFilter::OPTIONS, handler::options))
        .with_state(collector)
}
