//! `POST /api/events` and its CORS preflight.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts},
};

use super::{
    Collector, body,
    fault::{self, Fault},
    intake::{Client, Outcome},
    wire::{self, Wire, WireError},
};
use crate::client::client_address;

/// Takes one event, or an array of them.
pub async fn post(State(collector): State<Arc<Collector>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match take(&collector, &parts, body).await {
        Ok(response) => response,
        Err(fault) => fault.response(),
    }
}

/// Any page may send; cookies never come along.
pub async fn options() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, content-encoding, authorization"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

async fn take(collector: &Collector, parts: &Parts, body: Body) -> Result<Response<Body>, Fault> {
    let counted = |fault: Fault| {
        collector.count_drop(None, &fault);
        fault
    };
    let bytes = body::read(collector, &parts.headers, body).await.map_err(counted)?;
    let (is_single, events) = parse(&bytes).map_err(counted)?;
    let key = match collector.keys.of_request(&parts.headers).await {
        // An event that needs no key goes on without one.
        Err(_) if !events.iter().flatten().any(wire::WireEvent::is_privileged) => None,
        checked => checked?,
    };
    let client = Client { address: client_address(parts, &collector.trusted_proxies), user_agent: user_agent(&parts.headers), key };
    let total = events.len();
    let outcome = collector.take(client, events).await?;
    answer(outcome, is_single, total)
}

/// The events of a body, and whether it is one event rather than an array.
fn parse(bytes: &[u8]) -> Result<(bool, Vec<Result<wire::WireEvent<'_>, String>>), Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::malformed("the body is not UTF-8"))?;
    match wire::parse(text) {
        Ok(Wire::One(_)) if text.len() > body::MAX_EVENT => Err(Fault::TooLarge("an event has at most 64 KB")),
        Ok(Wire::One(event)) => Ok((true, vec![Ok(*event)])),
        Ok(Wire::Many(events)) => Ok((false, events)),
        Err(WireError::Malformed(message)) => Err(Fault::malformed(message)),
        Err(WireError::TooMany) => Err(Fault::TooLarge("an array has at most 1,000 events; send several")),
    }
}

/// The status of the first fault where no event was taken or shielded, else 202.
pub fn answer(outcome: Outcome, is_single: bool, total: usize) -> Result<Response<Body>, Fault> {
    let refused = outcome.dropped.iter().filter(|(_, fault)| fault.is_refusal()).count();
    // What could not be looked up now may be taken at the next attempt: the sender has to come again with all of it.
    if let Some((_, fault)) = outcome.dropped.iter().find(|(_, fault)| matches!(fault, Fault::Unavailable(_))) {
        return Err(fault.clone());
    }
    if total > 0 && refused == total {
        debug_assert!(!is_single || total == 1);
        return Err(outcome.dropped.into_iter().next().map_or(Fault::malformed("there is no event"), |(_, fault)| fault));
    }
    Ok(fault::accepted(outcome.accepted, &outcome.dropped))
}

/// The client's user agent: bytes, as it need not be text.
pub fn user_agent(headers: &HeaderMap) -> &[u8] {
    headers.get(header::USER_AGENT).map_or(&[], HeaderValue::as_bytes)
}
