//! `events:write` keys. A good key is remembered for [`REMEMBERED`], so that revoking it works within that time; a bad one never.

use std::{collections::HashSet, sync::Arc, time::Duration};

use axum::http::{HeaderMap, header};
use footfall_meta::{ApiKey, Meta, Reach, Scope, token::hash_token};
use footfall_model::SiteId;
use moka::sync::Cache;
use uuid::Uuid;

use super::fault::Fault;

const REMEMBERED: Duration = Duration::from_secs(5);

/// A key that allows to send events, and for which domains.
#[derive(Clone, Debug)]
pub struct WriteKey {
    /// The key.
    pub key: Arc<ApiKey>,
    sites: Arc<HashSet<SiteId>>,
}

impl WriteKey {
    pub fn opens(&self, site: SiteId) -> bool {
        self.sites.contains(&site)
    }
}

pub struct Keys {
    meta: Meta,
    known: Cache<String, WriteKey>,
}

impl Keys {
    pub fn new(meta: Meta) -> Self {
        Self { meta, known: Cache::builder().max_capacity(10_000).time_to_live(REMEMBERED).build() }
    }

    /// The key of a request, if it has a good one. A bad one is as none: the event decides whether it needs one.
    pub async fn of_request(&self, headers: &HeaderMap) -> Result<Option<WriteKey>, Fault> {
        let Some(text) = bearer(headers) else { return Ok(None) };
        let hash = hash_token(text);
        if let Some(known) = self.known.get(&hash) {
            return Ok(Some(known));
        }
        let found = self.meta.key(text, chrono::Utc::now()).await.map_err(away)?;
        let Some(key) = found.filter(|key| key.allows(Scope::EventsWrite)) else { return Ok(None) };
        let sites = match key.reach {
            Reach::Site(site) => HashSet::from([site]),
            Reach::Owner(owner) => self.sites_of(owner).await?,
        };
        let key = WriteKey { key: Arc::new(key), sites: Arc::new(sites) };
        self.known.insert(hash, key.clone());
        Ok(Some(key))
    }

    async fn sites_of(&self, owner: Uuid) -> Result<HashSet<SiteId>, Fault> {
        Ok(self.meta.sites_of(owner).await.map_err(away)?.into_iter().map(|site| site.id).collect())
    }
}

fn away(error: footfall_meta::MetaError) -> Fault {
    tracing::warn!(%error, "an API key cannot be checked");
    Fault::Unavailable("API keys cannot be checked at the moment")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
