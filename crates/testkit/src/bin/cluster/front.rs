//! The one address before all processes: events, pixel and tracker go to the collectors in turn, everything else to the pages, as in
//! `deploy/gateway/nginx.conf`. Answers are passed on as they come, so that live updates work.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;

/// A body has to be whole before it is passed on, as the next process may have to get it; none that the product takes is larger.
const LARGEST_BODY: usize = 16 << 20;
const FORWARDED_FOR: &str = "x-forwarded-for";

/// `HOST:PORT` of the processes.
pub struct Upstreams {
    /// Those with the role capture.
    pub collectors: Vec<String>,
    /// Those with the roles query and auth.
    pub web: Vec<String>,
}

struct Front {
    upstreams: Upstreams,
    turn: AtomicUsize,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, upstreams: Upstreams) -> std::io::Result<()> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let front = Arc::new(Front { upstreams, turn: AtomicUsize::new(0), client });
    let app = Router::new().fallback(forward).with_state(front);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
}

async fn forward(State(front): State<Arc<Front>>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    add_peer(&mut parts.headers, peer);
    without_hops(&mut parts.headers);
    // The client writes the length of what it sends.
    parts.headers.remove(header::CONTENT_LENGTH);
    let path = parts.uri.path();
    let is_collected = path.starts_with("/api/events") || (path.starts_with("/tracker") && path.ends_with(".js"));
    let targets = if is_collected { &front.upstreams.collectors } else { &front.upstreams.web };
    let first = front.turn.fetch_add(1, Ordering::Relaxed);
    for nth in 0..targets.len() {
        let target = &targets[(first + nth) % targets.len()];
        let Some(request) = request_to(target, &parts, &body) else { return StatusCode::BAD_REQUEST.into_response() };
        match front.client.request(request).await {
            Ok(mut answer) => {
                without_hops(answer.headers_mut());
                return answer.map(Body::new);
            }
            // It has heard nothing of the request: the next one may.
            Err(error) if error.is_connect() => {}
            Err(error) => return (StatusCode::BAD_GATEWAY, format!("{target} gave no answer: {error}\n")).into_response(),
        }
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], "no process for this runs\n").into_response()
}

/// The product believes loopback, so a sender on this machine can be anybody: handy to try several visitors.
fn add_peer(headers: &mut HeaderMap, peer: SocketAddr) {
    let came = headers.get(FORWARDED_FOR).and_then(|value| value.to_str().ok());
    let text = came.map_or_else(|| peer.ip().to_string(), |came| format!("{came}, {}", peer.ip()));
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(FORWARDED_FOR, value);
    }
}

/// These speak of one connection.
fn without_hops(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        headers.remove(name);
    }
}

fn request_to(target: &str, parts: &Parts, body: &Bytes) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = parts.method.clone();
    *request.headers_mut() = parts.headers.clone();
    let place = parts.uri.path_and_query().map_or("/", |place| place.as_str());
    *request.uri_mut() = Uri::builder().scheme("http").authority(target).path_and_query(place).build().ok()?;
    Some(request)
}
