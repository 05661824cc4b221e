//! What holds for the whole API: the stream, other origins, the OpenAPI document.

use footfall_testkit::App;
use reqwest::{Method, Response};
use serde_json::Value;

use crate::measured::{SOON, measured, read, refusal};

/// The data of the next event of that name.
async fn next(stream: &mut Response, buffer: &mut String, name: &str) -> Value {
    let read = async {
        loop {
            while let Some((event, rest)) = buffer.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                *buffer = rest;
                let field = |field: &str| event.lines().find_map(|line| line.strip_prefix(field)).map(|value| value.trim().to_owned());
                if field("event:").as_deref() == Some(name) {
                    return serde_json::from_str(&field("data:").unwrap()).unwrap();
                }
            }
            let piece = stream.chunk().await.unwrap().expect("the stream ended");
            buffer.push_str(std::str::from_utf8(&piece).unwrap());
        }
    };
    tokio::time::timeout(SOON, read).await.unwrap_or_else(|_| panic!("no {name}"))
}

#[tokio::test]
async fn the_stream_begins_whole_and_follows() {
    let measured = measured().await;
    let app: &App = &measured.app;
    let mut stream = measured.report("live", &format!("domainId={}", measured.site.id)).bearer_auth(&measured.key).send().await.unwrap();
    assert_eq!((stream.status().as_u16(), stream.headers()["content-type"].to_str().unwrap()), (200, "text/event-stream"));
    let mut buffer = String::new();
    let snapshot = next(&mut stream, &mut buffer, "snapshot").await;
    assert_eq!((&snapshot["currentVisitors"], &snapshot["pageviews"], &snapshot["hasEvents"]), (&3.into(), &4.into(), &true.into()));
    assert_eq!(
        (snapshot["minutes"].as_array().map(Vec::len), snapshot["newest"].as_array().map(Vec::len)),
        (Some(30), Some(5)),
        "{snapshot}"
    );
    app.pageview("example.org", "/new", 9).await.unwrap();
    loop {
        let tick = next(&mut stream, &mut buffer, "tick").await;
        if tick["pageviews"] == 5 {
            assert_eq!((&tick["currentVisitors"], &tick["newest"][0]["path"]), (&4.into(), &"/new".into()), "{tick}");
            break;
        }
    }

    app.site("other.example", "UTC").await.unwrap();
    let other = app.key("other.example", "stats:read").await.unwrap();
    let mine = format!("domainId={}", measured.site.id);
    refusal(measured.report("live", &mine).send().await.unwrap(), 401).await;
    let foreign = refusal(measured.report("live", &mine).bearer_auth(&other).send().await.unwrap(), 404).await;
    let unknown = measured.report("live", "domainId=0198c0de-0000-7000-8000-000000000001").bearer_auth(&other).send().await.unwrap();
    assert_eq!(foreign, refusal(unknown, 404).await);
}

#[tokio::test]
async fn nothing_is_open_to_other_origins_and_the_document_names_every_route() {
    let measured = measured().await;
    let app = &measured.app;
    for path in ["/api/analytics/kpis", "/api/analytics/live", "/api/v2/query", "/api/domains", "/api/auth/session", "/api/openapi.json"] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let request = app.http.request(method.clone(), app.url(path)).header("origin", "https://evil.example");
            let answer = request.header("access-control-request-method", "POST").send().await.unwrap();
            let cors = answer.headers().keys().find(|name| name.as_str().starts_with("access-control-"));
            assert!(cors.is_none(), "{method} {path} answers {cors:?}");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{method} {path}");
        }
    }

    let document = read(app.http.get(app.url("/api/openapi.json")).send().await.unwrap(), 200).await;
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["responses"].as_object().is_some_and(|answers| !answers.is_empty()), "{method} {path} documents no answer");
            routes.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    insta::assert_snapshot!("routes", routes.join("\n"));
    // Every reference of the document leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
}
