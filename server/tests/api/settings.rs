//! Goals, segments, annotations, properties, routes, channels and shields: made by one way in, seen by all others, and usable in questions at once.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::measured::{Measured, measured, read, refusal};

struct Manager {
    measured: Measured,
    /// Manages all domains of the owner.
    key: String,
    /// Manages one other domain.
    stranger: String,
}

async fn manager() -> Manager {
    let measured = measured().await;
    measured.app.site("other.example", "UTC").await.unwrap();
    let key = measured.app.key("example.org", "sites:manage,stats:read").await.unwrap();
    let stranger = measured.app.key("other.example", "sites:manage,stats:read").await.unwrap();
    Manager { measured, key, stranger }
}

impl Manager {
    async fn send(&self, key: &str, method: Method, path: &str, body: &Value) -> Response {
        let request = self.measured.app.http.request(method, self.measured.app.url(path)).bearer_auth(key);
        if body.is_null() { request.send().await.unwrap() } else { request.json(body).send().await.unwrap() }
    }

    /// Of the domain, by its id.
    async fn setting(&self, method: Method, path: &str, body: Value, status: u16) -> Value {
        let path = format!("/api/domains/{}/{path}", self.measured.site.id);
        let answer = self.send(&self.key, method, &path, &body).await;
        if status == 204 {
            assert_eq!(answer.status(), 204);
            return Value::Null;
        }
        read(answer, status).await
    }

    async fn refused(&self, path: &str, body: Value) -> (String, Vec<String>) {
        let path = format!("/api/domains/{}/{path}", self.measured.site.id);
        refusal(self.send(&self.key, Method::POST, &path, &body).await, 422).await
    }

    async fn rows(&self, change: Value) -> Value {
        self.measured.query_with(&change, 200).await["results"].clone()
    }
}

#[tokio::test]
async fn goals_count_in_questions_at_once() {
    let manager = manager().await;
    let signup = manager.setting(Method::POST, "goals", json!({ "event": "Signup", "currency": "eur" }), 201).await;
    assert_eq!(signup, json!({ "id": signup["id"], "name": "Signup", "event": "Signup", "props": {}, "currency": "EUR" }));
    manager.setting(Method::POST, "goals", json!({ "page": "/pri*", "name": "Prices" }), 201).await;
    let goals = format!("/api/domains/{}/goals", manager.measured.site.id);
    let taken = manager.send(&manager.key, Method::POST, &goals, &json!({ "event": "Signup" })).await;
    assert_eq!(refusal(taken, 409).await.0, "taken");

    let by_goal = json!({
        "metrics": ["visitors", "events", "conversion_rate", "group_conversion_rate", "total_revenue"], "dimensions": ["event:goal"],
        "order_by": [["event:goal", "asc"]],
    });
    let nothing = json!({ "value": 0, "currency": "EUR", "short": "€0.0", "long": "€0.00" });
    assert_eq!(
        manager.rows(by_goal).await,
        json!([
            { "metrics": [1, 1, 33.33, 33.33, null], "dimensions": ["Prices"] },
            { "metrics": [1, 1, 33.33, 33.33, nothing], "dimensions": ["Signup"] },
        ])
    );
    for (filter, figures) in [
        (json!(["is", "event:goal", ["Prices"]]), json!([1, 33.33])),
        (json!(["is", "event:goal", ["Prices", "Signup"]]), json!([1, 33.33])),
        (json!(["contains", "event:goal", ["sign"], { "case_sensitive": false }]), json!([1, 33.33])),
        (json!(["contains", "event:goal", ["nothing"]]), json!([0, 0])),
    ] {
        let answer = manager.rows(json!({ "metrics": ["visitors", "conversion_rate"], "filters": [filter] })).await;
        assert_eq!(answer, json!([{ "metrics": figures, "dimensions": [] }]), "{filter}");
    }
    let done = json!({ "metrics": ["visits"], "filters": [["has_done", ["is", "event:goal", ["Signup"]]]] });
    assert_eq!(manager.rows(done).await, json!([{ "metrics": [1], "dimensions": [] }]));
    let pages = json!({ "metrics": ["visitors", "group_conversion_rate"], "dimensions": ["event:page"], "filters": [["is", "event:goal", ["Prices"]]] });
    assert_eq!(manager.rows(pages).await, json!([{ "metrics": [1, 100], "dimensions": ["/pricing"] }]));

    let revenue = json!({ "metrics": ["average_revenue"] });
    let answer = manager.measured.query_with(&revenue, 200).await;
    assert_eq!(
        (&answer["results"][0]["metrics"], &answer["meta"]["metric_warnings"]["average_revenue"]["code"]),
        (&json!([null]), &json!("no_revenue_goals_matching"))
    );
    for (change, text) in [
        (json!({ "filters": [["is", "event:goal", ["Lost"]]] }), "The goal `Lost` is not configured for this site."),
        (json!({ "filters": [["is_not", "event:goal", ["Signup"]]] }), "Invalid filter '[\"is_not\",\"event:goal\",[\"Signup\"]]'."),
        (
            json!({ "filters": [["or", [["is", "event:goal", ["Signup"]]]]] }),
            "Dimension `event:goal` can only be filtered at the top level.",
        ),
        (json!({ "metrics": ["conversion_rate"] }), "Metric `conversion_rate` can only be queried with event:goal filters or dimensions."),
        (
            json!({ "metrics": ["bounce_rate"], "dimensions": ["event:goal"] }),
            "Session metric(s) `bounce_rate` cannot be queried along with event dimension(s) `event:goal`",
        ),
    ] {
        let answer = manager.measured.query_with(&change, 400).await;
        assert!(answer["error"].as_str().unwrap().contains(text), "{answer}");
    }
    manager.setting(Method::DELETE, &format!("goals/{}", signup["id"]), Value::Null, 204).await;
    assert_eq!(manager.setting(Method::GET, "goals", Value::Null, 200).await.as_array().unwrap().len(), 1);
    manager.setting(Method::DELETE, &format!("goals/{}", signup["id"]), Value::Null, 404).await;
}

#[tokio::test]
async fn segments_stand_for_their_filters() {
    let manager = manager().await;
    let filters = json!([["is", "visit:source", ["newsletter"]]]);
    let segment = manager.setting(Method::POST, "segments", json!({ "name": " Letters ", "filters": filters }), 201).await;
    assert_eq!((&segment["name"], &segment["personal"], &segment["filters"]), (&json!("Letters"), &json!(false), &filters));
    let id = &segment["id"];
    let visitors = async |filter: Value| manager.rows(json!({ "filters": [filter] })).await[0]["metrics"][0].clone();
    assert_eq!(visitors(json!(["is", "segment", [id]])).await, 1);
    assert_eq!(visitors(json!(["not", ["is", "segment", [id]]])).await, 2);
    let patch = json!({ "filters": [["is", "event:page", ["/pricing"]], ["is_not", "visit:source", ["newsletter"]]] });
    let other = manager.setting(Method::POST, "segments", json!({ "name": "Prices", "filters": patch["filters"] }), 201).await;
    assert_eq!(visitors(json!(["is", "segment", [id, other["id"]]])).await, 2);
    assert_eq!(visitors(json!(["or", [["is", "segment", [id]], ["is", "event:page", ["/pricing"]]]])).await, 2);
    assert_eq!(manager.setting(Method::PATCH, &format!("segments/{id}"), patch, 200).await["name"], "Letters");
    assert_eq!(visitors(json!(["is", "segment", [id]])).await, 1);
    let unknown = manager.measured.query_with(&json!({ "filters": [["is", "segment", [999_999]]] }), 400).await;
    assert_eq!(unknown["error"], "Invalid filters. Some segments don't exist or aren't accessible.");
    let odd = manager.measured.query_with(&json!({ "filters": [["is_not", "segment", [id]]] }), 400).await;
    assert!(odd["error"].as_str().unwrap().starts_with("Invalid filter '"), "{odd}");

    for (body, field) in [
        (json!({ "name": "x", "filters": [] }), "filters"),
        (json!({ "name": "x", "filters": [["is", "visit:moon", ["full"]]] }), "filters"),
        (json!({ "name": "x", "filters": [["is", "segment", [id]]] }), "filters"),
        (json!({ "name": " ", "filters": filters }), "name"),
    ] {
        assert_eq!(manager.refused("segments", body.clone()).await, ("invalid_setting".to_owned(), vec![field.to_owned()]), "{body}");
    }
    assert_eq!(manager.refused("segments", json!({ "name": "x", "filters": filters, "personal": true })).await.0, "key_of_one_domain");
    manager.setting(Method::DELETE, &format!("segments/{id}"), Value::Null, 204).await;
    assert_eq!(manager.measured.query_with(&json!({ "filters": [["is", "segment", [id]]] }), 400).await["error"], unknown["error"]);
}

#[tokio::test]
async fn notes_and_properties_are_kept() {
    let manager = manager().await;
    let note = json!({ "at": "2026-05-04T12:00:00+02:00", "note": " Release " });
    let made = manager.setting(Method::POST, "annotations", note, 201).await;
    assert_eq!(made, json!({ "id": made["id"], "at": "2026-05-04T10:00:00Z", "note": "Release" }));
    manager.setting(Method::POST, "annotations", json!({ "at": "2026-01-01T00:00:00Z", "note": "New year" }), 201).await;
    let notes = manager.setting(Method::GET, "annotations", Value::Null, 200).await;
    assert_eq!((notes[0]["note"].as_str(), &notes[1]), (Some("New year"), &made));
    for (body, field) in [(json!({ "at": "yesterday", "note": "x" }), "at"), (json!({ "at": "2026-01-01T00:00:00Z", "note": "" }), "note")]
    {
        assert_eq!(manager.refused("annotations", body).await, ("invalid_setting".to_owned(), vec![field.to_owned()]));
    }
    manager.setting(Method::DELETE, &format!("annotations/{}", made["id"]), Value::Null, 204).await;
    manager.setting(Method::DELETE, "annotations/x", Value::Null, 404).await;

    let put = manager.setting(Method::PUT, "properties", json!({ "properties": ["plan", " size ", "plan"] }), 200).await;
    assert_eq!(put, json!({ "properties": ["plan", "size"] }));
    assert_eq!(manager.setting(Method::GET, "properties", Value::Null, 200).await, put);
}

#[tokio::test]
async fn routes_hold_for_what_was_measured_before_them() {
    let manager = manager().await;
    let by_route = json!({ "metrics": ["visitors", "pageviews", "bounce_rate"], "dimensions": ["event:route"] });
    let pages = json!([{ "metrics": [3, 3, 67], "dimensions": ["/"] }, { "metrics": [1, 1, null], "dimensions": ["/pricing"] }]);
    assert_eq!(manager.rows(by_route.clone()).await, pages, "without routes a page is its own");
    let put = manager.setting(Method::PUT, "routes", json!({ "routes": ["/pricing*", " /:page ", "/:page"] }), 200).await;
    assert_eq!(put, json!({ "routes": ["/pricing*", "/:page"] }));
    assert_eq!(manager.setting(Method::GET, "routes", Value::Null, 200).await, put);
    let routes = json!([{ "metrics": [3, 3, 67], "dimensions": ["/"] }, { "metrics": [1, 1, null], "dimensions": ["/pricing*"] }]);
    assert_eq!(manager.rows(by_route.clone()).await, routes, "the first that fits decides");
    let of_route = json!({ "metrics": ["visitors"], "filters": [["is", "event:route", ["/pricing*"]]] });
    assert_eq!(manager.rows(of_route.clone()).await, json!([{ "metrics": [1], "dimensions": [] }]));
    manager.setting(Method::PUT, "routes", json!({ "routes": ["/*"] }), 200).await;
    assert_eq!(
        manager.rows(by_route).await,
        json!([{ "metrics": [3, 4, 67], "dimensions": ["/*"] }]),
        "a page may stand in many routes over time"
    );
    assert_eq!(manager.rows(of_route).await, json!([{ "metrics": [0], "dimensions": [] }]));

    for route in ["pricing/:x", "/pricing", "/:"] {
        let domain = format!("/api/domains/{}/routes", manager.measured.site.id);
        let answer = manager.send(&manager.key, Method::PUT, &domain, &json!({ "routes": [route] })).await;
        assert_eq!(crate::measured::refusal(answer, 422).await, ("invalid_setting".to_owned(), vec!["route".to_owned()]), "{route}");
    }
    assert_eq!(
        manager.setting(Method::GET, "routes", Value::Null, 200).await,
        json!({ "routes": ["/*"] }),
        "what is refused changes nothing"
    );
}

#[tokio::test]
async fn channels_hold_for_what_was_measured_before_them() {
    let manager = manager().await;
    let by_channel = json!({ "metrics": ["visitors", "pageviews"], "dimensions": ["visit:channel"] });
    let everybodys = json!([{ "metrics": [2, 3], "dimensions": ["Direct"] }, { "metrics": [1, 1], "dimensions": ["Email"] }]);
    assert_eq!(manager.rows(by_channel.clone()).await, everybodys);
    let rule = |channel: &str, filter: Value| json!({ "channel": channel, "filters": [filter] });
    let rules = json!({ "rules": [
        rule(" Spring ", json!(["is", "visit:utm_campaign", ["spring"]])),
        rule("Never", json!(["is", "visit:source", ["newsletter"]])),
    ] });
    let put = manager.setting(Method::PUT, "channels", rules, 200).await;
    assert_eq!(put["rules"][0], rule("Spring", json!(["is", "visit:utm_campaign", ["spring"]])));
    assert_eq!(manager.setting(Method::GET, "channels", Value::Null, 200).await, put);
    let own = json!([{ "metrics": [2, 3], "dimensions": ["Direct"] }, { "metrics": [1, 1], "dimensions": ["Spring"] }]);
    assert_eq!(manager.rows(by_channel.clone()).await, own, "the first rule that applies decides");
    let spring = json!([["is", "visit:channel", ["Spring"]]]);
    assert_eq!(manager.rows(json!({ "filters": spring })).await, json!([{ "metrics": [1], "dimensions": [] }]));

    // The other ways to ask.
    let measured = &manager.measured;
    let panel = measured.ask("breakdown", "period=24h&dimension=channel").await;
    assert_eq!((&panel["rows"][1]["label"], &panel["rows"][1]["visitors"]), (&json!("Spring"), &json!(1)), "{panel}");
    let filters: String = url::form_urlencoded::byte_serialize(spring.to_string().as_bytes()).collect();
    assert_eq!(measured.ask("kpis", &format!("period=24h&filters={filters}")).await["visitors"], 1);
    let v1 = measured.app.http.get(measured.app.url("/api/v1/stats/breakdown?site_id=example.org&period=day&property=visit:channel"));
    let v1 = read(v1.bearer_auth(&measured.key).send().await.unwrap(), 200).await;
    assert_eq!(v1["results"][1], json!({ "channel": "Spring", "visitors": 1 }));

    for (filters, channel) in [
        (json!([["is", "event:page", ["/"]]]), "x"),
        (json!([["is", "visit:entry_page", ["/"]]]), "x"),
        (json!([["is", "visit:channel", ["Direct"]]]), "x"),
        (json!([]), "x"),
        (json!([["is", "visit:source", ["a"]]]), " "),
    ] {
        let domain = format!("/api/domains/{}/channels", measured.site.id);
        let body = json!({ "rules": [{ "channel": channel, "filters": filters }] });
        let answer = manager.send(&manager.key, Method::PUT, &domain, &body).await;
        let field = if channel == "x" { "filters" } else { "channel" };
        assert_eq!(refusal(answer, 422).await, ("invalid_setting".to_owned(), vec![field.to_owned()]), "{body}");
    }
    assert_eq!(manager.setting(Method::GET, "channels", Value::Null, 200).await, put, "what is refused changes nothing");
    manager.setting(Method::PUT, "channels", json!({ "rules": [] }), 200).await;
    assert_eq!(manager.rows(by_channel).await, everybodys);
}

#[tokio::test]
async fn shields_are_kept_in_one_form() {
    let manager = manager().await;
    let shield = manager.setting(Method::POST, "shields", json!({ "kind": "country", "value": "antarctica" }), 201).await;
    assert_eq!(shield, json!({ "id": shield["id"], "kind": "country", "value": "AQ" }));
    for (body, field) in [
        (json!({ "kind": "moon", "value": "full" }), "kind"),
        (json!({ "kind": "ip", "value": "300.1.1.1" }), "value"),
        (json!({ "kind": "path", "value": "admin" }), "value"),
    ] {
        assert_eq!(manager.refused("shields", body).await, ("invalid_setting".to_owned(), vec![field.to_owned()]));
    }
    let shields = format!("/api/domains/{}/shields", manager.measured.site.id);
    let again = manager.send(&manager.key, Method::POST, &shields, &json!({ "kind": "country", "value": "AQ" })).await;
    assert_eq!(refusal(again, 409).await.0, "taken");
    manager.measured.app.run(&["shield", "add", "--domain", "example.org", "path", "/admin/"]).await.unwrap();
    let listed = manager.measured.app.run(&["shield", "list", "--domain", "example.org"]).await.unwrap();
    assert_eq!(listed, "country  AQ\npath     /admin\n");
    let path = manager.setting(Method::GET, "shields", Value::Null, 200).await[1].clone();
    let of = |id: &Value| format!("shields/{}", id.as_str().unwrap());
    let elsewhere = format!("/api/domains/{}/{}", manager.measured.site.id, of(&path["id"]));
    assert_eq!(manager.send(&manager.stranger, Method::DELETE, &elsewhere, &Value::Null).await.status(), 404);
    manager.setting(Method::DELETE, &of(&path["id"]), Value::Null, 204).await;
    manager.setting(Method::DELETE, &of(&path["id"]), Value::Null, 404).await;
    manager.measured.app.run(&["shield", "remove", "--domain", "example.org", "country", "AQ"]).await.unwrap();
    assert_eq!(manager.setting(Method::GET, "shields", Value::Null, 200).await, json!([]));
}

#[tokio::test]
async fn settings_are_their_domains_alone() {
    let manager = manager().await;
    let goal = manager.setting(Method::POST, "goals", json!({ "event": "Signup" }), 201).await;
    let segment = manager.setting(Method::POST, "segments", json!({ "name": "x", "filters": [["is", "event:page", ["/"]]] }), 201).await;
    let domain = format!("/api/domains/{}", manager.measured.site.id);
    let reader = &manager.measured.key;
    for path in ["goals", "segments", "annotations", "properties", "routes", "channels", "shields"] {
        let path = format!("{domain}/{path}");
        assert_eq!(manager.send(&manager.stranger, Method::GET, &path, &Value::Null).await.status(), 404, "{path}");
        assert_eq!(manager.send(reader, Method::GET, &path, &Value::Null).await.status(), 200, "{path}");
        let is_list = ["properties", "routes", "channels"].iter().any(|list| path.ends_with(list));
        let change = if is_list { Method::PUT } else { Method::POST };
        assert_eq!(manager.send(&manager.stranger, change.clone(), &path, &json!({})).await.status(), 404, "{path}");
        assert_eq!(manager.send(reader, change, &path, &json!({})).await.status(), 403, "{path}");
    }
    for path in [format!("{domain}/goals/{}", goal["id"]), format!("{domain}/segments/{}", segment["id"])] {
        assert_eq!(manager.send(&manager.stranger, Method::DELETE, &path, &Value::Null).await.status(), 404, "{path}");
    }
    let others = async |filters: Value| {
        let body = json!({ "site_id": "other.example", "metrics": ["visitors"], "date_range": "day", "filters": filters });
        read(manager.send(&manager.stranger, Method::POST, "/api/v2/query", &body).await, 400).await["error"].clone()
    };
    assert_eq!(
        others(json!([["is", "segment", [segment["id"]]]])).await,
        "Invalid filters. Some segments don't exist or aren't accessible."
    );
    assert_eq!(
        others(json!([["is", "event:goal", ["Signup"]]])).await,
        "Invalid filters. The goal `Signup` is not configured for this site."
    );
}
