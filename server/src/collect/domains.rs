//! The list of measured domains, cached whole by its version.
//!
//! - A known domain is answered from memory. The version is asked again when the list was confirmed more than [`ASK_AGAIN`] ago, in the
//!   background as long as it is younger than [`TRUSTED`]: what a command changes is seen within that time.
//! - "Unknown" is never answered from memory alone: such a request waits for a look at the database that began after it came. Looks are at least
//!   [`LOOKS_APART`] apart, so a flood of unknown domains costs the database next to nothing.
//! - With the accounts away, known domains go on for [`WITHOUT_ACCOUNTS`]; unknown ones get 503.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use footfall_meta::{MeasuredSite, Meta, MetaError};
use footfall_model::SiteId;
use tokio::sync::Mutex;

use super::shields::Shields;

const ASK_AGAIN: Duration = Duration::from_secs(1);
const TRUSTED: Duration = Duration::from_secs(5);
const WITHOUT_ACCOUNTS: Duration = Duration::from_secs(24 * 3_600);
const LOOKS_APART: Duration = Duration::from_millis(50);
/// A request waits this long for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A domain as the pipeline needs it.
#[derive(Debug)]
pub struct CollectSite {
    /// Id.
    pub id: SiteId,
    /// Its name.
    pub domain: String,
    /// What it refuses.
    pub shields: Shields,
}

impl From<MeasuredSite> for CollectSite {
    fn from(site: MeasuredSite) -> Self {
        Self { id: site.id, domain: site.domain.as_str().to_owned(), shields: Shields::read(&site.shields) }
    }
}

/// All of them, as of one version.
#[derive(Debug, Default)]
pub struct List {
    by_name: HashMap<String, Arc<CollectSite>>,
    by_id: HashMap<SiteId, Arc<CollectSite>>,
}

#[derive(Clone)]
struct Known {
    list: Arc<List>,
    version: i64,
    /// When the database last said that this version is the newest.
    confirmed: Instant,
}

impl List {
    /// The domain with this name, in any case, with or without `www.`.
    pub fn find(&self, domain: &str) -> Option<&Arc<CollectSite>> {
        if let Some(site) = self.by_name.get(domain) {
            return Some(site);
        }
        let lower = domain.trim().to_ascii_lowercase();
        self.by_name.get(lower.strip_prefix("www.").unwrap_or(&lower))
    }

    /// The domain with this id.
    pub fn by_id(&self, id: SiteId) -> Option<&Arc<CollectSite>> {
        self.by_id.get(&id)
    }
}

/// The accounts did not answer, and what is known is too old or does not hold the domain.
#[derive(Debug)]
pub struct AccountsAway;

#[derive(Clone)]
pub struct Domains {
    shared: Arc<Shared>,
}

struct Shared {
    meta: Meta,
    known: RwLock<Known>,
    /// Held while looking; when the last look began.
    looking: Mutex<Option<Instant>>,
}

impl Domains {
    pub fn new(meta: Meta) -> Self {
        let nothing = Known { list: Arc::default(), version: -1, confirmed: Instant::now() };
        Self { shared: Arc::new(Shared { meta, known: RwLock::new(nothing), looking: Mutex::new(None) }) }
    }

    /// Reads the list for the first time.
    pub async fn load(&self) -> Result<(), MetaError> {
        self.shared.look().await
    }

    /// The list for known domains: at most [`TRUSTED`] old, or older where the accounts are away.
    pub async fn list(&self) -> Result<Arc<List>, AccountsAway> {
        let known = self.shared.current();
        let age = known.confirmed.elapsed();
        if age < ASK_AGAIN {
            return Ok(known.list);
        }
        if age < TRUSTED || self.shared.looking.try_lock().is_err() {
            self.ask_in_background();
            return if age < WITHOUT_ACCOUNTS { Ok(known.list) } else { Err(AccountsAway) };
        }
        let looked = self.look_since(Instant::now()).await;
        let known = self.shared.current();
        if looked || known.confirmed.elapsed() < WITHOUT_ACCOUNTS { Ok(known.list) } else { Err(AccountsAway) }
    }

    /// The list as of now: for a request that names a domain which the list does not hold.
    pub async fn list_now(&self) -> Result<Arc<List>, AccountsAway> {
        if self.look_since(Instant::now()).await { Ok(self.shared.current().list) } else { Err(AccountsAway) }
    }

    /// What is known without asking anyone.
    pub fn known(&self) -> Arc<List> {
        self.shared.current().list
    }

    /// Whether a look that began after `asked` succeeded.
    async fn look_since(&self, asked: Instant) -> bool {
        // A task of its own: when this request gives up waiting, the look still ends and others profit.
        let shared = Arc::clone(&self.shared);
        let looked = tokio::spawn(async move { shared.look_since(asked).await });
        matches!(tokio::time::timeout(PATIENCE, looked).await, Ok(Ok(true)))
    }

    fn ask_in_background(&self) {
        if self.shared.looking.try_lock().is_ok() {
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move { shared.look_since(Instant::now()).await });
        }
    }
}

impl Shared {
    fn current(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look_since(&self, asked: Instant) -> bool {
        let mut last = self.looking.lock().await;
        if let Some(began) = *last {
            if began > asked {
                // Somebody looked while this one waited: the list is as new as it asked for, unless the look failed.
                return self.current().confirmed >= began;
            }
            tokio::time::sleep(LOOKS_APART.saturating_sub(began.elapsed())).await;
        }
        *last = Some(Instant::now());
        match self.look().await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the list of domains cannot be read; known domains go on");
                false
            }
        }
    }

    /// Asks for the version, and for the list where it is a new one.
    async fn look(&self) -> Result<(), MetaError> {
        let mut known = self.current();
        if self.meta.config_version().await? != known.version {
            let fresh = self.meta.site_list().await?;
            let mut sites = fresh.sites;
            // Of several that had a name the last one has it still, and whoever has it now comes before them.
            sites.sort_by_key(|site| site.former.as_ref().map(|former| former.until));
            let former: Vec<_> = sites.iter().map(|site| site.former.as_ref().map(|former| former.domain.as_str().to_owned())).collect();
            let sites: Vec<_> = sites.into_iter().map(|site| Arc::new(CollectSite::from(site))).collect();
            let former = former.into_iter().zip(&sites).filter_map(|(name, site)| Some((name?, Arc::clone(site))));
            let present = sites.iter().map(|site| (site.domain.clone(), Arc::clone(site)));
            known.version = fresh.version;
            known.list = Arc::new(List {
                by_name: former.chain(present).collect(),
                by_id: sites.iter().map(|site| (site.id, Arc::clone(site))).collect(),
            });
        }
        known.confirmed = Instant::now();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }
}
