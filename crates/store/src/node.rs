//! One server: its connections, and whether it is there.
//!
//! A server may be slow or gone, and both look alike: no answer. Reports of some seconds and inserts of a minute are fine; a page that waits a minute
//! for a server that was frozen is not. So after [`SILENCE`] without an answer the server is asked for its `/ping`, which needs no query and no
//! free slot: no answer within [`PROBE`] means gone, and the caller hears so; else the statement may go on to the end of its own limit.
//!
//! A server that was found gone is *suspect*: until it has answered again, each call asks for its `/ping` first.

use std::{
    pin::pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clickhouse::{Client, Compression, RowOwned, RowRead, query::Query};
use footfall_query::Param;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout},
};

use crate::{Replica, StoreError, ask::bound, bounds::Bounds, insert::unknown_token};

/// ClickHouse closes an idle connection after 3 s at the earliest; we let go of it before.
const IDLE: Duration = Duration::from_secs(2);
/// Longer than any path to a server of one's own.
const CONNECT: Duration = Duration::from_secs(5);
/// A statement without an answer for so long makes us look whether anybody is there.
const SILENCE: Duration = Duration::from_secs(4);
/// A server that lives answers its `/ping` at once, even where it is busy.
const PROBE: Duration = Duration::from_secs(3);

/// After a `/ping` without an answer nobody asks again for so long: the questions of one page fail together.
const SILENT: Duration = Duration::from_secs(2);

/// A server.
pub(crate) struct Node {
    /// For questions.
    client: Client,
    /// For inserts.
    inserter: Client,
    /// For `/ping`.
    http: HyperClient<HttpsConnector<HttpConnector>, String>,
    url: String,
    /// It did not answer the last time.
    suspect: AtomicBool,
    /// When its `/ping` last went without an answer.
    silent: Mutex<Option<Instant>>,
    /// [`Node::threads`], once it was asked for them.
    threads: OnceCell<u64>,
}

impl Node {
    /// `replicated`: its tables are `Replicated…`.
    pub(crate) fn new(replica: &Replica, database: &str, replicated: bool) -> Self {
        let client = Client::with_http_client(HyperClient::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector()))
            .with_url(&replica.url)
            .with_user(&replica.user)
            .with_password(&replica.password)
            .with_database(database);
        // Behind one address there may be many servers of ClickHouse Cloud, whose `SharedMergeTree` reads what was written elsewhere only if
        // asked to; a single server ignores it. For replicated tables see `group`.
        let client = if replicated { client } else { client.with_setting("select_sequential_consistency", "1") };
        let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|prefix| replica.url.starts_with(prefix));
        let inserter = client
            .clone()
            .with_compression(if loopback { Compression::None } else { Compression::Lz4 })
            // What is sent is checked against the tables by a test.
            .with_validation(false);
        // A connection of its own each time: one that was opened before the server froze tells nothing.
        let http = HyperClient::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector());
        Self {
            client,
            inserter,
            http,
            url: replica.url.trim_end_matches('/').to_owned(),
            suspect: AtomicBool::new(false),
            silent: Mutex::default(),
            threads: OnceCell::new(),
        }
    }

    /// Threads that a statement has if it names no number: the server's cores, or what the profile of its user says.
    pub(crate) async fn threads(&self) -> Result<u64, StoreError> {
        // Where it is the cores, it reads `auto(2)`.
        let ask = self.client.query("SELECT toUInt64OrZero(extract(toString(getSetting('max_threads')), '[0-9]+'))");
        self.threads.get_or_try_init(|| async { Ok(ask.fetch_one::<u64>().await?.max(1)) }).await.copied()
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) const fn inserter(&self) -> &Client {
        &self.inserter
    }

    /// A statement with limits; `?` has no meaning in it.
    pub(crate) fn statement(&self, text: &str, bounds: Bounds) -> Query {
        let mut query = self.client.query_raw(text);
        for (name, value) in bounds.settings() {
            query = query.with_setting(name, value);
        }
        query
    }

    /// Runs a statement that answers nothing.
    pub(crate) async fn execute(&self, text: &str, bounds: Bounds) -> Result<(), StoreError> {
        self.within(bounds, async { Ok(self.statement(text, bounds).execute().await?) }).await
    }

    /// Runs an insert that the store makes of its own rows: at once, and never taken for one that it has seen.
    pub(crate) async fn insert(&self, text: &str, params: &[(String, Param)], bounds: Bounds) -> Result<(), StoreError> {
        let insert = bound(self.statement(text, bounds), params).with_setting("async_insert", "0");
        let insert = insert.with_setting("insert_deduplication_token", unknown_token());
        self.within(bounds, async { Ok(insert.execute().await?) }).await
    }

    /// All rows of a statement.
    pub(crate) async fn all<T: RowOwned + RowRead>(&self, text: &str, bounds: Bounds) -> Result<Vec<T>, StoreError> {
        self.within(bounds, async { Ok(self.statement(text, bounds).fetch_all::<T>().await?) }).await
    }

    /// Waits a little longer than the store's own limit, and not so long where nobody is there.
    pub(crate) async fn within<T>(&self, bounds: Bounds, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let answer = self.watched(bounds, call).await;
        self.suspect.store(answer.as_ref().is_err_and(StoreError::is_away), Ordering::Relaxed);
        answer
    }

    async fn watched<T>(&self, bounds: Bounds, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        if self.is_suspect() && !self.is_there().await {
            return Err(StoreError::away(format!("{} does not answer its /ping", self.url)));
        }
        let end = Instant::now() + bounds.patience();
        let mut call = pin!(call);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(StoreError::away(format!("no answer within {} s", bounds.patience().as_secs())));
            }
            if let Ok(answer) = timeout(left.min(SILENCE), &mut call).await {
                return answer;
            }
            tokio::select! {
                biased;
                answer = &mut call => return answer,
                there = self.is_there() => if !there {
                    return Err(StoreError::away(format!("{} fell silent and does not answer its /ping", self.url)));
                },
            }
        }
    }

    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::Relaxed)
    }

    /// Whether anything at all answers there.
    async fn is_there(&self) -> bool {
        let silent = || self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if silent().is_some_and(|since| since.elapsed() < SILENT) {
            return false;
        }
        let Ok(uri) = format!("{}/ping", self.url).parse() else { return false };
        let answer = timeout(PROBE, self.http.get(uri)).await;
        *silent() = answer.is_err().then(Instant::now);
        matches!(answer, Ok(Ok(_)))
    }
}

fn connector() -> HttpsConnector<HttpConnector> {
    let mut connector = HttpConnector::new();
    // Without it small inserts wait 40 ms for the other side's delayed acknowledgement.
    connector.set_nodelay(true);
    connector.set_keepalive(Some(Duration::from_secs(60)));
    connector.set_connect_timeout(Some(CONNECT));
    connector.enforce_http(false);
    tls().https_or_http().enable_http1().wrap_connector(connector)
}

type Tls = HttpsConnectorBuilder<hyper_rustls::builderstates::WantsSchemes>;

fn tls() -> Tls {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new();
    match builder.with_provider_and_webpki_roots(provider) {
        Ok(builder) => builder,
        // ring supports every default version of TLS; should that ever change, plain http still has to work.
        Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
    }
}
