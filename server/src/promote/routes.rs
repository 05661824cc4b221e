//! What the control socket serves: one route, whose answer is a line per step.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::post,
};
use futures::stream;
use tokio::sync::{mpsc, watch};

use super::{Promotion, Said};

/// The route.
pub fn router(promotion: Arc<Promotion>) -> Router {
    Router::new().route("/promote", post(promote)).with_state(promotion)
}

async fn promote(State(promotion): State<Arc<Promotion>>, target: String) -> Response {
    let (sender, mut said) = watch::channel(Said::default());
    let (lines, written) = mpsc::unbounded_channel::<Said>();
    tokio::spawn(async move {
        // Each step is a line, also where two follow each other quickly.
        let told = lines.clone();
        let listening = tokio::spawn(async move {
            while said.changed().await.is_ok() {
                let _ = told.send(said.borrow_and_update().clone());
            }
        });
        if let Err(error) = promotion.run(&target, &sender).await {
            let text = format!("{error:#}");
            tracing::error!(error = text, "the promotion stopped");
            let _ = sender.send(Said { text: String::new(), done: false, failed: Some(text) });
        }
        drop(sender);
        let _ = listening.await;
        drop(lines);
    });
    let body = Body::from_stream(stream::unfold(written, |mut written| async move {
        let said = written.recv().await?;
        let mut line = serde_json::to_vec(&said).unwrap_or_default();
        line.push(b'\n');
        Some((Ok::<_, std::io::Error>(Bytes::from(line)), written))
    }));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}
