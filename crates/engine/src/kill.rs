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

use crate::ffi::Connection;

/// How often a query that does not end is told again.
const AGAIN: Duration = Duration::from_millis(100);

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
            Some(own) if !own.is_empty() => format!("{own} request:{id}"),
            _ => format!("request:{id}"),
        };
        Arc::new(Self {
            comment,
            left: AtomicBool::new(false),
            finished: AtomicBool::new(false),
        })
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
    killer: Sender<Arc<Tag>>,
}

impl Guard {
    pub(crate) fn new(tag: Arc<Tag>, killer: &Killer) -> Self {
        Self {
            tag,
            killer: killer.queue.clone(),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.tag.finished.load(Ordering::Acquire) {
            self.tag.left.store(true, Ordering::Release);
            let _ = self.killer.send(Arc::clone(&self.tag));
        }
    }
}

/// The thread that stops queries.
#[derive(Debug)]
pub(crate) struct Killer {
    queue: Sender<Arc<Tag>>,
}

impl Killer {
    /// Starts the thread. It ends, and closes its session, when the killer and all guards are gone.
    pub(crate) fn start(connection: Connection) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, tags) = channel();
        let builder = std::thread::Builder::new()
            .name("engine-kill".to_owned())
            .stack_size(crate::exec::STACK);
        let thread = builder.spawn(move || run(connection, &tags))?;
        Ok((Self { queue }, thread))
    }
}

fn run(mut connection: Connection, tags: &Receiver<Arc<Tag>>) {
    let mut open: Vec<Arc<Tag>> = Vec::new();
    loop {
        let received = if open.is_empty() {
            tags.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            tags.recv_timeout(AGAIN)
        };
        match received {
            Ok(tag) => open.push(tag),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        open.extend(tags.try_iter());
        open.retain(|tag| !tag.finished.load(Ordering::Acquire));
        if open.is_empty() {
            continue;
        }
        let comments: Vec<String> = open
            .iter()
            .map(|tag| crate::exec::quote(&tag.comment))
            .collect();
        let sql = format!(
            "KILL QUERY WHERE Settings['log_comment'] IN ({}) ASYNC",
            comments.join(", ")
        );
        if let Err(error) = connection.query(&sql, "Null", &[]) {
            tracing::warn!(%error, queries = open.len(), "cannot stop queries whose clients have left");
        }
    }
}
