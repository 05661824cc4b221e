//! What every process of an installation knows of the processors: how far each partition is stored, which domains' data changed, and when
//! live state is to be built anew.
//!
//! Two boards of live state carry it, so a reader costs live state nothing while nothing happens:
//!
//! | board | field | value |
//! |---|---|---|
//! | `stored` | `p/LOG/PARTITION` | [`Stored`] as JSON |
//! | `stored` | `v/DOMAIN` | the insert that changed the domain's data last: part of the key of every cached answer |
//! | `rebuild` | `wanted` | a new value asks for counters from the store |
//! | `rebuild` | `built/GENERATION/PARTITION` | what was wanted when the counters of the partition were built |
//!
//! One post tells of an insert: a reader that knows how far the store is also knows what changed. Boards may be lost: processors say it
//! again every few seconds, readers look again now and then.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use footfall_live::{Live, LiveError, Shard, decode_post};
use footfall_meta::Meta;
use footfall_model::{LogName, SiteId};
use footfall_store::Store;
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    progress::{Progress, Stored},
    rollup::{self, RollupError},
};

const STORED: &str = "stored";
/// The board, and the channel, on which live state is asked for anew.
pub const REBUILD: &str = "rebuild";
const WANTED: &str = "wanted";
/// The value of `built` while nobody ever asked.
const NEVER_WANTED: &str = "0";
/// Unchanged positions are told this often: their times move on.
const SAY_AGAIN: Duration = Duration::from_secs(5);
/// Readers look at the whole board this often, for what they may have missed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Tells of a processor's cursors.
#[derive(Clone)]
pub struct Teller {
    live: Arc<dyn Live>,
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    progress: HashMap<LogName, (Progress, Option<Instant>)>,
    /// Changed and not told yet.
    changed: HashMap<SiteId, String>,
}

impl Teller {
    /// Over this live state.
    #[must_use]
    pub fn new(live: Arc<dyn Live>) -> Self {
        Self { live, said: Arc::default() }
    }

    /// Notes that an insert changed domains; told with the next progress.
    pub fn changed(&self, sites: impl IntoIterator<Item = SiteId>, insert: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.changed.extend(sites.into_iter().map(|site| (site, insert.to_owned())));
    }

    /// Tells how far a log's cursor is. What cannot be told now is told the next time.
    pub async fn tell(&self, log: LogName, progress: &Progress) {
        let (fields, changed) = {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            let is_told = said.changed.is_empty();
            let (before, at) = said.progress.entry(log).or_default();
            let moved = before.partitions.len() != progress.partitions.len()
                || progress.partitions.iter().any(|(number, now)| before.partitions.get(number).is_none_or(|then| then.next != now.next));
            if !moved && is_told && at.is_some_and(|at| at.elapsed() < SAY_AGAIN) {
                return;
            }
            (*before, *at) = (progress.clone(), Some(Instant::now()));
            let changed = std::mem::take(&mut said.changed);
            let positions = progress.partitions.iter().filter_map(|(number, stored)| {
                Some((format!("p/{}/{number}", log.topic()), Bytes::from(serde_json::to_vec(stored).ok()?)))
            });
            let versions = changed.iter().map(|(site, insert)| (format!("v/{site}"), Bytes::from(insert.clone())));
            (positions.chain(versions).collect::<Vec<_>>(), changed)
        };
        if fields.is_empty() {
            return;
        }
        if let Err(error) = self.live.post(STORED, fields).await {
            tracing::debug!(%error, "how far the store is could not be told; trying again");
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            for (site, insert) in changed {
                said.changed.entry(site).or_insert(insert);
            }
            if let Some((_, at)) = said.progress.get_mut(&log) {
                *at = None;
            }
        }
    }
}

/// What the processors of an installation told.
pub struct Told {
    live: watch::Sender<Progress>,
    import: watch::Sender<Progress>,
    versions: RwLock<HashMap<SiteId, Bytes>>,
    /// The board could be read lately.
    heard: RwLock<bool>,
}

impl Told {
    /// Begins to listen, until `closing` is cancelled.
    ///
    /// # Errors
    /// Live state cannot be subscribed to.
    pub async fn follow(live: Arc<dyn Live>, closing: CancellationToken) -> Result<Arc<Self>, LiveError> {
        let mut messages = live.subscribe(STORED).await?;
        let told = Arc::new(Self {
            live: watch::Sender::default(),
            import: watch::Sender::default(),
            versions: RwLock::default(),
            heard: RwLock::default(),
        });
        told.look(live.as_ref()).await;
        let listening = Arc::clone(&told);
        tokio::spawn(async move {
            loop {
                let message = tokio::select! {
                    () = closing.cancelled() => return,
                    message = tokio::time::timeout(LOOK_AGAIN, messages.recv()) => message,
                };
                match message {
                    Ok(Ok(message)) if !message.is_empty() => listening.take(decode_post(&message).unwrap_or_default()),
                    Ok(Err(RecvError::Closed)) => return,
                    // Something may have been missed, or nothing came for long.
                    Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => listening.look(live.as_ref()).await,
                }
            }
        });
        Ok(told)
    }

    /// How far a log is stored, over all partitions that were ever told of.
    #[must_use]
    pub fn progress(&self, log: LogName) -> watch::Receiver<Progress> {
        self.sender(log).subscribe()
    }

    /// The version of a domain's data: changes with every insert that touches it. While live state does not answer, a value that
    /// holds for some seconds only.
    #[must_use]
    pub fn version(&self, site: SiteId) -> Bytes {
        if !*self.heard.read().unwrap_or_else(PoisonError::into_inner) {
            return Bytes::from((crate::tools::now_ms() / 5_000).to_string());
        }
        self.versions.read().unwrap_or_else(PoisonError::into_inner).get(&site).cloned().unwrap_or_default()
    }

    const fn sender(&self, log: LogName) -> &watch::Sender<Progress> {
        match log {
            LogName::Live => &self.live,
            LogName::Import => &self.import,
        }
    }

    async fn look(&self, live: &dyn Live) {
        let board = live.read_board(STORED).await;
        *self.heard.write().unwrap_or_else(PoisonError::into_inner) = board.is_ok();
        match board {
            Ok(fields) => self.take(fields.into_iter().collect()),
            Err(error) => tracing::debug!(%error, "how far the store is cannot be read"),
        }
    }

    /// Versions first: who sees the progress sees what changed.
    fn take(&self, fields: Vec<(String, Bytes)>) {
        let mut moved: Vec<(LogName, u32, Stored)> = Vec::new();
        {
            let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
            for (name, value) in fields {
                if let Some(site) = name.strip_prefix("v/").and_then(|site| site.parse().ok()) {
                    versions.insert(SiteId(site), value);
                } else if let Some((log, number, stored)) = read_position(&name, &value) {
                    moved.push((log, number, stored));
                }
            }
        }
        for (log, number, stored) in moved {
            self.sender(log).send_if_modified(|progress| {
                let known = progress.partitions.get(&number);
                // What a processor says that does not hold the partition any more is older.
                let newer =
                    known.is_none_or(|known| (known.generation, known.next) <= (stored.generation, stored.next) && *known != stored);
                if newer {
                    progress.partitions.insert(number, stored);
                }
                newer
            });
        }
    }
}

fn read_position(name: &str, value: &[u8]) -> Option<(LogName, u32, Stored)> {
    let (topic, number) = name.strip_prefix("p/")?.split_once('/')?;
    let log = [LogName::Live, LogName::Import].into_iter().find(|log| log.topic() == topic)?;
    Some((log, number.parse().ok()?, serde_json::from_slice(value).ok()?))
}

/// Asks whoever holds the partitions to build live state anew from the store: history changed behind the cut.
///
/// # Errors
/// Live state is away.
pub async fn request_rebuild(live: &dyn Live) -> Result<(), LiveError> {
    live.post(REBUILD, vec![(WANTED.to_owned(), Bytes::from(Uuid::new_v4().to_string()))]).await
}

/// Whether a message of the [`REBUILD`] channel asks for building anew; an empty one says that some may have been missed.
#[must_use]
pub fn asks_for_rebuild(message: &Bytes) -> bool {
    decode_post(message).unwrap_or_default().iter().any(|(name, _)| name == WANTED)
}

/// What live state is to be built for, and for what that of a partition was built.
pub(crate) struct Rebuilds {
    pub wanted: Bytes,
    pub built: HashMap<String, Bytes>,
}

impl Rebuilds {
    pub async fn read(live: &dyn Live) -> Result<Self, LiveError> {
        let built = live.read_board(REBUILD).await?;
        Ok(Self { wanted: built.get(WANTED).cloned().unwrap_or(Bytes::from_static(NEVER_WANTED.as_bytes())), built })
    }

    pub fn is_built(&self, shard: Shard) -> bool {
        self.built.get(&built_field(shard)) == Some(&self.wanted)
    }

    /// Notes that the counters of a partition are whole (or, with `false`, that they are not).
    pub async fn note(&self, live: &dyn Live, shard: Shard, whole: bool) -> Result<(), LiveError> {
        let value = if whole { self.wanted.clone() } else { Bytes::new() };
        live.post(REBUILD, vec![(built_field(shard), value)]).await
    }
}

fn built_field(shard: Shard) -> String {
    format!("built/{}/{}", shard.generation, shard.partition)
}

/// After rows of these hours (domain, start in UTC ms) were removed or changed in another way than through a log: recomputes their
/// aggregates, ends cached answers, asks for live state anew.
///
/// # Errors
/// The store or the accounts failed; call it again.
pub async fn changed(meta: &Meta, store: &Store, live: &dyn Live, hours: &[(SiteId, i64)]) -> Result<(), RollupError> {
    rollup::recompute(meta, store, hours).await?;
    let sites: BTreeSet<SiteId> = hours.iter().map(|(site, _)| *site).collect();
    let version = Uuid::new_v4().to_string();
    let versions = sites.into_iter().map(|site| (format!("v/{site}"), Bytes::from(version.clone()))).collect();
    let told = async {
        live.post(STORED, versions).await?;
        request_rebuild(live).await
    };
    if let Err(error) = told.await {
        tracing::warn!(%error, "live state is away: cached answers may be old for some minutes");
    }
    Ok(())
}
