//! The same pipeline for the lines of an import: time, address and user agent come with the line, and the job's own salt keys the hashes.

use std::net::{IpAddr, Ipv4Addr};

use chrono::Utc;
use footfall_enrich::visitor::Salt;
use footfall_model::{Record, SiteId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Collector,
    domains::CollectSite,
    pipeline::{self, Draft, Keying, Sender},
    shields::Shields,
    wire::{self, Loose},
};

/// What an import's records are made with.
#[derive(Clone, Debug)]
pub struct ImportKeys {
    job: Uuid,
    site: SiteId,
    salt: Salt,
}

impl ImportKeys {
    /// For one job, with the salt that it owns.
    #[must_use]
    pub const fn new(job: Uuid, site: SiteId, salt: [u8; 16]) -> Self {
        Self { job, site, salt: Salt::new(salt) }
    }

    /// The id of a line that brings none: the same whenever the line is read again.
    fn id_of_line(&self, line: u64) -> Uuid {
        let digest =
            Sha256::new().chain_update(b"footfall import v1").chain_update(self.job.as_bytes()).chain_update(line.to_be_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

impl Collector {
    /// The record of one line (numbered from 1) of an import: an event of the protocol with `timestamp`, and with `ip` and `userAgent` where
    /// they are known. `domain` may be left out.
    ///
    /// # Errors
    /// What is wrong with the line, in one sentence.
    pub fn import_line(&self, keys: &ImportKeys, line: u64, text: &[u8]) -> Result<Record, String> {
        let text = std::str::from_utf8(text).map_err(|_| "the line is not UTF-8".to_owned())?;
        let event = wire::parse_one(text.trim_end_matches('\r'))?;
        let named = match &event.domain {
            Loose::Text(name) => name.trim().trim_start_matches("www.").to_ascii_lowercase(),
            _ => String::new(),
        };
        let list = self.domains.known();
        let site = match list.by_id(keys.site) {
            Some(site) if named.is_empty() || named == site.domain => site.clone(),
            Some(site) => return Err(format!("domain is {named}, but the import is for {}; leave it out or correct it", site.domain)),
            // Added a moment ago, or deleted meanwhile: the job knows.
            None => CollectSite { id: keys.site, domain: named, shields: Shields::default() }.into(),
        };
        let sender = Sender {
            now_ms: Utc::now().timestamp_millis(),
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            user_agent: b"",
            key: None,
            keying: Keying::Import(keys.salt),
            enricher: &self.enricher,
            user_key: &self.user_key,
            import: Some(keys.job),
        };
        let mut record = pipeline::run(Draft::new(&event, &sender, Some(&site)), &self.metrics).map_err(|fault| fault.message())?;
        if !record.id_given {
            record.id = keys.id_of_line(line);
            // A resumed import sends it again.
            record.id_given = true;
        }
        Ok(record)
    }
}
