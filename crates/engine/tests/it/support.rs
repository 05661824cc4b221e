//! Starts an engine in a folder of its own.
#![allow(clippy::unwrap_used, reason = "a step that fails fails its test")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use clickhouse::Client;
use footfall_engine::{Endpoint, SuperviseOptions, Supervisor, find_library};
use tempfile::TempDir;

/// The program under test.
pub const EXE: &str = env!("CARGO_BIN_EXE_footfall-engine");

/// An engine with its supervisor and its folder.
pub struct TestEngine {
    pub supervisor: Supervisor,
    pub data: TempDir,
}

pub fn library() -> PathBuf {
    find_library(std::path::Path::new("."), None).unwrap()
}

impl TestEngine {
    pub async fn start() -> Self {
        Self::with_cap(1 << 30).await
    }

    pub async fn with_cap(bytes: u64) -> Self {
        let data = tempfile::tempdir().unwrap();
        let supervisor = Supervisor::start(SuperviseOptions {
            exe: EXE.into(),
            data: data.path().to_owned(),
            library: library(),
            memory_cap: Some(bytes),
        })
        .await
        .unwrap();
        Self { supervisor, data }
    }

    pub fn endpoint(&self) -> Endpoint {
        self.supervisor.endpoint()
    }

    /// ClickHouse's client, with TCP_NODELAY as the store has it.
    pub fn client(&self) -> Client {
        client(&self.endpoint())
    }

    /// One plain request: `POST /?query…` with a body.
    pub async fn post(&self, params: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (u16, Option<String>, String) {
        let endpoint = self.endpoint();
        let url = url(&endpoint, params);
        let response =
            reqwest::Client::new().post(url).basic_auth(&endpoint.user, Some(&endpoint.password)).body(body).send().await.unwrap();
        let code = response.headers().get("X-ClickHouse-Exception-Code").map(|code| code.to_str().unwrap().to_owned());
        (response.status().as_u16(), code, response.text().await.unwrap())
    }

    /// Runs a statement that must work.
    pub async fn ok(&self, sql: &str) -> String {
        let (status, _, text) = self.post(&[], sql.to_owned()).await;
        assert_eq!(status, 200, "{sql}: {text}");
        text
    }

    /// Runs a statement that must fail; gives status and ClickHouse's code.
    pub async fn fails(&self, sql: &str) -> (u16, String) {
        let (status, code, text) = self.post(&[], sql.to_owned()).await;
        assert!(text.starts_with(&format!("Code: {}.", code.as_deref().unwrap_or("none"))), "{sql}: {status} {text}");
        (status, code.unwrap())
    }
}

pub fn url(endpoint: &Endpoint, params: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(params);
    format!("{}/?{}", endpoint.url, query.finish())
}

pub fn client(endpoint: &Endpoint) -> Client {
    let mut connector = hyper_util::client::legacy::connect::HttpConnector::new();
    connector.set_nodelay(true);
    let http = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build(connector);
    Client::with_http_client(http).with_url(&endpoint.url).with_user(&endpoint.user).with_password(&endpoint.password)
}

/// Waits for a condition, half a minute at most.
pub async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut holds: F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The program started by hand, not supervised.
pub fn command(data: &std::path::Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(EXE);
    command.arg("engine").arg("--data").arg(data).env("FOOTFALL_LIBCHDB", library());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

pub fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap();
    assert!(status.success());
}
