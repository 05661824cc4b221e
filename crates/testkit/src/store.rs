//! A ClickHouse of its own: the embedded engine as a server, started by the product's own command.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::{eventually, process};

/// A running `footfall engine`, which ends with this value.
pub struct StoreServer {
    binary: PathBuf,
    data: TempDir,
    port: u16,
    child: Option<Child>,
}

impl StoreServer {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When it does not answer within half a minute.
    pub async fn start(binary: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let data = tempfile::Builder::new().prefix("footfall-store-").tempdir()?;
        let mut server = Self { binary: binary.to_owned(), data, port, child: None };
        server.resume().await?;
        Ok(server)
    }

    /// Starts it again on the same data and port.
    ///
    /// # Errors
    /// As [`StoreServer::start`].
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        use std::os::unix::process::CommandExt;
        if self.child.is_some() {
            bail!("it is still running");
        }
        let file = self.data.path().join("run/engine.json");
        let _ = std::fs::remove_file(&file);
        let log = std::fs::File::options().create(true).append(true).open(self.data.path().join("log"))?;
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FOOTFALL_") && name != "FOOTFALL_LIBCHDB" {
                command.env_remove(name);
            }
        }
        command
            .args(["engine", "--listen", &format!("127.0.0.1:{}", self.port), "--memory-cap", "2000000000", "--data"])
            .arg(self.data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        self.child = Some(command.spawn().with_context(|| format!("starting {}", self.binary.display()))?);
        let http = reqwest::Client::new();
        let up = eventually(Duration::from_secs(30), async || {
            let (url, user, password) = self.login().ok()?;
            let answer =
                http.post(url).header("x-clickhouse-user", user).header("x-clickhouse-key", password).body("SELECT 1").send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        up.with_context(|| {
            format!("the engine did not answer: {}", std::fs::read_to_string(self.data.path().join("log")).unwrap_or_default())
        })
    }

    fn login(&self) -> anyhow::Result<(String, String, String)> {
        let file: Value = serde_json::from_slice(&std::fs::read(self.data.path().join("run/engine.json"))?)?;
        let text = |name: &str| file[name].as_str().map(str::to_owned).with_context(|| format!("engine.json lacks {name}"));
        Ok((text("url")?, text("user")?, text("password")?))
    }

    /// `http://USER:PASSWORD@HOST:PORT`
    ///
    /// # Errors
    /// When its login cannot be read.
    pub fn url(&self) -> anyhow::Result<String> {
        let (url, user, password) = self.login()?;
        Ok(url.trim_end_matches('/').replacen("http://", &format!("http://{user}:{password}@"), 1))
    }

    /// Its port, which stays the same.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// What it writes.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.data.path().join("log")
    }

    /// Kills it with SIGKILL.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            process::kill_group(child.id(), "KILL").await?;
            child.wait()?;
        }
        Ok(())
    }
}

impl Drop for StoreServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            process::kill_group_now(child.id());
            let _ = child.wait();
        }
    }
}
