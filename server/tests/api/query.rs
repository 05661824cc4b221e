//! `POST /api/v2/query`.

use std::time::Duration;

use chrono::{DateTime, Days, Utc};
use footfall_testkit::{App, AppOptions};
use serde_json::json;

use crate::measured::{measured, read, refusal};

const UNAUTHORISED: &str =
    "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site you've requested.";

#[tokio::test]
async fn the_query_api_answers_in_the_shape_of_the_protocol() {
    let measured = measured().await;
    let metrics = json!(["visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration"]);
    let today = Utc::now().date_naive();
    let days = json!([(today - Days::new(2)).to_string(), (today + Days::new(2)).to_string()]);
    let change = json!({ "metrics": metrics, "date_range": days, "include": { "imports": true, "total_rows": true } });
    let mut answer = measured.query_with(&change, 200).await;
    let duration = answer["results"][0]["metrics"][6].take();
    assert!(duration.as_u64().is_some_and(|seconds| seconds < 60), "{duration}");
    for second in answer["query"]["date_range"].as_array_mut().unwrap() {
        let time = DateTime::parse_from_rfc3339(second.as_str().unwrap()).unwrap();
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

    // The echo says which seconds are meant: what happened just now counts exactly where they hold it.
    for range in ["realtime", "30m", "24h", "day", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all"] {
        let now = Utc::now();
        let answer = measured.query_with(&json!({ "date_range": range }), 200).await;
        let second = |index: usize| DateTime::parse_from_rfc3339(answer["query"]["date_range"][index].as_str().unwrap()).unwrap();
        let visitors = if second(0) <= now && now < second(1) + Duration::from_secs(1) { 3 } else { 0 };
        assert_eq!(answer["results"], json!([{ "metrics": [visitors], "dimensions": [] }]), "{range}: {answer}");
    }
    for (range, visitors) in [(json!(["2026-01-01", "2026-01-31"]), 0), (json!(["2020-01-01T00:00:00+01:00", "9000-01-01T00:00:00Z"]), 3)] {
        let answer = measured.query_with(&json!({ "date_range": range }), 200).await;
        assert_eq!(answer["results"][0]["metrics"], json!([visitors]), "{range}");
    }
    let answer = measured.query_with(&json!({ "date_range": ["2026-10-25", "2026-10-25"] }), 200).await;
    assert_eq!(answer["query"]["date_range"], json!(["2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59+01:00"]));

    let schema = measured.app.http.get(measured.app.url("/api/docs/query/schema.json")).send().await.unwrap();
    assert_eq!(schema.headers()["content-type"], "application/json");
    assert_eq!(read(schema, 200).await["additionalProperties"], false);
}

#[tokio::test]
async fn the_query_api_groups_filters_and_orders() {
    let measured = measured().await;
    let rows = async |change: serde_json::Value| measured.query_with(&change, 200).await["results"].clone();
    let pages = json!({ "metrics": ["visitors", "pageviews", "bounce_rate", "percentage"], "dimensions": ["event:page"] });
    assert_eq!(
        rows(pages).await,
        json!([{ "metrics": [3, 3, 67, 100], "dimensions": ["/"] }, { "metrics": [1, 1, null, 33.3], "dimensions": ["/pricing"] }])
    );
    let by_source = json!({ "metrics": ["visits"], "dimensions": ["visit:source", "visit:utm_campaign"] });
    assert_eq!(
        rows(by_source.clone()).await,
        json!([
            { "metrics": [2], "dimensions": ["Direct / None", "(not set)"] },
            { "metrics": [1], "dimensions": ["newsletter", "spring"] }
        ])
    );
    for (filter, visitors) in [
        (json!(["is", "event:page", ["/pricing"]]), 1),
        (json!(["is_not", "event:page", ["/pricing"]]), 3),
        (json!(["has_not_done", ["is", "event:page", ["/pricing"]]]), 2),
        (json!(["contains", "visit:source", ["NEWS"], { "case_sensitive": false }]), 1),
        (json!(["contains", "visit:source", ["NEWS"]]), 0),
        (json!(["matches", "event:name", ["^S.*p$"]]), 1),
        (json!(["or", [["is", "visit:utm_campaign", ["spring"]], ["is", "event:name", ["Signup"]]]]), 2),
        (json!(["not", ["is", "visit:source", ["Direct / None"]]]), 1),
        (json!(["is", "event:props:plan", ["(none)"]]), 3),
        (json!(["and", []]), 3),
        (json!(["or", []]), 0),
    ] {
        assert_eq!(rows(json!({ "filters": [filter] })).await, json!([{ "metrics": [visitors], "dimensions": [] }]), "{filter}");
    }
    let page = json!({
        "metrics": ["events"], "dimensions": ["event:page"], "order_by": [["event:page", "desc"]], "pagination": { "limit": 1, "offset": 1 },
        "include": { "total_rows": true },
    });
    let answer = measured.query_with(&page, 200).await;
    assert_eq!((&answer["results"], &answer["meta"]), (&json!([{ "metrics": [3], "dimensions": ["/"] }]), &json!({ "total_rows": 2 })));
    assert_eq!(answer["query"]["order_by"], json!([["event:page", "desc"]]));
    let behind = json!({ "dimensions": ["event:page"], "pagination": { "offset": 9 }, "include": { "total_rows": true } });
    let answer = measured.query_with(&behind, 200).await;
    assert_eq!((&answer["results"], &answer["meta"]["total_rows"]), (&json!([]), &json!(2)));

    let by_time = json!({ "date_range": ["2026-10-25", "2026-10-25"], "dimensions": ["time"], "include": { "time_labels": true } });
    let answer = measured.query_with(&by_time, 200).await;
    assert_eq!(answer["results"], json!([]));
    let labels = answer["meta"]["time_labels"].as_array().unwrap();
    // The hour that the clock shows twice is one bucket.
    assert_eq!((labels.len(), &labels[2]), (24, &json!("2026-10-25 02:00:00")));
    assert_eq!(answer["query"]["dimensions"], json!(["time"]));
    assert_eq!(answer["query"]["order_by"], json!([["time", "asc"], ["visitors", "desc"]]));
    let days = json!({ "date_range": "day", "dimensions": ["time:day"] });
    let today = Utc::now().with_timezone(&chrono_tz::Europe::Berlin).date_naive().to_string();
    let answer = measured.query_with(&days, 200).await;
    if answer["query"]["date_range"][0].as_str().unwrap().starts_with(&today) {
        assert_eq!(answer["results"], json!([{ "metrics": [3], "dimensions": [today] }]));
    }
    let narrow = json!({ "date_range": ["2020-01-01", "2026-01-01"], "dimensions": ["time:minute"] });
    assert!(measured.query_with(&narrow, 400).await["error"].as_str().unwrap().contains("10000 intervals"));
}

/// What `docs/reference/query.md` shows is answered.
#[tokio::test]
async fn figures_explain_themselves() {
    let measured = measured().await;
    let robot = measured.app.http.post(measured.app.url("/api/events")).header("user-agent", "curl/8.0");
    let sent = robot.body(json!({ "domain": "example.org", "path": "/" }).to_string()).send().await.unwrap();
    assert_eq!(sent.status(), 202);
    let change = json!({
        "metrics": ["visitors", "bounce_rate"], "dimensions": ["visit:source"], "filters": [["is", "visit:source", ["it's"]]],
        "include": { "explain": true },
    });
    let seen = footfall_testkit::eventually(crate::measured::SOON, async || {
        let explained = measured.query_with(&change, 200).await["meta"]["explain"].clone();
        (explained["events"]["bots"] == 1).then_some(explained)
    });
    let explained = seen.await.expect("the robot is counted as one");
    assert_eq!(explained["events"], json!({ "counted": 5, "bots": 1, "bots_share": 16.7, "dropped": 0, "late": 0 }));
    assert_eq!(
        (&explained["metrics"]["visitors"]["exact"], &explained["metrics"]["bounce_rate"]["unit"]),
        (&json!(true), &json!("percent"))
    );
    assert!(explained["sql"].as_str().unwrap().contains("FROM events WHERE site_id = {p0:UUID}"), "{explained}");
    assert!(explained["parameters"].as_object().unwrap().values().any(|value| value == &json!(["it's"])), "{explained}");
    assert_eq!(explained["parameters"]["p0"], json!(measured.site.id));
    for figure in ["rows_read", "bytes_read", "elapsed_ms"] {
        assert!(explained[figure].as_f64().unwrap() > 0.0, "{figure}: {explained}");
    }
    assert!(DateTime::parse_from_rfc3339(explained["watermark"].as_str().unwrap()).is_ok());
    assert_eq!(explained["confidence"], json!([]), "there is no row");
    let all = measured.query_with(&json!({ "metrics": ["visitors", "bounce_rate"], "include": { "explain": true } }), 200).await;
    // Two of three visits bounced.
    assert_eq!((&all["results"][0]["metrics"], &all["meta"]["explain"]["confidence"]), (&json!([3, 67]), &json!([[null, [20.77, 93.85]]])));
    assert_eq!(all["query"]["include"], json!({ "explain": true }));

    let metrics = read(measured.app.http.get(measured.app.url("/api/v2/metrics")).send().await.unwrap(), 200).await;
    let names: Vec<&str> = metrics.as_array().unwrap().iter().map(|metric| metric["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"visitors") && names.contains(&"conversion_rate"), "{metrics}");
    assert!(metrics.as_array().unwrap().iter().all(|metric| metric["definition"].is_string() && metric["exact"] == true), "{metrics}");
}

#[tokio::test]
async fn the_documented_examples_are_answered() {
    let measured = measured().await;
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/query.md")).unwrap();
    let examples: Vec<&str> = text.split("```json").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 8);
    measured.app.run(&["goal", "add", "--domain", "example.org", "--event", "Signup"]).await.unwrap();
    for example in examples {
        let question: serde_json::Value = serde_json::from_str(example).unwrap();
        let answer = read(measured.query(&question).send().await.unwrap(), 200).await;
        assert_eq!(
            (&answer["query"]["filters"], &answer["query"]["site_id"]),
            (question.get("filters").unwrap_or(&json!([])), &json!("example.org"))
        );
    }
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
        json!({ "dimensions": ["event:goal"], "metrics": ["bounce_rate"] }),
        json!({ "dimensions": ["x"] }),
        json!({ "filters": [["is", "event:goal", ["Signup"]]] }),
        json!({ "filters": [["is", "event:page", []]] }),
        json!({ "filters": [["matches", "event:page", ["("]]] }),
        json!({ "filters": [["matches", "event:page", ["a{1001}"]]] }),
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
        for body in
            [json!({ "site_id": site, "metrics": ["visitors"], "date_range": "day" }), json!({ "site_id": site, "metrics": 5, "x": 1 })]
        {
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
    for (key, limit) in [(&default, 3), (&narrow, 1)] {
        let mut passed = 0;
        let answer = loop {
            let answer = query(&app, key).await;
            if answer.status() == 429 {
                break answer;
            }
            read(answer, 200).await;
            passed += 1;
        };
        // What came back in the meantime lets one more through.
        assert!((limit..=limit + 1).contains(&passed), "{passed} of {limit}");
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
