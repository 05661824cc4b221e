//! Keeps an engine process alive beside the server.
//!
//! The child's stdin is a pipe that the supervisor holds: however the server ends, the child sees the end of its stdin and ends too.
//! (The kernel's parent-death signal would not do: it fires when the *thread* that started the child ends.) A child that exits is
//! started again after 100 ms, doubling to 5 s, on the same port and with the same password; a minute of health resets the
//! pause. The port is held by a socket that is bound but does not listen: between two children, connections are refused at once
//! and nobody else can take it.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::library::LIBRARY_VARIABLE;
use crate::process::{new_password, reserve};
use crate::{Endpoint, EngineError};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A child that lived this long was healthy: the next pause is short again.
const HEALTHY: Duration = Duration::from_secs(60);
/// The first start may wait 10 s for the folder and then load many tables.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const READY_PAUSE: Duration = Duration::from_millis(20);
/// An engine that was told to stop and is still there after this is killed; it ends itself by force sooner.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of the child's last words an error repeats, in bytes.
const LAST_WORDS: usize = 2000;

/// What to start.
#[derive(Debug, Clone)]
pub struct SuperviseOptions {
    /// The program that has the `engine` command, usually this one.
    pub exe: PathBuf,
    /// The installation's data folder.
    pub data: PathBuf,
    /// The library's file, see [`find_library`](crate::find_library).
    pub library: PathBuf,
    /// What the engine may take, in bytes; by default [`default_memory_cap`](crate::default_memory_cap).
    pub memory_cap: Option<u64>,
}

/// A running engine process that is started again when it ends.
#[derive(Debug)]
pub struct Supervisor {
    shared: Arc<Shared>,
    /// Set to ask the task to stop the child.
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    /// The child's process id; 0 between two children.
    pid: AtomicU32,
    restarts: AtomicU64,
}

impl Supervisor {
    /// Starts the engine and waits until it runs a query. Needs a Tokio runtime, which also carries the supervision.
    ///
    /// # Errors
    ///
    /// When the child cannot be started, ends, or does not become ready within a minute; the text has its last words.
    pub async fn start(options: SuperviseOptions) -> Result<Supervisor, EngineError> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let port = reserve(any).map_err(|source| EngineError::Listen { address: any, source })?;
        let address = port.local_addr().map_err(EngineError::internal)?;
        let endpoint = Endpoint { url: format!("http://{address}"), user: "footfall".to_owned(), password: new_password() };
        let shared = Arc::new(Shared { endpoint, pid: AtomicU32::new(0), restarts: AtomicU64::new(0) });
        let (stop, stopped) = watch::channel(false);
        let (ready, first) = oneshot::channel();
        let task = Task { options, address, shared: Arc::clone(&shared), stopped, _port: port };
        let task = tokio::spawn(task.run(ready));
        first.await.map_err(EngineError::internal)??;
        Ok(Supervisor { shared, stop, task })
    }

    /// Where the engine listens; stays the same over restarts.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.shared.endpoint.clone()
    }

    /// The child's process id; `None` between two children.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        Some(self.shared.pid.load(Ordering::Acquire)).filter(|pid| *pid != 0)
    }

    /// How often the child was started again.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.shared.restarts.load(Ordering::Acquire)
    }

    /// Stops the engine and waits for its end, at most 30 s.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

struct Task {
    options: SuperviseOptions,
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Also ends when the [`Supervisor`] is dropped.
    stopped: watch::Receiver<bool>,
    /// Holds the port, see the module's text.
    _port: TcpSocket,
}

impl Task {
    async fn run(mut self, ready: oneshot::Sender<Result<(), EngineError>>) {
        let mut running = match self.first().await {
            Ok(running) => running,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        if ready.send(Ok(())).is_err() {
            running.stop().await;
            return;
        }
        let mut pause = FIRST_PAUSE;
        let mut started = Instant::now();
        loop {
            let status = tokio::select! {
                status = running.child.wait() => status,
                () = until_stopped(&mut self.stopped) => {
                    self.shared.pid.store(0, Ordering::Release);
                    running.stop().await;
                    return;
                }
            };
            self.shared.pid.store(0, Ordering::Release);
            if started.elapsed() >= HEALTHY {
                pause = FIRST_PAUSE;
            }
            let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            tracing::error!(status, pause_ms = pause.as_millis() as u64, "the engine ended; it is started again");
            loop {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = until_stopped(&mut self.stopped) => return,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                started = Instant::now();
                match self.spawn().await {
                    Ok(next) => {
                        running = next;
                        break;
                    }
                    Err(error) => {
                        tracing::error!(%error, pause_ms = pause.as_millis() as u64, "cannot start the engine again")
                    }
                }
            }
            self.shared.restarts.fetch_add(1, Ordering::AcqRel);
            metrics::counter!("footfall_engine_restarts_total").increment(1);
        }
    }

    /// The first child, once it answers.
    async fn first(&mut self) -> Result<Running, EngineError> {
        let mut running = self.spawn().await?;
        let endpoint = self.shared.endpoint.clone();
        let answers = async {
            while !endpoint.answers().await {
                tokio::time::sleep(READY_PAUSE).await;
            }
        };
        let reason = tokio::select! {
            () = answers => return Ok(running),
            status = running.child.wait() => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            () = tokio::time::sleep(START_TIMEOUT) => format!("it did not answer within {} s", START_TIMEOUT.as_secs()),
            () = until_stopped(&mut self.stopped) => "it was told to stop".to_owned(),
        };
        self.shared.pid.store(0, Ordering::Release);
        let words = running.stop().await;
        let words = words.trim();
        Err(EngineError::NotReady { reason: if words.is_empty() { reason } else { format!("{reason}: {words}") } })
    }

    async fn spawn(&self) -> Result<Running, EngineError> {
        let SuperviseOptions { exe, data, library, memory_cap } = &self.options;
        let mut command = Command::new(exe);
        command.arg("engine").arg("--data").arg(data).arg("--listen").arg(self.address.to_string()).arg("--supervised");
        if let Some(bytes) = memory_cap {
            command.arg("--memory-cap").arg(bytes.to_string());
        }
        // The library takes its zone from the environment; background work has no session's setting.
        command.env(LIBRARY_VARIABLE, library).env("TZ", "UTC");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let failed = |source| EngineError::Spawn { exe: exe.clone(), source };
        let mut child = command.spawn().map_err(failed)?;
        let mut stdin = child.stdin.take();
        if let Some(stdin) = &mut stdin {
            // A child that is gone already is noticed by its exit.
            let _ = stdin.write_all(format!("{}\n", self.shared.endpoint.password).as_bytes()).await;
        }
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let listening = child.stderr.take().map(|stderr| tokio::spawn(pass_on(stderr, Arc::clone(&words))));
        self.shared.pid.store(child.id().unwrap_or(0), Ordering::Release);
        Ok(Running { child, stdin, words, listening })
    }
}

/// One child.
struct Running {
    child: Child,
    /// Held open: its end stops the child.
    stdin: Option<ChildStdin>,
    words: Arc<Mutex<VecDeque<u8>>>,
    listening: Option<JoinHandle<()>>,
}

impl Running {
    /// Stops the child if it still runs, and returns its last words.
    async fn stop(mut self) -> String {
        drop(self.stdin.take());
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            tracing::error!("the engine does not stop: it is killed");
            let _ = self.child.kill().await;
        }
        if let Some(listening) = self.listening.take() {
            let _ = tokio::time::timeout(Duration::from_secs(1), listening).await;
        }
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = words.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The child's stderr is the server's, and its end is kept for an error's text.
async fn pass_on(mut stderr: ChildStderr, words: Arc<Mutex<VecDeque<u8>>>) {
    let mut own = tokio::io::stderr();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        let piece = buffer.get(..length).unwrap_or_default();
        let _ = own.write_all(piece).await;
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend(piece);
        let surplus = words.len().saturating_sub(LAST_WORDS);
        words.drain(..surplus);
    }
}

async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
