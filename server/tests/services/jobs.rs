//! Questions that are answered later.

use footfall_testkit::{App, eventually};
use serde_json::{Value, json};

use crate::{
    load::{DOMAINS, SETTLED},
    shared::{Shared, expect, views},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_outlives_the_process_that_took_it() {
    let shared = Shared::start().await;
    let (all, web) = tokio::join!(App::start(shared.role("capture,processor")), App::start(shared.role("query,auth")));
    let (all, mut web) = (all.unwrap(), web.unwrap());
    web.site(DOMAINS[0], "UTC").await.unwrap();
    web.site(DOMAINS[1], "UTC").await.unwrap();
    let (key, other) = (web.key(DOMAINS[0], "stats:read").await.unwrap(), web.key(DOMAINS[1], "stats:read").await.unwrap());
    all.pageview(DOMAINS[0], "/", 1).await.unwrap();
    expect(&web, &key, DOMAINS[0], views(1)).await;

    let question = json!({ "site_id": DOMAINS[0], "metrics": ["pageviews"], "date_range": "all" });
    let asked = web.http.post(web.url("/api/v2/jobs")).bearer_auth(&key).json(&question).send().await.unwrap();
    assert_eq!(asked.status(), 202);
    let id = asked.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    web.kill().await.unwrap();
    web.resume().await.unwrap();
    let mut last = Value::Null;
    let done = eventually(SETTLED, async || {
        last = web.http.get(web.url(&format!("/api/v2/jobs/{id}"))).bearer_auth(&key).send().await.ok()?.json().await.ok()?;
        (last["state"] == "done").then_some(())
    })
    .await;
    assert!(done.is_some(), "{last}; log:\n{}", web.log());
    assert_eq!(last["result"]["results"][0]["metrics"][0], 1);
    let ask = async |key: Option<&str>, path: &str| {
        let request = web.http.get(web.url(path));
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(None, &format!("/api/v2/jobs/{id}")).await, 401);
    assert_eq!(ask(Some(&other), &format!("/api/v2/jobs/{id}")).await, 404, "somebody else's job looks like none");
    assert_eq!(ask(Some(&key), "/api/v2/jobs/not-an-id").await, 404);
    let bad = json!({ "site_id": DOMAINS[0], "metrics": ["guesses"], "date_range": "all" });
    let refused = web.http.post(web.url("/api/v2/jobs")).bearer_auth(&key).json(&bad).send().await.unwrap();
    assert_eq!(refused.status(), 400, "a question that cannot be answered is refused at once");
}
