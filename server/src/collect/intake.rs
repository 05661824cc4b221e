//! The way of a request's events: look-ups and limits (which wait), the pipeline (which does not), one append.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use chrono::Utc;
use footfall_log::{AppendError, Entry, EventLog};
use footfall_model::Record;

use super::{
    Collector,
    domains::{CollectSite, List},
    fault::Fault,
    keys::WriteKey,
    limits::Payer,
    pipeline::{self, Draft, Keying, Sender, is_backdated},
    wire::{Loose, WireEvent},
};

/// Who sends.
pub struct Client<'a> {
    /// Where from.
    pub address: IpAddr,
    /// `User-Agent`, whatever bytes it has.
    pub user_agent: &'a [u8],
    /// A good key.
    pub key: Option<WriteKey>,
}

/// What became of a request's events.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Durable now.
    pub accepted: usize,
    /// The others: place in the request, and why.
    pub dropped: Vec<(usize, Fault)>,
}

type Parsed<'a> = Result<WireEvent<'a>, String>;

impl Collector {
    /// Takes the events of one request. An error concerns the request as a whole, and then part of it may be durable.
    pub(super) async fn take(&self, client: Client<'_>, events: Vec<Parsed<'_>>) -> Result<Outcome, Fault> {
        let now = Utc::now();
        let salts = self.salts.at(now).await?;
        let sites = self.find_sites(&events).await;
        let charged = match &client.key {
            Some(key) => self.limits.charge(&[Payer::Key(&key.key)], events.len()).await,
            None => self.charge_client(salts.today.client(client.address), &sites, events.len()).await,
        };
        if let Err(fault) = charged {
            for site in &sites {
                self.count_drop(site.as_ref().ok(), &fault);
            }
            return Err(fault);
        }
        let slow_sites = self.charge_each_site(&sites, client.key.as_ref()).await;

        let sender = Sender {
            now_ms: now.timestamp_millis(),
            address: client.address,
            user_agent: client.user_agent,
            key: client.key.as_ref(),
            keying: Keying::Daily(&salts),
            enricher: &self.enricher,
            user_key: &self.user_key,
            import: None,
        };
        let mut outcome = Outcome::default();
        let (mut live, mut backdated) = (Vec::new(), Vec::new());
        for (index, (event, site)) in events.iter().zip(&sites).enumerate() {
            let limited = site.as_ref().ok().and_then(|site| slow_sites.iter().find(|(slow, _)| Arc::ptr_eq(slow, site)));
            let result = match (event, site, limited) {
                (Err(message), ..) => Err(Fault::malformed(message.clone())),
                (_, Err(Missing::Unknowable), _) => {
                    Err(Fault::Unavailable("whether this domain is measured here cannot be found out at the moment"))
                }
                (_, _, Some((_, fault))) => Err(fault.clone()),
                (Ok(event), site, None) => {
                    let draft = Draft::new(event, &sender, site.as_deref().ok());
                    pipeline::run(draft, &self.metrics).and_then(|record| self.entry(&record).map(|entry| (entry, record.ts)))
                }
            };
            match result {
                Ok((entry, ts)) if is_backdated(ts, sender.now_ms) => backdated.push(entry),
                Ok((entry, _)) => live.push(entry),
                Err(fault) => {
                    self.count_drop(site.as_ref().ok(), &fault);
                    outcome.dropped.push((index, fault));
                }
            }
        }
        outcome.accepted = live.len() + backdated.len();
        self.append(live, backdated).await?;
        Ok(outcome)
    }

    fn entry(&self, record: &Record) -> Result<Entry, Fault> {
        let payload = serde_json::to_vec(record).map_err(|_| Fault::malformed("the event cannot be written as JSON"))?;
        Ok(Entry { key: record.site, payload: Bytes::from(payload) })
    }

    /// The domain of each event. Only where one is not known is the database waited for, once.
    async fn find_sites(&self, events: &[Parsed<'_>]) -> Vec<Result<Arc<CollectSite>, Missing>> {
        let look_up = |list: &List| -> Vec<_> {
            events
                .iter()
                .map(|event| match event.as_ref().map(|event| &event.domain) {
                    Ok(Loose::Text(name)) => list.find(name).cloned().ok_or(Missing::Unknown),
                    _ => Err(Missing::NotNamed),
                })
                .collect()
        };
        let mut sites = match self.domains.list().await {
            Ok(list) => look_up(&list),
            // Too old to be trusted.
            Err(_) => look_up(&List::default()),
        };
        if sites.iter().any(|site| matches!(site, Err(Missing::Unknown))) {
            match self.domains.list_now().await {
                Ok(list) => sites = look_up(&list),
                Err(_) => {
                    for site in sites.iter_mut().filter(|site| matches!(site, Err(Missing::Unknown))) {
                        *site = Err(Missing::Unknowable);
                    }
                }
            }
        }
        sites
    }

    /// One look at live state for the usual request, whose events are all of one domain.
    async fn charge_client(
        &self,
        client: footfall_model::Hash64,
        sites: &[Result<Arc<CollectSite>, Missing>],
        events: usize,
    ) -> Result<(), Fault> {
        match only_site(sites) {
            Some(site) => self.limits.charge(&[Payer::Client(client), Payer::Domain(site.id)], events).await,
            None => self.limits.charge(&[Payer::Client(client)], events).await,
        }
    }

    /// Charges the domains of a mixed request; which of them are too fast.
    async fn charge_each_site(
        &self,
        sites: &[Result<Arc<CollectSite>, Missing>],
        key: Option<&WriteKey>,
    ) -> Vec<(Arc<CollectSite>, Fault)> {
        let mut counts: Vec<(&Arc<CollectSite>, usize)> = Vec::new();
        if key.is_none() && only_site(sites).is_some() {
            return Vec::new();
        }
        for site in sites.iter().flatten().filter(|site| !key.is_some_and(|key| key.opens(site.id))) {
            match counts.iter_mut().find(|(known, _)| Arc::ptr_eq(known, site)) {
                Some((_, count)) => *count += 1,
                None => counts.push((site, 1)),
            }
        }
        let mut slow = Vec::new();
        for (site, count) in counts {
            if let Err(fault) = self.limits.charge(&[Payer::Domain(site.id)], count).await {
                slow.push((Arc::clone(site), fault));
            }
        }
        slow
    }

    async fn append(&self, live: Vec<Entry>, backdated: Vec<Entry>) -> Result<(), Fault> {
        let (now, before) = (live.len(), backdated.len());
        let (first, second) = tokio::join!(append_to(&self.log, live), append_to(&self.import_log, backdated));
        if let Err(error) = first.and(second) {
            self.metrics.unavailable(now + before);
            tracing::debug!(%error, "events could not be made durable");
            return Err(Fault::Unavailable("events cannot be stored at the moment"));
        }
        self.metrics.accepted(now + before);
        if before > 0 {
            self.metrics.backdated(before);
        }
        Ok(())
    }

    /// Counts a drop, for the owner where the domain is known.
    pub(super) fn count_drop(&self, site: Option<&Arc<CollectSite>>, fault: &Fault) {
        let Some(reason) = fault.drop_reason() else { return };
        self.metrics.dropped(reason, 1);
        if let Some(site) = site {
            self.tally.count(site.id, reason, fault.field());
        }
    }
}

/// Why an event has no domain.
#[derive(Debug)]
enum Missing {
    /// It names none.
    NotNamed,
    /// It is not measured here.
    Unknown,
    /// The accounts are away.
    Unknowable,
}

fn only_site(sites: &[Result<Arc<CollectSite>, Missing>]) -> Option<&Arc<CollectSite>> {
    let first = sites.first()?.as_ref().ok()?;
    sites.iter().all(|site| site.as_ref().is_ok_and(|site| Arc::ptr_eq(site, first))).then_some(first)
}

async fn append_to(log: &Arc<dyn EventLog>, entries: Vec<Entry>) -> Result<(), AppendError> {
    if entries.is_empty() {
        return Ok(());
    }
    log.append(entries).await.into_iter().try_for_each(|result| result.map(drop))
}
