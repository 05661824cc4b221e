//! What handlers share.

use std::sync::Arc;

use footfall_config::Config;
use footfall_live::Live;
use footfall_meta::Meta;
use footfall_store::Store;

use crate::analytics::Analytics;

/// The state of the query and auth roles.
pub struct App {
    /// Configuration.
    pub config: Config,
    /// Accounts.
    pub meta: Meta,
    /// Live state: counters, limits, cache, messages.
    pub live: Arc<dyn Live>,
    /// The analytics store.
    pub store: Store,
    /// Reports.
    pub analytics: Analytics,
    /// Keys CSRF tokens and one-time links.
    pub secret: Vec<u8>,
}

impl App {
    /// Whether browsers reach this server by https, so that cookies can be `Secure` and carry the `__Host-` prefix.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.config.http.base_url.starts_with("https://")
    }
}
