//! Shared links: what somebody without an account sees by one, and what not.

use std::time::{Duration, Instant};

use footfall_testkit::{FIREFOX, eventually};
use reqwest::{Client, Method, Response, redirect::Policy};
use serde_json::{Value, json};

use crate::measured::{Measured, SOON, measured, read, refusal};

const PASSWORD: &str = "correct horse battery";

struct Sharing {
    measured: Measured,
    /// Manages the domain.
    key: String,
}

async fn sharing() -> Sharing {
    let measured = measured().await;
    let key = measured.app.key("example.org", "sites:manage,stats:read").await.unwrap();
    Sharing { measured, key }
}

impl Sharing {
    fn links(&self) -> String {
        format!("/api/domains/{}/shared-links", self.measured.site.id)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        let request = self.measured.app.http.request(method, self.measured.app.url(path)).bearer_auth(&self.key);
        if body.is_null() { request.send().await.unwrap() } else { request.json(body).send().await.unwrap() }
    }

    /// Makes a link and answers its slug and its id.
    async fn link(&self, body: Value) -> (String, String) {
        let made = read(self.send(Method::POST, &self.links(), &body).await, 201).await;
        let slug = made["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        assert_eq!(slug.len(), 22);
        (slug, made["id"].as_str().unwrap().to_owned())
    }

    async fn segment(&self, filter: Value) -> i64 {
        let path = format!("/api/domains/{}/segments", self.measured.site.id);
        read(self.send(Method::POST, &path, &json!({ "name": "some", "filters": [filter] })).await, 201).await["id"].as_i64().unwrap()
    }

    async fn remove(&self, id: &str) {
        assert_eq!(self.send(Method::DELETE, &format!("{}/{id}", self.links()), &Value::Null).await.status(), 204);
    }

    /// A page as a browser asks for it, or a call as the page makes it; signed out.
    async fn get(&self, path: &str) -> Response {
        let accept = if path.starts_with("/api/") { "*/*" } else { "text/html" };
        self.measured.app.http.get(self.measured.app.url(path)).header("accept", accept).send().await.unwrap()
    }

    async fn text(&self, path: &str, status: u16) -> String {
        let answer = self.get(path).await;
        let (found, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(found, status, "{path}: {text}");
        text
    }

    /// The pages with their visitors, as the file of a link has them.
    async fn pages(&self, domain: &str, more: &str) -> Vec<String> {
        let text = self.text(&format!("/api/app/table.csv?domain={domain}&by=page&period=24h&compare=off{more}"), 200).await;
        text.lines().skip(1).map(|line| line.split(',').take(2).collect::<Vec<_>>().join(" ")).collect()
    }
}

fn location(answer: &Response) -> &str {
    answer.headers().get("location").map_or("", |value| value.to_str().unwrap())
}

/// A browser's jar of cookies.
fn browser() -> Client {
    Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap()
}

#[tokio::test]
async fn links_are_made_listed_and_removed() {
    let sharing = sharing().await;
    let segment = sharing.segment(json!(["is", "event:page", ["/pricing"]])).await;
    let (plain, id) = sharing.link(json!({ "name": " Client " })).await;
    sharing.link(json!({ "name": "All", "password": PASSWORD, "until": "2999-12-31", "segment": segment })).await;
    let listed = read(sharing.send(Method::GET, &sharing.links(), &Value::Null).await, 200).await;
    let url = sharing.measured.app.url(&format!("/share/{plain}"));
    assert_eq!(
        listed[0],
        json!({ "id": id, "name": "Client", "url": url, "hasPassword": false, "until": null, "segment": null, "public": false })
    );
    assert_eq!(
        (&listed[1]["hasPassword"], &listed[1]["until"], &listed[1]["segment"]),
        (&json!(true), &json!("2999-12-31"), &json!(segment))
    );
    assert!(!listed.to_string().contains("argon2") && !listed.to_string().contains(PASSWORD));

    for (body, field) in [
        (json!({ "name": " " }), "name"),
        (json!({ "name": "x", "password": "short" }), "password"),
        (json!({ "name": "x", "until": "2001-01-01" }), "until"),
        (json!({ "name": "x", "until": "soon" }), "until"),
        (json!({ "name": "x", "segment": segment + 1_000 }), "segment"),
        (json!({ "name": "x", "public": true, "password": PASSWORD }), "password"),
    ] {
        let (code, fields) = refusal(sharing.send(Method::POST, &sharing.links(), &body).await, 422).await;
        assert_eq!((code.as_str(), fields), ("invalid_setting", vec![field.to_owned()]), "{body}");
    }
    let taken = sharing.send(Method::POST, &sharing.links(), &json!({ "name": "Client" })).await;
    assert_eq!(refusal(taken, 409).await.0, "taken");

    // Another domain's manager, and who may only read.
    let app = &sharing.measured.app;
    app.site("other.example", "UTC").await.unwrap();
    let stranger = app.key("other.example", "sites:manage").await.unwrap();
    for (key, status) in [(&stranger, 404), (&sharing.measured.key, 403)] {
        for (method, path) in
            [(Method::GET, sharing.links()), (Method::POST, sharing.links()), (Method::DELETE, format!("{}/{id}", sharing.links()))]
        {
            let request = app.http.request(method.clone(), app.url(&path)).bearer_auth(key).json(&json!({ "name": "y" }));
            assert_eq!(request.send().await.unwrap().status(), status, "{method} {path}");
        }
    }
    let name = json!({ "site_id": "example.org", "name": "Client" });
    let found = read(sharing.send(Method::PUT, "/api/v1/sites/shared-links", &name).await, 200).await;
    assert_eq!(found, json!({ "name": "Client", "url": url }), "it is found");
    let made = json!({ "site_id": "example.org", "name": "New" });
    let made = read(sharing.send(Method::PUT, "/api/v1/sites/shared-links", &made).await, 200).await;
    assert!(made["url"].as_str().unwrap().starts_with(&app.url("/share/")) && made["url"] != url.as_str(), "{made}");
    for (body, status) in [(json!({ "site_id": "example.org" }), 400), (json!({ "site_id": "other.example", "name": "x" }), 404)] {
        read(sharing.send(Method::PUT, "/api/v1/sites/shared-links", &body).await, status).await;
    }

    let printed = app.run(&["share", "add", "--domain", "example.org", "--name", "By command", "--until", "2999-01-01"]).await.unwrap();
    assert!(printed.contains("/share/"), "{printed}");
    let listed = app.run(&["share", "list", "--domain", "example.org"]).await.unwrap();
    assert!(listed.contains("By command") && listed.contains("(with password, segment") && listed.lines().count() == 4, "{listed}");
    app.run(&["share", "remove", "--domain", "example.org", "By command"]).await.unwrap();
    assert!(app.run(&["share", "remove", "--domain", "example.org", "By command"]).await.is_err());
}

#[tokio::test]
async fn a_link_shows_one_domain_to_read_until_it_is_removed() {
    let sharing = sharing().await;
    let app = &sharing.measured.app;
    app.site("other.example", "UTC").await.unwrap();
    let (slug, id) = sharing.link(json!({ "name": "Client" })).await;
    let opened = sharing.get(&format!("/share/{slug}?embed=true&theme=dark&period=7d&f=is,page,%2Fa&said=x")).await;
    assert_eq!((opened.status().as_u16(), location(&opened)), (302, format!("/~{slug}.embed.dark?period=7d&f=is,page,/a&said=x").as_str()));
    assert!(opened.headers().get("set-cookie").is_none());
    // As Plausible writes it.
    assert_eq!(location(&sharing.get(&format!("/share/example.org?auth={slug}")).await), format!("/~{slug}"));
    for none in [format!("/share/other.example?auth={slug}"), "/share/example.org".to_owned(), "/share/AAAAAAAAAAAAAAAAAAAAAA".to_owned()] {
        sharing.text(&none, 404).await;
    }

    let answer = sharing.get(&format!("/~{slug}")).await;
    assert!(answer.headers().get("set-cookie").is_none(), "no cookie is needed, and none set");
    let page = answer.text().await.unwrap();
    for there in ["<title>example.org</title>", "https://example.org/pricing", &format!("/~{slug}/by/page"), "data-shared"] {
        assert!(page.contains(there), "{there}: {page}");
    }
    for not_there in ["/settings", "/drops", "signout", "/sites\" data", "data-palette", "load-demo", "other.example"] {
        assert!(!page.contains(not_there), "{not_there}: {page}");
    }
    for path in ["by/page", "by/source", "funnel", "journeys", "retention", "why", "explain/visitors"] {
        let page = sharing.text(&format!("/~{slug}/{path}?period=24h"), 200).await;
        let harmful = ["add-setting", "/drops", "footfall token", "signout", "/settings"];
        assert!(page.contains("example.org") && !harmful.iter().any(|text| page.contains(text)), "{path}: {page}");
    }
    assert_eq!(sharing.pages(&format!("~{slug}"), "").await, ["/ 3", "/pricing 1"]);
    assert_eq!(sharing.pages(&format!("~{slug}.embed.dark"), "&f=is,page,/pricing").await, ["/pricing 1"]);
    let file = sharing.get(&format!("/api/app/table.csv?domain=~{slug}&by=page")).await;
    assert!(file.headers()["content-disposition"].to_str().unwrap().contains("example.org-page.csv"));
    sharing.text(&format!("/api/app/strip?domain=%7E{slug}&view=period%3D24h"), 200).await;

    // Settings, drops, writes, the API, and other domains stay shut.
    for path in [format!("/~{slug}/settings/general"), format!("/~{slug}/settings/sharing"), format!("/~{slug}/drops")] {
        sharing.text(&path, 404).await;
    }
    for path in ["/api/app/settings", "/api/app/drops"] {
        let answer = sharing.get(&format!("{path}?domain=~{slug}&view=&section=goals")).await;
        assert!(answer.status().as_u16() >= 400, "{path}");
    }
    let browser = browser();
    let csrf: Value = browser.get(app.url("/api/auth/csrf")).send().await.unwrap().json().await.unwrap();
    let csrf = csrf["csrfToken"].as_str().unwrap();
    let form = [("csrf", csrf), ("domain", &format!("~{slug}")), ("entry[property][name]", "mine")];
    browser.post(app.url("/api/app/add-setting")).form(&form).send().await.unwrap();
    let path = format!("/api/domains/{}/properties", sharing.measured.site.id);
    assert_eq!(read(sharing.send(Method::GET, &path, &Value::Null).await, 200).await, json!({ "properties": [] }));
    for path in [format!("/api/analytics/kpis?domainId=~{slug}"), format!("/api/domains/~{slug}"), "/example.org/by/page".to_owned()] {
        assert_ne!(sharing.get(&path).await.status(), 200, "{path}");
    }
    assert_eq!(location(&sharing.get("/example.org").await), "/login?callbackUrl=/example.org", "the domain itself is not public by it");

    let mut stream = sharing.get(&format!("/api/analytics/live?domainId=~{slug}")).await;
    assert_eq!(stream.status(), 200);
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("event: snapshot"));
    let removed = Instant::now();
    sharing.remove(&id).await;
    sharing.text(&format!("/share/{slug}"), 404).await;
    assert_eq!(sharing.get(&format!("/~{slug}")).await.status(), 303, "the entrance says that there is none");
    for path in ["/api/app/table.csv?by=page&domain=", "/api/analytics/live?domainId="] {
        sharing.text(&format!("{path}~{slug}"), 404).await;
    }
    sharing.text(&format!("/share/{slug}/badge.svg"), 404).await;
    while stream.chunk().await.unwrap().is_some() {}
    assert!(removed.elapsed() < Duration::from_secs(12), "the stream went on for {:?}", removed.elapsed());
}

#[tokio::test]
async fn a_segment_limits_every_figure_and_cannot_be_widened() {
    let sharing = sharing().await;
    let segment = sharing.segment(json!(["is", "visit:source", ["newsletter"]])).await;
    let (slug, _) = sharing.link(json!({ "name": "Agency", "segment": segment })).await;
    let domain = format!("~{slug}");
    assert_eq!(sharing.pages(&domain, "").await, ["/ 1"]);
    for wider in [
        "&f=is,page,/pricing",
        "&f=is_not,source,newsletter",
        "&f=is,source,newsletter,Direct%20/%20None&f=is,page,/pricing",
        "&field=page&op=is&value=/pricing",
    ] {
        let rows = sharing.text(&format!("/api/app/table.csv?domain={domain}&by=page&period=24h{wider}"), 200).await;
        assert!(!rows.contains("/pricing"), "{wider}: {rows}");
    }
    let unknown = format!("/api/app/table.csv?domain={domain}&by=page&period=24h&f=is,segment,0&f=is,page,/pricing");
    assert!(!sharing.text(&unknown, 400).await.contains("/pricing"), "no other segment can be named");
    let page = sharing.text(&format!("/{domain}?period=24h"), 200).await;
    assert!(page.contains("data-limited") && page.contains("Live figures are left out") && !page.contains("/pricing"), "{page}");
    // The day is filtered by the same as the half hour that live state knows.
    for period in ["30m", "day", "30d", "all"] {
        let explained = sharing.text(&format!("/{domain}/explain/visitors?period={period}"), 200).await;
        assert!(explained.contains("figure") && !explained.contains("Events that count") && !explained.contains("SELECT"), "{explained}");
    }
    for path in ["funnel?s=is,page,/&s=is,page,/pricing", "journeys", "retention", "why"] {
        let page = sharing.text(&format!("/{domain}/{path}"), 200).await;
        assert!(!page.contains(">3<") && !page.contains("Signup"), "{path}: {page}");
    }
    let written_otherwise = sharing.text(&format!("/%7E{slug}/explain/visitors?period=24h"), 200).await;
    assert!(!written_otherwise.contains("Events that count") && !written_otherwise.contains("newsletter"), "{written_otherwise}");
    sharing.text(&format!("/api/analytics/live?domainId={domain}"), 404).await;
    let badge = read(sharing.get(&format!("/share/{slug}/badge.json?period=24h")).await, 200).await;
    assert_eq!((&badge["visitors"], &badge["period"]), (&json!(1), &json!("24h")));
    assert_eq!(read(sharing.get(&format!("/share/{slug}/badge.json")).await, 200).await["period"], "30d", "of now there is no part");
    assert_eq!(refusal(sharing.get(&format!("/share/{slug}/badge.json?period=now")).await, 400).await.1, ["period"]);

    // Without its segment it shows nothing, rather than everything.
    let path = format!("/api/domains/{}/segments/{segment}", sharing.measured.site.id);
    assert_eq!(sharing.send(Method::DELETE, &path, &Value::Null).await.status(), 204);
    sharing.text(&format!("/share/{slug}"), 404).await;
    sharing.text(&format!("/api/app/table.csv?domain={domain}&by=page"), 404).await;
    sharing.text(&format!("/share/{slug}/badge.json?period=24h"), 404).await;
}

#[tokio::test]
async fn a_password_is_asked_for_and_guessed_in_vain() {
    let sharing = sharing().await;
    let app = &sharing.measured.app;
    let (slug, _) = sharing.link(json!({ "name": "Guarded", "password": PASSWORD })).await;
    let (other, _) = sharing.link(json!({ "name": "Guarded too", "password": PASSWORD })).await;
    let entrance = format!("/share/{slug}?theme=dark&period=7d");
    let page = sharing.text(&entrance, 200).await;
    assert!(page.contains("type=\"password\"") && !page.contains("example.org"), "not even the name is told: {page}");
    sharing.text(&format!("/api/app/table.csv?domain=~{slug}&by=page"), 404).await;
    sharing.text(&format!("/share/{slug}/badge.svg"), 404).await;
    assert_eq!(location(&sharing.get(&format!("/~{slug}/by/page")).await), format!("/share/{slug}"));

    let browser = browser();
    let csrf: Value = browser.get(app.url("/api/auth/csrf")).send().await.unwrap().json().await.unwrap();
    let csrf = csrf["csrfToken"].as_str().unwrap().to_owned();
    let send = async |slug: &str, csrf: &str, password: &str| {
        let form = [("csrfToken", csrf), ("password", password), ("query", "theme=dark&period=7d&error=x&<b>=1")];
        browser.post(app.url(&format!("/share/{slug}"))).form(&form).send().await.unwrap()
    };
    let wrong = send(&slug, &csrf, "wrong horse battery").await;
    assert_eq!((wrong.status().as_u16(), location(&wrong)), (303, format!("{entrance}&error=password").as_str()));
    assert!(sharing.text(location(&wrong), 200).await.contains("not the password of this link"));
    assert!(location(&send(&slug, "forged", PASSWORD).await).ends_with("error=stale_form"));
    let unknown = send("AAAAAAAAAAAAAAAAAAAAAA", &csrf, PASSWORD).await;
    sharing.text(location(&unknown).split('?').next().unwrap(), 404).await;

    let right = send(&slug, &csrf, PASSWORD).await;
    assert_eq!((right.status().as_u16(), location(&right)), (303, entrance.as_str()));
    let cookie = right.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("footfall.link.") && cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    assert_eq!(
        location(&browser.get(app.url(&entrance)).header("accept", "text/html").send().await.unwrap()),
        format!("/~{slug}.dark?period=7d")
    );
    let table = browser.get(app.url(&format!("/api/app/table.csv?domain=~{slug}&by=page&period=24h"))).send().await.unwrap();
    assert_eq!(table.status(), 200);
    let foreign = browser.get(app.url(&format!("/api/app/table.csv?domain=~{other}&by=page"))).send().await.unwrap();
    assert_eq!(foreign.status(), 404, "a pass is for one link");
    // A pass says when it ends, and cannot be made to say another.
    let (name, pass) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    let forged = format!("{name}=9{pass}");
    let answer =
        app.http.get(app.url(&format!("/api/app/table.csv?domain=~{slug}&by=page"))).header("cookie", forged).send().await.unwrap();
    assert_eq!(answer.status(), 404);

    let mut refused = None;
    for _ in 0..12 {
        let answer = send(&slug, &csrf, "wrong horse battery").await;
        if location(&answer).ends_with("error=too_many_attempts") {
            refused = Some(location(&answer).to_owned());
            break;
        }
    }
    let refused = refused.expect("guessing is not limited");
    assert!(sharing.text(&refused, 200).await.contains("role=\"alert\">"));
    assert!(location(&send(&slug, &csrf, PASSWORD).await).ends_with("too_many_attempts"), "also for who is right");
}

#[tokio::test]
async fn a_public_dashboard_is_seen_under_its_name() {
    let sharing = sharing().await;
    let app = &sharing.measured.app;
    app.run(&["user", "add", "eve@example.org"]).await.unwrap();
    assert_eq!(sharing.get("/example.org").await.status(), 302);
    let (slug, id) = sharing.link(json!({ "name": "Everybody", "public": true })).await;
    let second = sharing.send(Method::POST, &sharing.links(), &json!({ "name": "Again", "public": true })).await;
    assert_eq!(refusal(second, 422).await.1, ["public"]);
    let answer = sharing.get("/example.org?period=24h").await;
    assert_eq!(answer.headers()["x-frame-options"], "DENY");
    let page = answer.text().await.unwrap();
    assert!(page.contains("/example.org/by/page") && page.contains(&format!("~{slug}")) && !page.contains("/settings"), "{page}");
    assert_eq!(sharing.pages("example.org", "").await, ["/ 3", "/pricing 1"]);
    for path in ["/example.org/drops", "/example.org/settings/general"] {
        assert!(location(&sharing.get(path).await).starts_with("/login?"), "{path}");
    }
    sharing.remove(&id).await;
    assert_eq!(location(&sharing.get("/example.org").await), "/login?callbackUrl=/example.org");
    sharing.text("/api/app/table.csv?domain=example.org&by=page", 401).await;
}

#[tokio::test]
async fn a_frame_is_for_the_pages_of_others_and_nothing_else_is() {
    let sharing = sharing().await;
    let (slug, _) = sharing.link(json!({ "name": "Framed" })).await;
    let headers = async |path: String| {
        let answer = sharing.get(&path).await;
        let text = |name: &str| answer.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
        (text("x-frame-options"), text("content-security-policy").contains("frame-ancestors *"))
    };
    for path in ["", "/by/page", "/funnel"] {
        assert_eq!(headers(format!("/~{slug}.embed.light.bg-transparent{path}")).await, (String::new(), true), "{path}");
    }
    for path in [format!("/~{slug}"), format!("/share/{slug}/"), "/login".to_owned(), "/sites".to_owned(), format!("/~{slug}.dark")] {
        assert_eq!(headers(path.clone()).await, ("DENY".to_owned(), false), "{path}");
    }
    let page = sharing.text(&format!("/~{slug}.embed.light.bg-ff00aa"), 200).await;
    for there in ["data-embed", "data-theme=\"light\"", "background:#ff00aa", "class=\"credit\""] {
        assert!(page.contains(there), "{there}: {page}");
    }
}

#[tokio::test]
async fn a_badge_counts_in_words_and_is_kept_for_a_minute() {
    let sharing = sharing().await;
    let app = &sharing.measured.app;
    let (slug, _) = sharing.link(json!({ "name": "Badge" })).await;
    let badge = async |query: &str| sharing.get(&format!("/share/{slug}/badge.svg{query}")).await;
    let now = badge("").await;
    let header = |name: &str| now.headers()[name].to_str().unwrap().to_owned();
    assert_eq!([header("content-type"), header("cache-control")], ["image/svg+xml; charset=utf-8", "public, max-age=60"]);
    assert_eq!(now.headers()["cross-origin-resource-policy"], "cross-origin");
    let now = now.text().await.unwrap();
    assert!(now.contains("Visitors · now") && now.contains(">3</text>"), "{now}");
    let evil = badge("?period=24h&theme=dark&label=%3C/text%3E%3Cscript%3Ealert(1)%3C/script%3E%26%22").await.text().await.unwrap();
    assert!(!evil.contains("<script") && evil.contains("&lt;script&gt;") && evil.contains("&amp;&quot;"), "{evil}");
    let german =
        app.http.get(app.url(&format!("/share/{slug}/badge.json?period=24h"))).header("accept-language", "de").send().await.unwrap();
    assert_eq!(german.headers()["access-control-allow-origin"], "*");
    let german = read(german, 200).await;
    assert_eq!(german, json!({ "visitors": 3, "period": "24h", "label": "Besucher · Letzte 24 Stunden", "message": "3" }));
    assert!(badge("?lang=ja").await.text().await.unwrap().contains("訪問者"));
    for wrong in ["?period=forever", "?period=custom", "?theme=loud", "?lang=xx"] {
        assert_eq!(badge(wrong).await.status(), 400, "{wrong}");
    }
    // One more visitor is not seen before the minute is over.
    let body = json!({ "domain": "example.org", "path": "/" }).to_string();
    let event = app.http.post(app.url("/api/events")).header("user-agent", FIREFOX).header("x-forwarded-for", "10.0.0.77");
    assert_eq!(event.body(body).send().await.unwrap().status(), 202);
    let seen = eventually(SOON, async || (sharing.pages(&format!("~{slug}"), "").await.first()? == "/ 4").then_some(())).await;
    assert!(seen.is_some());
    assert!(badge("").await.text().await.unwrap().contains(">3</text>"));
}
