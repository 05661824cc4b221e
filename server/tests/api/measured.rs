//! A domain with a few events that are all in the store, and how to ask about it.

use std::time::Duration;

use footfall_testkit::{App, AppOptions, FIREFOX, Site, Totals, eventually};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

/// Longest wait for a condition.
pub const SOON: Duration = Duration::from_secs(20);

pub struct Measured {
    pub app: App,
    pub site: Site,
    /// Reads figures; without a limit.
    pub key: String,
}

/// Three visitors, each with one visit; four pageviews and one custom event.
pub async fn measured() -> Measured {
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
    let stored = eventually(SOON, async || (app.totals(&key, "example.org").await.ok()? == all).then_some(())).await;
    assert!(stored.is_some(), "the figures are {:?}; server log:\n{}", app.totals(&key, "example.org").await, app.log());
    let measured = Measured { app, site, key };
    let live = eventually(SOON, async || {
        let answer = measured.ask("kpis", "period=30m").await;
        (answer["pageviews"] == 4 && answer["currentVisitors"] == 3).then_some(())
    });
    assert!(live.await.is_some(), "live state lacks some of it; server log:\n{}", measured.app.log());
    measured
}

impl Measured {
    pub fn report(&self, report: &str, query: &str) -> RequestBuilder {
        self.app.http.get(self.app.url(&format!("/api/analytics/{report}?{query}")))
    }

    /// A report by key, which must be answered.
    pub async fn ask(&self, report: &str, query: &str) -> Value {
        let query = format!("domainId={}&{query}", self.site.id);
        let answer = self.report(report, &query).bearer_auth(&self.key).send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        read(answer, 200).await
    }

    pub fn query(&self, body: &Value) -> RequestBuilder {
        self.app.http.post(self.app.url("/api/v2/query")).bearer_auth(&self.key).json(body)
    }

    /// The default question with some of it changed.
    pub async fn query_with(&self, change: &Value, status: u16) -> Value {
        let mut body = json!({ "site_id": "example.org", "metrics": ["visitors"], "date_range": "24h" });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        read(self.query(&body).send().await.unwrap(), status).await
    }
}

/// The body of an answer, which must have this status.
pub async fn read(answer: Response, status: u16) -> Value {
    let (found, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{text} is not JSON: {fault}"))
}

/// The code, and the names of the parameters at fault.
pub async fn refusal(answer: Response, status: u16) -> (String, Vec<String>) {
    let body = read(answer, status).await;
    assert!(body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    let fields = body["error"]["fields"].as_object().unwrap().keys().cloned().collect();
    (body["error"]["code"].as_str().unwrap().to_owned(), fields)
}
