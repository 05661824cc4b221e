//! The live state of a cluster: Redis 6.2 or newer, alone, behind Sentinel, or as a cluster.
//!
//! # Counters
//! Everything that came from one [`Shard`] lies under one hash tag, so one script sees it whole. `…:fence` tells the *next offset* and the *epoch*:
//! the name under which the counters of that shard are written at present. A **batch** is added up here, then counted by one script (`apply.lua`) that
//! compares the fence, so a zombie or a retry changes nothing; it also announces the domains that changed. A **rebuild** writes a new epoch beside
//! the present one, piece by piece, lets it count by one script (`flip.lua`), and removes the old one. A rebuild that fails, or that nobody waits for any
//! more, removes what it wrote; what a killed one left is found in the list of epochs. Each epoch keeps lists of its keys for that. A script brings the epoch it was made for and is answered the present one
//! where they differ, so no reader ever adds two of them up.
//!
//! | key (prefix and `{generation.partition}` before each) | holds | kept |
//! |---|---|---|
//! | `fence`, `epochs` | epoch, next offset; epochs whose keys may exist | 32 days |
//! | `<epoch>:m:<domain>:<minute>` | pageviews, in all and by path | 24 h |
//! | `<epoch>:b:<domain>:<hour>` | bytes that new paths took | 24 h |
//! | `<epoch>:h:<domain>:<table>` | pageviews by hour, 250 hours in a table | 30 days after the last |
//! | `<epoch>:v:<domain>` | visitors by last event | 35 minutes |
//! | `<epoch>:n:<domain>` | the newest 20 events | 31 days |
//! | `<epoch>:short:<hour>`, `<epoch>:long` | the epoch's keys | as these |
//!
//! `shards:<domain>` notes which shards have something of a domain, before they have; a reader asks these only, each by one script. Generations are
//! shards like any other: what an old one counted stays until it expires, and no record is in two of them.
//!
//! # Bounds
//! Every key has a time to live. Beside it, by domain and shard: 1,000 paths a minute, 1.3 MB of new paths an hour, 200,000 visitors; beyond, a path is
//! counted under [`OTHER_PATHS`](crate::OTHER_PATHS) and a new visitor not at all. Redis should run with `maxmemory-policy noeviction`: a counter
//! that is evicted is missing until the next rebuild.
//!
//! # Losing it
//! All of it may be lost: a fence that is gone is a hole, and the caller rebuilds. While Redis is away every command fails at once, limits go on in
//! this process, and the connection comes back by itself.

mod counters;
mod keys;
mod limits;
mod link;
mod messages;
mod read;
mod scripts;
mod tally;
mod unfinished;

use std::{collections::HashMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use footfall_model::{Offset, SiteId, report::LiveView};
use fred::{
    interfaces::{ClientLike, HashesInterface, KeysInterface, PubsubInterface},
    types::{Expiration, SetOptions, Value},
};
use tokio::task::JoinHandle;

use crate::{
    Allowance, Applied, Batch, Boards, Cache, Clock, Counters, Limit, Limits, LiveError, Messages, MinuteCounts, Shard, Snapshot,
    encode_post,
};
use counters::Counts;
use keys::Keys;
use limits::SharedLimits;
use link::Link;
use messages::{Heard, Subscriptions};
use read::Reader;

/// A board that nobody posts to is forgotten after so many seconds: 31 days.
const BOARD_SECONDS: u64 = 31 * 86_400;

/// Where Redis is and how it is used.
#[derive(Clone)]
pub struct RedisLiveOptions {
    /// `redis://[user:password@]host[:6379][/database]`; `redis-sentinel://host[:26379][/database]?sentinelServiceName=name`, also with
    /// `&node=host:port` for further sentinels, `&sentinelUsername=` and `&sentinelPassword=`; `redis-cluster://host:port[?node=host:port…]`;
    /// `rediss…` each for TLS.
    pub url: String,
    /// User, where the URL names none.
    pub username: Option<String>,
    /// Password, where it is not to stand in the URL.
    pub password: Option<String>,
    /// Certificates (PEM) to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The start of every key and channel. Default `footfall`.
    pub prefix: String,
    /// How long a command may take. Default 1 s.
    pub command_timeout: Duration,
    /// The time.
    pub clock: Clock,
}

impl RedisLiveOptions {
    /// The defaults for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            username: None,
            password: None,
            ca_file: None,
            prefix: "footfall".to_owned(),
            command_timeout: Duration::from_secs(1),
            clock: Clock::default(),
        }
    }
}

impl fmt::Debug for RedisLiveOptions {
    // Without the URL: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLiveOptions")
            .field("prefix", &self.prefix)
            .field("command_timeout", &self.command_timeout)
            .finish_non_exhaustive()
    }
}

/// Live state in Redis.
pub struct RedisLive {
    link: Arc<Link>,
    keys: Keys,
    clock: Clock,
    counts: Counts,
    limits: Arc<SharedLimits>,
    subscriptions: Arc<Subscriptions>,
    tasks: [JoinHandle<()>; 2],
}

impl RedisLive {
    /// Begins to connect, within a Tokio runtime. Redis may be away: everything answers errors until it is there.
    ///
    /// # Errors
    /// When the URL or the certificates cannot be used.
    pub fn connect(options: RedisLiveOptions) -> Result<Arc<Self>, LiveError> {
        let keys = Keys::new(&options.prefix);
        let mut link = Link::open(&options)?;
        let heard = Heard::of(link.subscriber());
        link.start();
        let link = Arc::new(link);
        let limits = SharedLimits::new(options.clock.clone());
        let subscriptions = Subscriptions::new(keys.clone());
        let exchange = {
            let (limits, link, keys) = (Arc::clone(&limits), Arc::clone(&link), keys.clone());
            tokio::spawn(async move { limits.run(&link, &keys).await })
        };
        let listen = {
            let (subscriptions, subscriber) = (Arc::clone(&subscriptions), link.subscriber().clone());
            tokio::spawn(async move { subscriptions.run(subscriber, heard).await })
        };
        let counts = Counts::new(keys.clone(), options.clock.clone());
        Ok(Arc::new(Self { link, keys, clock: options.clock, counts, limits, subscriptions, tasks: [exchange, listen] }))
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// When it does not, in words.
    pub async fn ping(&self) -> Result<(), LiveError> {
        self.link.commands().await.ping::<Value>(None).await.map(drop).map_err(|error| self.link.fault(&error))
    }

    fn reader(&self) -> Reader<'_> {
        Reader { link: &self.link, keys: &self.keys, counts: &self.counts, clock: &self.clock }
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration, options: Option<SetOptions>) -> Result<Value, LiveError> {
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).max(1);
        let set = self.link.commands().await.set(self.keys.cached(key), value, Some(Expiration::PX(ttl_ms)), options, false).await;
        set.map_err(|error| self.link.fault(&error))
    }
}

impl Drop for RedisLive {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Counters for RedisLive {
    async fn fence(&self, shard: Shard) -> Result<Option<Offset>, LiveError> {
        self.counts.fence(&self.link, shard).await
    }

    async fn apply(&self, batch: Batch) -> Result<Applied, LiveError> {
        self.counts.apply(&self.link, &batch).await
    }

    async fn rebuild(&self, shard: Shard, snapshot: Snapshot) -> Result<(), LiveError> {
        self.counts.rebuild(&self.link, shard, snapshot).await
    }

    async fn view(&self, site: SiteId, now_ms: i64, limit: usize) -> Result<LiveView, LiveError> {
        self.reader().view(site, now_ms, limit).await
    }

    async fn minutes(&self, site: SiteId, from_ms: i64, to_ms: i64, paths: bool) -> Result<Vec<MinuteCounts>, LiveError> {
        self.reader().minutes(site, from_ms, to_ms, paths).await
    }

    async fn hours(&self, site: SiteId, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, u64)>, LiveError> {
        self.reader().hours(site, from_ms, to_ms).await
    }

    async fn forget(&self, site: SiteId) -> Result<(), LiveError> {
        self.counts.forget(&self.link, site).await
    }
}

#[async_trait]
impl Limits for RedisLive {
    async fn take(&self, keys: &[(String, Limit)], cost: u32) -> Result<Vec<Allowance>, LiveError> {
        Ok(self.limits.take(keys, cost))
    }
}

#[async_trait]
impl Cache for RedisLive {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LiveError> {
        self.link.commands().await.get(self.keys.cached(key)).await.map_err(|error| self.link.fault(&error))
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), LiveError> {
        self.set(key, value, ttl, None).await.map(drop)
    }

    async fn put_new(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, LiveError> {
        Ok(!self.set(key, value, ttl, Some(SetOptions::NX)).await?.is_null())
    }

    async fn remove(&self, key: &str) -> Result<(), LiveError> {
        self.link.commands().await.unlink::<i64, _>(self.keys.cached(key)).await.map(drop).map_err(|error| self.link.fault(&error))
    }
}

#[async_trait]
impl Messages for RedisLive {
    async fn publish(&self, channel: &str, message: Bytes) -> Result<(), LiveError> {
        let told = self.link.commands().await.publish::<i64, _, _>(self.keys.channel(channel), message).await;
        told.map(drop).map_err(|error| self.link.fault(&error))
    }

    async fn subscribe(&self, channel: &str) -> Result<tokio::sync::broadcast::Receiver<Bytes>, LiveError> {
        self.subscriptions.subscribe(&self.link, channel).await
    }
}

#[async_trait]
impl Boards for RedisLive {
    async fn post(&self, board: &str, fields: Vec<(String, Bytes)>) -> Result<(), LiveError> {
        let mut args = vec![self.keys.channel(board).into(), encode_post(&fields).into(), BOARD_SECONDS.to_string().into()];
        args.extend(fields.into_iter().flat_map(|(name, value)| [Value::from(name), Value::from(value)]));
        self.link.run::<Value>(&scripts::POST, vec![self.keys.board(board)], args).await.map(drop)
    }

    async fn read_board(&self, board: &str) -> Result<HashMap<String, Bytes>, LiveError> {
        self.link.commands().await.hgetall(self.keys.board(board)).await.map_err(|error| self.link.fault(&error))
    }
}
