//! `/api/v1/sites`, as a client of Plausible's Sites API uses it.

use footfall_testkit::{App, AppOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::measured::read;

struct Client {
    app: App,
    key: String,
}

async fn client() -> Client {
    let app = App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await.unwrap();
    app.run(&["user", "add", "ada@example.org"]).await.unwrap();
    let key =
        app.run(&["token", "add", "--team", "ada@example.org", "--scopes", "stats:read,sites:manage", "--rate-limit", "0"]).await.unwrap();
    let key = key.trim().to_owned();
    Client { app, key }
}

impl Client {
    async fn send(&self, method: Method, path: &str, body: Value, status: u16) -> Value {
        let request = self.app.http.request(method, self.app.url(path)).bearer_auth(&self.key);
        let answer = if body.is_null() { request.send().await } else { request.json(&body).send().await };
        read(answer.unwrap(), status).await
    }

    async fn form(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Value {
        let request = self.app.http.request(method, self.app.url(path)).bearer_auth(&self.key).form(fields);
        read(request.send().await.unwrap(), 200).await
    }
}

#[tokio::test]
async fn sites_are_made_and_listed() {
    let client = client().await;
    let made = client.form(Method::POST, "/api/v1/sites", &[("domain", "a.example"), ("timezone", "Europe/Berlin")]).await;
    assert_eq!(made, json!({ "domain": "a.example", "timezone": "Europe/Berlin" }));
    for domain in ["b.example", "c.example"] {
        client.send(Method::POST, "/api/v1/sites", json!({ "domain": domain }), 200).await;
    }
    let domains = |answer: &Value| {
        answer["sites"].as_array().unwrap().iter().map(|site| site["domain"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = client.send(Method::GET, "/api/v1/sites?limit=2", Value::Null, 200).await;
    assert_eq!((domains(&first), first["meta"]["limit"].as_u64()), (vec!["c.example".to_owned(), "b.example".to_owned()], Some(2)));
    let after = first["meta"]["after"].as_str().unwrap();
    let second = client.send(Method::GET, &format!("/api/v1/sites?limit=2&after={after}"), Value::Null, 200).await;
    assert_eq!((domains(&second), &second["meta"]["after"]), (vec!["a.example".to_owned()], &Value::Null));
    let before = second["meta"]["before"].as_str().unwrap();
    assert_eq!(
        domains(&client.send(Method::GET, &format!("/api/v1/sites?limit=2&before={before}"), Value::Null, 200).await),
        domains(&first)
    );

    for (body, error) in [
        (json!({}), "domain: can't be blank"),
        (json!({ "domain": "a.example" }), "domain: This domain cannot be registered. Perhaps one of your colleagues registered it?"),
    ] {
        assert_eq!(client.send(Method::POST, "/api/v1/sites", body, 400).await["error"], error);
    }
    let wrong = client.send(Method::POST, "/api/v1/sites", json!({ "domain": "d.example", "timezone": "Moon/Base" }), 400).await;
    assert!(wrong["error"].as_str().unwrap().starts_with("timezone: "), "{wrong}");
    client.send(Method::PUT, "/api/v1/sites/a.example", json!({ "domain": "z.example" }), 200).await;
    assert_eq!(client.send(Method::GET, "/api/v1/sites/a.example", Value::Null, 404).await["error"], "Site could not be found");
    assert_eq!(client.send(Method::DELETE, "/api/v1/sites/z.example", Value::Null, 200).await, json!({ "deleted": true }));
    client.send(Method::GET, "/api/v1/sites/z.example", Value::Null, 404).await;
}

#[tokio::test]
async fn goals_and_properties_are_found_or_made() {
    let client = client().await;
    client.send(Method::POST, "/api/v1/sites", json!({ "domain": "a.example" }), 200).await;
    let put = async |change: Value, status: u16| {
        let mut body = json!({ "site_id": "a.example" });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        client.send(Method::PUT, "/api/v1/sites/goals", body, status).await
    };
    let goal = put(json!({ "goal_type": "event", "event_name": "Signup" }), 200).await;
    assert_eq!(
        goal,
        json!({ "id": goal["id"], "domain": "a.example", "display_name": "Signup", "goal_type": "event", "event_name": "Signup", "page_path": null })
    );
    assert_eq!(put(json!({ "goal_type": "event", "event_name": "Signup" }), 200).await, goal);
    // Twice at once is once.
    let twice = json!({ "goal_type": "event", "event_name": "Buy" });
    let (one, other) = tokio::join!(put(twice.clone(), 200), put(twice, 200));
    assert_eq!(one, other);
    client.send(Method::DELETE, &format!("/api/v1/sites/goals/{}", one["id"]), json!({ "site_id": "a.example" }), 200).await;
    let page = put(json!({ "goal_type": "page", "page_path": "/blog/*", "display_name": "Blog" }), 200).await;
    assert_eq!((&page["page_path"], &page["display_name"]), (&json!("/blog/*"), &json!("Blog")));
    for (change, error) in [
        (json!({}), "Parameter `goal_type` is required to create a goal"),
        (json!({ "goal_type": "event" }), "Parameter `event_name` is required to create a goal"),
        (json!({ "goal_type": "page" }), "Parameter `page_path` is required to create a goal"),
        (json!({ "goal_type": "moon" }), "Parameter `goal_type` is `moon`; it is `event` or `page`"),
    ] {
        assert_eq!(put(change, 400).await["error"], error);
    }
    let goals = client.send(Method::GET, "/api/v1/sites/goals?site_id=a.example", Value::Null, 200).await;
    assert_eq!(goals["goals"].as_array().unwrap().len(), 2);
    assert_eq!(goals["meta"], json!({ "after": null, "before": null, "limit": 100 }));
    let body = json!({ "site_id": "a.example" });
    let path = format!("/api/v1/sites/goals/{}", goal["id"]);
    assert_eq!(client.send(Method::DELETE, &path, body.clone(), 200).await, json!({ "deleted": true }));
    assert_eq!(client.send(Method::DELETE, &path, body.clone(), 404).await["error"], "Goal could not be found");

    let plan = json!({ "site_id": "a.example", "property": "plan" });
    for _ in 0..2 {
        assert_eq!(client.send(Method::PUT, "/api/v1/sites/custom-props", plan.clone(), 200).await, json!({ "created": true }));
    }
    let listed = client.send(Method::GET, "/api/v1/sites/custom-props?site_id=a.example", Value::Null, 200).await;
    assert_eq!(listed, json!({ "custom_properties": [{ "property": "plan" }] }));
    assert_eq!(client.send(Method::GET, "/api/v1/sites/a.example", Value::Null, 200).await["custom_properties"], json!(["plan"]));
    assert_eq!(client.send(Method::DELETE, "/api/v1/sites/custom-props/plan", body.clone(), 200).await, json!({ "deleted": true }));
    client.send(Method::PUT, "/api/v1/sites/custom-props", plan.clone(), 200).await;
    assert_eq!(client.send(Method::DELETE, "/api/v1/sites/custom-props", plan, 200).await, json!({ "deleted": true }));
    let listed = client.send(Method::GET, "/api/v1/sites/custom-props?site_id=a.example", Value::Null, 200).await;
    assert_eq!(listed, json!({ "custom_properties": [] }));
}

#[tokio::test]
async fn sites_are_their_owners_alone() {
    let client = client().await;
    client.send(Method::POST, "/api/v1/sites", json!({ "domain": "a.example" }), 200).await;
    client.app.site("b.example", "UTC").await.unwrap();
    let of_one = client.app.key("b.example", "sites:manage").await.unwrap();
    let reader = client.app.key("a.example", "stats:read").await.unwrap();
    let get =
        async |key: &str, path: &str| client.app.http.get(client.app.url(path)).bearer_auth(key).send().await.unwrap().status().as_u16();
    assert_eq!(get(&reader, "/api/v1/sites").await, 401);
    assert_eq!(get("nonsense", "/api/v1/sites").await, 401);
    for path in ["/api/v1/sites/a.example", "/api/v1/sites/goals?site_id=a.example", "/api/v1/sites/custom-props?site_id=a.example"] {
        assert_eq!(get(&of_one, path).await, 404, "{path}");
        assert_eq!(get(&client.key, path).await, 200, "{path}");
    }
    let add = client.app.http.post(client.app.url("/api/v1/sites")).bearer_auth(&of_one).json(&json!({ "domain": "x.example" }));
    assert_eq!(add.send().await.unwrap().status(), 403);
    let listed = client.app.http.get(client.app.url("/api/v1/sites")).bearer_auth(&of_one).send().await.unwrap();
    assert_eq!(read(listed, 200).await["sites"], json!([{ "domain": "b.example", "timezone": "UTC" }]));
}
