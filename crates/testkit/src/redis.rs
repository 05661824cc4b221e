//! A private Redis: servers in a temporary folder on free loopback ports, gone with the value. Alone, behind Sentinel, or as a cluster.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{eventually, process::kill};

/// What to do where it is missing.
const INSTALL: &str = "Redis is not installed; run: apt-get update && apt-get install -y redis-server redis-sentinel";
/// A cold start on a busy machine, a failover, the making of a cluster.
const WITHIN: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// `maxmemory`, as Redis writes it (`4mb`); nothing is evicted.
    pub maxmemory: Option<String>,
    /// Speak TLS only, with a certificate made for the occasion.
    pub tls: bool,
    /// Further words of the command line.
    pub more: Vec<String>,
}

/// A running server with an append-only file and a password.
pub struct Redis {
    server: Option<Child>,
    port: u16,
    password: String,
    options: RedisOptions,
    folder: TempDir,
}

impl Redis {
    /// Starts a server.
    ///
    /// # Errors
    /// When Redis is not installed (the text says how), or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(RedisOptions::default()).await
    }

    /// Starts a server in a way of one's own.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start_with(options: RedisOptions) -> anyhow::Result<Self> {
        Self::start_as(options, Uuid::new_v4().simple().to_string()).await
    }

    async fn start_as(options: RedisOptions, password: String) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("footfall-redis-")?;
        if options.tls {
            make_certificate(folder.path())?;
        }
        let mut redis = Self { server: None, port: 0, password, options, folder };
        // Somebody else may take the port between looking for it and using it: try another one.
        for _ in 0..3 {
            redis.port = free_port()?;
            if redis.resume().await.is_ok() {
                return Ok(redis);
            }
        }
        bail!("Redis does not start: {}", std::fs::read_to_string(redis.folder.path().join("log")).unwrap_or_default());
    }

    /// The URL of the server, password included.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.options.tls { "rediss" } else { "redis" };
        format!("{scheme}://:{}@localhost:{}", self.password, self.port)
    }

    /// The URL without the password.
    #[must_use]
    pub fn bare_url(&self) -> String {
        self.url().replacen(&format!(":{}@", self.password), "", 1)
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Process id of the server, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// What the server writes.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The certificate to trust.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Ends the server without a chance to tidy up. Its data stay.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut server) = self.server.take() {
            kill(server.id(), "KILL").await?;
            server.wait()?;
        }
        Ok(())
    }

    /// Starts the server again on the same port with the same data, and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"))?;
        let port = self.port.to_string();
        let (plain, tls) = if self.options.tls { ("0", port.as_str()) } else { (port.as_str(), "0") };
        let mut command = Command::new("redis-server");
        command
            .current_dir(self.folder.path())
            .args(["--port", plain, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"])
            .args(["--requirepass", &self.password, "--masterauth", &self.password, "--dir"])
            .arg(self.folder.path())
            .args(["--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0"]);
        if self.options.tls {
            command.args(["--tls-port", tls, "--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--tls-auth-clients", "no"]);
            command.args(["--tls-ca-cert-file", "cert.pem"]);
        }
        if let Some(maxmemory) = &self.options.maxmemory {
            command.args(["--maxmemory", maxmemory]);
        }
        command.args(&self.options.more);
        self.server = Some(command.stdin(Stdio::null()).stdout(log).stderr(Stdio::null()).spawn().context(INSTALL)?);
        // Not `eventually`: what that gives cannot move between threads, and a trait's method may have to.
        let deadline = tokio::time::Instant::now() + WITHIN;
        while tokio::time::Instant::now() < deadline {
            let runs = self.server.as_mut().is_some_and(|server| matches!(server.try_wait(), Ok(None)));
            ensure!(runs, "Redis ended at once; see its log");
            if self.cli(&["ping"]).await.is_ok_and(|answer| answer.trim() == "PONG") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("Redis did not answer in time");
    }

    /// Stops the server in its tracks: connections stay, answers do not come.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.signal("STOP").await
    }

    /// Lets a stopped server go on.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn cont(&self) -> anyhow::Result<()> {
        self.signal("CONT").await
    }

    async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        kill(self.server.as_ref().context("the server is not running")?.id(), signal).await
    }

    /// Runs `redis-cli` with these words and answers what it prints.
    ///
    /// # Errors
    /// When it fails.
    pub async fn cli(&self, args: &[&str]) -> anyhow::Result<String> {
        let mut command = tokio::process::Command::new("redis-cli");
        command.args(["-p", &self.port.to_string()]).env("REDISCLI_AUTH", &self.password);
        if self.options.tls {
            command.args(["--tls", "--insecure"]);
        }
        let output = command.args(args).output().await.context(INSTALL)?;
        ensure!(output.status.success(), "redis-cli {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // Also ends one that is stopped.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// A primary, a replica, and sentinels that watch them.
pub struct Sentinel {
    /// The two servers; the first one is the primary at the start.
    pub servers: [Redis; 2],
    sentinels: Vec<Child>,
    ports: Vec<u16>,
    _folder: TempDir,
}

impl Sentinel {
    /// Starts all of them and waits until the sentinels know the replica.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start(sentinels: usize) -> anyhow::Result<Self> {
        let primary = Redis::start().await?;
        let more = vec!["--replicaof".to_owned(), "127.0.0.1".to_owned(), primary.port.to_string()];
        let replica = Redis::start_as(RedisOptions { more, ..RedisOptions::default() }, primary.password.clone()).await?;
        let folder = TempDir::with_prefix("footfall-sentinel-")?;
        let quorum = sentinels / 2 + 1;
        let mut started = Self { servers: [primary, replica], sentinels: Vec::new(), ports: Vec::new(), _folder: folder };
        for number in 0..sentinels {
            let port = free_port()?;
            let file = started._folder.path().join(format!("sentinel-{number}.conf"));
            let (server, password) = (started.servers[0].port, &started.servers[0].password);
            let text = format!(
                "port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {server} {quorum}\nsentinel auth-pass main {password}\n\
                 sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n"
            );
            std::fs::write(&file, text)?;
            let child = Command::new("redis-sentinel")
                .arg(&file)
                .current_dir(started._folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .context(INSTALL)?;
            started.sentinels.push(child);
            started.ports.push(port);
        }
        for port in started.ports.clone() {
            let known = eventually(WITHIN, async || {
                let told = cli_of(port, &["sentinel", "master", "main"]).await.ok()?;
                let lines: Vec<&str> = told.lines().collect();
                let value = |name: &str| lines.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].to_owned());
                let others = value("num-other-sentinels")?.parse::<usize>().ok()?;
                (value("num-slaves")? == "1" && others == sentinels - 1).then_some(())
            })
            .await;
            known.context("the sentinels did not find each other in time")?;
        }
        let synced = eventually(WITHIN, async || {
            started.servers[1].cli(&["info", "replication"]).await.ok()?.contains("master_link_status:up").then_some(())
        });
        synced.await.context("the replica did not catch up in time")?;
        Ok(started)
    }

    /// The URL that finds the primary through the sentinels.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: String = self.ports.iter().skip(1).map(|port| format!("&node=127.0.0.1:{port}")).collect();
        let password = &self.servers[0].password;
        format!("redis-sentinel://:{password}@127.0.0.1:{}/0?sentinelServiceName=main{nodes}", self.ports[0])
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        for sentinel in &mut self.sentinels {
            let _ = sentinel.kill();
            let _ = sentinel.wait();
        }
    }
}

/// Three primaries that share the keys.
pub struct RedisCluster {
    /// The servers.
    pub servers: Vec<Redis>,
}

impl RedisCluster {
    /// Starts three servers and joins them.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start() -> anyhow::Result<Self> {
        let password = Uuid::new_v4().simple().to_string();
        let mut servers = Vec::new();
        for _ in 0..3 {
            // The cluster's own port is 10,000 above, where no port is above 65,535.
            let more = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &free_port()?.to_string()]
                .map(str::to_owned)
                .to_vec();
            servers.push(Redis::start_as(RedisOptions { more, ..RedisOptions::default() }, password.clone()).await?);
        }
        let addresses: Vec<String> = servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        let mut args = vec!["--cluster", "create"];
        args.extend(addresses.iter().map(String::as_str));
        args.extend(["--cluster-yes"]);
        servers[0].cli(&args).await?;
        for server in &servers {
            let up = eventually(WITHIN, async || server.cli(&["cluster", "info"]).await.ok()?.contains("cluster_state:ok").then_some(()));
            up.await.context("the cluster did not come up in time")?;
        }
        Ok(Self { servers })
    }

    /// The URL of the cluster.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.servers.iter().skip(1).map(|server| format!("node=127.0.0.1:{}", server.port)).collect();
        format!("redis-cluster://:{}@127.0.0.1:{}?{}", self.servers[0].password, self.servers[0].port, nodes.join("&"))
    }
}

async fn cli_of(port: u16, args: &[&str]) -> anyhow::Result<String> {
    let output = tokio::process::Command::new("redis-cli").args(["-p", &port.to_string()]).args(args).output().await.context(INSTALL)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn make_certificate(folder: &Path) -> anyhow::Result<()> {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .output()
        .context("openssl is not installed; run: apt-get install -y openssl")?;
    ensure!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}
