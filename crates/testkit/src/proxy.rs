//! A TCP proxy that misbehaves on demand: between the product and a service, to see what the product does when the network fails.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

/// Bytes moved at a time.
const PIECE: usize = 16 << 10;

/// A running proxy; dropped, it closes its port and all connections.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

struct Shared {
    target: Mutex<Option<SocketAddr>>,
    paused: watch::Sender<bool>,
    refuse: AtomicBool,
    /// What comes from the target is thrown away from now on.
    swallow: AtomicBool,
    delay_ms: AtomicU64,
    /// Bytes per second and direction; 0: no limit.
    throttle: AtomicU64,
    connections: Mutex<BTreeMap<u64, AbortHandle>>,
}

impl Proxy {
    /// Listens on a free port; connections wait for [`Proxy::set_target`].
    ///
    /// # Errors
    /// When no port is free.
    pub async fn bind() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            target: Mutex::new(None),
            paused: watch::Sender::new(false),
            refuse: AtomicBool::new(false),
            swallow: AtomicBool::new(false),
            delay_ms: AtomicU64::new(0),
            throttle: AtomicU64::new(0),
            connections: Mutex::new(BTreeMap::new()),
        });
        let listener = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, listener })
    }

    /// Listens on a free port for a target on this machine.
    ///
    /// # Errors
    /// As [`Proxy::bind`].
    pub async fn to(port: u16) -> anyhow::Result<Self> {
        let this = Self::bind().await?;
        this.set_target(port);
        Ok(this)
    }

    /// Connections go to this port of this machine.
    pub fn set_target(&self, port: u16) {
        *lock(&self.shared.target) = Some(SocketAddr::from(([127, 0, 0, 1], port)));
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Open connections stay open and nothing moves, as with an unplugged cable. New ones are accepted and wait too.
    pub fn pause(&self) {
        self.shared.paused.send_replace(true);
    }

    /// Ends [`Proxy::pause`], [`Proxy::refuse`] and [`Proxy::swallow_answers`].
    pub fn resume(&self) {
        self.shared.refuse.store(false, Ordering::Release);
        self.shared.swallow.store(false, Ordering::Release);
        self.shared.paused.send_replace(false);
    }

    /// Every open connection ends with a reset.
    pub fn reset_all(&self) {
        for (_, connection) in std::mem::take(&mut *lock(&self.shared.connections)) {
            connection.abort();
        }
    }

    /// New connections end at once with a reset, open ones now.
    pub fn refuse(&self) {
        self.shared.refuse.store(true, Ordering::Release);
        self.reset_all();
    }

    /// Every piece waits this long in each direction.
    pub fn delay(&self, by: Duration) {
        self.shared.delay_ms.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// At most this many bytes a second per connection and direction; 0 ends the limit.
    pub fn throttle(&self, bytes_per_second: u64) {
        self.shared.throttle.store(bytes_per_second, Ordering::Release);
    }

    /// Requests arrive, answers do not: from now on what the target says is thrown away, until [`Proxy::resume`]; end with
    /// [`Proxy::reset_all`], for the streams are broken.
    pub fn swallow_answers(&self) {
        self.shared.swallow.store(true, Ordering::Release);
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.shared.connections).len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
        self.reset_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut number = 0_u64;
    while let Ok((client, _)) = listener.accept().await {
        let _ = client.set_nodelay(true);
        // A connection that is dropped half way ends with a reset, not with an orderly end.
        let _ = client.set_zero_linger();
        if shared.refuse.load(Ordering::Acquire) {
            continue;
        }
        number += 1;
        let mut connections = lock(&shared.connections);
        let own = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let _ = serve(client, &own).await;
            lock(&own.connections).remove(&number);
        });
        connections.insert(number, task.abort_handle());
    }
}

async fn serve(client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    running(shared).await;
    let Some(target) = *lock(&shared.target) else { return Ok(()) };
    let target = TcpStream::connect(target).await?;
    target.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_target, to_target) = target.into_split();
    tokio::select! {
        ended = pump(from_client, to_target, shared, false) => ended,
        ended = pump(from_target, to_client, shared, true) => ended,
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, answers: bool) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        running(shared).await;
        let delay = shared.delay_ms.load(Ordering::Acquire);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        let throttle = shared.throttle.load(Ordering::Acquire);
        if throttle > 0 {
            tokio::time::sleep(Duration::from_secs_f64(count as f64 / throttle as f64)).await;
        }
        if !(answers && shared.swallow.load(Ordering::Acquire)) {
            to.write_all(&piece[..count]).await?;
        }
    }
}

async fn running(shared: &Shared) {
    let _ = shared.paused.subscribe().wait_for(|paused| !paused).await;
}
