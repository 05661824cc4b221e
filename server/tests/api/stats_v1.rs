//! `GET /api/v1/stats/*`.

use reqwest::Response;
use serde_json::{Value, json};

use crate::measured::{Measured, measured, read};

async fn send(measured: &Measured, report: &str, query: &str) -> Response {
    let url = measured.app.url(&format!("/api/v1/stats/{report}?site_id=example.org&{query}"));
    measured.app.http.get(url).bearer_auth(&measured.key).send().await.unwrap()
}

async fn ask(measured: &Measured, report: &str, query: &str) -> Value {
    read(send(measured, report, query).await, 200).await
}

#[tokio::test]
async fn clients_of_v1_are_answered() {
    let measured = measured().await;
    assert_eq!(ask(&measured, "realtime/visitors", "").await, json!(3));
    // Around midnight in the domain's zone the events may be yesterday's.
    let today = chrono::Utc::now().with_timezone(&chrono_tz::Europe::Berlin).date_naive();
    let days = format!("period=custom&date={},{}", today - chrono::Days::new(1), today);
    let totals = ask(&measured, "aggregate", &format!("{days}&metrics=visitors,pageviews,bounce_rate&compare=previous_period")).await;
    assert_eq!(
        totals,
        json!({ "results": {
            "visitors": { "value": 3, "change": 100 }, "pageviews": { "value": 4, "change": 100 }, "bounce_rate": { "value": 67, "change": 100 },
        } })
    );
    assert_eq!(ask(&measured, "aggregate", "period=7d&date=2020-01-01").await, json!({ "results": { "visitors": { "value": 0 } } }));
    for (filters, visitors) in [
        ("event:page==/pricing", 1),
        ("event:page!=/pricing", 3),
        ("event:page==/pri*|/x", 1),
        ("visit:source==newsletter;event:page==/", 1),
        ("event:name==Signup", 1),
    ] {
        let answer = ask(&measured, "aggregate", &format!("{days}&filters={filters}")).await;
        assert_eq!(answer["results"]["visitors"]["value"], visitors, "{filters}");
    }
    let pages = ask(&measured, "breakdown", &format!("{days}&property=event:page&metrics=visitors,pageviews&limit=1&page=2")).await;
    assert_eq!(pages, json!({ "results": [{ "page": "/pricing", "visitors": 1, "pageviews": 1 }] }));
    let sources = ask(&measured, "breakdown", &format!("{days}&property=visit:source")).await;
    assert_eq!(sources, json!({ "results": [{ "source": "Direct / None", "visitors": 2 }, { "source": "newsletter", "visitors": 1 }] }));
    let series = ask(&measured, "timeseries", &format!("{days}&metrics=visitors,pageviews")).await;
    let points = series["results"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    assert_eq!(points.iter().map(|point| point["pageviews"].as_u64().unwrap()).sum::<u64>(), 4);
    assert_eq!(points[1]["date"], today.to_string());
    let months = ask(&measured, "timeseries", "period=6mo").await;
    assert_eq!(months["results"].as_array().unwrap().len(), 6);
    let hours = ask(&measured, "timeseries", "period=day&date=2026-10-25").await;
    assert_eq!(hours["results"].as_array().unwrap().len(), 24);
}

#[tokio::test]
async fn v1_refuses_what_it_cannot_read() {
    let measured = measured().await;
    let mut refusals = Vec::new();
    for (report, query) in [
        ("aggregate", "period=x"),
        ("aggregate", "period=custom"),
        ("aggregate", "period=custom&date=2026-01-01"),
        ("aggregate", "date=yesterday"),
        ("aggregate", "metrics=visitors,x"),
        ("aggregate", "metrics=visitors,visitors"),
        ("aggregate", "compare=last_year"),
        ("aggregate", "filters=browser"),
        ("aggregate", "filters=browser==Firefox"),
        ("aggregate", "filters=event:goal==Signup"),
        ("timeseries", "interval=week"),
        ("breakdown", ""),
        ("breakdown", "property=page"),
        ("breakdown", "property=time:day"),
        ("breakdown", "property=event:page&limit=1001"),
        ("breakdown", "property=event:page&page=0"),
        ("breakdown", "property=event:name&metrics=bounce_rate"),
    ] {
        let answer = read(send(&measured, report, query).await, 400).await;
        refusals.push(format!("{report}?{query}\n{}", answer["error"].as_str().unwrap()));
    }
    insta::assert_snapshot!("refusals", refusals.join("\n\n"));
    let other = measured.app.url("/api/v1/stats/aggregate?site_id=nobody.example&period=x");
    read(measured.app.http.get(&other).bearer_auth(&measured.key).send().await.unwrap(), 401).await;
    read(measured.app.http.get(&other).send().await.unwrap(), 401).await;
}
