//! The reports and the compatible query API from outside: what programs send, and what they are told when it cannot be.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use footfall_testkit::{App, AppOptions, FIREFOX, Site, Totals, eventually, process};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

const REPORTS: [&str; 4] = ["kpis", "timeseries", "top-pages", "breakdown"];
const UNAUTHORISED: &str =
    "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site you've requested.";

struct Measured {
    app: App,
    site: Site,
    key: String,
}

/// A domain with three visitors, four visits' worth of pages, and one custom event, all of them in the store.
async fn measured() -> Measured {
    let app = App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await.unwrap();
    let site = app.site("example.org", "Europe/Berlin").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    for (path, visitor) in [("/", 1), ("/pricing", 1), ("/", 2), ("/?utm_source=newsletter&utm_campaign=spring", 3)] {
        app.pageview("example.org", path, visitor).await.unwrap();
    }
    let body = json!({ "domain": "example.org", "path": "/pricing", "name": "Signup" }).to_string();
    let event = app.http.post(app.url("/api/events")).header("user-agent", FIREFOX).header("x-forwarded-for", "10.0.0.1");
    assert_eq!(event.body(body).send().await.unwrap().status(), 202);
    let all = Totals { visitors: 3, visits: 3, pageviews: 4, events: 5 };
    let stored = eventually(Duration::from_secs(20), async || (app.totals(&key, "example.org").await.ok()? == all).then_some(())).await;
    assert!(stored.is_some(), "the figures are {:?}; server log:\n{}", app.totals(&key, "example.org").await, app.log());
    Measured { app, site, key }
}

impl Measured {
    fn report(&self, report: &str, query: &str) -> RequestBuilder {
        self.app.http.get(self.app.url(&format!("/api/analytics/{report}?{query}")))
    }

    /// A report by key, which must be answered.
    async fn ask(&self, report: &str, query: &str) -> Value {
        let query = format!("domainId={}&{query}", self.site.id);
        let answer = self.report(report, &query).bearer_auth(&self.key).send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        read(answer, 200).await
    }

    fn query(&self, body: &Value) -> RequestBuilder {
        self.app.http.post(self.app.url("/api/v2/query")).bearer_auth(&self.key).json(body)
    }

    /// The default question with some of it changed.
    async fn query_with(&self, change: &Value, status: u16) -> Value {
        let mut body = json!({ "site_id": "example.org", "metrics": ["visitors"], "date_range": "day" });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        read(self.query(&body).send().await.unwrap(), status).await
    }
}

async fn read(answer: Response, status: u16) -> Value {
    let (found, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{text} is not JSON: {fault}"))
}

/// The code, and the names of the parameters at fault.
async fn refusal(answer: Response, status: u16) -> (String, Vec<String>) {
    let body = read(answer, status).await;
    assert!(body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    let fields = body["error"]["fields"].as_object().unwrap().keys().cloned().collect();
    (body["error"]["code"].as_str().unwrap().to_owned(), fields)
}

/// Times of an answer made the same for every run.
fn timeless(mut answer: Value) -> Value {
    for name in ["from", "to", "watermark"] {
        let time = answer["meta"][name].as_str().unwrap_or_else(|| panic!("no time `{name}` in {answer}"));
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{name} is {time}");
        answer["meta"][name] = json!("[time]");
    }
    // Depends on the hour at which the test runs.
    answer["meta"]["crossesDays"] = json!("[bool]");
    answer
}

#[tokio::test]
async fn reports_say_what_happened() {
    let measured = measured().await;
    insta::assert_json_snapshot!("kpis", timeless(measured.ask("kpis", "period=24h").await));
    insta::assert_json_snapshot!("kpis_compared", timeless(measured.ask("kpis", "period=24h&compare=previous").await));
    insta::assert_json_snapshot!("top_pages", timeless(measured.ask("top-pages", "period=24h").await));
    insta::assert_json_snapshot!("breakdown_by_source", timeless(measured.ask("breakdown", "period=24h&dimension=source").await));

    // Each page of rows is a part of the whole.
    let second = measured.ask("top-pages", "period=24h&limit=1&page=2").await;
    assert_eq!((&second["pages"][0]["path"], second["pages"].as_array().unwrap().len(), &second["total"]), (&json!("/pricing"), 1, &json!(2)));
    for dimension in ["page", "entry_page", "exit_page", "channel", "referrer", "campaign", "country", "browser", "os", "device"] {
        let answer = measured.ask("breakdown", &format!("dimension={dimension}")).await;
        assert_eq!(answer["dimension"], dimension);
        assert!(answer["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{answer}");
    }

    // Every period of the interface is answered, also by the cookie of a session (`auth.rs`).
    for period in ["30m", "24h", "day", "7d", "30d", "month", "6mo", "12mo", "year", "all"] {
        let answer = measured.ask("kpis", &format!("period={period}&compare=year")).await;
        assert_eq!(answer["comparison"].is_null(), period == "all", "{period}: {answer}");
        assert!(answer["currentVisitors"].as_u64() == Some(3), "{answer}");
    }
}

#[tokio::test]
async fn a_series_has_every_bucket_and_adds_up() {
    let measured = measured().await;
    let sum = |answer: &Value| -> u64 { answer["points"].as_array().unwrap().iter().map(|point| point["pageviews"].as_u64().unwrap()).sum() };
    for (query, interval, points, label) in [
        ("period=30m", "minute", Some(30), "0000-00-00 00:00:00"),
        ("period=24h", "hour", None, "0000-00-00 00:00:00"),
        ("period=7d", "day", Some(7), "0000-00-00"),
        ("period=30d", "day", Some(30), "0000-00-00"),
        ("period=30d&interval=week", "week", None, "0000-00-00"),
        ("period=12mo", "month", Some(12), "0000-00-00"),
        ("", "day", Some(30), "0000-00-00"),
    ] {
        let answer = measured.ask("timeseries", query).await;
        assert_eq!((answer["interval"].as_str().unwrap(), sum(&answer)), (interval, 4), "{query}: {answer}");
        let found = answer["points"].as_array().unwrap();
        assert!(points.is_none_or(|points| found.len() == points), "{query} has {} points", found.len());
        for point in found {
            let shape: String = point["time"].as_str().unwrap().chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            assert_eq!(shape, label, "{query}");
        }
        let partial: Vec<bool> = found.iter().map(|point| point["partial"].as_bool().unwrap()).collect();
        assert!(partial[partial.len() - 1] && partial.iter().filter(|partial| **partial).count() == 1, "{query}: only the running bucket is partial");
        assert!(answer.get("comparison").is_none(), "nothing was compared");
    }
    let compared = measured.ask("timeseries", "period=7d&compare=previous").await;
    assert_eq!(compared["comparison"].as_array().map(Vec::len), Some(7), "{compared}");
    let old = measured.ask("timeseries", "period=custom&from=2020-01-01&to=2020-01-31").await;
    assert_eq!((old["points"].as_array().unwrap().len(), sum(&old)), (31, 0));
    assert_eq!((&old["meta"]["from"], &old["meta"]["to"]), (&json!("2019-12-31T23:00:00.000Z"), &json!("2020-01-31T23:00:00.000Z")), "days of the zone");
}

#[tokio::test]
async fn reports_refuse_strangers_before_they_look_at_parameters() {
    let measured = measured().await;
    let app = &measured.app;
    let other = app.site("other.example", "UTC").await.unwrap();
    let other_key = app.key("other.example", "stats:read").await.unwrap();
    let write_key = app.key("example.org", "events:write").await.unwrap();
    let mine = format!("domainId={}", measured.site.id);
    let unknown = "domainId=0198c0de-0000-7000-8000-000000000001";
    let revoked = app.key("example.org", "stats:read").await.unwrap();
    app.run(&["token", "revoke", &revoked[..11]]).await.unwrap();

    for report in REPORTS {
        let bad = "period=never&limit=0&interval=eon&dimension=mood&filters=x";
        let send = async |key: Option<&str>, query: &str| {
            let request = measured.report(report, query);
            key.map_or(request.try_clone().unwrap(), |key| request.bearer_auth(key)).send().await.unwrap()
        };
        for key in [None, Some("ff_wrong"), Some(revoked.as_str())] {
            for query in [format!("{mine}&dimension=page"), format!("{mine}&{bad}"), String::new()] {
                let answer = send(key, &query).await;
                assert_eq!(answer.headers()["www-authenticate"], "Bearer");
                assert_eq!(refusal(answer, 401).await.0, "unauthorized", "{report}");
            }
        }
        assert_eq!(refusal(send(Some(&write_key), &format!("{mine}&{bad}")).await, 403).await.0, "scope_required");

        // A domain of somebody else looks exactly like none.
        let foreign = read(send(Some(&other_key), &format!("{mine}&{bad}")).await, 404).await;
        assert_eq!(foreign, read(send(Some(&other_key), &format!("{unknown}&{bad}")).await, 404).await);
        let own = send(Some(&other_key), &format!("domainId={}&dimension=page", other.id)).await;
        assert_eq!(own.status(), 200, "{report}");

        let missing = refusal(send(Some(&measured.key), "dimension=page").await, 400).await;
        assert_eq!(missing, ("missing_parameter".to_owned(), vec!["domainId".to_owned()]));
        for query in ["domainId=example.org", &format!("{mine}&{mine}")] {
            assert_eq!(refusal(send(Some(&measured.key), query).await, 400).await.1, ["domainId"], "{query}");
        }
    }
}

#[tokio::test]
async fn reports_name_the_parameter_at_fault() {
    let measured = measured().await;
    for (report, query, field) in [
        ("kpis", "period=7", "period"),
        ("kpis", "period=7d&period=7d", "period"),
        ("kpis", "period=%00", "period"),
        ("kpis", "period=custom", "from"),
        ("kpis", "period=custom&from=2026-02-30&to=2026-03-01", "from"),
        ("kpis", "period=custom&from=0001-01-01&to=2026-03-01", "from"),
        ("kpis", "period=custom&from=2026-03-02&to=2026-03-01", "to"),
        ("kpis", "compare=before", "compare"),
        ("kpis", "compare=custom&compareFrom=2026-01-01", "compareTo"),
        ("kpis", "filters=%5B%5B%22is%22,%22event:page%22,%5B%22/%22%5D%5D%5D", "filters"),
        ("kpis", "filters=nonsense", "filters"),
        ("timeseries", "interval=year", "interval"),
        ("top-pages", "limit=0", "limit"),
        ("top-pages", "limit=1001", "limit"),
        ("top-pages", "page=0", "page"),
        ("top-pages", "page=99999999999999999999", "page"),
        ("breakdown", "", "dimension"),
        ("breakdown", "dimension=mood", "dimension"),
        ("breakdown", "dimension=page&limit=-1", "limit"),
    ] {
        let query = format!("domainId={}&{query}", measured.site.id);
        let answer = measured.report(report, &query).bearer_auth(&measured.key).send().await.unwrap();
        assert_eq!(refusal(answer, 400).await, ("invalid_parameter".to_owned(), vec![field.to_owned()]), "{report} {query}");
    }
    let query = format!("domainId={}&period=12mo&interval=minute", measured.site.id);
    let answer = measured.report("timeseries", &query).bearer_auth(&measured.key).send().await.unwrap();
    assert_eq!(refusal(answer, 400).await.0, "invalid_question", "half a million points");
    assert_eq!(measured.ask("kpis", "filters=%5B%5D&unknown=1").await["visitors"], 3);
}

#[tokio::test]
async fn the_query_api_answers_in_the_shape_of_the_protocol() {
    let measured = measured().await;
    let metrics = json!(["visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration"]);
    let mut answer = measured.query_with(&json!({ "metrics": metrics, "include": { "imports": true, "total_rows": true } }), 200).await;
    let duration = answer["results"][0]["metrics"][6].take();
    assert!(duration.as_u64().is_some_and(|seconds| seconds < 60), "{duration}");
    for second in answer["query"]["date_range"].as_array_mut().unwrap() {
        let time = chrono::DateTime::parse_from_rfc3339(second.as_str().unwrap()).unwrap();
        *second = json!(time.format("%H:%M:%S").to_string());
    }
    insta::assert_json_snapshot!("query", answer);

    let explicit = json!({
        "metrics": ["pageviews", "visitors"], "date_range": "all", "dimensions": [], "filters": [], "order_by": [["visitors", "asc"]],
        "include": { "imports": false, "trim_relative_date_range": true }, "pagination": { "limit": 1, "offset": 0 },
    });
    let answer = measured.query_with(&explicit, 200).await;
    assert_eq!(answer["results"], json!([{ "metrics": [4, 3], "dimensions": [] }]));
    assert_eq!(answer["meta"], json!({}));
    assert_eq!(answer["query"]["order_by"], json!([["visitors", "asc"]]));
    assert_eq!(answer["query"]["include"], json!({ "trim_relative_date_range": true }));
    assert_eq!(answer["query"]["pagination"], json!({ "limit": 1, "offset": 0 }));
    let skipped = measured.query_with(&json!({ "pagination": { "offset": 1 }, "include": { "total_rows": true } }), 200).await;
    assert_eq!((&skipped["results"], &skipped["meta"]["total_rows"]), (&json!([]), &json!(1)));

    for (range, visitors) in [
        (json!("realtime"), 3),
        (json!("30m"), 3),
        (json!("24h"), 3),
        (json!("month"), 3),
        (json!("year"), 3),
        (json!("7d"), 0),
        (json!("91d"), 0),
        (json!("6mo"), 0),
        (json!(["2026-01-01", "2026-01-31"]), 0),
        (json!(["2020-01-01T00:00:00+01:00", "9000-01-01T00:00:00Z"]), 3),
    ] {
        let answer = measured.query_with(&json!({ "date_range": range }), 200).await;
        assert_eq!(answer["results"], json!([{ "metrics": [visitors], "dimensions": [] }]), "{range}");
    }
    let answer = measured.query_with(&json!({ "date_range": ["2026-10-25", "2026-10-25"] }), 200).await;
    assert_eq!(answer["query"]["date_range"], json!(["2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59+01:00"]));

    let schema = measured.app.http.get(measured.app.url("/api/docs/query/schema.json")).send().await.unwrap();
    assert_eq!(schema.headers()["content-type"], "application/json");
    assert_eq!(read(schema, 200).await["additionalProperties"], false);
}

#[tokio::test]
async fn the_query_api_refuses_in_the_words_of_the_protocol() {
    let measured = measured().await;
    let mut refusals = Vec::new();
    for change in [
        json!({ "metrics": ["visitors", "x"] }),
        json!({ "metrics": [] }),
        json!({ "metrics": ["visitors", "visitors"] }),
        json!({ "metrics": "visitors" }),
        json!({ "metrics": ["conversion_rate"] }),
        json!({ "date_range": "x" }),
        json!({ "date_range": ["2026-02-01", "2026-01-01"] }),
        json!({ "date_range": ["2026-01-01"] }),
        json!({ "date_range": 7 }),
        json!({ "dimensions": ["visit:source"] }),
        json!({ "dimensions": ["x"] }),
        json!({ "filters": [["is", "event:page", ["/"]]] }),
        json!({ "order_by": [["pageviews", "desc"]] }),
        json!({ "include": { "time_labels": true } }),
        json!({ "include": { "x": true } }),
        json!({ "pagination": { "limit": 0 } }),
        json!({ "pagination": { "limit": 10_001 } }),
        json!({ "pagination": { "offset": -1 } }),
        json!({ "pagination": { "x": 1 } }),
        json!({ "x": 1 }),
    ] {
        let answer = measured.query_with(&change, 400).await;
        assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
        refusals.push(format!("{change}\n{}", answer["error"].as_str().unwrap()));
    }
    insta::assert_snapshot!("query_refusals", refusals.join("\n\n"));

    let app = &measured.app;
    let post = async |key: &str, body: String| app.http.post(app.url("/api/v2/query")).bearer_auth(key).body(body).send().await.unwrap();
    for body in ["", "{", "[]", "5", "nul\0", "{\"site_id\":\"example.org\",\"metrics\":"] {
        assert!(read(post(&measured.key, body.to_owned()).await, 400).await["error"].is_string(), "{body}");
    }
    read(post(&measured.key, format!("{{\"x\":{}", "[".repeat(10_000))).await, 400).await;
    read(post(&measured.key, "x".repeat(300 << 10)).await, 413).await;
    let missing = read(post(&measured.key, "{}".to_owned()).await, 400).await;
    assert_eq!(missing["error"], "Missing site ID. Please provide the required site_id parameter with your request.");

    // Who may not ask learns nothing, also by what is wrong with the rest.
    app.site("other.example", "UTC").await.unwrap();
    let other = app.key("other.example", "stats:read").await.unwrap();
    let write = app.key("example.org", "events:write").await.unwrap();
    for (key, site) in [
        ("", "example.org"),
        ("ff_wrong", "example.org"),
        (other.as_str(), "example.org"),
        (other.as_str(), "nobody.example"),
        (other.as_str(), "no domain at all"),
        (write.as_str(), "example.org"),
    ] {
        for body in [json!({ "site_id": site, "metrics": ["visitors"], "date_range": "day" }), json!({ "site_id": site, "metrics": 5, "x": 1 })] {
            assert_eq!(read(post(key, body.to_string()).await, 401).await, json!({ "error": UNAUTHORISED }), "{site}");
        }
    }
    let bare = app.http.post(app.url("/api/v2/query")).body("not even JSON").send().await.unwrap();
    assert_eq!(read(bare, 401).await, json!({ "error": UNAUTHORISED }));
}

#[tokio::test]
async fn a_key_has_its_own_limit() {
    let mut app = App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall")).env("FOOTFALL_RATE_LIMIT_QUERY", "3")).await.unwrap();
    let site = app.site("example.org", "UTC").await.unwrap();
    let add = ["token", "add", "--domain", "example.org", "--scopes", "stats:read"];
    let default = app.run(&add).await.unwrap().trim().to_owned();
    let narrow = app.run(&[&add[..], &["--rate-limit", "1"]].concat()).await.unwrap().trim().to_owned();
    let wide = app.key("example.org", "stats:read").await.unwrap();
    let body = json!({ "site_id": "example.org", "metrics": ["visitors"], "date_range": "day" });
    let query = async |app: &App, key: &str| app.http.post(app.url("/api/v2/query")).bearer_auth(key).json(&body).send().await.unwrap();
    for (key, requests) in [(&default, 3), (&narrow, 1)] {
        for _ in 0..requests {
            read(query(&app, key).await, 200).await;
        }
        let answer = query(&app, key).await;
        let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=3_600).contains(&wait), "{wait}");
        assert!(read(answer, 429).await["error"].as_str().unwrap().starts_with("Too many API requests."));
        let report = app.http.get(app.url(&format!("/api/analytics/kpis?domainId={}", site.id))).bearer_auth(key).send().await.unwrap();
        assert!(report.headers().contains_key("retry-after"));
        assert_eq!(refusal(report, 429).await.0, "rate_limited", "the limit is the key's, whatever it asks");
    }
    for _ in 0..20 {
        read(query(&app, &wide).await, 200).await;
    }
    app.stop().await.unwrap();
}

#[tokio::test]
async fn while_the_store_is_away_reports_degrade_and_queries_wait() {
    let measured = measured().await;
    let engine = process::children(measured.app.pid().unwrap(), "engine").unwrap()[0];
    process::kill(engine, "STOP").await.unwrap();
    // A question that nobody asked before, so that no kept answer helps.
    let answer = measured.query(&json!({ "site_id": "example.org", "metrics": ["events"], "date_range": "3d" })).send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "1");
    assert!(read(answer, 503).await["error"].is_string());
    let degraded = measured.ask("kpis", "period=12mo").await;
    assert_eq!(degraded["meta"]["degraded"], true, "{degraded}");
    process::kill(engine, "CONT").await.unwrap();
    let back = eventually(Duration::from_secs(20), async || {
        (measured.ask("kpis", "period=12mo").await["meta"]["degraded"] == false).then_some(())
    })
    .await;
    assert!(back.is_some());
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
