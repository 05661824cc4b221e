//! The engine's process: from the folder's lock to a clean end.
//!
//! Order of the start: library found, folder locked (up to [`EngineOptions::lock_wait`]), configuration written, folder opened,
//! address bound, `run/engine.json` written. Order of the end: no new requests, five seconds for the running ones, the rest stopped,
//! sessions closed, `run/engine.json` removed.

use std::ffi::CString;
use std::io::{BufRead as _, Read as _, Seek as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::serve::ListenerExt as _;
use rand::RngExt as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::endpoint::{Endpoint, State, make_folder, run_folder, write_private};
use crate::exec::{CONCURRENT, Engine, STACK};
use crate::ffi::{Chdb, Connection};
use crate::http::{Credentials, Server, router};
use crate::kill::Killer;
use crate::{EngineError, code, config, default_memory_cap, find_library};

/// The engine's only user.
const USER: &str = "footfall";

/// Running requests get this long to end by themselves.
const GRACE: Duration = Duration::from_secs(5);

/// After this a shutdown that hangs ends by force: the folder must become free.
const PATIENCE: Duration = Duration::from_secs(20);

/// A supervised engine that is asked to end by a signal waits this long for its supervisor, which decides the order.
const SUPERVISOR_DECIDES: Duration = Duration::from_secs(30);

/// Between two tries for the folder's lock.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// How the engine's process runs.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The installation's data folder; the engine keeps its tables in `clickhouse` and its state in `run` below it.
    pub data: PathBuf,
    /// Where to serve; port 0 (the default) takes a free one.
    pub listen: SocketAddr,
    /// What the engine may take, in bytes; by default [`default_memory_cap`].
    pub memory_cap: Option<u64>,
    /// The library's file, where it is not to be searched for.
    pub library: Option<PathBuf>,
    /// Started by a [`Supervisor`](crate::Supervisor): the password is the first line of stdin, and its end is the order to stop.
    pub supervised: bool,
    /// How long to wait while another process holds the folder; 10 s by default.
    pub lock_wait: Duration,
}

impl EngineOptions {
    /// The defaults for a data folder.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            memory_cap: None,
            library: None,
            supervised: false,
            lock_wait: Duration::from_secs(10),
        }
    }
}

/// Runs the engine until a signal, or until stdin ends where it is supervised.
///
/// Call it once per process, as the process's work: the library cannot be opened again afterwards.
///
/// # Errors
///
/// When the library is missing or unfit, the folder is locked or cannot be opened, or the address is taken.
pub async fn run(options: EngineOptions) -> Result<(), EngineError> {
    let EngineOptions { data, listen, memory_cap, library, supervised, lock_wait } = options;
    let data = std::path::absolute(&data).map_err(|source| EngineError::file("resolve", &data, source))?;
    let library = find_library(&data, library.as_deref())?;
    let folder = config::folder(&data);
    make_folder(&run_folder(&data))?;
    make_folder(&folder)?;

    let (password, stop) = if supervised { supervised_input().await? } else { (kept_password(&data)?, watch::channel(false).1) };
    let deadline = Instant::now() + lock_wait;
    let lock = lock(&data, &folder, deadline).await?;
    let memory_cap = memory_cap.unwrap_or_else(default_memory_cap);
    let arguments = config::prepare(&data, &folder, memory_cap)?;
    let opened = open(&library, &folder, arguments, deadline).await?;
    let listener = bind(listen)?;
    let address = listener.local_addr().map_err(EngineError::internal)?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "the engine listens beyond loopback, without encryption");
    }

    let endpoint = Endpoint { url: format!("http://{address}"), user: USER.to_owned(), password: password.clone() };
    let Opened { chdb, arguments, keeper, killer, killer_thread } = opened;
    let version = chdb.version();
    let engine = Engine::new(chdb.clone(), arguments, killer);
    let server = Arc::new(Server { engine, credentials: Credentials { user: USER.to_owned(), password } });
    let state = State { endpoint, pid: std::process::id(), started: chrono::Utc::now().to_rfc3339(), supervised };
    state.write(&data)?;
    tracing::info!(%address, version, memory_cap_bytes = memory_cap, "engine ready");

    tokio::spawn(code::leave_after_start(library));
    serve(listener, Arc::clone(&server), &data, supervised.then_some(stop)).await?;

    tracing::info!("engine stops");
    close(server, keeper, killer_thread, chdb).await;
    drop(lock);
    Ok(())
}

/// The opened folder.
struct Opened {
    chdb: Chdb,
    arguments: Vec<CString>,
    /// Keeps the folder open between requests.
    keeper: Connection,
    killer: Killer,
    killer_thread: std::thread::JoinHandle<()>,
}

/// Loads the library and opens the folder, on a thread with a stack as large as ClickHouse wants.
async fn open(library: &Path, folder: &Path, arguments: Vec<CString>, deadline: Instant) -> Result<Opened, EngineError> {
    let (library, folder) = (library.to_owned(), folder.to_owned());
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        let _ = sender.send(open_blocking(&library, &folder, arguments, deadline));
    };
    std::thread::Builder::new().name("engine-open".to_owned()).stack_size(STACK).spawn(work).map_err(EngineError::internal)?;
    receiver.await.map_err(EngineError::internal)?
}

fn open_blocking(library: &Path, folder: &Path, arguments: Vec<CString>, deadline: Instant) -> Result<Opened, EngineError> {
    let chdb = Chdb::load(library)?;
    let failed = |reason: &str| EngineError::Open { folder: folder.to_owned(), reason: reason.to_owned() };
    let keeper = loop {
        match chdb.connect(&arguments) {
            Some(connection) => break connection,
            // A predecessor that was killed may hold the library's own lock for another moment.
            None if Instant::now() < deadline => std::thread::park_timeout(LOCK_PAUSE),
            None => return Err(failed("the library's reason is on stderr")),
        }
    };
    let mut session = chdb.connect(&arguments).ok_or_else(|| failed("no second session"))?;
    let answer = session.query("SELECT 1", "TabSeparated", &[]).map_err(|error| failed(&error))?;
    if answer.data() != b"1\n" {
        return Err(failed("SELECT 1 gave something else"));
    }
    drop(answer);
    let (killer, killer_thread) = Killer::start(session).map_err(EngineError::internal)?;
    Ok(Opened { chdb, arguments, keeper, killer, killer_thread })
}

async fn serve(
    listener: TcpListener,
    server: Arc<Server>,
    data: &Path,
    supervisor: Option<watch::Receiver<bool>>,
) -> Result<(), EngineError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(EngineError::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(EngineError::internal)?;
    let (ended, mut wait) = watch::channel(false);
    let data = data.to_owned();
    let order = async move {
        if let Some(stop) = supervisor {
            // Ctrl-C reaches the whole process group: what to do then is the supervisor's business.
            tokio::select! {
                () = until_set(stop.clone()) => {}
                _ = terminate.recv() => { let _ = tokio::time::timeout(SUPERVISOR_DECIDES, until_set(stop)).await; }
            }
        } else {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        }
        // From here on nobody should find this engine any more.
        State::remove(&data);
        let _ = ended.send(true);
    };
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let serving = axum::serve(listener, router(server)).with_graceful_shutdown(order).into_future();
    let impatient = async {
        let _ = wait.wait_for(|ended| *ended).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = serving => result.map_err(EngineError::internal),
        () = impatient => Ok(()),
    }
}

async fn until_set(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Stops what still runs, waits for the request threads and closes the sessions.
async fn close(server: Arc<Server>, keeper: Connection, killer_thread: std::thread::JoinHandle<()>, chdb: Chdb) {
    let watchdog = std::thread::Builder::new().name("engine-watchdog".to_owned()).spawn(|| {
        std::thread::park_timeout(PATIENCE);
        tracing::error!("the engine does not stop: ending by force");
        std::process::abort();
    });
    server.engine.stop();
    let idle = Arc::clone(&server.engine.places).acquire_many_owned(CONCURRENT).await;
    // The places stay taken: whoever still holds a connection gets no further.
    std::mem::forget(idle);
    server.engine.killer.end();
    let closed = tokio::task::spawn_blocking(move || {
        let _ = killer_thread.join();
        drop(keeper);
        chdb.shut_down();
    });
    let _ = tokio::time::timeout(GRACE, closed).await;
    // The watchdog stays: it also covers the library's own clean-up at the process's end.
    drop(watchdog);
}

/// Reads the password, then watches stdin for its end.
async fn supervised_input() -> Result<(String, watch::Receiver<bool>), EngineError> {
    let (first, password) = oneshot::channel();
    let (ended, stop) = watch::channel(false);
    let watch = move || {
        let mut stdin = std::io::stdin().lock();
        let mut line = String::new();
        let _ = stdin.read_line(&mut line);
        let _ = first.send(line.trim().to_owned());
        let mut rest = [0; 64];
        while stdin.read(&mut rest).is_ok_and(|length| length > 0) {}
        let _ = ended.send(true);
    };
    std::thread::Builder::new().name("engine-stdin".to_owned()).spawn(watch).map_err(EngineError::internal)?;
    match password.await {
        Ok(password) if !password.is_empty() => Ok((password, stop)),
        _ => Err(EngineError::internal("a supervised engine reads its password from the first line of stdin, which is empty")),
    }
}

/// 32 random letters and digits: about 190 bits.
pub(crate) fn new_password() -> String {
    rand::rng().sample_iter(rand::distr::Alphanumeric).take(32).map(char::from).collect()
}

/// The password of an engine that runs alone: made at its first start and kept, as others are configured with it.
fn kept_password(data: &Path) -> Result<String, EngineError> {
    let path = run_folder(data).join("engine.password");
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(EngineError::file("read", &path, error)),
        _ => {}
    }
    let password = new_password();
    write_private(&path, &password)?;
    Ok(password)
}

/// Takes the folder; two engines on one folder would destroy it.
async fn lock(data: &Path, folder: &Path, deadline: Instant) -> Result<std::fs::File, EngineError> {
    let path = run_folder(data).join("engine.lock");
    let failed = |source| EngineError::file("lock", &path, source);
    let mut file = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => tokio::time::sleep(LOCK_PAUSE).await,
            Err(std::fs::TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                return Err(EngineError::Locked { folder: folder.to_owned(), holder });
            }
        }
    }
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(file)
}

/// Listens with both reuse options: the supervisor holds the same port, without listening, so that nobody else gets it.
fn bind(address: SocketAddr) -> Result<TcpListener, EngineError> {
    let failed = |source| EngineError::Listen { address, source };
    let socket = reserve(address).map_err(failed)?;
    socket.listen(1024).map_err(failed)
}

/// A socket that is bound to `address` and does not listen.
pub(crate) fn reserve(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_engine_alone_keeps_its_password() {
        let data = tempfile::tempdir().unwrap();
        make_folder(&run_folder(data.path())).unwrap();
        let first = kept_password(data.path()).unwrap();
        assert_eq!((first.len(), &first), (32, &kept_password(data.path()).unwrap()));
        let mode = std::fs::metadata(run_folder(data.path()).join("engine.password")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
