//! The C interface of `libchdb.so`: the only unsafe code of the crate.
//!
//! Rules of the library, kept by the types here:
//! - connections are made per session; `&mut Connection` means one call at a time, and the streams borrow it, so there is at
//!   most one per connection;
//! - every result, stream and insert is destroyed exactly once, by `Drop`, before its connection is closed;
//! - texts go in with a length and may hold zero bytes; texts that come out are copied at once;
//! - the library is never unloaded: it has threads and thread-local state of its own.
#![allow(unsafe_code, reason = "calls into a C library; each block says why it is sound")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use libloading::Library;

use crate::EngineError;

type Handle = *mut c_void;
type QueryFn = unsafe extern "C" fn(Handle, *const c_char, usize, *const c_char, usize) -> Handle;
type QueryParamsFn = unsafe extern "C" fn(
    Handle,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> Handle;
type CounterFn = unsafe extern "C" fn(Handle) -> u64;
type ErrorFn = unsafe extern "C" fn(Handle) -> *const c_char;

/// What `chdb_classify_query_n` fills.
#[repr(C)]
struct Classes {
    struct_size: u32,
    statement_count: u32,
    flags: u32,
    query_class: u32,
}

/// What the library says a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) statements: u32,
    /// 0 reads, 1 changes data, 3 controls (`SET`, `SYSTEM`, `INTO OUTFILE` …).
    pub(crate) class: u32,
}

impl Class {
    pub(crate) const READ: u32 = 0;
}

/// Counters of a result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Rows and bytes read from storage.
    pub(crate) read_rows: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_rows: u64,
    pub(crate) written_bytes: u64,
    /// Rows in the result.
    pub(crate) result_rows: u64,
}

impl Counters {
    pub(crate) fn add(&mut self, other: Counters) {
        self.read_rows += other.read_rows;
        self.read_bytes += other.read_bytes;
        self.written_rows += other.written_rows;
        self.written_bytes += other.written_bytes;
        self.result_rows += other.result_rows;
    }
}

macro_rules! interface {
    ($($name:ident: $type:ty),+ $(,)?) => {
        /// The library's functions, and the library itself, which stays loaded.
        struct Functions {
            $($name: $type,)+
            _library: ManuallyDrop<Library>,
        }

        impl Functions {
            fn load(path: &Path) -> Result<Self, libloading::Error> {
                // SAFETY: the file is libchdb.so, chosen by the operator; its initialisers need nothing from us.
                let library = unsafe { Library::new(path) }?;
                $(
                    // SAFETY: the type is the one of the library's C interface for this name.
                    let $name = unsafe { *library.get::<$type>(stringify!($name))? };
                )+
                Ok(Self { $($name,)+ _library: ManuallyDrop::new(library) })
            }
        }
    };
}

interface! {
    chdb_connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut Handle,
    chdb_close_conn: unsafe extern "C" fn(*mut Handle),
    chdb_shutdown: unsafe extern "C" fn() -> c_int,
    chdb_set_signal_handlers_enabled: unsafe extern "C" fn(c_int),
    chdb_version: unsafe extern "C" fn() -> *const c_char,
    chdb_query_n: QueryFn,
    chdb_query_with_params_n: QueryParamsFn,
    chdb_stream_query_n: QueryFn,
    chdb_stream_query_with_params_n: QueryParamsFn,
    chdb_stream_fetch_result: unsafe extern "C" fn(Handle, Handle) -> Handle,
    chdb_stream_cancel_query: unsafe extern "C" fn(Handle, Handle),
    chdb_destroy_query_result: unsafe extern "C" fn(Handle),
    chdb_result_buffer: unsafe extern "C" fn(Handle) -> *mut c_char,
    chdb_result_length: unsafe extern "C" fn(Handle) -> usize,
    chdb_result_error: ErrorFn,
    chdb_result_rows_read: CounterFn,
    chdb_result_storage_rows_read: CounterFn,
    chdb_result_storage_bytes_read: CounterFn,
    chdb_result_rows_written: CounterFn,
    chdb_result_bytes_written: CounterFn,
    chdb_stream_insert_n: QueryFn,
    chdb_stream_insert_with_params_n: QueryParamsFn,
    chdb_stream_insert_error: ErrorFn,
    chdb_stream_append: unsafe extern "C" fn(Handle, *const c_void, usize) -> c_int,
    chdb_stream_done: unsafe extern "C" fn(Handle) -> Handle,
    chdb_stream_cancel_insert: unsafe extern "C" fn(Handle),
    chdb_destroy_insert_stream: unsafe extern "C" fn(Handle),
    chdb_classify_query_n: unsafe extern "C" fn(Handle, *const c_char, usize, *const c_char, usize, *mut Classes) -> c_int,
}

/// The loaded library.
#[derive(Clone)]
pub(crate) struct Chdb {
    functions: Arc<Functions>,
}

/// Lets go of pages of a mapping that is not writable and has no changed page: each comes back from its file when it is touched.
pub(crate) fn forget_file_pages(start: usize, end: usize) {
    let address = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the caller found the mapping to hold the file's own pages only, so no content is lost; the library is never unloaded.
    let done = unsafe { rustix::mm::madvise(address, end - start, rustix::mm::Advice::LinuxDontNeed) };
    if let Err(error) = done {
        tracing::debug!(%error, "code pages stay");
    }
}

/// Server-side parameters of a query: names without `param_`, values escaped as in TSV.
pub(crate) type Params = [(String, String)];

impl Chdb {
    /// Loads the library and turns its signal handlers off.
    pub(crate) fn load(path: &Path) -> Result<Self, EngineError> {
        let unusable = |error: libloading::Error| {
            let cause = std::error::Error::source(&error).map(|source| format!(" ({source})"));
            let reason = format!("{error}{}", cause.unwrap_or_default());
            EngineError::LibraryUnusable { path: path.to_owned(), reason }
        };
        let functions = Functions::load(path).map_err(unusable)?;
        // SAFETY: no connection exists yet, as the library asks.
        unsafe { (functions.chdb_set_signal_handlers_enabled)(0) };
        Ok(Self { functions: Arc::new(functions) })
    }

    /// The library's version, for instance `26.7.3`.
    pub(crate) fn version(&self) -> String {
        // SAFETY: takes nothing, gives a static text or null.
        text(unsafe { (self.functions.chdb_version)() }).unwrap_or_default()
    }

    /// Opens a session. The first one opens the folder; all must carry the same arguments. `None`: the library refused and
    /// said why on stderr.
    pub(crate) fn connect(&self, arguments: &[CString]) -> Option<Connection> {
        let mut argv: Vec<*mut c_char> = arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(argv.len()).ok()?;
        // SAFETY: `argv` holds `count` texts that end in zero and outlive the call; the library copies them.
        let slot = unsafe { (self.functions.chdb_connect)(count, argv.as_mut_ptr()) };
        NonNull::new(slot).map(|slot| Connection { chdb: self.clone(), slot })
    }

    /// Ends the library's background work; afterwards no session can be opened in this process.
    pub(crate) fn shut_down(&self) {
        // SAFETY: takes nothing; all connections are closed by the caller.
        unsafe { (self.functions.chdb_shutdown)() };
    }

    fn take_result(&self, raw: Handle) -> Result<QueryResult, String> {
        let raw = NonNull::new(raw).ok_or_else(|| "Code: 1001. DB::Exception: the engine gave no result. (STD_EXCEPTION)".to_owned())?;
        let result = QueryResult { chdb: self.clone(), raw };
        // SAFETY: `raw` is a live result.
        match text(unsafe { (self.functions.chdb_result_error)(raw.as_ptr()) }) {
            Some(error) => Err(error),
            None => Ok(result),
        }
    }
}

/// One session.
pub(crate) struct Connection {
    chdb: Chdb,
    /// What `chdb_connect` gave: a pointer to the handle that the other functions take.
    slot: NonNull<Handle>,
}

// SAFETY: the library ties a session to no thread; `&mut self` everywhere keeps calls one after another.
unsafe impl Send for Connection {}

impl Connection {
    fn handle(&self) -> Handle {
        // SAFETY: the slot is valid until `chdb_close_conn`, which only `Drop` calls.
        unsafe { *self.slot.as_ptr() }
    }

    fn call(&self, plain: QueryFn, with_params: QueryParamsFn, sql: &str, format: &str, params: &Params) -> Handle {
        let (sql, sql_len) = (sql.as_ptr().cast(), sql.len());
        let (format, format_len) = (format.as_ptr().cast(), format.len());
        if params.is_empty() {
            // SAFETY: the connection is open; both texts are valid for their lengths during the call.
            return unsafe { plain(self.handle(), sql, sql_len, format, format_len) };
        }
        let names: Vec<*const c_char> = params.iter().map(|(name, _)| name.as_ptr().cast()).collect();
        let name_lens: Vec<usize> = params.iter().map(|(name, _)| name.len()).collect();
        let values: Vec<*const c_char> = params.iter().map(|(_, value)| value.as_ptr().cast()).collect();
        let value_lens: Vec<usize> = params.iter().map(|(_, value)| value.len()).collect();
        // SAFETY: as above, and the four lists have `params.len()` entries each that outlive the call.
        unsafe {
            with_params(
                self.handle(),
                sql,
                sql_len,
                format,
                format_len,
                names.as_ptr(),
                name_lens.as_ptr(),
                values.as_ptr(),
                value_lens.as_ptr(),
                params.len(),
            )
        }
    }

    /// Runs a statement and makes its whole result. The error is ClickHouse's text.
    pub(crate) fn query(&mut self, sql: &str, format: &str, params: &Params) -> Result<QueryResult, String> {
        let functions = &self.chdb.functions;
        let raw = self.call(functions.chdb_query_n, functions.chdb_query_with_params_n, sql, format, params);
        self.chdb.take_result(raw)
    }

    /// Starts a `SELECT` whose rows come in pieces.
    pub(crate) fn stream(&mut self, sql: &str, format: &str, params: &Params) -> Result<ResultStream<'_>, String> {
        let functions = &self.chdb.functions;
        let raw = self.call(functions.chdb_stream_query_n, functions.chdb_stream_query_with_params_n, sql, format, params);
        let head = self.chdb.take_result(raw)?;
        Ok(ResultStream { connection: self, head, running: true })
    }

    /// Starts an `INSERT` whose data comes in pieces.
    pub(crate) fn insert(&mut self, sql: &str, format: &str, params: &Params) -> Result<InsertStream<'_>, String> {
        let functions = &self.chdb.functions;
        let raw = self.call(functions.chdb_stream_insert_n, functions.chdb_stream_insert_with_params_n, sql, format, params);
        let raw =
            NonNull::new(raw).ok_or_else(|| "Code: 1001. DB::Exception: the engine gave no insert stream. (STD_EXCEPTION)".to_owned())?;
        let mut stream = InsertStream { connection: self, raw, running: false };
        if let Some(error) = stream.error() {
            return Err(error);
        }
        stream.running = true;
        Ok(stream)
    }

    /// Lets the library parse a text without running it; `None` where it cannot.
    pub(crate) fn classify(&mut self, sql: &str) -> Option<Class> {
        let mut classes = Classes { struct_size: size_of::<Classes>() as u32, statement_count: 0, flags: 0, query_class: 0 };
        // SAFETY: the connection is open, the text valid for its length, no target database, and the struct carries its size.
        let status = unsafe {
            (self.chdb.functions.chdb_classify_query_n)(
                self.handle(),
                sql.as_ptr().cast(),
                sql.len(),
                std::ptr::null(),
                0,
                &raw mut classes,
            )
        };
        (status == 0).then_some(Class { statements: classes.statement_count, class: classes.query_class })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the slot came from `chdb_connect` and is closed once; streams borrow the connection, so none is left.
        unsafe { (self.chdb.functions.chdb_close_conn)(self.slot.as_ptr()) };
    }
}

/// A result, or a piece of one.
pub(crate) struct QueryResult {
    chdb: Chdb,
    raw: NonNull<c_void>,
}

impl QueryResult {
    /// The formatted rows.
    pub(crate) fn data(&self) -> &[u8] {
        let functions = &self.chdb.functions;
        let raw = self.raw.as_ptr();
        // SAFETY: the result is live, and its buffer lives and stays unchanged as long as it.
        unsafe {
            let (buffer, length) = ((functions.chdb_result_buffer)(raw), (functions.chdb_result_length)(raw));
            if buffer.is_null() || length == 0 { &[] } else { std::slice::from_raw_parts(buffer.cast::<u8>().cast_const(), length) }
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        let functions = &self.chdb.functions;
        let raw = self.raw.as_ptr();
        // SAFETY: the result is live; these only read numbers.
        unsafe {
            Counters {
                read_rows: (functions.chdb_result_storage_rows_read)(raw),
                read_bytes: (functions.chdb_result_storage_bytes_read)(raw),
                written_rows: (functions.chdb_result_rows_written)(raw),
                written_bytes: (functions.chdb_result_bytes_written)(raw),
                result_rows: (functions.chdb_result_rows_read)(raw),
            }
        }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: destroyed once, and nothing borrows its buffer any more.
        unsafe { (self.chdb.functions.chdb_destroy_query_result)(self.raw.as_ptr()) };
    }
}

/// A running `SELECT`; dropping it early cancels it.
pub(crate) struct ResultStream<'a> {
    connection: &'a mut Connection,
    head: QueryResult,
    running: bool,
}

impl ResultStream<'_> {
    /// The next piece; `None` at the end. After an error or the end the stream is over.
    pub(crate) fn fetch(&mut self) -> Result<Option<QueryResult>, String> {
        if !self.running {
            return Ok(None);
        }
        let chdb = &self.connection.chdb;
        // SAFETY: connection and stream are live; the stream has not ended.
        let raw = unsafe { (chdb.functions.chdb_stream_fetch_result)(self.connection.handle(), self.head.raw.as_ptr()) };
        let piece = chdb.take_result(raw).inspect_err(|_| self.running = false)?;
        if piece.data().is_empty() && piece.counters().result_rows == 0 {
            self.running = false;
            return Ok(None);
        }
        Ok(Some(piece))
    }
}

impl Drop for ResultStream<'_> {
    fn drop(&mut self) {
        if self.running {
            // SAFETY: connection and stream are live, and this is the thread that fetches.
            unsafe { (self.connection.chdb.functions.chdb_stream_cancel_query)(self.connection.handle(), self.head.raw.as_ptr()) };
        }
    }
}

/// A running `INSERT`; dropping it unfinished cancels it.
pub(crate) struct InsertStream<'a> {
    connection: &'a mut Connection,
    raw: NonNull<c_void>,
    running: bool,
}

impl InsertStream<'_> {
    /// Hands over a piece of data; any cut is fine. After an error the insert is void.
    pub(crate) fn append(&mut self, piece: &[u8]) -> Result<(), String> {
        // SAFETY: the insert is live and running; the piece is valid for its length, and the library copies it.
        let status = unsafe { (self.connection.chdb.functions.chdb_stream_append)(self.raw.as_ptr(), piece.as_ptr().cast(), piece.len()) };
        if status == 0 {
            return Ok(());
        }
        Err(self.error().unwrap_or_else(|| "Code: 1001. DB::Exception: the engine refused a piece of data. (STD_EXCEPTION)".to_owned()))
    }

    /// Ends the data and waits until the rows are stored.
    pub(crate) fn finish(mut self) -> Result<Counters, String> {
        self.running = false;
        // SAFETY: the insert is live and was neither ended nor cancelled.
        let raw = unsafe { (self.connection.chdb.functions.chdb_stream_done)(self.raw.as_ptr()) };
        self.connection.chdb.take_result(raw).map(|result| result.counters())
    }

    fn error(&self) -> Option<String> {
        // SAFETY: the insert is live.
        text(unsafe { (self.connection.chdb.functions.chdb_stream_insert_error)(self.raw.as_ptr()) })
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        let functions = &self.connection.chdb.functions;
        // SAFETY: the insert is live; cancelled at most once and only while running, destroyed once.
        unsafe {
            if self.running {
                (functions.chdb_stream_cancel_insert)(self.raw.as_ptr());
            }
            (functions.chdb_destroy_insert_stream)(self.raw.as_ptr());
        }
    }
}

fn text(raw: *const c_char) -> Option<String> {
    if raw.is_null() {
        return None;
    }
    // SAFETY: the library's texts end in zero and live as long as what they were asked of; copied here.
    let text = unsafe { CStr::from_ptr(raw) }.to_string_lossy().into_owned();
    (!text.is_empty()).then_some(text)
}
