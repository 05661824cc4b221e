//! The salts that open yesterday's hashes and seal aliases. Which one: that of the UTC day of receipt, or the import job's own
//! (see `footfall_enrich::visitor`). A salt that is gone opens nothing: then the visit ends at midnight.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::DateTime;
use footfall_enrich::visitor::{Day, Previous, Salt, day_of};
use footfall_meta::{Meta, MetaError};
use footfall_model::{Hash64, Record, SiteId};
use uuid::Uuid;

use crate::visits::State;

/// Salts are asked for again after this, so that a destroyed one does not live on here.
const TTL: Duration = Duration::from_secs(60);

/// Whose salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// The UTC day of receipt.
    Day(Day),
    /// An import job.
    Import(Uuid),
}

impl Of {
    /// The salt under which this record carries yesterday's hashes.
    #[must_use]
    pub fn record(record: &Record) -> Self {
        record.import.map_or(Self::Day(day_of(record.received)), Self::Import)
    }

    /// The salt under which the alias of a row is sealed.
    #[must_use]
    pub fn row(import: Option<Uuid>, appended_ms: i64) -> Self {
        import.map_or(Self::Day(day_of(appended_ms)), Self::Import)
    }
}

/// The salts in use.
#[derive(Debug)]
pub struct Salts {
    meta: Meta,
    known: HashMap<Of, (Instant, Option<Salt>)>,
}

impl Salts {
    /// None known yet.
    #[must_use]
    pub fn new(meta: Meta) -> Self {
        Self { meta, known: HashMap::new() }
    }

    /// Fetches what is not known, so that the calls below need not wait.
    ///
    /// # Errors
    /// The accounts database is away.
    pub async fn prepare(&mut self, wanted: impl IntoIterator<Item = Of>) -> Result<(), MetaError> {
        self.known.retain(|_, (read, _)| read.elapsed() < TTL);
        for of in wanted {
            if self.known.contains_key(&of) {
                continue;
            }
            let salt = match of {
                Of::Day(day) => match DateTime::from_timestamp(day.saturating_mul(86_400), 0) {
                    Some(start) => self.meta.salt_if_kept(start.date_naive()).await?,
                    None => None,
                },
                Of::Import(job) => self.meta.import(job).await?.and_then(|job| job.salt),
            };
            self.known.insert(of, (Instant::now(), salt.map(Salt::new)));
        }
        Ok(())
    }

    fn salt(&self, of: Of) -> Option<Salt> {
        self.known.get(&of).and_then(|(_, salt)| *salt)
    }

    /// The hash of the day before that takes the place of the record's own key.
    #[must_use]
    pub fn yesterday(&self, record: &Record) -> Option<Hash64> {
        let sealed = record.previous.as_deref()?;
        self.open(Of::record(record), record.site, record.visitor, sealed, record.session.is_some())
    }

    /// Opens yesterday's hash: the session's where the key is a session.
    #[must_use]
    pub fn open(&self, of: Of, site: SiteId, visitor: Hash64, sealed: &str, session: bool) -> Option<Hash64> {
        let previous = self.salt(of)?.unseal_previous(site, visitor, sealed)?;
        if session { previous.session } else { Some(previous.visitor) }
    }

    /// Seals the alias of a visit for a row; empty where there is none or the salt is gone.
    #[must_use]
    pub fn seal_alias(&self, of: Of, state: &State) -> Arc<str> {
        let Some(alias) = state.alias else { return Arc::default() };
        let sealed =
            self.salt(of).and_then(|salt| salt.seal_previous(state.key.site, state.visitor, Previous { visitor: alias, session: None }));
        sealed.map_or_else(Arc::default, Arc::from)
    }

    /// Opens what [`Self::seal_alias`] sealed.
    #[must_use]
    pub fn open_alias(&self, of: Of, site: SiteId, visitor: Hash64, sealed: &str) -> Option<Hash64> {
        Some(self.salt(of)?.unseal_previous(site, visitor, sealed)?.visitor)
    }
}
