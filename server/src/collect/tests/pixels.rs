//! The pixel.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};

use super::{FIREFOX, start};

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("user-agent", FIREFOX).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_pixel_is_a_pageview() {
    let bench = start().await;
    let answer = bench.send(get("/api/events/pixel.gif?domain=example.org&path=%2Fa%2520b&title=T&referrer=https://github.com/x")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        (&answer.headers["content-type"], &answer.headers["cache-control"]),
        (&"image/gif".parse().unwrap(), &"no-store".parse().unwrap())
    );
    let record = bench.record().await;
    assert_eq!((record.path.as_str(), record.title.as_str(), record.source.as_str()), ("/a b", "T", "GitHub"));
}

#[tokio::test]
async fn without_a_path_the_page_is_the_images_referrer() {
    let bench = start().await;
    let mut request = get("/api/events/pixel.gif?domain=example.org");
    request.headers_mut().insert("referer", "https://www.example.org/from/?utm_source=x".parse().unwrap());
    assert_eq!(bench.send(request).await.status, StatusCode::OK);
    let record = bench.record().await;
    assert_eq!((record.path.as_str(), record.utm_source.as_str(), record.referrer.as_str()), ("/from", "x", ""));
}

#[tokio::test]
async fn a_head_request_counts_nothing_and_faults_have_their_status() {
    let bench = start().await;
    let mut head = get("/api/events/pixel.gif?domain=example.org&path=/");
    *head.method_mut() = Method::HEAD;
    assert_eq!(bench.send(head).await.status, StatusCode::OK);
    assert!(bench.records().await.is_empty());
    bench.assert_refused(get("/api/events/pixel.gif?path=/"), 400, "invalid").await;
    bench.assert_refused(get("/api/events/pixel.gif?domain=example.org"), 400, "invalid").await;
    bench.assert_refused(get("/api/events/pixel.gif?domain=unknown.example&path=/"), 404, "unknown_domain").await;
    // What needs a key is not a parameter.
    assert_eq!(
        bench.send(get("/api/events/pixel.gif?domain=example.org&path=/&timestamp=2001-01-01T00:00:00Z&ip=8.8.8.8")).await.status,
        StatusCode::OK
    );
    assert!(bench.records().await.iter().all(|record| record.country.is_empty() && record.ts == record.received));
}
