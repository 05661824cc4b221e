//! One shard: replicas of the same rows.
//!
//! Calls go to the replica that answered last, so that a process reads what it wrote. One that is away is left for the next, and asked again
//! [`AWAY`] later, or at once when there is no other. Inserts repeated on another replica are recognised by their token, which the replicas share.
//!
//! **What a replica may not have yet.** With `insert_quorum` an insert is done once several replicas have it, but not all, and with parallel quorum inserts
//! (the default: one insert must not wait for those of other processes) `select_sequential_consistency` has no meaning. So whoever must see everything that
//! was ever acknowledged ([`Group::all_whole`]: positions, visits to go on with, hours to recompute) lets *the replica it then reads* fetch all
//! that the keeper knows: `SYSTEM SYNC REPLICA … LIGHTWEIGHT`. That includes inserts which were never acknowledged: if the only replica that has one is
//! away, the wait fails, and the caller asks again. Better late than counted twice.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use clickhouse::{RowOwned, RowRead};
use tokio::time::Instant;

use crate::{
    ShardOptions, StoreError,
    bounds::{Bounds, RECOVERY},
    ddl::Flavour,
    node::Node,
};

/// For so long a replica that was away is not asked while another one answers.
const AWAY: Duration = Duration::from_secs(5);

/// A shard.
pub(crate) struct Group {
    nodes: Vec<Member>,
    /// The replica that answered last.
    current: AtomicUsize,
    /// Tables are replicated.
    replicated: bool,
    began: Instant,
}

struct Member {
    node: Arc<Node>,
    /// Milliseconds after `began` until which it is left alone.
    rests_until: AtomicU64,
}

impl Group {
    pub(crate) fn new(options: &ShardOptions, database: &str, flavour: &Flavour) -> Self {
        let member =
            |replica| Member { node: Arc::new(Node::new(replica, database, flavour.is_cluster())), rests_until: AtomicU64::new(0) };
        Self {
            nodes: options.replicas.iter().map(member).collect(),
            current: AtomicUsize::new(0),
            replicated: flavour.is_cluster(),
            began: Instant::now(),
        }
    }

    /// Calls one replica after the other until one is not away.
    pub(crate) async fn call<T, Fut>(&self, call: impl Fn(Arc<Node>) -> Fut) -> Result<T, StoreError>
    where
        Fut: Future<Output = Result<T, StoreError>>,
    {
        let mut failure = StoreError::away("no server is configured");
        for index in self.order() {
            let Some(member) = self.nodes.get(index) else { continue };
            match call(Arc::clone(&member.node)).await {
                Err(error) if error.is_away() => {
                    if self.nodes.len() > 1 {
                        tracing::warn!(replica = index, %error, "a replica of the analytics store is away");
                    }
                    member.rests_until.store(self.now() + millis(AWAY), Ordering::Relaxed);
                    failure = error;
                }
                answer => {
                    member.rests_until.store(0, Ordering::Relaxed);
                    self.current.store(index, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        Err(failure)
    }

    /// From the current one on, those that rest last.
    fn order(&self) -> Vec<usize> {
        let current = self.current.load(Ordering::Relaxed);
        let now = self.now();
        let all = (0..self.nodes.len()).map(|step| (current + step) % self.nodes.len().max(1));
        let (awake, resting): (Vec<usize>, Vec<usize>) =
            all.partition(|index| self.nodes.get(*index).is_none_or(|member| member.rests_until.load(Ordering::Relaxed) <= now));
        awake.into_iter().chain(resting).collect()
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }

    /// How many replicas there are.
    pub(crate) const fn replicas(&self) -> usize {
        self.nodes.len()
    }

    /// The replica that would be asked next.
    pub(crate) fn current(&self) -> Option<&Arc<Node>> {
        self.nodes.get(self.current.load(Ordering::Relaxed)).map(|member| &member.node)
    }

    /// Runs a statement that answers nothing.
    pub(crate) async fn execute(&self, text: &str, bounds: Bounds) -> Result<(), StoreError> {
        self.call(|node| async move { node.execute(text, bounds).await }).await
    }

    /// All rows of a statement.
    pub(crate) async fn all<T: RowOwned + RowRead>(&self, text: &str, bounds: Bounds) -> Result<Vec<T>, StoreError> {
        self.call(|node| async move { node.all::<T>(text, bounds).await }).await
    }

    /// All rows of a statement over everything that was ever acknowledged in these tables.
    pub(crate) async fn all_whole<T: RowOwned + RowRead>(&self, tables: &[&str], text: &str) -> Result<Vec<T>, StoreError> {
        self.call(|node| async move {
            self.fetch_missing(&node, tables).await?;
            node.all::<T>(text, RECOVERY).await
        })
        .await
    }

    /// Lets the replica in use fetch what it lacks. Nothing to do where tables are not replicated.
    pub(crate) async fn sync(&self, tables: &[&str]) -> Result<(), StoreError> {
        if !self.replicated {
            return Ok(());
        }
        self.call(|node| async move { self.fetch_missing(&node, tables).await }).await
    }

    /// Lets this replica fetch what it lacks of these tables.
    pub(crate) async fn fetch_missing(&self, node: &Node, tables: &[&str]) -> Result<(), StoreError> {
        if self.replicated {
            for table in tables {
                node.execute(&format!("SYSTEM SYNC REPLICA {table} LIGHTWEIGHT"), RECOVERY).await?;
            }
        }
        Ok(())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
