//! `/api/analytics/*`.

use footfall_testkit::{eventually, process};
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

use crate::measured::{SOON, measured, read, refusal};

const REPORTS: [&str; 4] = ["kpis", "timeseries", "top-pages", "breakdown"];

/// An answer with what differs from run to run taken out.
fn timeless(mut answer: Value) -> Value {
    for name in ["from", "to", "watermark"] {
        let time = answer["meta"][name].as_str().unwrap_or_else(|| panic!("no time `{name}` in {answer}"));
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{name} is {time}");
        answer["meta"][name] = json!("[time]");
    }
    // These depend on the hour and on the speed of the machine.
    answer["meta"]["crossesDays"] = json!("[bool]");
    for place in ["/visitDuration", "/comparison/change/visitDuration"] {
        if let Some(value) = answer.pointer_mut(place) {
            *value = json!("[seconds]");
        }
    }
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
    assert_eq!(
        (&second["pages"][0]["path"], second["pages"].as_array().unwrap().len(), &second["total"]),
        (&json!("/pricing"), 1, &json!(2))
    );
    for dimension in ["page", "entry_page", "exit_page", "channel", "referrer", "campaign", "country", "browser", "os", "device"] {
        let answer = measured.ask("breakdown", &format!("dimension={dimension}")).await;
        assert_eq!(answer["dimension"], dimension);
        assert!(answer["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{answer}");
    }

    // Every period of the interface is answered.
    for period in ["30m", "24h", "day", "7d", "30d", "month", "6mo", "12mo", "year", "all"] {
        let answer = measured.ask("kpis", &format!("period={period}&compare=year")).await;
        assert_eq!(answer["comparison"].is_null(), period == "all", "{period}: {answer}");
        assert!(answer["currentVisitors"].as_u64() == Some(3), "{answer}");
    }
}

#[tokio::test]
async fn a_series_has_every_bucket_and_adds_up() {
    let measured = measured().await;
    let sum =
        |answer: &Value| -> u64 { answer["points"].as_array().unwrap().iter().map(|point| point["pageviews"].as_u64().unwrap()).sum() };
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
        assert!(
            partial[partial.len() - 1] && partial.iter().filter(|partial| **partial).count() == 1,
            "{query}: only the running bucket is partial"
        );
        assert!(answer.get("comparison").is_none(), "nothing was compared");
    }
    let compared = measured.ask("timeseries", "period=7d&compare=previous").await;
    assert_eq!(compared["comparison"].as_array().map(Vec::len), Some(7), "{compared}");
    let old = measured.ask("timeseries", "period=custom&from=2020-01-01&to=2020-01-31").await;
    assert_eq!((old["points"].as_array().unwrap().len(), sum(&old)), (31, 0));
    assert_eq!(
        (&old["meta"]["from"], &old["meta"]["to"]),
        (&json!("2019-12-31T23:00:00.000Z"), &json!("2020-01-31T23:00:00.000Z")),
        "days of the zone"
    );
}

#[tokio::test]
async fn reports_count_what_passes_their_filters() {
    let measured = measured().await;
    let ask = async |report: &str, filters: &Value| {
        let filters: String = url::form_urlencoded::byte_serialize(filters.to_string().as_bytes()).collect();
        measured.ask(report, &format!("period=all&dimension=source&filters={filters}")).await
    };
    for filters in [
        json!([["is", "event:page", ["/"]]]),
        json!([["is", "event:page", ["/pricing"]]]),
        json!([["contains", "visit:source", ["news"]]]),
        json!([["or", [["is", "visit:utm_campaign", ["spring"]], ["is", "event:name", ["Signup"]]]]]),
        json!([["has_not_done", ["is", "event:page", ["/pricing"]]], ["is_not", "visit:country", ["XX"]]]),
        json!([["is", "visit:source", ["nowhere"]]]),
    ] {
        let question = |metrics: Value, dimensions: Value| json!({ "metrics": metrics, "filters": filters, "dimensions": dimensions, "date_range": "all" });
        let strip = json!(["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration"]);
        let expected = measured.query_with(&question(strip, json!([])), 200).await["results"][0]["metrics"].clone();
        let kpis = ask("kpis", &filters).await;
        let names = ["visitors", "visits", "pageviews", "viewsPerVisit", "bounceRate", "visitDuration"];
        let found: Vec<f64> = names.iter().map(|name| kpis[name].as_f64().unwrap_or(-1.0)).collect();
        let expected: Vec<f64> = expected.as_array().unwrap().iter().map(|figure| figure.as_f64().unwrap_or(-1.0)).collect();
        assert_eq!(found, expected, "{filters}");
        assert!(
            kpis["meta"]["engines"].as_array().unwrap().iter().all(|part| part["engine"] == "store" || part["figure"] == "currentVisitors")
        );

        let panel = json!(["visitors", "pageviews", "percentage"]);
        let expected = measured.query_with(&question(panel, json!(["visit:source"])), 200).await["results"].clone();
        let found = ask("breakdown", &filters).await;
        let figures = |row: &Value| ["visitors", "pageviews", "share"].map(|name| row[name].as_f64().unwrap()).to_vec();
        let found: Vec<(Value, Vec<f64>)> =
            found["rows"].as_array().unwrap().iter().map(|row| (row["label"].clone(), figures(row))).collect();
        let figures = |row: &Value| row["metrics"].as_array().unwrap().iter().map(|figure| figure.as_f64().unwrap()).collect();
        let expected: Vec<(Value, Vec<f64>)> =
            expected.as_array().unwrap().iter().map(|row| (row["dimensions"][0].clone(), figures(row))).collect();
        assert_eq!(found, expected, "{filters}");

        let points = ask("timeseries", &filters).await["points"].clone();
        let seen: u64 = points.as_array().unwrap().iter().map(|point| point["pageviews"].as_u64().unwrap()).sum();
        assert_eq!(Some(seen), kpis["pageviews"].as_u64(), "{filters}");
        let pages = ask("top-pages", &filters).await["pages"].clone();
        let seen: u64 = pages.as_array().unwrap().iter().map(|page| page["pageviews"].as_u64().unwrap()).sum();
        assert_eq!(Some(seen), kpis["pageviews"].as_u64(), "{filters}");
    }
    // Nobody entered on that page, so nothing can be said of entries.
    assert!(ask("kpis", &json!([["is", "event:page", ["/pricing"]]])).await["bounceRate"].is_null());
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
        ("kpis", "filters=%5B%5B%22is%22,%22event:page%22%5D%5D", "filters"),
        ("kpis", "filters=%5B%5B%22is%22,%22event:goal%22,%5B%22None%22%5D%5D%5D", "filters"),
        ("kpis", "filters=%7B%7D", "filters"),
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
async fn while_the_store_is_away_reports_degrade_and_queries_wait() {
    let measured = measured().await;
    if measured.app.is_on_services() {
        // Other tests need the shared store; cluster.rs lets it die.
        return;
    }
    // A dead engine cannot come back while somebody else holds its folder.
    let lock = std::fs::File::open(measured.app.data().join("run/engine.lock")).unwrap();
    let held = eventually(SOON, async || {
        for engine in process::children(measured.app.pid().unwrap(), "engine").unwrap() {
            process::kill(engine, "KILL").await.unwrap();
        }
        lock.try_lock().ok()
    })
    .await;
    assert!(held.is_some());
    // A question that nobody asked before, so that no kept answer helps.
    let answer = measured.query(&json!({ "site_id": "example.org", "metrics": ["events"], "date_range": "3d" })).send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "1");
    assert!(read(answer, 503).await["error"].is_string());
    let degraded = measured.ask("kpis", "period=12mo").await;
    assert_eq!(degraded["meta"]["degraded"], true, "{degraded}");
    assert!(degraded["bounceRate"].is_null() && degraded["visitDuration"].is_null(), "hours know no rates: {degraded}");
    // Nor do they know any filter.
    let filtered = format!("domainId={}&period=12mo&filters=%5B%5B%22is%22,%22visit:country%22,%5B%22DE%22%5D%5D%5D", measured.site.id);
    let answer = measured.report("kpis", &filtered).bearer_auth(&measured.key).send().await.unwrap();
    assert_eq!(refusal(answer, 503).await.0, "unavailable");
    lock.unlock().unwrap();
    let back = eventually(SOON, async || (measured.ask("kpis", "period=12mo").await["meta"]["degraded"] == false).then_some(())).await;
    assert!(back.is_some());
}

#[tokio::test]
async fn a_signed_in_user_reads_with_a_cookie() {
    let measured = measured().await;
    let app = &measured.app;
    let password = "correct horse battery";
    let added = app.command(&["user", "add", "ada@example.org", "--role", "owner", "--password-stdin"], Some(password)).await.unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let browser = Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
    let token = read(browser.get(app.url("/api/auth/csrf")).send().await.unwrap(), 200).await["csrfToken"].clone();
    let form = json!({ "csrfToken": token, "email": "ada@example.org", "password": password });
    read(browser.post(app.url("/api/auth/callback/credentials")).json(&form).send().await.unwrap(), 200).await;
    for report in REPORTS {
        let url = app.url(&format!("/api/analytics/{report}?domainId={}&dimension=page", measured.site.id));
        let answer = read(browser.get(&url).send().await.unwrap(), 200).await;
        assert!(answer["meta"].is_object(), "{answer}");
        // A bad key is not made good by a cookie.
        assert_eq!(refusal(browser.get(&url).bearer_auth("ff_wrong").send().await.unwrap(), 401).await.0, "unauthorized");
    }
    let query =
        browser.post(app.url("/api/v2/query")).json(&json!({ "site_id": "example.org", "metrics": ["visitors"], "date_range": "day" }));
    read(query.send().await.unwrap(), 401).await;
}
