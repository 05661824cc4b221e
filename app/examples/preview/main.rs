//! Looks at the pages without the product: made-up figures, every state one address away.
//!
//!     node tools/assets.mjs && cargo run -p footfall-app --features ssr --example preview
//!
//! Domains: `example.org` (full), `empty.example`, `failed.example` (every part fails), `long.example` (very long labels),
//! `quiet.example` (events once, none in the period). Signed out: add the cookie `signed_out=1`; before setup: `needs_setup=1`.

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Query,
    http::{Request, Response, StatusCode, header},
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use footfall_app::{assets::Assets, backend::Backend, shell};
use leptos::prelude::provide_context;

mod demo;

/// Where the built files are.
fn site() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let assets = Assets::from_manifest(&std::fs::read_to_string(site().join("manifest.json"))?)?;
    let backend: Arc<dyn Backend> = Arc::new(demo::Demo);
    let files = assets.clone();
    let provide = move || {
        provide_context(files.clone());
        provide_context(Arc::clone(&backend));
    };
    let page = leptos_axum::render_app_async_stream_with_context(provide.clone(), move || shell(assets.clone()));
    let part = move |request: Request<Body>| leptos_axum::handle_server_fns_with_context(provide.clone(), request);
    let _ = any_spawner::Executor::init_tokio();
    let app = Router::new()
        .route("/api/analytics/live", get(live))
        .route("/api/app/{*name}", get(part.clone()).post(part))
        .route("/favicon.svg", get(file))
        .route("/pkg/{*file}", get(file))
        .fallback(page);
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3939".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    axum::serve(listener, app).await?;
    Ok(())
}

#[derive(serde::Deserialize)]
struct Live {
    #[serde(rename = "domainId")]
    domain: uuid::Uuid,
}

async fn live(Query(query): Query<Live>) -> impl IntoResponse {
    let ticks = futures::stream::unfold(0_u64, move |n| async move {
        if n > 0 {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let name = if n == 0 { "snapshot" } else { "tick" };
        let event = Event::default().event(name).json_data(demo::live_view(query.domain, n)).ok()?;
        Some((Ok::<_, Infallible>(event), n + 1))
    });
    Sse::new(ticks).keep_alive(KeepAlive::default())
}

async fn file(request: Request<Body>) -> Response<Body> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let kind = match path.rsplit('.').next() {
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        _ => "text/plain",
    };
    let plain = !path.contains("..");
    match std::fs::read(site().join(&path)).ok().filter(|_| plain) {
        Some(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
