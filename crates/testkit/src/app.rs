//! A started `footfall` in a folder of its own, and what a test does with it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    eventually, process,
    services::{Installation, Services},
};

/// The product promises to end within this after SIGTERM, with nothing lost.
const DRAIN: Duration = Duration::from_secs(10);

/// How to start an [`App`].
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// The binary: `env!("CARGO_BIN_EXE_footfall")` in the server's own tests.
    pub binary: PathBuf,
    /// Additional variables.
    pub env: Vec<(String, String)>,
    /// The shared services to run on; engines of its own without.
    pub installation: Option<Installation>,
    is_alone: bool,
    /// Does not wait until it is ready.
    pub unready: bool,
}

impl AppOptions {
    /// Rate limits are off, as a test sends everything from one address.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), env: Vec::new(), installation: None, is_alone: false, unready: false }
            .env("FOOTFALL_RATE_LIMIT_CLIENT", "0")
            .env("FOOTFALL_RATE_LIMIT_DOMAIN", "0")
            .env("FOOTFALL_LISTEN", "127.0.0.1:0")
            .env("FOOTFALL_METRICS_LISTEN", "127.0.0.1:0")
    }

    /// As [`AppOptions::new`], on engines of its own whatever the environment names.
    #[must_use]
    pub fn alone(binary: impl Into<PathBuf>) -> Self {
        Self { is_alone: true, ..Self::new(binary) }
    }

    /// Runs on shared services, as one process of an installation.
    #[must_use]
    pub fn on(mut self, installation: &Installation) -> Self {
        for (name, value) in installation.env() {
            self = self.env(&name, &value);
        }
        self.installation = Some(installation.clone());
        self
    }

    /// The address that was chosen for it, if one was.
    fn listens_on(&self) -> Option<&str> {
        let (_, address) = self.env.iter().find(|(name, _)| name == "FOOTFALL_LISTEN")?;
        (!address.ends_with(":0")).then_some(address)
    }

    /// Takes a variable back.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self
    }

    /// Sets a variable; a later value for the same name wins.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server. Dropping it kills its whole process group; the data folder goes with it.
pub struct App {
    options: AppOptions,
    data: tempfile::TempDir,
    child: Option<Child>,
    base: String,
    metrics: String,
    setup: Option<String>,
    /// Follows redirects nowhere and keeps no cookies.
    pub http: reqwest::Client,
}

/// A domain made by a test.
#[derive(Clone, Debug)]
pub struct Site {
    /// `domainId`.
    pub id: String,
    /// Its name.
    pub domain: String,
}

impl App {
    /// Starts the binary on a free port and waits until it is ready: on the services that the environment names, else on engines of its own.
    ///
    /// # Errors
    /// When it does not become ready within a minute; its last lines on stderr are in the message.
    pub async fn start(mut options: AppOptions) -> anyhow::Result<Self> {
        if !options.is_alone
            && options.installation.is_none()
            && let Some(services) = Services::of_environment()?
        {
            let given = std::mem::take(&mut options.env);
            options = options.on(&services.installation().await?);
            for (name, value) in given {
                options = options.env(&name, &value);
            }
        }
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let data = tempfile::Builder::new().prefix("footfall-test-").tempdir()?;
        let mut app = Self { options, data, child: None, base: String::new(), metrics: String::new(), setup: None, http };
        app.resume().await?;
        Ok(app)
    }

    /// Starts the server again on the same data, after [`App::kill`] or [`App::stop`].
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "it is still running");
        let log = self.data.path().join("server.log");
        let stderr = std::fs::File::options().create(true).append(true).open(&log)?;
        let mut child = self
            .program()
            .arg("serve")
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", self.options.binary.display()))?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        self.child = Some(child);
        let banner = tokio::time::timeout(Duration::from_secs(60), read_banner(stdout)).await;
        let Ok(Ok(banner)) = banner else {
            let tail = tail(&log);
            self.kill().await?;
            bail!("the server did not start; its last lines:\n{tail}");
        };
        // A process behind others tells people their address. A processor has no other listener than that of metrics.
        self.base = match (banner.base, self.options.listens_on()) {
            (Some(_), Some(address)) => format!("http://{address}"),
            (Some(base), None) => base,
            (None, _) => banner.metrics.trim_end_matches("/metrics").to_owned(),
        };
        self.metrics = banner.metrics;
        self.setup = banner.setup;
        if self.options.unready {
            return Ok(());
        }
        let ready = self.url("/ready");
        let answer = eventually(Duration::from_secs(60), async || {
            let status = self.http.get(&ready).send().await.ok()?.status();
            (status == 200).then_some(())
        })
        .await;
        ensure!(answer.is_some(), "the server did not become ready; its last lines:\n{}", tail(&log));
        Ok(())
    }

    /// The binary with the settings of this test and none of the shell that runs it, except where the engine's library is.
    fn program(&self) -> Command {
        let mut command = Command::new(&self.options.binary);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let is_setting = name.starts_with("FOOTFALL_") || ["PORT", "JWT_SECRET", "JWT_SECRET_FILE"].contains(&&*name);
            if is_setting && name != "FOOTFALL_LIBCHDB" {
                command.env_remove(&*name);
            }
        }
        command.envs(self.options.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// How it is started.
    #[must_use]
    pub const fn options(&self) -> &AppOptions {
        &self.options
    }

    /// Sets or removes a variable for the next start.
    pub fn set_env(&mut self, name: &str, value: Option<&str>) {
        self.options.env.retain(|(known, _)| known != name);
        if let Some(value) = value {
            self.options.env.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Whether it runs on shared services.
    #[must_use]
    pub const fn is_on_services(&self) -> bool {
        self.options.installation.is_some()
    }

    /// The accounts database.
    #[must_use]
    pub fn accounts_url(&self) -> String {
        match &self.options.installation {
            Some(installation) => installation.accounts_url(),
            None => format!("sqlite:{}", self.data().join("footfall.db").display()),
        }
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// What the server wrote to stderr so far, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("server.log")).unwrap_or_default()
    }

    /// Where it writes that.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.data.path().join("server.log")
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address of `/metrics`.
    #[must_use]
    pub fn metrics_url(&self) -> &str {
        &self.metrics
    }

    /// The one-time set-up link of the banner, while there is no owner.
    #[must_use]
    pub fn setup_link(&self) -> Option<&str> {
        self.setup.as_deref()
    }

    /// Process id of the server.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref()?.id()
    }

    /// Kills every process of the server with SIGKILL, at once.
    ///
    /// # Errors
    /// When a signal cannot be sent.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            if let Some(pid) = child.id() {
                process::kill_group(pid, "KILL").await?;
            }
            child.wait().await?;
        }
        Ok(())
    }

    /// Kills the server alone with SIGKILL and waits for its end; what it had started notices by itself.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn kill_alone(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.start_kill()?;
            child.wait().await?;
        }
        Ok(())
    }

    /// Asks the server to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it does not end within the ten seconds that are promised, or with another status than 0.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            if let Some(pid) = child.id() {
                process::kill(pid, "TERM").await?;
            }
            let ended = tokio::time::timeout(DRAIN, child.wait()).await;
            let tail = tail(&self.data.path().join("server.log"));
            let Ok(status) = ended else { bail!("it did not stop within {} s; its last lines:\n{tail}", DRAIN.as_secs()) };
            let status = status?;
            ensure!(status.success(), "it ended with {status}; its last lines:\n{tail}");
        }
        Ok(())
    }

    /// Runs a command of the command line on the same data and returns its stdout.
    ///
    /// # Errors
    /// When it ends with another status than 0; stderr is in the message.
    pub async fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.command(args, None).await?;
        ensure!(output.status.success(), "footfall {args:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a command with text on its stdin, and returns all there is.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn command(&self, args: &[&str], stdin: Option<&str>) -> anyhow::Result<std::process::Output> {
        let mut child = self
            .program()
            .args(args)
            .arg("--data")
            .arg(self.data())
            .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            use tokio::io::AsyncWriteExt;
            pipe.write_all(text.as_bytes()).await?;
        }
        Ok(child.wait_with_output().await?)
    }

    /// Adds a domain by the command line.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn site(&self, domain: &str, timezone: &str) -> anyhow::Result<Site> {
        self.run(&["site", "add", domain, "--timezone", timezone]).await?;
        let list: Value = serde_json::from_str(&self.run(&["site", "list", "--json"]).await?)?;
        let found = list.as_array().into_iter().flatten().find(|site| site["domain"] == domain);
        let id = found.and_then(|site| site["id"].as_str()).with_context(|| format!("{domain} is not in {list}"))?;
        Ok(Site { id: id.to_owned(), domain: domain.to_owned() })
    }

    /// Makes an API key for a domain.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn key(&self, domain: &str, scopes: &str) -> anyhow::Result<String> {
        let key = self.run(&["token", "add", "--domain", domain, "--scopes", scopes, "--rate-limit", "0"]).await?;
        Ok(key.trim().to_owned())
    }

    /// Posts a body to the collector as the tracker does.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn post(&self, body: &Value) -> anyhow::Result<reqwest::Response> {
        let request = self.http.post(self.url("/api/events")).header("content-type", "text/plain").header("user-agent", FIREFOX);
        Ok(request.body(body.to_string()).send().await?)
    }

    /// One pageview of a visitor (an address within 10/8 and a common browser), which must be accepted.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn pageview(&self, domain: &str, path: &str, visitor: u32) -> anyhow::Result<()> {
        let [_, b, c, d] = visitor.to_be_bytes();
        let answer = self
            .http
            .post(self.url("/api/events"))
            .header("user-agent", FIREFOX)
            .header("x-forwarded-for", format!("10.{b}.{c}.{d}"))
            .body(serde_json::json!({ "domain": domain, "url": format!("https://{domain}{path}") }).to_string())
            .send()
            .await?;
        ensure!(answer.status() == 202, "the pageview was answered with {}: {}", answer.status(), answer.text().await?);
        Ok(())
    }

    /// Visitors, visits, pageviews and events of a domain over everything, by the query API.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn totals(&self, key: &str, domain: &str) -> anyhow::Result<Totals> {
        let body = serde_json::json!({ "site_id": domain, "metrics": ["visitors", "visits", "pageviews", "events"], "date_range": "all" });
        let answer = self.http.post(self.url("/api/v2/query")).bearer_auth(key).json(&body).send().await?;
        ensure!(answer.status() == 200, "the query was answered with {}: {}", answer.status(), answer.text().await?);
        let answer: Value = answer.json().await?;
        let metric = |i: usize| answer["results"][0]["metrics"][i].as_u64().with_context(|| format!("an odd answer: {answer}"));
        Ok(Totals { visitors: metric(0)?, visits: metric(1)?, pageviews: metric(2)?, events: metric(3)? })
    }

    /// URL, user, password and database of the analytics store.
    ///
    /// # Errors
    /// When the engine did not write down its address.
    pub fn store(&self) -> anyhow::Result<(String, String, String, String)> {
        if let Some(installation) = &self.options.installation {
            return installation.store();
        }
        let file: Value = serde_json::from_slice(&std::fs::read(self.data().join("run/engine.json"))?)?;
        let text = |name: &str| file[name].as_str().map(str::to_owned).with_context(|| format!("engine.json lacks {name}"));
        Ok((text("url")?, text("user")?, text("password")?, "footfall".to_owned()))
    }

    /// Runs SQL on the analytics store with the installation's own credentials and returns the text of the answer. The statement calls
    /// the database `footfall`, whatever its name is.
    ///
    /// # Errors
    /// When the engine is away or refuses the statement.
    pub async fn sql(&self, statement: &str) -> anyhow::Result<String> {
        let (url, user, password, database) = self.store()?;
        let statement = statement.replace("footfall.", &format!("{database}."));
        let request = self.http.post(url).header("x-clickhouse-user", user).header("x-clickhouse-key", password);
        let answer = request.body(statement.clone()).send().await?;
        let status = answer.status();
        let body = answer.text().await?;
        ensure!(status == 200, "{statement} was answered with {status}: {body}");
        Ok(body.trim_end().to_owned())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            process::kill_group_now(pid);
        }
    }
}

/// Four figures of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Distinct visitor ids.
    pub visitors: u64,
    /// Visits.
    pub visits: u64,
    /// Pageviews.
    pub pageviews: u64,
    /// Pageviews and custom events.
    pub events: u64,
}

/// A user agent that every list knows as a browser.
pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

struct Banner {
    base: Option<String>,
    metrics: String,
    setup: Option<String>,
}

/// Reads the banner up to its last line, then goes on emptying the pipe in the background.
async fn read_banner(stdout: tokio::process::ChildStdout) -> anyhow::Result<Banner> {
    let mut lines = BufReader::new(stdout).lines();
    let (mut base, mut metrics, mut setup): (Option<String>, String, Option<String>) = (None, String::new(), None);
    while let Some(line) = lines.next_line().await? {
        let Some((label, value)) = line.trim().split_once(char::is_whitespace) else { continue };
        let value = value.trim().to_owned();
        match label {
            "open" => base = Some(value),
            "setup" => setup = Some(value),
            "metrics" => metrics = value,
            "ready" => {
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Banner { base, metrics, setup });
            }
            _ => {}
        }
    }
    bail!("stdout ended before the banner did")
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
