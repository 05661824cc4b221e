//! The store as its callers see it: domains and positions, not servers.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use clickhouse::query::Query;
use footfall_model::SiteId;
use futures::future::{join_all, try_join_all};
use tokio::time::timeout;

use crate::{StoreError, StoreOptions, bounds::Bounds, ddl::Flavour, group::Group, node::Node, placement::shard_of};

/// The analytics store. Cheap to clone; all clones share their connections.
///
/// A domain lives on one shard ([`crate::shard_of`], or a pin): functions about a domain go there, functions about positions of the log ask all
/// shards and put the answers together, as a range of the log holds rows of many domains.
#[derive(Clone)]
pub struct Store {
    shards: Arc<[Arc<Group>]>,
    pins: Arc<BTreeMap<SiteId, usize>>,
    database: String,
    flavour: Flavour,
    /// Replicas per insert; 0 for most of them.
    quorum: u32,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("database", &self.database)
            .field("flavour", &self.flavour)
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// A store at these addresses. Nothing is sent yet; see [`Store::ping`] and [`Store::migrate`].
    #[must_use]
    pub fn connect(options: impl Into<StoreOptions>) -> Self {
        let options: StoreOptions = options.into();
        let flavour = options.cluster.map_or(Flavour::Single, Flavour::Cluster);
        let mut shards: Vec<_> = options.shards.iter().map(|shard| Arc::new(Group::new(shard, &options.database, &flavour))).collect();
        if shards.is_empty() {
            // Every call says that no server is configured.
            shards.push(Arc::new(Group::new(&crate::ShardOptions::default(), &options.database, &flavour)));
        }
        Self { shards: shards.into(), pins: Arc::new(options.pins), database: options.database, flavour, quorum: options.quorum }
    }

    /// Answers if every shard can read its rows: an aggregate over a little of `events`, not a mere sign of life. The replicas of a shard share the
    /// 2 s that a probe waits, so that the next one is still asked where the first is frozen.
    ///
    /// # Errors
    /// When one cannot within 2 s.
    pub async fn ping(&self) -> Result<(), StoreError> {
        const QUICK: Bounds = Bounds::new(2, 100_000_000);
        const LOOK: &str =
            "SELECT countIf(ts > 0) + uniq(site_id) FROM (SELECT ts, site_id FROM events LIMIT 1000) SETTINGS max_threads = 1";
        let look = |shard: Arc<Group>| async move {
            let share = Duration::from_secs(QUICK.seconds) / u32::try_from(shard.replicas()).unwrap_or(1).max(1);
            let late = |_| Err(StoreError::away(format!("no answer within {} ms", share.as_millis())));
            let ask = |node: Arc<Node>| async move { timeout(share, node.all::<u64>(LOOK, QUICK)).await.unwrap_or_else(late).map(drop) };
            shard.call(ask).await
        };
        self.each(look).await.map(drop)
    }

    /// Each shard as a store of its own, in order: for tests, tools and copies.
    #[must_use]
    pub fn shards(&self) -> Vec<Self> {
        let alone = |shard: &Arc<Group>| Self { shards: [Arc::clone(shard)].into(), pins: Arc::default(), ..self.clone() };
        self.shards.iter().map(alone).collect()
    }

    /// The number of the shard on which a domain lives, from 0.
    #[must_use]
    pub fn shard_of(&self, site: SiteId) -> usize {
        let hashed = || shard_of(site, self.shards.len());
        self.pins.get(&site).copied().filter(|shard| *shard < self.shards.len()).unwrap_or_else(hashed)
    }

    /// A statement of one's own to the first shard, without limits: for tests, tools and the operator's questions.
    ///
    /// # Panics
    /// When no server is configured.
    #[allow(clippy::expect_used, reason = "a store without a server is refused at the start")]
    pub fn raw(&self, text: &str) -> Query {
        self.shards[0].current().expect("a store has a server").client().query_raw(text)
    }

    /// The shard of a domain.
    pub(crate) fn of(&self, site: SiteId) -> &Arc<Group> {
        &self.shards[self.shard_of(site)]
    }

    /// The shard for what belongs to no domain.
    pub(crate) fn first(&self) -> &Arc<Group> {
        &self.shards[0]
    }

    pub(crate) fn groups(&self) -> &[Arc<Group>] {
        &self.shards
    }

    /// Asks all shards at once; the answers come in their order.
    pub(crate) async fn each<T, Fut>(&self, ask: impl Fn(Arc<Group>) -> Fut) -> Result<Vec<T>, StoreError>
    where
        Fut: Future<Output = Result<T, StoreError>>,
    {
        try_join_all(self.shards.iter().map(|shard| ask(Arc::clone(shard)))).await
    }

    /// Lets each of these shards do its part to its end, whatever becomes of the others. Of several failures one that may pass comes first: what is wrong
    /// for good shows once everything else is done.
    pub(crate) async fn all_parts<Fut>(parts: impl IntoIterator<Item = Fut>) -> Result<(), StoreError>
    where
        Fut: Future<Output = Result<(), StoreError>>,
    {
        let mut failed: Vec<StoreError> = join_all(parts).await.into_iter().filter_map(Result::err).collect();
        failed.sort_by_key(StoreError::is_data);
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) const fn flavour(&self) -> &Flavour {
        &self.flavour
    }

    pub(crate) const fn quorum(&self) -> u32 {
        self.quorum
    }
}
