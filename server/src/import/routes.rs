//! What the control socket serves: imports, demo data and their removal.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::Utc;
use footfall_meta::Site;
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio::sync::watch;

use super::{Imports, NoLines, Progress, Source, traffic::Traffic};
use crate::control::Line;

/// The control routes of imports.
pub fn router(imports: Arc<Imports>) -> Router {
    Router::new().route("/import", post(import)).route("/seed", post(seed)).with_state(imports)
}

#[derive(Deserialize)]
struct ImportParams {
    domain: String,
    fingerprint: String,
}

/// Reads the whole body first; the answer's lines then tell of the rest.
async fn import(State(imports): State<Arc<Imports>>, Query(params): Query<ImportParams>, body: Body) -> Response {
    let site = match find(&imports, &params.domain).await {
        Ok(site) => site,
        Err(refusal) => return refusal.into_response(),
    };
    let (sender, progress) = watch::channel(Progress::default());
    let pieces = body.into_data_stream().map(|piece| piece.map_err(std::io::Error::other));
    tokio::spawn(async move {
        let mut pieces = pieces;
        let outcome = imports.run(site.id, params.fingerprint, Source::Lines(&mut pieces), &sender).await;
        // Who still sends its file would not read why it is not wanted: the connection would break under it.
        while pieces.next().await.is_some() {}
        finish(outcome, &sender);
    });
    lines_of(progress)
}

/// What `seed` asks for.
#[derive(Deserialize)]
pub struct SeedParams {
    /// The domain's name.
    pub domain: String,
    /// Days to spread over.
    pub days: u32,
    /// Events to make.
    pub events: u64,
    /// Seed.
    pub seed: u64,
}

async fn seed(State(imports): State<Arc<Imports>>, Query(params): Query<SeedParams>) -> Response {
    let site = match find(&imports, &params.domain).await {
        Ok(site) => site,
        Err(refusal) => return refusal.into_response(),
    };
    let (sender, progress) = watch::channel(Progress::default());
    let fingerprint = format!("seed:{}:{}:{}", params.seed, params.days, params.events);
    let SeedParams { days, events, seed, .. } = params;
    let hostname = site.domain.as_str().to_owned();
    let traffic = Traffic { site: site.id, hostname, days, events, seed, until_ms: Utc::now().timestamp_millis() };
    tokio::spawn(async move { finish(imports.run(site.id, fingerprint, Source::<NoLines>::Traffic(traffic), &sender).await, &sender) });
    lines_of(progress)
}

async fn find(imports: &Imports, domain: &str) -> Result<Site, (StatusCode, String)> {
    let name = domain.parse().map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}")))?;
    match imports.meta.site_by_domain(&name).await {
        Ok(Some(site)) => Ok(site),
        Ok(None) => Err((StatusCode::NOT_FOUND, format!("{domain} is not measured here; add it with `footfall site add {domain}`"))),
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}

fn finish(result: anyhow::Result<()>, progress: &watch::Sender<Progress>) {
    if let Err(error) = result {
        tracing::warn!(error = format!("{error:#}"), "an import stopped");
        progress.send_modify(|p| p.failed = Some(format!("{error:#}")));
    }
}

/// One line per change of the progress, the last one at its end.
fn lines_of(progress: watch::Receiver<Progress>) -> Response {
    let body = Body::from_stream(changes(progress).map(|progress| {
        let mut line = serde_json::to_vec(&progress).map_err(std::io::Error::other)?;
        line.push(b'\n');
        Ok::<_, std::io::Error>(Bytes::from(line))
    }));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

fn changes(progress: watch::Receiver<Progress>) -> impl Stream<Item = Progress> {
    stream::unfold((progress, false), |(mut progress, ended)| async move {
        if ended {
            return None;
        }
        let now = progress.borrow_and_update().clone();
        let over = now.is_done() || now.failed.is_some();
        if !over {
            let moved = async {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                progress.changed().await
            };
            if moved.await.is_err() {
                // The task ended: what it said last is in the channel.
                let last = progress.borrow().clone();
                return Some((last, (progress, true)));
            }
        }
        Some((now, (progress, over)))
    })
}
