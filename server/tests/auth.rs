//! Signing in and the domains of a user, from outside: what browsers, NextAuth's clients and programs send.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use footfall_testkit::{App, AppOptions};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_footfall");
const PASSWORD: &str = "correct horse battery";

async fn start() -> App {
    App::start(AppOptions::new(BINARY)).await.unwrap()
}

/// A browser's jar of cookies, without a browser's headers.
fn browser() -> Client {
    Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap()
}

fn setup_token(app: &App) -> String {
    app.setup_link().unwrap().split_once("token=").unwrap().1.to_owned()
}

async fn add_user(app: &App, email: &str, role: &str) {
    let added = app.command(&["user", "add", email, "--role", role, "--password-stdin"], Some(&format!("{PASSWORD}\n"))).await.unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
}

async fn csrf(app: &App, browser: &Client) -> String {
    let answer: Value = browser.get(app.url("/api/auth/csrf")).send().await.unwrap().json().await.unwrap();
    answer["csrfToken"].as_str().unwrap().to_owned()
}

async fn try_sign_in(app: &App, browser: &Client, email: &str, password: &str) -> Response {
    let token = csrf(app, browser).await;
    let body = json!({ "csrfToken": token, "email": email, "password": password, "callbackUrl": "/sites" });
    browser.post(app.url("/api/auth/callback/credentials")).json(&body).send().await.unwrap()
}

async fn signed_in(app: &App, email: &str) -> Client {
    let browser = browser();
    let answer = try_sign_in(app, &browser, email, PASSWORD).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    browser
}

async fn session(app: &App, browser: &Client) -> Value {
    browser.get(app.url("/api/auth/session")).send().await.unwrap().json().await.unwrap()
}

async fn error_of(answer: Response, status: u16, code: &str) -> Value {
    assert_eq!(answer.status(), status);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], code, "{body}");
    assert!(body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()) && body["error"]["fields"].is_object(), "{body}");
    body["error"]["fields"].clone()
}

fn location(answer: &Response) -> &str {
    answer.headers().get("location").unwrap().to_str().unwrap()
}

#[tokio::test]
async fn the_setup_link_makes_one_owner_and_signs_them_in() {
    let app = start().await;
    app.site("before.example", "UTC").await.unwrap();
    let (browser, token) = (browser(), setup_token(&app));
    let post = async |body: Value| browser.post(app.url("/api/setup")).json(&body).send().await.unwrap();

    error_of(post(json!({ "token": "wrong", "email": "x", "password": "x" })).await, 403, "bad_token").await;
    error_of(post(json!({ "token": token, "email": "nobody", "password": PASSWORD })).await, 422, "bad_email").await;
    error_of(post(json!({ "token": token, "email": "ada@example.org", "password": "short" })).await, 422, "weak_password").await;
    let form = [("token", token.as_str()), ("email", "ada@example.org"), ("password", "short")];
    let back = browser.post(app.url("/api/setup")).form(&form).send().await.unwrap();
    assert_eq!(
        (back.status().as_u16(), location(&back)),
        (303, format!("/setup?token={token}&error=weak_password&email=ada%40example.org").as_str())
    );

    let form = [("token", token.as_str()), ("email", "Ada@Example.org"), ("password", PASSWORD)];
    let done = browser.post(app.url("/api/setup")).form(&form).send().await.unwrap();
    assert_eq!((done.status().as_u16(), location(&done)), (303, "/setup"));
    let cookie = done.headers().get("set-cookie").unwrap().to_str().unwrap();
    assert!(
        cookie.starts_with("footfall.session=") && cookie.contains("; HttpOnly; SameSite=Lax") && !cookie.contains("Secure"),
        "{cookie}"
    );

    let shown = session(&app, &browser).await;
    assert_eq!(shown["user"], json!({ "email": "ada@example.org", "role": "owner" }));
    assert!(shown["expires"].as_str().is_some_and(|text| text.ends_with('Z')), "{shown}");
    let list: Value = browser.get(app.url("/api/domains")).send().await.unwrap().json().await.unwrap();
    assert_eq!(list[0]["domain"], "before.example", "the first owner adopts domains made before");
    error_of(post(json!({ "token": token, "email": "eve@example.org", "password": PASSWORD })).await, 409, "already_set_up").await;
}

#[tokio::test]
async fn signing_in_and_out_as_nextauth_does() {
    let app = start().await;
    add_user(&app, "ada@example.org", "owner").await;
    let browser = browser();
    assert_eq!(session(&app, &browser).await, json!({}));
    let providers: Value = browser.get(app.url("/api/auth/providers")).send().await.unwrap().json().await.unwrap();
    assert_eq!(providers["credentials"]["callbackUrl"], app.url("/api/auth/callback/credentials"));

    let token = csrf(&app, &browser).await;
    assert_eq!(csrf(&app, &browser).await, token, "the token stays while its cookie does");
    let form =
        [("csrfToken", token.as_str()), ("email", "ADA@example.org"), ("password", PASSWORD), ("callbackUrl", "https://evil.example/")];
    let answer = browser.post(app.url("/api/auth/callback/credentials")).form(&form).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/"));
    assert_eq!(session(&app, &browser).await["user"]["email"], "ada@example.org");

    error_of(browser.post(app.url("/api/auth/signout")).json(&json!({})).send().await.unwrap(), 403, "stale_form").await;
    let out = browser.post(app.url("/api/auth/signout")).json(&json!({ "csrfToken": token })).send().await.unwrap();
    assert_eq!(out.status(), 200);
    assert_eq!(session(&app, &browser).await, json!({}));

    // NextAuth's own client sends a form and asks for JSON.
    let form =
        [("csrfToken", token.as_str()), ("email", "ada@example.org"), ("password", PASSWORD), ("callbackUrl", "/sites"), ("json", "true")];
    let answer = browser.post(app.url("/api/auth/callback/credentials")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap()["url"], app.url("/sites"));
}

#[tokio::test]
async fn wrong_credentials_and_stale_forms_are_refused() {
    let app = start().await;
    add_user(&app, "ada@example.org", "owner").await;
    let browser = browser();
    for email in ["ada@example.org", "nobody@example.org", ""] {
        let answer = try_sign_in(&app, &browser, email, "wrong horse battery").await;
        assert!(answer.headers().get("set-cookie").is_none());
        error_of(answer, 401, "credentials").await;
    }
    let token = csrf(&app, &browser).await;
    let form = [("csrfToken", token.as_str()), ("email", "ada@example.org"), ("password", "wrong"), ("callbackUrl", "/sites")];
    let back = browser.post(app.url("/api/auth/callback/credentials")).form(&form).send().await.unwrap();
    assert_eq!((back.status().as_u16(), location(&back)), (303, "/login?error=credentials&email=ada%40example.org&callbackUrl=%2Fsites"));

    let good = json!({ "csrfToken": token, "email": "ada@example.org", "password": PASSWORD });
    let url = app.url("/api/auth/callback/credentials");
    error_of(app.http.post(&url).json(&good).send().await.unwrap(), 403, "stale_form").await;
    error_of(
        browser.post(&url).json(&json!({ "csrfToken": "x", "email": "ada@example.org", "password": PASSWORD })).send().await.unwrap(),
        403,
        "stale_form",
    )
    .await;
    error_of(browser.post(&url).header("origin", "https://evil.example").json(&good).send().await.unwrap(), 403, "stale_form").await;
    assert_eq!(browser.post(&url).body("x").send().await.unwrap().status(), 415);
    assert_eq!(browser.post(&url).header("content-type", "application/json").body("{").send().await.unwrap().status(), 400);
    assert_eq!(session(&app, &browser).await, json!({}));
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let app = start().await;
    add_user(&app, "ada@example.org", "owner").await;
    let browser = browser();
    let mut refused = None;
    for _ in 0..20 {
        let answer = try_sign_in(&app, &browser, "ada@example.org", "wrong horse battery").await;
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert!(refused.headers().get("retry-after").unwrap().to_str().unwrap().parse::<u64>().unwrap() >= 1);
    error_of(refused, 429, "too_many_attempts").await;
    let elsewhere = browser.post(app.url("/api/auth/callback/credentials")).header("x-forwarded-for", "192.0.2.7");
    let token = csrf(&app, &browser).await;
    let answer = elsewhere.json(&json!({ "csrfToken": token, "email": "ada@example.org", "password": PASSWORD })).send().await.unwrap();
    assert_eq!(answer.status(), 200, "the user can still sign in from another place");
}

#[tokio::test]
async fn other_sites_cannot_use_a_cookie() {
    let app = start().await;
    add_user(&app, "ada@example.org", "owner").await;
    let browser = signed_in(&app, "ada@example.org").await;
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example"), ("origin", "null")]
    {
        let answer =
            browser.post(app.url("/api/domains")).header(name, value).json(&json!({ "domain": "example.org" })).send().await.unwrap();
        error_of(answer, 403, "cross_site").await;
    }
    assert_eq!(app.run(&["site", "list"]).await.unwrap().trim(), "");
    for (name, value) in [("sec-fetch-site", "same-origin".to_owned()), ("origin", app.url(""))] {
        let domain = format!("{name}.example");
        let answer = browser.post(app.url("/api/domains")).header(name, value).json(&json!({ "domain": domain })).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    }
}

#[tokio::test]
async fn domains_are_listed_added_changed_and_removed() {
    let app = start().await;
    add_user(&app, "ada@example.org", "owner").await;
    add_user(&app, "bob@example.org", "owner").await;
    add_user(&app, "guest@example.org", "viewer").await;
    let (ada, bob, guest) =
        (signed_in(&app, "ada@example.org").await, signed_in(&app, "bob@example.org").await, signed_in(&app, "guest@example.org").await);
    let url = app.url("/api/domains");
    let add = async |who: &Client, body: Value| who.post(&url).json(&body).send().await.unwrap();

    let answer = add(&ada, json!({ "domain": "WWW.Example.org", "timezone": "Europe/Berlin" })).await;
    assert_eq!(answer.status(), 201);
    let made: Value = answer.json().await.unwrap();
    assert_eq!((&made["domain"], &made["timezone"]), (&json!("example.org"), &json!("Europe/Berlin")));
    let one = format!("{url}/{}", made["id"].as_str().unwrap());

    let fields = error_of(add(&bob, json!({ "domain": "example.org" })).await, 409, "domain_taken").await;
    assert!(fields["domain"].is_string());
    for wrong in ["not a host", "http://example.org", "1.2.3.4", ""] {
        let fields = error_of(add(&ada, json!({ "domain": wrong })).await, 422, "not_a_host_name").await;
        assert!(fields["domain"].is_string(), "{fields}");
    }
    let fields = error_of(add(&ada, json!({ "domain": "a.example", "timezone": "Mars/Base" })).await, 422, "not_a_time_zone").await;
    assert!(fields["timezone"].is_string(), "{fields}");
    error_of(add(&ada, json!({})).await, 400, "invalid_body").await;
    error_of(add(&ada, json!({ "domain": "a.example", "colour": "red" })).await, 400, "invalid_body").await;
    error_of(ada.post(&url).header("content-type", "application/json").body("{").send().await.unwrap(), 400, "not_json").await;
    error_of(ada.post(&url).body("domain=a.example").send().await.unwrap(), 415, "unsupported_media_type").await;
    error_of(add(&guest, json!({})).await, 403, "owner_required").await;
    error_of(add(&app.http, json!({})).await, 401, "unauthorized").await;

    assert_eq!(ada.get(&one).send().await.unwrap().json::<Value>().await.unwrap(), made);
    for (who, path) in
        [(&bob, one.clone()), (&guest, one.clone()), (&ada, format!("{url}/{}", uuid::Uuid::new_v4())), (&ada, format!("{url}/x"))]
    {
        error_of(who.get(&path).send().await.unwrap(), 404, "not_found").await;
        error_of(who.patch(&path).json(&json!({ "colour": 1 })).send().await.unwrap(), 404, "not_found").await;
        error_of(who.delete(&path).send().await.unwrap(), 404, "not_found").await;
    }
    error_of(app.http.get(&one).send().await.unwrap(), 401, "unauthorized").await;

    let answer = ada.patch(&one).json(&json!({ "domain": "example.net" })).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let renamed: Value = answer.json().await.unwrap();
    assert_eq!((&renamed["id"], &renamed["domain"], &renamed["timezone"]), (&made["id"], &json!("example.net"), &json!("Europe/Berlin")));
    add(&ada, json!({ "domain": "another.example" })).await;
    error_of(ada.patch(&one).json(&json!({ "domain": "another.example" })).send().await.unwrap(), 409, "domain_taken").await;
    let list: Value = ada.get(&url).send().await.unwrap().json().await.unwrap();
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|site| site["domain"].as_str().unwrap()).collect();
    assert_eq!(names, ["another.example", "example.net"]);
    assert_eq!(bob.get(&url).send().await.unwrap().json::<Value>().await.unwrap(), json!([]));

    assert_eq!(ada.delete(&one).send().await.unwrap().status(), 204);
    error_of(ada.get(&one).send().await.unwrap(), 404, "not_found").await;
    error_of(ada.delete(&one).send().await.unwrap(), 404, "not_found").await;
}

#[tokio::test]
async fn keys_do_what_their_scopes_say() {
    let app = start().await;
    add_user(&app, "ada@example.org", "owner").await;
    let site = app.site("example.org", "UTC").await.unwrap();
    app.site("other.example", "UTC").await.unwrap();
    let url = app.url("/api/domains");
    let reader = app.key("example.org", "stats:read").await.unwrap();
    let list: Value = app.http.get(&url).bearer_auth(&reader).send().await.unwrap().json().await.unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1);
    error_of(app.http.post(&url).bearer_auth(&reader).json(&json!({})).send().await.unwrap(), 403, "scope_required").await;
    error_of(app.http.delete(format!("{url}/{}", site.id)).bearer_auth(&reader).send().await.unwrap(), 403, "scope_required").await;
    for wrong in ["", "nonsense", "ff_nonsense"] {
        error_of(app.http.get(&url).bearer_auth(wrong).send().await.unwrap(), 401, "unauthorized").await;
    }

    let one = app.key("example.org", "sites:manage").await.unwrap();
    error_of(
        app.http.post(&url).bearer_auth(&one).json(&json!({ "domain": "new.example" })).send().await.unwrap(),
        403,
        "key_of_one_domain",
    )
    .await;
    let all = app.run(&["token", "add", "--team", "ada@example.org", "--scopes", "sites:manage", "--name", "robot"]).await.unwrap();
    assert_eq!(app.http.post(&url).bearer_auth(all.trim()).json(&json!({ "domain": "new.example" })).send().await.unwrap().status(), 201);
    let list: Value = app.http.get(&url).bearer_auth(all.trim()).send().await.unwrap().json().await.unwrap();
    assert_eq!(list.as_array().unwrap().len(), 3);

    let twice = app.run(&["token", "add", "--domain", "example.org", "--scopes", "stats:read", "--rate-limit", "2"]).await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(app.http.get(&url).bearer_auth(twice.trim()).send().await.unwrap().status().as_u16());
    }
    assert_eq!((statuses[0], statuses[1], statuses[3]), (200, 200, 429), "{statuses:?}");

    let shown = app.run(&["token", "list", "--json"]).await.unwrap();
    assert!(!shown.contains(&reader), "the list shows whole keys");
    let keys: Value = serde_json::from_str(&shown).unwrap();
    let id = keys[0]["id"].as_str().unwrap();
    app.run(&["token", "revoke", id]).await.unwrap();
    error_of(app.http.get(&url).bearer_auth(&reader).send().await.unwrap(), 401, "unauthorized").await;
    assert!(app.run(&["token", "revoke", id]).await.is_err());
    assert_eq!(app.command(&["token", "add", "--scopes", "stats:read"], None).await.unwrap().status.code(), Some(2));
}

#[tokio::test]
async fn a_user_sees_and_ends_their_sessions() {
    let app = start().await;
    add_user(&app, "ada@example.org", "owner").await;
    let (here, there) = (signed_in(&app, "ada@example.org").await, signed_in(&app, "ada@example.org").await);
    let url = app.url("/api/auth/sessions");
    let list: Value = here.get(&url).send().await.unwrap().json().await.unwrap();
    let current: Vec<bool> = list.as_array().unwrap().iter().map(|entry| entry["current"].as_bool().unwrap()).collect();
    assert_eq!(current, [false, true], "newest first");
    error_of(here.delete(format!("{url}?id={}", uuid::Uuid::new_v4())).send().await.unwrap(), 404, "not_found").await;
    let ended: Value = here.delete(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(ended, json!({ "ended": 1 }));
    assert_eq!(session(&app, &there).await, json!({}));
    assert_eq!(session(&app, &here).await["user"]["email"], "ada@example.org");

    let made = app.run(&["user", "reset-password", "ada@example.org"]).await.unwrap();
    assert_eq!(session(&app, &here).await, json!({}), "a new password signs out everywhere");
    assert_eq!(try_sign_in(&app, &here, "ada@example.org", made.trim()).await.status(), 200);
    assert!(app.run(&["user", "remove", "ada@example.org"]).await.is_err(), "the last owner stays");
}
