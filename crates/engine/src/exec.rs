//! Runs one request in the library: its own session, on its own thread.

use std::ffi::CString;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::ffi::{Chdb, Class, Connection, Counters, Params};
use crate::kill::{Killer, Tag};
use crate::prologue::Prologue;

/// ClickHouse parses and plans recursively; 2 MiB are not enough for it.
pub(crate) const STACK: usize = 8 << 20;

/// Requests inside the library at a time; more wait. Two cores serve far fewer, but an insert holds its place while its client sends.
pub(crate) const CONCURRENT: u32 = 48;

/// Pieces under way between the library and the client, in each direction: enough to keep both busy, little enough to hold.
pub(crate) const PIECES: usize = 4;

/// A result that was made whole is handed on in pieces of this size.
const WHOLE_PIECE: usize = 1 << 20;

/// The opened library, shared by all requests.
pub(crate) struct Engine {
    chdb: Chdb,
    arguments: Vec<CString>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) killer: Killer,
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
        }
    }

    /// Starts the request's thread.
    pub(crate) fn start(
        &self,
        job: Job,
        place: OwnedSemaphorePermit,
    ) -> std::io::Result<mpsc::Receiver<Event>> {
        let (events, receiver) = mpsc::channel(PIECES);
        let (chdb, arguments) = (self.chdb.clone(), self.arguments.clone());
        std::thread::Builder::new()
            .name("engine-query".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                let tag = Arc::clone(&job.tag);
                let last = match run(&chdb, &arguments, job, &events) {
                    Ok(counters) => Event::End(counters),
                    Err(error) => Event::Failed(error),
                };
                tag.finish();
                let _ = events.blocking_send(last);
                drop(place);
            })?;
        Ok(receiver)
    }
}

/// The request's whole life in the library. The session is closed when this returns.
fn run(
    chdb: &Chdb,
    arguments: &[CString],
    job: Job,
    events: &mpsc::Sender<Event>,
) -> Result<Counters, String> {
    let Some(mut session) = chdb.connect(arguments) else {
        return Err(
            "Code: 1001. DB::Exception: the engine opens no session. (STD_EXCEPTION)".to_owned(),
        );
    };
    prepare(&mut session, &job)?;
    if job.tag.has_left() {
        return Err(left());
    }
    match job.work {
        Work::Insert(pieces) => insert(&mut session, &job.sql, &job.format, &job.params, pieces),
        Work::Stream => {
            check(&mut session, &job.sql, true)?;
            stream(&mut session, &job, events)
        }
        Work::Select => {
            check(&mut session, &job.sql, true)?;
            whole(&mut session, &job, events)
        }
        Work::Other => {
            check(&mut session, &job.sql, false)?;
            whole(&mut session, &job, events)
        }
    }
}

fn left() -> String {
    "Code: 394. DB::Exception: Query was cancelled: the client has left. (QUERY_WAS_CANCELLED)"
        .to_owned()
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
        return Err(
            "Code: 62. DB::Exception: Multi-statements are not allowed. (SYNTAX_ERROR)".to_owned(),
        );
    }
    if select && class.class != Class::READ {
        return Err(
            "Code: 358. DB::Exception: INTO OUTFILE is not allowed. (INTO_OUTFILE_NOT_ALLOWED)"
                .to_owned(),
        );
    }
    Ok(())
}

fn stream(
    session: &mut Connection,
    job: &Job,
    events: &mpsc::Sender<Event>,
) -> Result<Counters, String> {
    let mut prologue = Prologue::new(&job.format);
    let mut counters = Counters::default();
    let mut rows = session.stream(&job.sql, &job.format, &job.params)?;
    while let Some(piece) = rows.fetch()? {
        counters.add(piece.counters());
        let data = prologue.strip(piece.data());
        if !data.is_empty()
            && events
                .blocking_send(Event::Rows(Bytes::copy_from_slice(data), counters))
                .is_err()
        {
            return Err(left());
        }
    }
    Ok(counters)
}

fn whole(
    session: &mut Connection,
    job: &Job,
    events: &mpsc::Sender<Event>,
) -> Result<Counters, String> {
    let result = session.query(&job.sql, &job.format, &job.params)?;
    let counters = result.counters();
    for piece in result.data().chunks(WHOLE_PIECE) {
        if events
            .blocking_send(Event::Rows(Bytes::copy_from_slice(piece), counters))
            .is_err()
        {
            return Err(left());
        }
    }
    Ok(counters)
}

fn insert(
    session: &mut Connection,
    sql: &str,
    format: &str,
    params: &Params,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Counters, String> {
    let mut rows = session.insert(sql, format, params)?;
    loop {
        match pieces.blocking_recv() {
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
