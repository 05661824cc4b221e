//! Several shards, a store that is away, answers that replicas share.

use std::path::Path;

use footfall_testkit::{App, eventually, store::StoreServer};
use serde_json::Value;

use crate::{
    load::{DOMAINS, SETTLED},
    shared::{BINARY, Shared, expect, views},
};

#[tokio::test(flavor = "multi_thread")]
async fn domains_are_spread_over_shards_and_one_of_them_may_fail() {
    let shared = Shared::start().await;
    let mut second = StoreServer::start(Path::new(BINARY)).await.unwrap();
    let name = &shared.installation.name;
    let urls = [shared.store.url().unwrap(), second.url().unwrap()].map(|url| format!("{url}/{name}"));
    let role = |roles: &str| shared.role(roles).without("FOOTFALL_STORE_URL").env("FOOTFALL_STORE_SHARDS", &urls.join(";"));
    let (capture, processor, web) =
        tokio::join!(App::start(role("capture")), App::start(role("processor")), App::start(role("query,auth")));
    let (capture, processor, web) = (capture.unwrap(), processor.unwrap(), web.unwrap());
    for n in 0..8 {
        web.site(&format!("site{n}.example"), "UTC").await.unwrap();
    }
    let send = async |visitors: std::ops::Range<u32>| {
        for n in 0..8 {
            for visitor in visitors.clone() {
                capture.pageview(&format!("site{n}.example"), "/", visitor).await.unwrap();
            }
        }
    };
    send(0..3).await;
    let key = web.key("site0.example", "stats:read").await.unwrap();
    expect(&web, &key, "site0.example", views(3)).await;
    second.kill().await.unwrap();
    send(3..6).await;
    second.resume().await.unwrap();
    let http = reqwest::Client::new();
    let ask = async |url: &str, sql: &str| -> Option<Vec<u64>> {
        let answer =
            http.post(url.trim_end_matches(&format!("/{name}"))).body(sql.replace("footfall.", &format!("{name}."))).send().await.ok()?;
        answer.text().await.ok()?.split_whitespace().map(|number| number.parse().ok()).collect()
    };
    let sql = "SELECT count(), uniqExact(partition, offset), uniqExact(site_id) FROM footfall.events";
    let mut last = Vec::new();
    let stored = eventually(SETTLED, async || {
        last = vec![ask(&urls[0], sql).await?, ask(&urls[1], sql).await?];
        (last[0][0] + last[1][0] == 48).then_some(())
    })
    .await;
    assert!(stored.is_some(), "{last:?}; log:\n{}", processor.log());
    assert!(last.iter().all(|shard| shard[0] == shard[1] && shard[2] > 0), "each record once, domains on both: {last:?}");
    assert_eq!(last[0][2] + last[1][2], 8, "each domain on one shard");
    for n in 0..8 {
        let domain = format!("site{n}.example");
        let key = web.key(&domain, "stats:read").await.unwrap();
        expect(&web, &key, &domain, views(6)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_start_without_the_store_and_work_once_it_is_there() {
    let mut shared = Shared::start().await;
    let capture = App::start(shared.role("capture")).await.unwrap();
    shared.store.kill().await.unwrap();
    let unready = |roles: &str| {
        let mut options = shared.role(roles);
        options.unready = true;
        options
    };
    let (processor, web) = tokio::join!(App::start(unready("processor")), App::start(unready("query,auth")));
    let (processor, web) = (processor.unwrap(), web.unwrap());
    web.site(DOMAINS[0], "UTC").await.unwrap();
    let key = web.key(DOMAINS[0], "stats:read").await.unwrap();
    capture.pageview(DOMAINS[0], "/", 1).await.unwrap();
    for app in [&processor, &web] {
        assert_eq!(app.http.get(app.url("/ready")).send().await.unwrap().status(), 503, "it says what it lacks");
        assert_eq!(app.http.get(app.url("/health")).send().await.unwrap().status(), 200, "it is no reason to restart it");
    }
    let migrated = web.command(&["migrate"], None).await.unwrap();
    assert!(!migrated.status.success(), "a command that needs the store at once does not say that all is well");
    shared.store.resume().await.unwrap();
    expect(&web, &key, DOMAINS[0], views(1)).await;
    for app in [&processor, &web] {
        let ready = eventually(SETTLED, async || (app.http.get(app.url("/ready")).send().await.ok()?.status() == 200).then_some(())).await;
        assert!(ready.is_some(), "log:\n{}", app.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_answers_of_the_store() {
    let mut shared = Shared::start().await;
    let (all, one, two) = tokio::join!(
        App::start(shared.role("capture,processor")),
        App::start(shared.role("query,auth")),
        App::start(shared.role("query,auth"))
    );
    let (all, one, two) = (all.unwrap(), one.unwrap(), two.unwrap());
    let site = one.site(DOMAINS[0], "UTC").await.unwrap();
    let key = one.key(DOMAINS[0], "stats:read").await.unwrap();
    all.pageview(DOMAINS[0], "/", 1).await.unwrap();
    expect(&one, &key, DOMAINS[0], views(1)).await;
    let ask = async |web: &App| -> Option<Value> {
        let url = web.url(&format!("/api/analytics/breakdown?domainId={}&period=7d&dimension=browser", site.id));
        let answer = web.http.get(url).bearer_auth(&key).send().await.ok()?;
        if answer.status() == 200 { answer.json().await.ok() } else { None }
    };
    // Both know that the domain's data changed: answers are shared by its version, and a process hears of an insert a moment after it.
    let since = chrono::Utc::now();
    for web in [&one, &two] {
        let url = web.url(&format!("/api/analytics/kpis?domainId={}&period=day", site.id));
        let known = eventually(SETTLED, async || {
            let answer: Value = web.http.get(&url).bearer_auth(&key).send().await.ok()?.json().await.ok()?;
            let watermark = chrono::DateTime::parse_from_rfc3339(answer["meta"]["watermark"].as_str()?).ok()?;
            (watermark > since).then_some(())
        });
        assert!(known.await.is_some(), "log:\n{}", web.log());
    }
    // The size of a range is believed for the running minute: the next one would ask again.
    let early = eventually(SETTLED, async || (chrono::Utc::now().timestamp() % 60 < 45).then_some(())).await;
    assert!(early.is_some());
    let first = ask(&one).await.expect("the store answers");
    assert_eq!(first["rows"][0]["visitors"], 1, "{first}");
    // Nobody can ask the store any more; the other replica has never asked this.
    shared.store.kill().await.unwrap();
    let second = ask(&two).await;
    assert_eq!(second.map(|answer| answer["rows"].clone()), Some(first["rows"].clone()), "log:\n{}", two.log());
}
