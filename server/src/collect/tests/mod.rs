//! The collector in one process: the real router, log, live state and accounts, in a folder of the test's own.

mod bad_input;
mod midnight;
mod pixels;
mod records;
mod refusals;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode},
};
use chrono_tz::Tz;
use footfall_config::Proxies;
use footfall_enrich::{EnrichData, Enricher};
use footfall_live::{
    Limit,
    memory::{MemoryLive, MemoryLiveOptions},
};
use footfall_log::{
    EventLog, FetchLimit, Polled, StartAt,
    file::{FileLog, FileLogOptions},
};
use footfall_meta::{Meta, NewKey, Reach, Scope, Site};
use footfall_model::{LogName, Record};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{CollectOptions, Collector, CollectorDeps, router};

pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
pub const NO_LIMIT: Limit = Limit { rate: 0.0, burst: 0.0 };

pub fn enricher() -> Arc<Enricher> {
    static ENRICHER: OnceLock<Arc<Enricher>> = OnceLock::new();
    let load = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/data");
        let data = EnrichData::from_dir(&folder).unwrap_or_else(|error| panic!("{error}"));
        Arc::new(Enricher::load(data).unwrap_or_else(|error| panic!("{error}")))
    };
    Arc::clone(ENRICHER.get_or_init(load))
}

pub fn options() -> CollectOptions {
    CollectOptions {
        trusted_proxies: "127.0.0.1/32".parse::<Proxies>().unwrap(),
        client_limit: NO_LIMIT,
        domain_limit: NO_LIMIT,
        key_limit: NO_LIMIT,
    }
}

pub struct Bench {
    pub collector: Arc<Collector>,
    pub meta: Meta,
    pub site: Site,
    pub folder: tempfile::TempDir,
    router: Router,
    log: Arc<FileLog>,
    import_log: Arc<FileLog>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or("")
    }
}

/// Measures `example.org`.
pub async fn start() -> Bench {
    start_with(options(), 1 << 30).await
}

pub async fn start_with(options: CollectOptions, log_bytes: u64) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta::open(&format!("sqlite:{}", folder.path().join("accounts.db").display())).await.unwrap();
    let site = meta.create_site(&"example.org".parse().unwrap(), Tz::UTC, None).await.unwrap();
    let open = |name: LogName| {
        let options = FileLogOptions { max_bytes: log_bytes, ..FileLogOptions::new(folder.path().join(name.topic()), name) };
        async { FileLog::open(options).await.unwrap() }
    };
    let (log, import_log) = (open(LogName::Live).await, open(LogName::Import).await);
    let deps = CollectorDeps {
        meta: meta.clone(),
        live: MemoryLive::new(MemoryLiveOptions::default()),
        log: log.clone(),
        import_log: import_log.clone(),
        enricher: enricher(),
        options,
    };
    let collector = Arc::new(Collector::new(deps).await.unwrap());
    Bench { router: router(collector.clone()), collector, meta, site, folder, log, import_log }
}

pub fn event() -> Value {
    json!({ "domain": "example.org", "path": "/a" })
}

/// An event with one field more.
pub fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut event = event();
    event[field] = value.into();
    event
}

/// A request as a page sends it, from 192.0.2.1 by way of a trusted proxy.
pub fn request(body: impl Into<Body>) -> Request<Body> {
    Request::post("/api/events")
        .header("content-type", "text/plain;charset=UTF-8")
        .header("user-agent", FIREFOX)
        .header("x-forwarded-for", "192.0.2.1")
        .body(body.into())
        .unwrap()
}

impl Bench {
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    pub async fn post(&self, event: &Value) -> Answer {
        self.send(request(event.to_string())).await
    }

    pub async fn post_with_key(&self, event: &Value, key: &str) -> Answer {
        let mut request = request(event.to_string());
        request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        self.send(request).await
    }

    pub async fn key(&self, scopes: &[Scope], rate_limit_per_hour: Option<u32>) -> String {
        let new = NewKey { name: "test".into(), scopes: scopes.to_vec(), reach: Reach::Site(self.site.id), rate_limit_per_hour };
        self.meta.create_key(new).await.unwrap().1
    }

    /// Everything in the live log.
    pub async fn records(&self) -> Vec<Record> {
        read(&self.log).await
    }

    /// Everything in the import log.
    pub async fn backdated(&self) -> Vec<Record> {
        read(&self.import_log).await
    }

    /// The one record in the live log.
    pub async fn record(&self) -> Record {
        let mut records = self.records().await;
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    /// A good event still gets through.
    pub async fn assert_alive(&self) {
        let before = self.records().await.len();
        let answer = self.post(&event()).await;
        assert_eq!((answer.status, answer.json), (StatusCode::ACCEPTED, json!({ "accepted": 1, "dropped": [] })));
        assert_eq!(self.records().await.len(), before + 1);
    }

    /// Refused with this, nothing stored, and the next good event is accepted.
    pub async fn assert_refused(&self, request: Request<Body>, status: u16, code: &str) -> Answer {
        let before = self.records().await.len();
        let answer = self.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{}", answer.json);
        assert!(!answer.json["error"]["message"].as_str().unwrap().is_empty());
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        assert_eq!(self.records().await.len(), before);
        self.assert_alive().await;
        answer
    }
}

async fn read(log: &Arc<FileLog>) -> Vec<Record> {
    let end = log.status().await.partitions.first().map_or(0, |partition| partition.3);
    let mut subscription = log.subscribe("test", StartAt::Offset(0)).await.unwrap();
    subscription.follow(&[0].into()).await.unwrap();
    let mut records = Vec::new();
    while (records.len() as u64) < end {
        let limit = FetchLimit { entries: 10_000, bytes: 64 << 20 };
        if let Polled::Entries { entries, .. } = subscription.poll(Duration::from_secs(5), limit).await.unwrap() {
            records.extend(entries.iter().map(|entry| serde_json::from_slice::<Record>(&entry.payload).unwrap()));
        }
    }
    records
}
