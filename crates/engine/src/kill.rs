//! Stops queries whose client has gone.
//!
//! Each request carries a tag in its session's `log_comment`. A dropped handler or body hands the tag to one thread with a
//! session of its own, which runs `KILL QUERY … ASYNC` until the request's thread has ended: a query that was about to start
//! appears in the process list only a moment later, and a single shot would miss it. (`SYNC` hangs, and cancelling a stream from a
//! foreign thread blocks; hence the list of processes.)

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::exec::quote;
use crate::ffi::Connection;

/// How often a query that does not end is told again.
const AGAIN: Duration = Duration::from_millis(100);

/// Begins a request's tag.
const MARK: &str = "request:";

/// One request, as the process list and the killer know it.
#[derive(Debug)]
pub(crate) struct Tag {
    /// The session's `log_comment`.
    pub(crate) comment: String,
    left: AtomicBool,
    finished: AtomicBool,
}

impl Tag {
    /// A new tag behind the client's own comment, if it sent one.
    pub(crate) fn new(own: Option<&str>) -> Arc<Self> {
        let id = uuid::Uuid::new_v4().simple();
        let comment = match own {
            Some(own) if !own.is_empty() => format!("{own} {MARK}{id}"),
            _ => format!("{MARK}{id}"),
        };
        Arc::new(Self { comment, left: AtomicBool::new(false), finished: AtomicBool::new(false) })
    }

    /// The client has gone.
    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// The request's thread is through.
    pub(crate) fn finish(&self) {
        self.finished.store(true, Ordering::Release);
    }
}

/// Lives in the handler and then in the answer's body; dropped before the request's end, it stops the query.
#[derive(Debug)]
pub(crate) struct Guard {
    tag: Arc<Tag>,
    killer: Sender<Target>,
}

impl Guard {
    pub(crate) fn new(tag: Arc<Tag>, killer: &Killer) -> Self {
        Self { tag, killer: killer.queue.clone() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.tag.finished.load(Ordering::Acquire) {
            self.tag.left.store(true, Ordering::Release);
            let _ = self.killer.send(Target::One(Arc::clone(&self.tag)));
        }
    }
}

/// The thread that stops queries.
#[derive(Debug)]
pub(crate) struct Killer {
    queue: Sender<Target>,
}

/// What to stop.
#[derive(Debug)]
enum Target {
    One(Arc<Tag>),
    /// Every request, again and again until the thread ends.
    All,
    /// The thread itself.
    Thread,
}

impl Killer {
    /// Stops every request from now on.
    pub(crate) fn stop_all(&self) {
        let _ = self.queue.send(Target::All);
    }

    /// Ends the thread and its session.
    pub(crate) fn end(&self) {
        let _ = self.queue.send(Target::Thread);
    }

    /// Starts the thread.
    pub(crate) fn start(connection: Connection) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, targets) = channel();
        let builder = std::thread::Builder::new().name("engine-kill".to_owned()).stack_size(crate::exec::STACK);
        let thread = builder.spawn(move || run(connection, &targets))?;
        Ok((Self { queue }, thread))
    }
}

fn run(mut connection: Connection, targets: &Receiver<Target>) {
    let mut open: Vec<Arc<Tag>> = Vec::new();
    let mut all = false;
    loop {
        let received =
            if open.is_empty() && !all { targets.recv().map_err(|_| RecvTimeoutError::Disconnected) } else { targets.recv_timeout(AGAIN) };
        if matches!(received, Err(RecvTimeoutError::Disconnected)) {
            return;
        }
        for target in received.into_iter().chain(targets.try_iter()) {
            match target {
                Target::One(tag) => open.push(tag),
                Target::All => all = true,
                Target::Thread => return,
            }
        }
        open.retain(|tag| !tag.finished.load(Ordering::Acquire));
        let which = if all {
            format!("LIKE '%{MARK}%'")
        } else if open.is_empty() {
            continue;
        } else {
            let comments: Vec<String> = open.iter().map(|tag| quote(&tag.comment)).collect();
            format!("IN ({})", comments.join(", "))
        };
        let sql = format!("KILL QUERY WHERE Settings['log_comment'] {which} ASYNC");
        if let Err(error) = connection.query(&sql, "Null", &[]) {
            tracing::warn!(%error, "cannot stop queries whose clients have left");
        }
    }
}
