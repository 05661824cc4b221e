//! The answer: whole where it is short, else streamed, in the encoding that the client asked for.

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::stream;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use rand::RngExt as _;
use tokio::sync::mpsc::Receiver;

use super::exception::Exception;
use super::request::Request;
use crate::exec::Event;
use crate::ffi::Counters;
use crate::frames::{lz4_blocks, lz4_end, lz4_start, native_frames};
use crate::kill::Guard;
use crate::sql::Refusal;

/// How the body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    /// `compress=1`.
    Native,
    /// `Accept-Encoding: lz4`.
    Lz4,
}

impl Packing {
    fn of(request: &Request) -> Self {
        match request {
            Request { compress: true, .. } => Self::Native,
            Request { accepts_lz4: true, .. } => Self::Lz4,
            _ => Self::None,
        }
    }

    fn start(self) -> Bytes {
        if self == Self::Lz4 { lz4_start() } else { Bytes::new() }
    }

    fn piece(self, data: Bytes) -> Bytes {
        match self {
            Self::None => data,
            Self::Native => native_frames(&data),
            Self::Lz4 => lz4_blocks(&data),
        }
    }

    fn end(self) -> Bytes {
        if self == Self::Lz4 { lz4_end() } else { Bytes::new() }
    }
}

/// Waits for the first piece and for what follows it, then knows what kind of answer it is.
pub(super) async fn answer(
    request: &Request,
    format: &str,
    mut events: Receiver<Event>,
    guard: Option<Guard>,
) -> Result<Response, Exception> {
    let packing = Packing::of(request);
    let (first, so_far) = match next(&mut events).await? {
        Event::Failed(text) => return Err(Exception::from_text(text)),
        Event::End(counters) => {
            return Ok(head(request, format, Packing::None, counters, Body::empty()));
        }
        Event::Rows(data, counters) => (data, counters),
    };
    match next(&mut events).await? {
        Event::Failed(text) => Err(Exception::from_text(text)),
        Event::End(counters) => {
            let body = match packing {
                Packing::None => first,
                packing => {
                    let mut body = BytesMut::from(packing.start());
                    body.extend_from_slice(&packing.piece(first));
                    body.extend_from_slice(&packing.end());
                    body.freeze()
                }
            };
            Ok(head(request, format, packing, counters, Body::from(body)))
        }
        Event::Rows(second, _) => {
            let tag: String = (0..16).map(|_| char::from(rand::rng().random_range(b'a'..=b'z'))).collect();
            let mut ready = vec![packing.start(), packing.piece(first), packing.piece(second)];
            ready.retain(|piece| !piece.is_empty());
            ready.reverse();
            let body = Streaming { events, packing, tag: tag.clone(), ready, step: Step::Rows, _guard: guard };
            let mut response = head(request, format, packing, so_far, Body::from_stream(stream::unfold(body, Streaming::next)));
            set(&mut response, "X-ClickHouse-Exception-Tag", &tag);
            Ok(response)
        }
    }
}

async fn next(events: &mut Receiver<Event>) -> Result<Event, Exception> {
    let lost = || Exception::from(Refusal::new(1001, "STD_EXCEPTION", "The request's thread ended without an answer"));
    events.recv().await.ok_or_else(lost)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Rows,
    /// The error's text has been sent; the connection breaks off next, so that no client takes the answer for whole.
    Break,
    Over,
}

/// A body under way. Dropping it stops the query.
struct Streaming {
    events: Receiver<Event>,
    packing: Packing,
    tag: String,
    /// Pieces that were held back, last one first.
    ready: Vec<Bytes>,
    step: Step,
    _guard: Option<Guard>,
}

impl Streaming {
    async fn next(mut self) -> Option<(Result<Bytes, std::io::Error>, Self)> {
        if let Some(piece) = self.ready.pop() {
            return Some((Ok(piece), self));
        }
        match self.step {
            Step::Over => return None,
            Step::Break => {
                self.step = Step::Over;
                // Lets the connection write what it has: an error would discard it.
                tokio::task::yield_now().await;
                return Some((Err(std::io::Error::other("the query failed")), self));
            }
            Step::Rows => {}
        }
        match self.events.recv().await {
            Some(Event::Rows(data, _)) => Some((Ok(self.packing.piece(data)), self)),
            Some(Event::End(_)) => {
                self.step = Step::Over;
                let end = self.packing.end();
                if end.is_empty() { None } else { Some((Ok(end), self)) }
            }
            Some(Event::Failed(text)) => {
                self.step = Step::Break;
                let tail = Exception::tail(&text, &self.tag);
                Some((Ok(self.packing.piece(tail.into())), self))
            }
            None => {
                self.step = Step::Over;
                Some((Err(std::io::Error::other("the query's thread ended without an answer")), self))
            }
        }
    }
}

fn head(request: &Request, format: &str, packing: Packing, counters: Counters, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type(format)));
    if packing == Packing::Lz4 {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("lz4"));
    }
    set(&mut response, "X-ClickHouse-Query-Id", &request.query_id);
    set(&mut response, "X-ClickHouse-Format", format);
    set(&mut response, "X-ClickHouse-Server-Display-Name", "footfall");
    set(&mut response, "X-ClickHouse-Timezone", "UTC");
    let Counters { read_rows, read_bytes, written_rows, written_bytes, result_rows } = counters;
    let elapsed = request.received.elapsed().as_nanos();
    let summary = format!(
        r#"{{"read_rows":"{read_rows}","read_bytes":"{read_bytes}","written_rows":"{written_rows}","written_bytes":"{written_bytes}","total_rows_to_read":"0","result_rows":"{result_rows}","result_bytes":"0","elapsed_ns":"{elapsed}"}}"#
    );
    set(&mut response, "X-ClickHouse-Summary", &summary);
    response
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn content_type(format: &str) -> &'static str {
    let format = format.to_ascii_lowercase();
    if format.contains("eachrow") || format == "jsonlines" || format == "ndjson" {
        "application/x-ndjson; charset=UTF-8"
    } else if format.starts_with("json") {
        "application/json; charset=UTF-8"
    } else if format.starts_with("csv") {
        "text/csv; charset=UTF-8"
    } else if format.starts_with("tabseparated") || format.starts_with("tsv") || format.starts_with("tskv") {
        "text/tab-separated-values; charset=UTF-8"
    } else if format.starts_with("rowbinary") || matches!(format.as_str(), "native" | "parquet" | "arrow" | "arrowstream" | "orc" | "avro")
    {
        "application/octet-stream"
    } else {
        "text/plain; charset=UTF-8"
    }
}
