//! Runs one request in the library: its own session, on a thread with a large stack.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::ffi::{Chdb, Class, Connection, Counters, Params};
use crate::kill::{Killer, Tag};
use crate::prologue::Prologue;
use crate::workers::Workers;

/// ClickHouse parses and plans recursively; 2 MiB are not enough for it.
pub(crate) const STACK: usize = 8 << 20;

/// Requests inside the library at a time; more wait. Two cores serve far fewer, but an insert holds its place while its client sends.
pub(crate) const CONCURRENT: u32 = 48;

/// Pieces under way between the library and the client, in each direction: enough to keep both busy, little enough to hold.
pub(crate) const PIECES: usize = 4;

/// A result that was made whole is handed on in pieces of this size.
const WHOLE_PIECE: usize = 1 << 20;

/// Tries to open a session, and the pause after each: two seconds in all.
const OPEN_TRIES: u32 = 40;
const OPEN_PAUSE: Duration = Duration::from_millis(50);

/// The opened library, shared by all requests.
pub(crate) struct Engine {
    chdb: Chdb,
    arguments: Vec<CString>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) killer: Killer,
    workers: Workers,
    /// Set once, when the process is to end.
    stop: watch::Sender<bool>,
}

/// What a request wants.
pub(crate) struct Job {
    pub(crate) database: Option<String>,
    /// Settings of the session, `readonly` last.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) sql: String,
    pub(crate) format: String,
    pub(crate) work: Work,
    pub(crate) tag: Arc<Tag>,
}

/// How the statement is run.
pub(crate) enum Work {
    /// A `SELECT`, row by row.
    Stream,
    /// A `SELECT` in a format with a frame around its rows, or one that must be complete before the answer.
    Select,
    /// Any other statement.
    Other,
    /// An insert with data from the client; a channel that closes without [`Piece::End`] cancels it.
    Insert(mpsc::Receiver<Piece>),
}

/// A part of an insert's data.
pub(crate) enum Piece {
    Data(Bytes),
    End,
}

/// What comes back from a request's thread; the last one is `End` or `Failed`.
pub(crate) enum Event {
    /// A piece of the answer, and the counters so far.
    Rows(Bytes, Counters),
    End(Counters),
    /// ClickHouse's text.
    Failed(String),
}

impl Engine {
    /// Opens the killer's session beside the one that the caller keeps for the folder.
    pub(crate) fn new(chdb: Chdb, arguments: Vec<CString>, killer: Killer) -> Self {
        Self {
            chdb,
            arguments,
            places: Arc::new(Semaphore::new(CONCURRENT as usize)),
            killer,
            workers: Workers::default(),
            stop: watch::Sender::new(false),
        }
    }

    /// Gives the request to a thread.
    pub(crate) fn start(&self, job: Job, place: OwnedSemaphorePermit) -> std::io::Result<mpsc::Receiver<Event>> {
        let (events, receiver) = mpsc::channel(PIECES);
        let (chdb, arguments) = (self.chdb.clone(), self.arguments.clone());
        let mut client = Client { events, stop: self.stop.subscribe(), runtime: Handle::current() };
        self.workers.run(move || {
            let tag = Arc::clone(&job.tag);
            let last = match run(&chdb, &arguments, job, &mut client) {
                Ok(counters) => Event::End(counters),
                Err(error) => Event::Failed(error),
            };
            tag.finish();
            let _ = client.send(last);
            drop(place);
        })?;
        Ok(receiver)
    }

    /// Stops whatever runs or waits for its client; the places become free within moments.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
        self.killer.stop_all();
    }
}

/// The request's other side, as its thread sees it.
struct Client {
    events: mpsc::Sender<Event>,
    stop: watch::Receiver<bool>,
    runtime: Handle,
}

impl Client {
    /// Hands an event on, as soon as the client has taken earlier ones.
    fn send(&mut self, event: Event) -> Result<(), String> {
        let event = match self.events.try_send(event) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(left()),
            Err(mpsc::error::TrySendError::Full(event)) => event,
        };
        let Self { events, stop, runtime } = self;
        runtime.block_on(async {
            tokio::select! {
                sent = events.send(event) => sent.map_err(|_| left()),
                _ = stop.wait_for(|stop| *stop) => Err(left()),
            }
        })
    }

    /// The next piece of data; `None` when the client is gone.
    fn receive(&mut self, pieces: &mut mpsc::Receiver<Piece>) -> Option<Piece> {
        if let Ok(piece) = pieces.try_recv() {
            return Some(piece);
        }
        let Self { stop, runtime, .. } = self;
        runtime.block_on(async {
            tokio::select! {
                piece = pieces.recv() => piece,
                _ = stop.wait_for(|stop| *stop) => None,
            }
        })
    }
}

/// The request's whole life in the library. The session is closed when this returns.
fn run(chdb: &Chdb, arguments: &[CString], job: Job, client: &mut Client) -> Result<Counters, String> {
    let mut session = open(chdb, arguments, &job.tag)?;
    prepare(&mut session, &job)?;
    if job.tag.has_left() {
        return Err(left());
    }
    match job.work {
        Work::Insert(pieces) => insert(&mut session, (&job.sql, &job.format, &job.params), pieces, client),
        Work::Stream => {
            check(&mut session, &job.sql, true)?;
            stream(&mut session, &job, client)
        }
        Work::Select => {
            check(&mut session, &job.sql, true)?;
            whole(&mut session, &job, client)
        }
        Work::Other => {
            check(&mut session, &job.sql, false)?;
            whole(&mut session, &job, client)
        }
    }
}

/// Opens a session; close to the memory cap the library refuses for a while.
fn open(chdb: &Chdb, arguments: &[CString], tag: &Tag) -> Result<Connection, String> {
    for _ in 0..OPEN_TRIES {
        if let Some(session) = chdb.connect(arguments) {
            return Ok(session);
        }
        if tag.has_left() {
            return Err(left());
        }
        std::thread::park_timeout(OPEN_PAUSE);
    }
    Err("Code: 241. DB::Exception: The engine opens no session, most likely for lack of memory. (MEMORY_LIMIT_EXCEEDED)".to_owned())
}

fn left() -> String {
    "Code: 394. DB::Exception: Query was cancelled: the client has left, or the engine stops. (QUERY_WAS_CANCELLED)".to_owned()
}

fn prepare(session: &mut Connection, job: &Job) -> Result<(), String> {
    if let Some(database) = &job.database {
        session.query(&format!("USE {}", quote_name(database)), "Null", &[])?;
    }
    let mut set = format!("SET log_comment = {}", quote(&job.tag.comment));
    for (name, value) in &job.settings {
        set += &format!(", {name} = {}", quote(value));
    }
    session.query(&set, "Null", &[]).map(|_| ())
}

/// The library's parser has the last word on what the text is: one statement, and a `SELECT` that only reads.
fn check(session: &mut Connection, sql: &str, select: bool) -> Result<(), String> {
    let Some(class) = session.classify(sql) else {
        return Ok(());
    };
    if class.statements > 1 {
        return Err("Code: 62. DB::Exception: Multi-statements are not allowed. (SYNTAX_ERROR)".to_owned());
    }
    if select && class.class != Class::READ {
        return Err("Code: 358. DB::Exception: INTO OUTFILE is not allowed. (INTO_OUTFILE_NOT_ALLOWED)".to_owned());
    }
    Ok(())
}

fn stream(session: &mut Connection, job: &Job, client: &mut Client) -> Result<Counters, String> {
    let mut prologue = Prologue::new(&job.format);
    let mut counters = Counters::default();
    let mut rows = session.stream(&job.sql, &job.format, &job.params)?;
    while let Some(piece) = rows.fetch()? {
        counters.add(piece.counters());
        let data = prologue.strip(piece.data());
        if !data.is_empty() {
            client.send(Event::Rows(Bytes::copy_from_slice(data), counters))?;
        }
    }
    Ok(counters)
}

fn whole(session: &mut Connection, job: &Job, client: &mut Client) -> Result<Counters, String> {
    let result = session.query(&job.sql, &job.format, &job.params)?;
    let counters = result.counters();
    for piece in result.data().chunks(WHOLE_PIECE) {
        client.send(Event::Rows(Bytes::copy_from_slice(piece), counters))?;
    }
    Ok(counters)
}

fn insert(
    session: &mut Connection,
    (sql, format, params): (&str, &str, &Params),
    mut pieces: mpsc::Receiver<Piece>,
    client: &mut Client,
) -> Result<Counters, String> {
    let mut rows = session.insert(sql, format, params)?;
    loop {
        match client.receive(&mut pieces) {
            Some(Piece::Data(data)) => rows.append(&data)?,
            Some(Piece::End) => return rows.finish(),
            // Dropping the stream cancels it: nothing of a broken body is stored.
            None => return Err(left()),
        }
    }
}

/// `text` as a string literal.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_keeps_values_inside() {
        assert_eq!(quote(r"a'b\"), r"'a\'b\\'");
        assert_eq!(quote_name("a`; drop"), r"`a\`; drop`");
    }
}
