//! Reports over days that were worked out say what the rows say.

use std::{io::Write as _, time::Duration};

use chrono_tz::Tz;
use footfall_store::{DaysWanted, Endpoint, Store};
use footfall_testkit::{App, AppOptions, FIREFOX, eventually};
use serde_json::{Value, json};

use crate::measured::{Measured, SOON};

/// Reports of some days in May.
async fn reports(measured: &Measured) -> Vec<Value> {
    let mut reports = Vec::new();
    for range in [json!(["2026-05-01", "2026-05-07"]), json!(["2026-05-03T10:20:00Z", "2026-05-06T23:00:00Z"])] {
        for dimensions in [json!([]), json!(["time:day"]), json!(["event:page"]), json!(["visit:entry_page"]), json!(["visit:channel"])] {
            let of_visits =
                if dimensions == json!(["event:page"]) { json!([]) } else { json!(["visits", "bounce_rate", "visit_duration"]) };
            let mut metrics = json!(["visitors", "pageviews"]);
            metrics.as_array_mut().unwrap().extend(of_visits.as_array().unwrap().clone());
            let change = json!({ "metrics": metrics, "dimensions": dimensions, "date_range": range, "include": { "explain": true } });
            reports.push(measured.query_with(&change, 200).await);
        }
    }
    reports
}

#[tokio::test]
async fn figures_are_the_same_with_and_without_days() {
    let app = App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await.unwrap();
    let site = app.site("example.org", "Europe/Berlin").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let start = chrono::DateTime::parse_from_rfc3339("2026-05-01T00:00:00Z").unwrap();
    for index in 0..1_200_i64 {
        // A view each nine minutes, by one of seven people, of whom two are awake at midnight.
        let at = start + chrono::Duration::minutes(index * 9);
        let person = if at.timestamp() % 86_400 < 4_000 || at.timestamp() % 86_400 > 80_000 { index % 2 } else { index / 3 % 7 };
        let line = json!({ "path": format!("/{}", index % 5), "timestamp": at.to_rfc3339(), "ip": format!("10.0.0.{person}"), "userAgent": FIREFOX });
        writeln!(file, "{line}").unwrap();
    }
    app.run(&["import", "--format", "ndjson", file.path().to_str().unwrap(), "--domain", "example.org"]).await.unwrap();
    let (url, user, password, database) = app.store().unwrap();
    let measured = Measured { app, site, key };
    let plain = reports(&measured).await;
    assert!(plain.iter().all(|report| !sql_of(report).contains("day_figures")));

    let store = Store::connect(&Endpoint { url, user, password, database, cluster: None });
    let wanted = DaysWanted { events: 1, quiet: Duration::ZERO };
    for run in store.days_to_roll(wanted, &|_| Tz::Europe__Berlin).await.unwrap() {
        store.roll(&run).await.unwrap();
    }
    // What is known of days is kept as long as nothing new arrives.
    measured.app.pageview("example.org", "/", 1).await.unwrap();
    let over_days = eventually(SOON, async || {
        let reports = reports(&measured).await;
        reports.iter().all(|report| sql_of(report).contains("day_figures")).then_some(reports)
    });
    let over_days = over_days.await.expect("reports use the figures of days");
    for (over_days, plain) in over_days.iter().zip(&plain) {
        assert_eq!(over_days["results"], plain["results"], "{}", sql_of(over_days));
        assert!(plain["results"].as_array().is_some_and(|rows| !rows.is_empty()));
    }
}

fn sql_of(report: &Value) -> &str {
    report["meta"]["explain"]["sql"].as_str().unwrap()
}
