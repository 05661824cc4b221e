//! The collector, from outside: what the started binary takes and refuses, and that nothing a sender does ends it. Every single refusal has its
//! own test in `src/collect/tests`; here they come over real connections.
#![allow(clippy::unwrap_used, reason = "a test ends where something that it needs is missing")]

use std::{path::Path, time::Duration};

use footfall_testkit::{App, AppOptions, FIREFOX, Totals, eventually};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const SOON: Duration = Duration::from_secs(30);

async fn start() -> App {
    start_with(|options| options).await
}

async fn start_with(change: impl FnOnce(AppOptions) -> AppOptions) -> App {
    let app = App::start(change(AppOptions::new(env!("CARGO_BIN_EXE_footfall")))).await.unwrap();
    app.site("example.org", "UTC").await.unwrap();
    app
}

fn event() -> Value {
    json!({ "domain": "example.org", "path": "/a" })
}

async fn assert_alive(app: &App) {
    assert_eq!(app.post(&event()).await.unwrap().status(), 202);
}

/// Sends bytes as they are on a connection of their own and reads until the server closes it, or until there is an answer.
async fn raw(app: &App, bytes: &[u8]) -> String {
    let mut stream = connect(app).await;
    // A server that refuses early may close while this still writes.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(Ok(read)) = tokio::time::timeout(SOON, stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..read]);
        if read == 0 || answer.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

async fn connect(app: &App) -> TcpStream {
    let base = app.url("");
    TcpStream::connect(base.trim_start_matches("http://").trim_end_matches('/')).await.unwrap()
}

fn raw_post(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /api/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn bad_input_is_refused_and_the_next_good_event_is_accepted() {
    let app = start().await;
    let path = |length: usize| json!({ "domain": "example.org", "path": format!("/{}", "x".repeat(length)) }).to_string().into_bytes();
    let props: serde_json::Map<String, Value> = (0..10_000).map(|i| (format!("k{i}"), json!(i))).collect();
    let bomb = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 64 << 20]).unwrap();
        encoder.finish().unwrap()
    };
    let long_agent = format!("user-agent: {}\r\n", "x".repeat(10_240));
    let cases: [(&str, &str, Vec<u8>, u16); 19] = [
        ("nothing", "", Vec::new(), 400),
        ("no JSON", "", b"{\"domain\"".to_vec(), 400),
        ("invalid UTF-8", "", b"{\"domain\":\"example.org\",\"path\":\"/\xff\xfe\"}".to_vec(), 400),
        ("a raw NUL", "", b"{\"domain\":\"example.org\",\"path\":\"/\0\"}".to_vec(), 400),
        ("an escaped NUL", "", br#"{"domain":"example.org","path":"/\u0000"}"#.to_vec(), 202),
        ("a path that is too long", "", path(2_000), 400),
        ("a path of 1 MB", "", path(1 << 20), 413),
        ("10,000 properties", "", json!({ "domain": "example.org", "path": "/", "props": props }).to_string().into_bytes(), 413),
        ("deep JSON", "", [b"[".repeat(400_000), b"]".repeat(400_000)].concat(), 400),
        ("deep JSON in a field", "", [b"{\"domain\":".repeat(6_000), b"1".to_vec()].concat(), 400),
        ("a huge number", "", br#"{"domain":"example.org","path":"/","engagementMs":1e999}"#.to_vec(), 400),
        ("a large number", "", br#"{"domain":"example.org","path":"/","scrollDepth":1e300}"#.to_vec(), 400),
        ("a gzip bomb", "content-encoding: gzip\r\n", bomb, 413),
        ("broken gzip", "content-encoding: gzip\r\n", event().to_string().into_bytes(), 400),
        ("an unknown domain", "", br#"{"domain":"unknown.example","path":"/"}"#.to_vec(), 404),
        ("a clock ten years off", "", br#"{"domain":"example.org","path":"/","timestamp":"2036-01-01T00:00:00Z"}"#.to_vec(), 403),
        ("a malformed user agent", "user-agent: \u{fffd}\u{80}((((\r\n", event().to_string().into_bytes(), 202),
        ("a long user agent", &long_agent, event().to_string().into_bytes(), 202),
        ("a forged forwarded address", "x-forwarded-for: rubbish, , 999.1.1.1\r\n", event().to_string().into_bytes(), 202),
    ];
    for (name, headers, body, expected) in cases {
        let answer = raw(&app, &raw_post(headers, &body)).await;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        assert_eq!(status, Some(expected), "{name}: {answer}");
        assert_alive(&app).await;
    }
    assert!(!app.log().contains("panicked"), "{}", app.log());
}

#[tokio::test]
async fn a_clock_ten_years_off_is_named_once_a_key_allows_to_give_a_time() {
    let app = start().await;
    let key = app.key("example.org", "events:write").await.unwrap();
    let send = async |event: Value, key: Option<&str>| {
        let mut request = app.http.post(app.url("/api/events")).header("user-agent", FIREFOX).json(&event);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["error"]["code"].as_str().unwrap_or("").to_owned())
    };
    let at = |timestamp: &str| json!({ "domain": "example.org", "path": "/", "timestamp": timestamp });
    let refused = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(send(at("2036-11-21T00:00:00Z"), None).await, refused(403, "key_required"));
    assert_eq!(send(at("2099-01-01T00:00:00Z"), Some(&key)).await, refused(400, "timestamp_out_of_range"));
    assert_eq!(send(at("1999-01-01T00:00:00Z"), Some(&key)).await, refused(400, "timestamp_out_of_range"));
    assert_eq!(send(at("yesterday"), Some(&key)).await, refused(400, "invalid"));
    assert_eq!(send(at("2021-05-05T12:00:00Z"), Some(&key)).await, refused(202, ""));
    // What is back-dated takes the way of imports and is counted on its own day.
    let read = app.key("example.org", "stats:read").await.unwrap();
    let expected = Totals { visitors: 1, visits: 1, pageviews: 1, events: 1 };
    let met = eventually(SOON, async || (app.totals(&read, "example.org").await.ok()? == expected).then_some(())).await;
    assert!(met.is_some(), "{:?}; server log:\n{}", app.totals(&read, "example.org").await, app.log());
}

#[tokio::test]
async fn clients_that_never_finish_do_not_stop_others_and_are_let_go() {
    let app = start().await;
    let mut slow = Vec::new();
    for i in 0..60 {
        let mut stream = connect(&app).await;
        let begun: &[u8] = if i % 2 == 0 {
            b"POST /api/events HTTP/1.1\r\nhost: localhost\r\nx-slow: "
        } else {
            b"POST /api/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{\"domain\""
        };
        stream.write_all(begun).await.unwrap();
        slow.push(stream);
    }
    assert_alive(&app).await;
    for mut stream in slow {
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "the server still waits for a client that never finishes");
    }
    assert_alive(&app).await;
}

#[tokio::test]
async fn limits_answer_429_and_say_when_to_come_again() {
    let app = start_with(|options| options.env("FOOTFALL_RATE_LIMIT_CLIENT", "1")).await;
    let batch = json!(vec![event(); 100]);
    let post = async |body: &Value, client: &str| {
        let request = app.http.post(app.url("/api/events")).header("user-agent", FIREFOX).header("x-forwarded-for", client).json(body);
        request.send().await.unwrap()
    };
    assert_eq!(post(&batch, "192.0.2.1").await.status(), 202);
    let answer = post(&event(), "192.0.2.1").await;
    assert_eq!(answer.status(), 429);
    assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "rate_limited");
    assert_eq!(post(&event(), "192.0.2.2").await.status(), 202);
}

#[tokio::test]
async fn what_a_command_changes_is_seen_by_the_running_collector() {
    let app = start().await;
    let new = json!({ "domain": "new.example", "path": "/" });
    assert_eq!(app.post(&new).await.unwrap().status(), 404);
    app.site("new.example", "UTC").await.unwrap();
    assert_eq!(app.post(&new).await.unwrap().status(), 202);
    app.run(&["site", "remove", "new.example"]).await.unwrap();
    let gone = eventually(SOON, async || (app.post(&new).await.unwrap().status() == 404).then_some(())).await;
    assert!(gone.is_some(), "a removed domain is still measured");
}

#[tokio::test]
async fn the_pixel_and_batches_count_bots_do_not_and_nothing_raw_is_kept() {
    let app = start().await;
    let get = |path: &str| app.http.get(app.url(path)).header("user-agent", FIREFOX).header("x-forwarded-for", "198.51.100.77");
    let pixel = get("/api/events/pixel.gif?domain=example.org&path=/pixel").send().await.unwrap();
    assert_eq!((pixel.status().as_u16(), pixel.headers()["content-type"].to_str().unwrap()), (200, "image/gif"));
    let batch = json!([event(), { "domain": "unknown.example", "path": "/" }, event()]);
    let answer: Value = app.post(&batch).await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({ "accepted": 2, "dropped": [{ "index": 1, "reason": "unknown_domain" }] }));
    let bot = app
        .http
        .post(app.url("/api/events"))
        .header("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1)")
        .json(&event())
        .send()
        .await
        .unwrap();
    assert_eq!(bot.status(), 202);

    let key = app.key("example.org", "stats:read").await.unwrap();
    let expected = Totals { visitors: 2, visits: 2, pageviews: 3, events: 3 };
    let met = eventually(SOON, async || (app.totals(&key, "example.org").await.ok()? == expected).then_some(())).await;
    assert!(met.is_some(), "{:?}; server log:\n{}", app.totals(&key, "example.org").await, app.log());

    let metrics = app.http.get(app.metrics_url()).send().await.unwrap().text().await.unwrap();
    for line in ["footfall_collect_events_accepted_total 4", "footfall_collect_events_dropped_total{reason=\"unknown_domain\"} 1"] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    for secret in ["198.51.100.77", "Gecko/20100101"] {
        assert!(!app.log().contains(secret), "{secret} is in the log");
        assert!(!metrics.contains(secret), "{secret} is in the metrics");
        assert_not_on_disk(&app.data(), secret.as_bytes());
    }
}

fn assert_not_on_disk(path: &Path, secret: &[u8]) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap().flatten() {
            assert_not_on_disk(&entry.path(), secret);
        }
    } else if let Ok(bytes) = std::fs::read(path) {
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "{} is in {}", String::from_utf8_lossy(secret), path.display());
    }
}
