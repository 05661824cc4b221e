//! A request's body as text, within bounds: 1 MB as sent, 8 MB decompressed. A bomb stops at the bound, whatever it would become.

use std::{io::Read, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt;

use super::{Collector, fault::Fault};

/// One event as sent, and decompressed.
pub const MAX_EVENT: usize = 64 << 10;
/// A batch as sent; also any compressed body.
pub const MAX_BATCH: usize = 1 << 20;
/// Any body decompressed.
const MAX_DECOMPRESSED: usize = 8 << 20;
/// So much of a body that is too large is still read (and thrown away), so that the client is there to hear why.
const MAX_DISCARDED: usize = 16 << 20;
/// A body that takes longer has lost its sender.
const PATIENCE: Duration = Duration::from_secs(10);
const BUFFER: usize = 16 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Brotli,
}

/// Checks type and encoding, reads the body and decompresses it.
pub async fn read(collector: &Collector, headers: &HeaderMap, body: Body) -> Result<Bytes, Fault> {
    check_media_type(headers)?;
    let encoding = encoding(headers)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let is_small = encoding == Encoding::Identity && announced.is_some_and(|length| length <= MAX_EVENT);
    let _permit = if is_small { None } else { collector.large.acquire().await.ok() };
    let sent = tokio::time::timeout(PATIENCE, collect(body)).await.map_err(|_| Fault::TimedOut)??;
    match encoding {
        Encoding::Identity => Ok(sent),
        other => tokio::task::spawn_blocking(move || decompress(other, &sent))
            .await
            .map_err(|_| Fault::malformed("the body cannot be decompressed"))?,
    }
}

/// `text/plain` (what a page sends without a preflight) or `application/json`; none is taken as JSON.
fn check_media_type(headers: &HeaderMap) -> Result<(), Fault> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().ok().and_then(|text| text.split(';').next()).map(str::trim);
    match essence {
        Some(essence) if essence.eq_ignore_ascii_case("text/plain") || essence.eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(Fault::MediaType("send the event as text/plain or application/json")),
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Fault> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    match value.to_str().map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        Ok("" | "identity") => Ok(Encoding::Identity),
        Ok("gzip" | "x-gzip") => Ok(Encoding::Gzip),
        Ok("br") => Ok(Encoding::Brotli),
        _ => Err(Fault::MediaType("compress the body with gzip or br, or not at all")),
    }
}

async fn collect(mut body: Body) -> Result<Bytes, Fault> {
    let mut first: Option<Bytes> = None;
    let mut whole = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Fault::malformed("the body ended early")) };
        let Ok(piece) = frame.into_data() else { continue };
        length += piece.len();
        if length > MAX_BATCH {
            (first, whole) = (None, Vec::new());
            if length > MAX_DISCARDED {
                break;
            }
            continue;
        }
        // Nearly every body comes in one piece: it is not copied.
        match first.take() {
            None if whole.is_empty() => first = Some(piece),
            None => whole.extend_from_slice(&piece),
            Some(begin) => {
                whole.extend_from_slice(&begin);
                whole.extend_from_slice(&piece);
            }
        }
    }
    if length > MAX_BATCH {
        return Err(Fault::TooLarge("a request has at most 1 MB; send several"));
    }
    Ok(first.unwrap_or_else(|| whole.into()))
}

fn decompress(encoding: Encoding, sent: &[u8]) -> Result<Bytes, Fault> {
    let mut text = Vec::new();
    let limit = MAX_DECOMPRESSED as u64 + 1;
    let read = match encoding {
        Encoding::Identity => return Ok(Bytes::copy_from_slice(sent)),
        Encoding::Gzip => flate2::read::MultiGzDecoder::new(sent).take(limit).read_to_end(&mut text),
        Encoding::Brotli => brotli::Decompressor::new(sent, BUFFER).take(limit).read_to_end(&mut text),
    };
    if text.len() > MAX_DECOMPRESSED {
        return Err(Fault::TooLarge("a request has at most 8 MB when decompressed; send several"));
    }
    read.map_err(|_| Fault::malformed("the body is not what its Content-Encoding says"))?;
    Ok(text.into())
}
