//! What strangers try: slow and endless requests, many connections, forged hosts and origins, paths that lead out. Each is refused or let go,
//! and the next good event is accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]

use std::time::Duration;

use footfall_testkit::{App, AppOptions, FIREFOX};
use reqwest::{Client, Method, Response, redirect::Policy};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PASSWORD: &str = "correct horse battery";
/// More than the server's own limit for a head, and less than a test should take.
const LET_GO: Duration = Duration::from_secs(60);

async fn start() -> App {
    start_with(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await
}

async fn start_with(options: AppOptions) -> App {
    let app = App::start(options).await.unwrap();
    app.site("example.org", "UTC").await.unwrap();
    app
}

async fn assert_alive(app: &App, after: &str) {
    assert_eq!(app.post(&json!({ "domain": "example.org", "path": "/a" })).await.unwrap().status(), 202, "after {after}");
}

async fn connect(app: &App) -> TcpStream {
    TcpStream::connect(app.url("").trim_start_matches("http://")).await.unwrap()
}

/// Sends bytes as they are and reads until the server has answered a head, or closed.
async fn raw(app: &App, bytes: &[u8]) -> String {
    let mut stream = connect(app).await;
    // A server that refuses early may close while this still writes.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(LET_GO, stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..read]);
        if answer.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status_of(answer: &str) -> Option<u16> {
    answer.split(' ').nth(1)?.parse().ok()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A browser with cookies that is signed in, and its CSRF token.
async fn signed_in(app: &App) -> (Client, String) {
    let added = app.command(&["user", "add", "ada@example.org", "--password-stdin"], Some(&format!("{PASSWORD}\n"))).await.unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let browser = Client::builder()
        .cookie_store(true)
        .redirect(Policy::none())
        .default_headers([accept_html()].into_iter().collect())
        .build()
        .unwrap();
    let answer: Value = browser.get(app.url("/api/auth/csrf")).send().await.unwrap().json().await.unwrap();
    let token = answer["csrfToken"].as_str().unwrap().to_owned();
    let body = json!({ "csrfToken": token, "email": "ada@example.org", "password": PASSWORD });
    assert_eq!(browser.post(app.url("/api/auth/callback/credentials")).json(&body).send().await.unwrap().status(), 200);
    (browser, token)
}

fn accept_html() -> (reqwest::header::HeaderName, reqwest::header::HeaderValue) {
    (reqwest::header::ACCEPT, reqwest::header::HeaderValue::from_static("text/html"))
}

#[tokio::test]
async fn a_head_that_never_ends_is_let_go_while_others_are_served() {
    let app = start().await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = connect(&app).await;
        slow.push(tokio::spawn(async move {
            stream.write_all(b"POST /api/events HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await.unwrap();
            let mut answer = Vec::new();
            loop {
                // One byte at a time: no pause between two is long.
                tokio::select! {
                    read = stream.read_buf(&mut answer) => if matches!(read, Ok(0) | Err(_)) { return },
                    () = tokio::time::sleep(Duration::from_millis(200)) => if stream.write_all(b"a").await.is_err() { return },
                }
            }
        }));
    }
    assert_alive(&app, "slow heads").await;
    for task in slow {
        let closed = tokio::time::timeout(LET_GO, task).await;
        assert!(closed.is_ok(), "the server still waits for a head that never ends");
    }
    assert_alive(&app, "slow heads").await;
}

#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    // A common soft limit of open files is 1,024: the server raises its own.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(1_024), maximum: limit.maximum }).unwrap();
    let app = start().await;
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let room = limit.maximum.map_or(5_000, |maximum| usize::try_from(maximum.saturating_sub(500)).unwrap().min(5_000));
    let mut idle = Vec::new();
    for _ in 0..room {
        idle.push(connect(&app).await);
    }
    assert_alive(&app, "idle connections").await;
    drop(idle);
    assert_alive(&app, "idle connections that closed").await;
}

#[tokio::test]
async fn oversized_requests_are_refused() {
    let app = start().await;
    let key = app.key("example.org", "stats:read").await.unwrap();
    let long = "x".repeat(20 << 10);
    let many: String = (0..200).map(|i| format!("x-{i}: 1\r\n")).collect();
    for (name, request) in [
        ("a field of 20 KB", format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: {long}\r\n\r\n")),
        ("an address of 20 KB", format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n")),
        ("200 fields", format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{many}\r\n")),
        ("a head of 1 MB", format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "x".repeat(1 << 20))),
    ] {
        let answer = raw(&app, request.as_bytes()).await;
        // Who goes on sending when the connection is closed may lose the answer.
        assert!(answer.is_empty() || matches!(status_of(&answer), Some(414 | 431)), "{name}: {answer}");
        assert_alive(&app, name).await;
    }
    let fits = format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "x".repeat(15 << 10));
    assert_eq!(status_of(&raw(&app, fits.as_bytes()).await), Some(200));
    let (browser, _) = signed_in(&app).await;
    let body = json!({ "email": "x".repeat(300 << 10) }).to_string();
    for path in ["/api/setup", "/api/auth/callback/credentials", "/api/auth/signout", "/api/domains", "/api/v2/query"] {
        let request = if path == "/api/v2/query" { app.http.post(app.url(path)).bearer_auth(&key) } else { browser.post(app.url(path)) };
        let answer = request.header("content-type", "application/json").body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 413, "{path}: {}", answer.text().await.unwrap());
        assert_alive(&app, path).await;
    }
    assert!(!app.log().contains("panicked"), "{}", app.log());
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_cannot_be_done_is_405() {
    let app = start().await;
    let ask =
        async |method: Method, path: &str| app.http.request(method, app.url(path)).header("accept", "text/html").send().await.unwrap();
    for path in ["/nothing/here", "/nothing", "/metrics", "/wp-login.php/x", "/pkg/nothing.js", "/.env"] {
        assert_eq!(ask(Method::GET, path).await.status(), 404, "{path}");
    }
    let page = ask(Method::GET, "/nothing/here").await.text().await.unwrap();
    assert!(page.contains("<html") && page.contains("href=\"/sites\""), "{page}");
    for method in [Method::GET, Method::POST] {
        let answer = ask(method, "/api/nothing").await;
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "not_found");
    }
    for (method, path) in [
        (Method::DELETE, "/api/events"),
        (Method::PUT, "/api/domains"),
        (Method::GET, "/api/v2/query"),
        (Method::POST, "/health"),
        (Method::POST, "/login"),
        (Method::POST, "/tracker.js"),
        (Method::GET, "/api/setup"),
    ] {
        assert_eq!(ask(method.clone(), path).await.status(), 405, "{method} {path}");
    }
    // Nobody but the collector's route takes unknown bodies; after all that it still does.
    assert_alive(&app, "wrong paths and methods").await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_built_files() {
    let app = start().await;
    for path in [
        "/pkg/../manifest.json",
        "/pkg/../../../Cargo.toml",
        "/pkg/..%2f..%2f..%2fCargo.toml",
        "/pkg/%2e%2e/%2e%2e/%2e%2e/Cargo.toml",
        "/pkg/....//....//Cargo.toml",
        "/pkg//etc/passwd",
        "/pkg/%2fetc%2fpasswd",
        "/pkg/..\\..\\Cargo.toml",
        "/pkg/\u{0}",
        "/pkg/%00",
        "/../../etc/passwd",
    ] {
        let answer =
            raw(&app, format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\nconnection: close\r\n\r\n").as_bytes()).await;
        // What is no HTTP at all may be closed without an answer.
        assert!(answer.is_empty() || matches!(status_of(&answer), Some(400 | 404)), "{path:?}: {answer}");
        assert!(!answer.contains("[package]") && !answer.contains("root:"), "{path:?}: {answer}");
        assert_alive(&app, path).await;
    }
}

#[tokio::test]
async fn no_redirect_and_no_link_leads_to_another_site() {
    let app = start().await;
    let setup = app.setup_link().unwrap().to_owned();
    assert!(setup.starts_with(&app.url("/setup?token=")), "the set-up link is made from the configuration: {setup}");
    let (browser, token) = signed_in(&app).await;
    let forms = [
        ("//evil.example", "/"),
        ("https://evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("http:evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/sites", "/sites"),
    ];
    for (wanted, led_to) in forms {
        let form = [("csrfToken", token.as_str()), ("email", "ada@example.org"), ("password", PASSWORD), ("callbackUrl", wanted)];
        let answer =
            browser.post(app.url("/api/auth/callback/credentials")).header("host", "evil.example").form(&form).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), header(&answer, "location")), (303, led_to), "{wanted:?}");
    }
    let form = [("csrfToken", token.as_str()), ("callbackUrl", "//evil.example")];
    let out = browser.post(app.url("/api/auth/signout")).form(&form).send().await.unwrap();
    assert_eq!((out.status().as_u16(), header(&out, "location")), (303, "/"));

    for path in ["/", "/login", "/sites", "/example.org", "//evil.example/..", "/login?callbackUrl=//evil.example", "/setup"] {
        let answer = app
            .http
            .get(app.url(path))
            .header("accept", "text/html")
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .send()
            .await
            .unwrap();
        let location = header(&answer, "location").to_owned();
        assert!(location.is_empty() || (location.starts_with('/') && !location.starts_with("//")), "{path} leads to {location}");
        let page = answer.text().await.unwrap();
        for link in ["href=\"//evil", "href=\"http://evil", "src=\"http://evil", "src=\"//evil", "action=\"http://evil", "action=\"//evil"]
        {
            assert!(!page.contains(link), "{path} has {link}");
        }
    }
    assert_alive(&app, "forged hosts").await;
}

#[tokio::test]
async fn another_site_changes_nothing_with_a_users_cookie() {
    let app = start().await;
    let (browser, token) = signed_in(&app).await;
    let id = app.site("mine.example", "UTC").await.unwrap().id;
    let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")];
    for (name, value) in foreign {
        let send = async |method: Method, path: &str, body: Value| {
            browser.request(method, app.url(path)).header(name, value).json(&body).send().await.unwrap().status().as_u16()
        };
        assert_eq!(send(Method::POST, "/api/domains", json!({ "domain": "evil.example" })).await, 403);
        assert_eq!(send(Method::PATCH, &format!("/api/domains/{id}"), json!({ "domain": "evil.example" })).await, 403);
        assert_eq!(send(Method::DELETE, &format!("/api/domains/{id}"), json!({})).await, 403);
        assert_eq!(send(Method::DELETE, "/api/auth/sessions", json!({})).await, 403);
        assert_eq!(send(Method::POST, "/api/auth/signout", json!({ "csrfToken": token })).await, 403);
        // Functions of pages: even with the right token, and as a plain form.
        for function in ["add-domain", "load-demo", "remove-demo", "save-segment"] {
            let domain = if function == "save-segment" { "mine.example" } else { "evil.example" };
            let filter = ("view", "f=is,source,x");
            let form = [("csrf", token.as_str()), ("domain", domain), ("timezone", "UTC"), ("name", "evil"), filter];
            browser.post(app.url(&format!("/api/app/{function}"))).header(name, value).form(&form).send().await.unwrap();
        }
    }
    let form = [("csrf", token.as_str()), ("domain", "good.example"), ("timezone", "UTC")];
    let done = browser.post(app.url("/api/app/add-domain")).header("origin", app.url("")).form(&form).send().await.unwrap();
    assert_eq!(header(&done, "location"), "/setup?domain=good.example");
    let sites = app.run(&["site", "list"]).await.unwrap();
    assert!(sites.contains("good.example") && sites.contains("mine.example") && !sites.contains("evil.example"), "{sites}");
    let segments = app.run(&["segment", "list", "--domain", "mine.example"]).await.unwrap();
    assert!(segments.trim().is_empty(), "{segments}");
    let session: Value = browser.get(app.url("/api/auth/session")).send().await.unwrap().json().await.unwrap();
    assert_eq!(session["user"]["email"], "ada@example.org", "still signed in");
    assert_alive(&app, "foreign origins").await;
}

#[tokio::test]
async fn pages_cannot_be_framed_and_cookies_cannot_be_read() {
    let app = start().await;
    let (browser, _) = signed_in(&app).await;
    let stranger = Client::builder().redirect(Policy::none()).default_headers([accept_html()].into_iter().collect()).build().unwrap();
    for client in [&stranger, &browser] {
        for path in ["/", "/login", "/setup", "/sites", "/example.org", "/unknown.example", "/nothing/here"] {
            let answer = client.get(app.url(path)).send().await.unwrap();
            let policy = header(&answer, "content-security-policy");
            for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'nonce-"] {
                assert!(policy.contains(part), "{path}: {part} is not in {policy:?}");
            }
            let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
            assert!(!scripts.contains("unsafe-inline") && !scripts.contains("'unsafe-eval'"), "{path}: {scripts}");
            assert_eq!(header(&answer, "x-frame-options"), "DENY", "{path}");
            assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
            assert_eq!(header(&answer, "cache-control"), "no-store", "{path}");
            for cookie in answer.headers().get_all("set-cookie") {
                let cookie = cookie.to_str().unwrap();
                assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{path}: {cookie}");
            }
        }
    }
    for path in ["/api/auth/csrf", "/api/domains", "/tracker.js", "/health"] {
        let answer = stranger.get(app.url(path)).header("user-agent", FIREFOX).send().await.unwrap();
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
    }
    assert_alive(&app, "looking at headers").await;
}
