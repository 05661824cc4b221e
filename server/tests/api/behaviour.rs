//! `POST /api/v2/{funnel,journey,retention}`.

use serde_json::{Value, json};

use crate::measured::{Measured, measured, read};

async fn ask(measured: &Measured, what: &str, change: &Value, status: u16) -> Value {
    let mut body = json!({ "site_id": "example.org", "date_range": "24h" });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    let request = measured.app.http.post(measured.app.url(&format!("/api/v2/{what}"))).bearer_auth(&measured.key).json(&body);
    read(request.send().await.unwrap(), status).await
}

#[tokio::test]
async fn visitors_are_followed_step_by_step() {
    let measured = measured().await;
    let page = |path: &str| json!(["is", "event:page", [path]]);
    let signup = json!(["is", "event:name", ["Signup"]]);
    let funnel = json!({ "steps": [page("/"), page("/pricing"), signup], "dimensions": ["visit:source"] });
    let answer = ask(&measured, "funnel", &funnel, 200).await;
    let step = |visitors: u64, conversion: f64, step: f64, dropped: u64| json!({ "visitors": visitors, "conversion_rate": conversion, "step_rate": step, "dropped": dropped });
    assert_eq!(answer["steps"], json!([step(3, 100.0, 100.0, 0), step(1, 33.33, 33.33, 2), step(1, 33.33, 100.0, 0)]));
    assert_eq!(
        answer["results"],
        json!([
            { "dimensions": ["Direct / None"], "steps": [step(2, 100.0, 100.0, 0), step(1, 50.0, 50.0, 1), step(1, 50.0, 100.0, 0)] },
            { "dimensions": ["newsletter"], "steps": [step(1, 100.0, 100.0, 0), step(0, 0.0, 0.0, 1), step(0, 0.0, 0.0, 0)] },
        ])
    );
    let strict = ask(&measured, "funnel", &json!({ "steps": [page("/"), signup], "order": "strict" }), 200).await;
    assert_eq!(strict["steps"][1]["visitors"], 0, "the prices come between");
    let nothing =
        ask(&measured, "funnel", &json!({ "steps": [page("/x"), signup], "date_range": ["2020-01-01", "2020-01-02"] }), 200).await;
    assert_eq!(nothing["steps"], json!([step(0, 0.0, 0.0, 0), step(0, 0.0, 0.0, 0)]));

    let forward = ask(&measured, "journey", &json!({ "steps": 2 }), 200).await;
    assert_eq!(
        (&forward["visits"], &forward["results"]),
        (
            &json!(3),
            &json!([
                { "path": [{ "page": "/" }], "visits": 3, "ended": 2 },
                { "path": [{ "page": "/" }, { "page": "/pricing" }], "visits": 1, "ended": 0 },
                { "path": [{ "page": "/" }, { "page": "/pricing" }, { "event": "Signup" }], "visits": 1, "ended": 0 },
            ])
        )
    );
    let backward = ask(&measured, "journey", &json!({ "start": signup, "direction": "backward", "steps": 1 }), 200).await;
    assert_eq!(backward["results"][1]["path"], json!([{ "event": "Signup" }, { "page": "/pricing" }]));

    let retention = ask(&measured, "retention", &json!({ "interval": "day" }), 200).await;
    assert_eq!(retention["identity"], "visitor");
    let people: u64 = retention["results"].as_array().unwrap().iter().map(|period| period["returned"][0].as_u64().unwrap()).sum();
    assert_eq!(people, 3);
}

#[tokio::test]
async fn declared_users_are_known_again() {
    let measured = measured().await;
    let body = json!({ "domain": "example.org", "path": "/", "userId": "ada" });
    assert_eq!(measured.app.post(&body).await.unwrap().status(), 202);
    let known = footfall_testkit::eventually(crate::measured::SOON, async || {
        let answer = ask(&measured, "retention", &json!({ "interval": "week" }), 200).await;
        let people: u64 = answer["results"].as_array().unwrap().iter().map(|period| period["people"].as_u64().unwrap()).sum();
        (answer["identity"] == "user" && people == 1).then_some(answer)
    });
    let answer = known.await.expect("the user is known");
    assert!(answer["explanation"].as_str().unwrap().starts_with("People are known by the user id"), "{answer}");
    let by_visitor = ask(&measured, "retention", &json!({ "identity": "visitor" }), 200).await;
    assert_eq!(by_visitor["identity"], "visitor");
}

#[tokio::test]
async fn the_documented_examples_are_answered() {
    let measured = measured().await;
    measured.app.run(&["goal", "add", "--domain", "example.org", "--event", "Signup"]).await.unwrap();
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/behaviour.md")).unwrap();
    let examples: Vec<&str> = text.split("```json ").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        let (what, question) = example.split_once('\n').unwrap();
        ask(&measured, what, &serde_json::from_str(question).unwrap(), 200).await;
    }
}

#[tokio::test]
async fn strangers_and_odd_questions_are_refused_as_everywhere() {
    let measured = measured().await;
    measured.app.site("other.example", "UTC").await.unwrap();
    for what in ["funnel", "journey", "retention"] {
        let others = ask(&measured, what, &json!({ "site_id": "other.example" }), 401).await;
        assert_eq!(ask(&measured, what, &json!({ "site_id": "nobody.example", "nonsense": 1 }), 401).await, others);
        let url = measured.app.url(&format!("/api/v2/{what}"));
        assert_eq!(measured.app.http.post(&url).json(&json!({ "site_id": "example.org" })).send().await.unwrap().status(), 401);
        let odd = ask(&measured, what, &json!({ "moon": "full" }), 400).await;
        assert!(odd["error"].as_str().unwrap().contains("#/moon: Schema does not allow additional properties."), "{odd}");
        let dated = ask(&measured, what, &json!({ "date_range": "yesteryear" }), 400).await;
        assert_eq!(dated["error"], "Invalid date_range \"yesteryear\"");
    }
    let ends = json!({ "steps": [["is", "event:page", ["/"]], ["is", "event:page", ["/x"]]], "dimensions": ["visit:exit_page"] });
    assert!(
        ask(&measured, "funnel", &ends, 400).await["error"].as_str().unwrap().contains("visit:exit_page is known of whole visits alone")
    );
}
