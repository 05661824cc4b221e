//! A PgBouncer in transaction mode before a test's PostgreSQL. It has fewer sessions than its clients, so that they must share.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::{
    eventually,
    postgres::{Postgres, USER, as_account},
};

/// What to do where it is missing.
const INSTALL: &str = "PgBouncer is not installed; run: apt-get update && apt-get install -y pgbouncer";

/// A running PgBouncer.
pub struct PgBouncer {
    server: Child,
    port: u16,
    server_port: u16,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts one. `ignored` are connection settings that it drops instead of refusing them, as many guides advise
    /// (`ignore_startup_parameters`); empty for none.
    ///
    /// # Errors
    /// When it is not installed (the text says how), or does not start.
    pub async fn start(postgres: &Postgres, ignored: &str) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("footfall-pgbouncer-")?;
        let users = folder.path().join("users");
        std::fs::write(&users, format!("\"{USER}\" \"{}\"\n", postgres.password()))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.path().join("pgbouncer.ini");
        std::fs::write(
            &config,
            format!(
                "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 3\nserver_idle_timeout = 10\nmax_client_conn = 500\n\
                 server_login_retry = 1\nignore_startup_parameters = {ignored}\nlogfile = {}\n",
                postgres.port(),
                users.display(),
                folder.path().join("log").display()
            ),
        )?;
        if let Some((uid, gid)) = postgres.account() {
            for path in [folder.path(), &users, &config] {
                chown(path, Some(uid), Some(gid))?;
            }
        }
        let mut server = as_account(Path::new("pgbouncer"), postgres.account())
            .current_dir(folder.path())
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context(INSTALL)?;
        let ready = eventually(Duration::from_secs(30), async || {
            if !matches!(server.try_wait(), Ok(None)) {
                return Some(false);
            }
            TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
        })
        .await;
        if ready != Some(true) {
            bail!("PgBouncer does not start: {}", std::fs::read_to_string(folder.path().join("log")).unwrap_or_default());
        }
        Ok(Self { server, port, server_port: postgres.port(), _folder: folder })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    /// What it writes.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self._folder.path().join("log")
    }

    /// The URL of a database of its PostgreSQL, through it.
    #[must_use]
    pub fn url(&self, direct: &str) -> String {
        direct.replace(&format!(":{}/", self.server_port), &format!(":{}/", self.port))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
