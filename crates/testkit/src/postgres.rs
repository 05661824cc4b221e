//! A private PostgreSQL: a cluster in a temporary folder on a free loopback port, gone with the value.

use std::{
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{eventually, process};

/// What to do where it is missing.
const INSTALL: &str = "PostgreSQL 15 is not installed; run: apt-get update && apt-get install -y postgresql-15";
/// A cold start on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(60);
pub(crate) const USER: &str = "footfall";

/// A running cluster.
pub struct Postgres {
    server: Child,
    port: u16,
    password: String,
    programs: PathBuf,
    account: Option<(u32, u32)>,
    /// Asks for TLS with a client's certificate.
    tls: bool,
    folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it. PostgreSQL refuses to run as root: then it runs as the package's user `postgres`.
    ///
    /// # Errors
    /// When PostgreSQL is not installed (the text says how), or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_as(false).await
    }

    /// The same, taking connections over TLS only, from clients that show a certificate.
    ///
    /// # Errors
    /// As [`Postgres::start`], and when `openssl` is missing.
    pub async fn start_with_tls() -> anyhow::Result<Self> {
        Self::start_as(true).await
    }

    async fn start_as(tls: bool) -> anyhow::Result<Self> {
        let programs = programs()?;
        let account = if is_root()? { Some(postgres_account()?) } else { None };
        let folder = TempDir::with_prefix("footfall-postgres-")?;
        let password = Uuid::new_v4().simple().to_string();
        let password_file = folder.path().join("password");
        std::fs::write(&password_file, &password)?;
        let data = folder.path().join("data");
        if let Some((uid, gid)) = account {
            chown(folder.path(), Some(uid), Some(gid))?;
            chown(&password_file, Some(uid), Some(gid))?;
        }
        let made = as_account(&programs.join("initdb"), account)
            .current_dir(folder.path())
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", USER, "--pwfile"])
            .arg(&password_file)
            .arg("-D")
            .arg(&data)
            .output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));

        if tls {
            make_certificates(folder.path(), account)?;
            std::fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n")?;
        }

        // Somebody else may take the port between looking for it and using it: try another one.
        for _ in 0..3 {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let mut server = run_server(&programs, account, folder.path(), port, tls)?;
            if is_ready(&mut server, &programs, port).await? {
                return Ok(Self { server, port, password, programs, account, tls, folder });
            }
        }
        bail!("PostgreSQL does not start: {}", std::fs::read_to_string(folder.path().join("log")).unwrap_or_default());
    }

    /// Ends the server as a power cut would.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        process::kill(self.server.id(), "KILL").await?;
        self.server.wait()?;
        Ok(())
    }

    /// Sends a signal to the server and all its processes: `STOP` freezes it with its connections open, `CONT` lets it go on.
    ///
    /// # Errors
    /// When a signal cannot be sent.
    pub async fn signal_all(&self, signal: &str) -> anyhow::Result<()> {
        let parent = format!("PPid:\t{}\n", self.server.id());
        // First of all the one that would start others.
        process::kill(self.server.id(), signal).await?;
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            if status.contains(&parent) {
                process::kill(pid, signal).await?;
            }
        }
        Ok(())
    }

    /// Starts the server again, on the same port with the same data.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        // The processes of its last life may take a moment to find out that it is over; until then it refuses to start.
        for _ in 0..50 {
            self.server = run_server(&self.programs, self.account, self.folder.path(), self.port, self.tls)?;
            if is_ready(&mut self.server, &self.programs, self.port).await? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("PostgreSQL does not start again: {}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
    }

    /// `postgres://USER:PASSWORD@HOST:PORT`, without a database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    /// What the server writes.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The password of its only user.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// A file of [`Postgres::start_with_tls`]: `ca.pem`, `client.pem` or `client.key`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The account that it runs as, where it is not the caller's.
    pub(crate) const fn account(&self) -> Option<(u32, u32)> {
        self.account
    }

    /// Makes an empty database of its own; answers its URL.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn database(&self) -> anyhow::Result<String> {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let made = tokio::process::Command::new(self.programs.join("psql"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER, "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qc"])
            .arg(format!("CREATE DATABASE {name}"))
            .env("PGPASSWORD", &self.password)
            .env("PGSSLCERT", self.file("client.pem"))
            .env("PGSSLKEY", self.file("client.key"))
            .output()
            .await?;
        ensure!(made.status.success(), "create database: {}", String::from_utf8_lossy(&made.stderr));
        Ok(format!("postgres://{USER}:{}@127.0.0.1:{}/{name}", self.password, self.port))
    }
}

fn run_server(programs: &Path, account: Option<(u32, u32)>, folder: &Path, port: u16, tls: bool) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join("log"))?;
    let mut command = as_account(&programs.join("postgres"), account);
    if tls {
        let file = |setting: &str, name: &str| format!("{setting}={}", folder.join(name).display());
        for setting in
            ["ssl=on".to_owned(), file("ssl_ca_file", "ca.pem"), file("ssl_cert_file", "server.pem"), file("ssl_key_file", "server.key")]
        {
            command.args(["-c", &setting]);
        }
    }
    let server = command
        .current_dir(folder)
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string()])
        // Many tests share one server, each with a database and a pool of its own.
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=400"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    Ok(server)
}

/// An authority, and what it vouches for: the server at 127.0.0.1 and the client's user.
fn make_certificates(folder: &Path, account: Option<(u32, u32)>) -> anyhow::Result<()> {
    let openssl = |arguments: &str| {
        let made = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().context("openssl is not installed")?;
        ensure!(made.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&made.stderr));
        anyhow::Ok(())
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"))?;
    for (name, subject) in [
        ("server", "/CN=localhost -addext subjectAltName=IP:127.0.0.1"),
        ("client", &format!("/CN={USER} -addext extendedKeyUsage=clientAuth")),
    ] {
        openssl(&format!("req -new {key} -keyout {name}.key -out {name}.csr -subj {subject}"))?;
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 2 -out {name}.pem"
        ))?;
    }
    if let Some((uid, gid)) = account {
        for name in ["ca.pem", "server.pem", "server.key"] {
            chown(folder.join(name), Some(uid), Some(gid))?;
        }
    }
    Ok(())
}

/// Waits until it answers; false if it ended instead.
async fn is_ready(server: &mut Child, programs: &Path, port: u16) -> anyhow::Result<bool> {
    let asked = programs.join("pg_isready");
    let port = port.to_string();
    let answer = eventually(START_WITHIN, async || {
        if !matches!(server.try_wait(), Ok(None)) {
            return Some(false);
        }
        let status = tokio::process::Command::new(&asked).args(["-q", "-h", "127.0.0.1", "-p", &port]).status().await;
        status.is_ok_and(|status| status.success()).then_some(true)
    })
    .await;
    answer.context("PostgreSQL did not answer in time")
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT ends all its processes at once and frees its shared memory.
        let _ = as_account(Path::new("kill"), self.account).args(["-s", "QUIT", &self.server.id().to_string()]).output();
        let _ = self.server.wait();
    }
}

pub(crate) fn as_account(program: &Path, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = account {
        command.uid(uid).gid(gid);
    }
    command
}

/// Debian keeps the server's programs out of PATH, by version; the newest is taken.
fn programs() -> anyhow::Result<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).collect())
        .unwrap_or_default();
    found.sort();
    let on_path = std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).find(|folder| folder.join("initdb").exists()));
    found.pop().or(on_path).context(INSTALL)
}

fn is_root() -> anyhow::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    Ok(status.lines().any(|line| line.strip_prefix("Uid:").is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))))
}

fn postgres_account() -> anyhow::Result<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let fields: Vec<&str> = users.lines().find(|line| line.starts_with("postgres:")).context(INSTALL)?.split(':').collect();
    match fields.as_slice() {
        [_, _, uid, gid, ..] => Ok((uid.parse()?, gid.parse()?)),
        _ => bail!("the user postgres in /etc/passwd is not readable"),
    }
}
