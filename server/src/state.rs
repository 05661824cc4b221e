//! What handlers share.

use std::sync::Arc;

use footfall_config::Config;
use footfall_live::Live;
use footfall_meta::Meta;
use footfall_processor::Told;
use footfall_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    analytics::{Analytics, AnalyticsError},
    services::Services,
};

/// The state of the query and auth roles.
pub struct App {
    /// Configuration.
    pub config: Config,
    /// Accounts.
    pub meta: Meta,
    /// Live state: counters, limits, cache, messages.
    pub live: Arc<dyn Live>,
    /// The analytics store; not where this process only signs people in.
    pub store: Option<Store>,
    /// How far the logs are stored.
    pub told: Arc<Told>,
    /// Reports; not where this process only signs people in.
    analytics: Option<Analytics>,
    /// Keys CSRF tokens and one-time links.
    pub secret: Vec<u8>,
    /// Cancelled when the process is to end: streams end then.
    pub closing: CancellationToken,
}

impl App {
    /// From the running services.
    ///
    /// # Errors
    /// When the installation's secret cannot be read.
    pub async fn new(services: &Services) -> anyhow::Result<Self> {
        let configured = services.config.secrets.secret.expose();
        let secret =
            if configured.is_empty() { services.meta.installation_secret().await?.to_vec() } else { configured.as_bytes().to_vec() };
        Ok(Self {
            config: services.config.clone(),
            meta: services.meta.clone(),
            live: services.live.clone(),
            store: services.store.as_ref().map(|service| service.store.clone()),
            told: services.told.clone(),
            analytics: services.analytics.clone(),
            secret,
            closing: services.closing.clone(),
        })
    }

    /// Reports.
    ///
    /// # Errors
    /// When this process does not have the role `query`.
    pub fn analytics(&self) -> Result<&Analytics, AnalyticsError> {
        self.analytics.as_ref().ok_or_else(AnalyticsError::not_here)
    }

    /// Whether browsers reach this server by https, so that cookies can be `Secure` and carry the `__Host-` prefix.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.config.http.base_url.starts_with("https://")
    }
}
