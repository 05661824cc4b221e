//! Domains that go and come back, and domains of which the data goes, from outside.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use footfall_meta::Meta;
use footfall_testkit::{App, AppOptions, Totals, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use crate::measured::{SOON, read};

/// A domain with figures, its owner's key and that of somebody else.
struct Owned {
    app: App,
    id: String,
    key: String,
    stranger: String,
}

const DOMAIN: &str = "shop.example";
/// What a command or another request changes, collectors notice within this.
const NOTICED: Duration = Duration::from_secs(8);

async fn owned() -> Owned {
    let app = App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await.unwrap();
    let mut keys = Vec::new();
    for person in ["ada@example.org", "eve@example.org"] {
        app.run(&["user", "add", person, "--role", "owner"]).await.unwrap();
        let scopes = "stats:read,sites:manage";
        let key = app.run(&["token", "add", "--team", person, "--scopes", scopes, "--rate-limit", "0"]).await.unwrap();
        keys.push(key.trim().to_owned());
    }
    let (stranger, key) = (keys.pop().unwrap(), keys.pop().unwrap());
    let owned = Owned { app, id: String::new(), key, stranger };
    let made = owned.send(&owned.key, Method::POST, "", json!({ "domain": DOMAIN }), 201).await;
    let owned = Owned { id: made["id"].as_str().unwrap().to_owned(), ..owned };
    owned.visit(3, 0).await;
    owned
}

impl Owned {
    async fn send(&self, key: &str, method: Method, path: &str, body: Value, status: u16) -> Value {
        let request = self.app.http.request(method, self.app.url(&format!("/api/domains{path}"))).bearer_auth(key);
        let answer = if body.is_null() { request.send().await } else { request.json(&body).send().await }.unwrap();
        if [202, 204].contains(&status) {
            assert_eq!(answer.status(), status, "{}", answer.text().await.unwrap());
            return Value::Null;
        }
        read(answer, status).await
    }

    /// The status of an own request.
    async fn status(&self, method: Method, path: &str) -> u16 {
        let request = self.app.http.request(method, self.app.url(&format!("/api/domains{path}"))).bearer_auth(&self.key);
        request.send().await.unwrap().status().as_u16()
    }

    async fn event(&self, domain: &str) -> u16 {
        self.app.post(&json!({ "domain": domain, "path": "/" })).await.unwrap().status().as_u16()
    }

    /// Some visitors more, each with a pageview, until they are counted.
    async fn visit(&self, visitors: u32, before: u64) {
        for visitor in 0..visitors {
            self.app.pageview(DOMAIN, "/", 1 + visitor + u32::try_from(before).unwrap()).await.unwrap();
        }
        self.counts(DOMAIN, before + u64::from(visitors)).await;
    }

    async fn counts(&self, domain: &str, n: u64) {
        let all = Totals { visitors: n, visits: n, pageviews: n, events: n };
        let counted = eventually(SOON, async || (self.app.totals(&self.key, domain).await.ok()? == all).then_some(())).await;
        let found = self.app.totals(&self.key, domain).await;
        assert!(counted.is_some(), "{found:?}, not {n}; server log:\n{}", self.app.log());
    }
}

#[tokio::test]
async fn a_deleted_domain_is_hidden_and_comes_back_whole() {
    let mut owned = owned().await;
    let one = format!("/{}", owned.id);
    owned.send(&owned.stranger, Method::DELETE, &one, Value::Null, 404).await;
    owned.send(&owned.stranger, Method::POST, &format!("{one}/restore"), Value::Null, 404).await;
    owned.send(&owned.key, Method::POST, &format!("{one}/restore"), Value::Null, 404).await;
    let (first, second) = tokio::join!(owned.status(Method::DELETE, &one), owned.status(Method::DELETE, &one));
    assert_eq!([first.min(second), first.max(second)], [204, 404], "twice at once");

    for restarted in [false, true] {
        if restarted {
            owned.app.stop().await.unwrap();
            owned.app.resume().await.unwrap();
        }
        owned.send(&owned.key, Method::GET, &one, Value::Null, 404).await;
        owned.send(&owned.key, Method::PATCH, &one, json!({ "domain": "x.example" }), 404).await;
        owned.send(&owned.key, Method::DELETE, &format!("{one}/data"), Value::Null, 404).await;
        owned.send(&owned.key, Method::DELETE, &one, Value::Null, 404).await;
        assert_eq!(owned.send(&owned.key, Method::GET, "", Value::Null, 200).await, json!([]));
        assert!(owned.app.totals(&owned.key, DOMAIN).await.is_err());
        let refused = eventually(NOTICED, async || (owned.event(DOMAIN).await == 404).then_some(())).await;
        assert!(refused.is_some(), "events of a deleted domain are refused");
    }
    let deleted = owned.send(&owned.key, Method::GET, "/deleted", Value::Null, 200).await;
    assert_eq!((&deleted[0]["id"], &deleted[0]["domain"]), (&json!(owned.id), &json!(DOMAIN)));
    assert_eq!(owned.send(&owned.stranger, Method::GET, "/deleted", Value::Null, 200).await, json!([]));
    // Its name is its own: who deleted it learns where it is, others learn nothing.
    let own = owned.send(&owned.key, Method::POST, "", json!({ "domain": DOMAIN }), 409).await;
    assert!(own["error"]["message"].as_str().unwrap().contains("was deleted and is kept until"), "{own}");
    let foreign = owned.send(&owned.stranger, Method::POST, "", json!({ "domain": DOMAIN }), 409).await;
    assert!(!foreign.to_string().contains("deleted"), "{foreign}");
    for path in ["", "?forGood=true", "/restore"] {
        let method = if path == "/restore" { Method::POST } else { Method::DELETE };
        owned.send(&owned.stranger, method, &format!("{one}{path}"), Value::Null, 404).await;
    }

    let restore = format!("{one}/restore");
    let (first, second) = tokio::join!(owned.status(Method::POST, &restore), owned.status(Method::POST, &restore));
    assert_eq!([first.min(second), first.max(second)], [200, 404], "twice at once");
    // An event that came while collectors still remembered the domain may count too.
    let totals = owned.app.totals(&owned.key, DOMAIN).await.unwrap();
    assert!((3..=4).contains(&totals.visitors) && totals.pageviews >= 3, "{totals:?}");
    let counts = eventually(NOTICED, async || (owned.event(DOMAIN).await == 202).then_some(())).await;
    assert!(counts.is_some());
}

#[tokio::test]
async fn deleted_for_good_is_gone_and_its_name_free() {
    let mut owned = owned().await;
    let one = format!("/{}", owned.id);
    owned.send(&owned.key, Method::DELETE, &format!("{one}?forGood=maybe"), Value::Null, 400).await;
    owned.send(&owned.key, Method::DELETE, &one, Value::Null, 204).await;
    owned.send(&owned.key, Method::DELETE, &format!("{one}?forGood=true"), Value::Null, 204).await;
    owned.send(&owned.key, Method::POST, &format!("{one}/restore"), Value::Null, 404).await;
    let anew = owned.send(&owned.key, Method::POST, "", json!({ "domain": DOMAIN }), 201).await;
    assert_ne!(anew["id"], owned.id, "old events must not appear under the new domain");
    assert_eq!(owned.app.totals(&owned.key, DOMAIN).await.unwrap().pageviews, 0);

    // The compatible API answers as its clients expect, and takes the same choice.
    let v1 = async |method: Method, path: &str, status: u16| {
        let request = owned.app.http.request(method, owned.app.url(&format!("/api/v1/sites{path}"))).bearer_auth(&owned.key);
        read(request.send().await.unwrap(), status).await
    };
    assert_eq!(v1(Method::DELETE, &format!("/{DOMAIN}"), 200).await, json!({ "deleted": true }));
    v1(Method::DELETE, &format!("/{DOMAIN}"), 404).await;
    assert_eq!(v1(Method::DELETE, &format!("/{DOMAIN}?for_good=true"), 200).await, json!({ "deleted": true }));
    v1(Method::DELETE, &format!("/{DOMAIN}?for_good=true"), 404).await;

    // What nobody restored in time goes for good, whoever was running meanwhile.
    let late = owned.send(&owned.key, Method::POST, "", json!({ "domain": DOMAIN }), 201).await;
    let id = footfall_model::SiteId(late["id"].as_str().unwrap().parse().unwrap());
    owned.app.stop().await.unwrap();
    let meta = Meta::open(&owned.app.accounts_url()).await.unwrap();
    meta.hide_site(id, Utc::now() - TimeDelta::days(8)).await.unwrap();
    owned.app.resume().await.unwrap();
    let gone = eventually(SOON, async || meta.deleted_site(id).await.unwrap().is_none().then_some(())).await;
    assert!(gone.is_some());
    assert!(meta.site(id).await.unwrap().is_none());
}

#[tokio::test]
async fn the_data_goes_and_the_domain_stays() {
    let owned = owned().await;
    let one = format!("/{}", owned.id);
    let data = format!("{one}/data");
    owned.send(&owned.key, Method::POST, &format!("{one}/goals"), json!({ "event": "Signup" }), 201).await;
    owned.send(&owned.stranger, Method::DELETE, &data, Value::Null, 404).await;
    let hourly = async || {
        let meta = Meta::open(&owned.app.accounts_url()).await.unwrap();
        let hours = meta.hourly_totals(footfall_model::SiteId(owned.id.parse().unwrap()), 0, i64::MAX).await.unwrap();
        hours.into_iter().map(|(_, figures)| figures.pageviews).sum::<u64>()
    };
    assert!(eventually(SOON, async || (hourly().await == 3).then_some(())).await.is_some());

    // What came just before goes too, even where it is not stored yet.
    owned.app.pageview(DOMAIN, "/late", 90).await.unwrap();
    let (first, second) = tokio::join!(owned.status(Method::DELETE, &data), owned.status(Method::DELETE, &data));
    assert!([202, 204].contains(&first) && [202, 204].contains(&second), "twice at once: {first} {second}");
    owned.counts(DOMAIN, 0).await;
    let live = async || {
        let request = owned.app.http.get(owned.app.url(&format!("/api/analytics/kpis?domainId={}&period=30m", owned.id)));
        read(request.bearer_auth(&owned.key).send().await.unwrap(), 200).await
    };
    let empty = eventually(SOON, async || {
        let live = live().await;
        (live["pageviews"] == 0 && live["currentVisitors"] == 0).then_some(())
    });
    assert!(empty.await.is_some(), "{}", live().await);
    assert!(eventually(SOON, async || (hourly().await == 0).then_some(())).await.is_some());
    let goals = owned.send(&owned.key, Method::GET, &format!("{one}/goals"), Value::Null, 200).await;
    assert_eq!(goals.as_array().unwrap().len(), 1, "settings stay");

    // What comes from then on counts, once, whatever is still being removed, and after a restart.
    owned.visit(2, 0).await;
    let mut owned = owned;
    owned.app.kill().await.unwrap();
    owned.app.resume().await.unwrap();
    owned.counts(DOMAIN, 2).await;
    let meta = Meta::open(&owned.app.accounts_url()).await.unwrap();
    let ended = eventually(Duration::from_secs(90), async || meta.sites_to_clear().await.unwrap().is_empty().then_some(())).await;
    assert!(ended.is_some(), "server log:\n{}", owned.app.log());
    owned.counts(DOMAIN, 2).await;
}

#[tokio::test]
async fn a_renamed_domain_takes_events_under_both_names() {
    let owned = owned().await;
    let one = format!("/{}", owned.id);
    owned.send(&owned.stranger, Method::PATCH, &one, json!({ "domain": "new.example" }), 404).await;
    for (wrong, status) in [("no name", 422), ("", 422)] {
        owned.send(&owned.key, Method::PATCH, &one, json!({ "domain": wrong }), status).await;
    }
    let other = owned.send(&owned.stranger, Method::POST, "", json!({ "domain": "other.example" }), 201).await;
    owned.send(&owned.key, Method::PATCH, &one, json!({ "domain": "other.example" }), 409).await;
    owned.send(&owned.key, Method::PATCH, &one, json!({ "domain": "new.example" }), 200).await;
    let new = eventually(NOTICED, async || (owned.event("new.example").await == 202).then_some(())).await;
    assert!(new.is_some());
    assert_eq!(owned.event(DOMAIN).await, 202, "pages are changed one after the other");
    let all = eventually(SOON, async || (owned.app.totals(&owned.key, "new.example").await.ok()?.pageviews == 5).then_some(())).await;
    assert!(all.is_some(), "{:?}", owned.app.totals(&owned.key, "new.example").await);
    assert!(owned.app.totals(&owned.key, DOMAIN).await.is_err());

    // Whoever has the name comes first.
    let path = format!("/{}", other["id"].as_str().unwrap());
    owned.send(&owned.stranger, Method::PATCH, &path, json!({ "domain": DOMAIN }), 200).await;
    let theirs = eventually(SOON, async || {
        owned.event(DOMAIN).await;
        (owned.app.totals(&owned.stranger, DOMAIN).await.ok()?.pageviews > 0).then_some(())
    });
    assert!(theirs.await.is_some());
}
