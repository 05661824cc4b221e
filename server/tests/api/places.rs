//! Names of countries, regions and cities.

use footfall_testkit::{
    App, AppOptions, FIREFOX,
    city_database::{self, Network},
    eventually,
};
use serde_json::{Value, json};

use crate::measured::{SOON, read};

const NETWORKS: [Network; 3] = [
    Network { address: std::net::Ipv4Addr::new(81, 2, 69, 0), country: "GB", region: ("ENG", "England"), city: (2_643_743, "London") },
    Network {
        address: std::net::Ipv4Addr::new(89, 160, 20, 0),
        country: "SE",
        region: ("E", "Östergötland"),
        city: (2_694_762, "Linköping"),
    },
    // Another place of a name that there is already.
    Network { address: std::net::Ipv4Addr::new(67, 43, 156, 0), country: "CA", region: ("ON", "Ontario"), city: (6_058_560, "London") },
];

#[tokio::test]
async fn places_have_names_where_the_database_knows_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("city.mmdb");
    std::fs::write(&file, city_database::bytes(&NETWORKS)).unwrap();
    let options = AppOptions::new(env!("CARGO_BIN_EXE_footfall")).env("FOOTFALL_CITY_DATABASE", file.to_str().unwrap());
    let app = App::start(options).await.unwrap();
    app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    // The last address is in no network of the database; the country is known by the list in the binary.
    for address in ["81.2.69.1", "81.2.69.2", "89.160.20.112", "67.43.156.1", "8.8.8.8", "10.0.0.1"] {
        let body = json!({ "domain": "example.org", "path": "/" }).to_string();
        let event = app.http.post(app.url("/api/events")).header("user-agent", FIREFOX).header("x-forwarded-for", address);
        assert_eq!(event.body(body).send().await.unwrap().status(), 202);
    }
    let stored = eventually(SOON, async || (app.totals(&key, "example.org").await.ok()?.visitors == 6).then_some(())).await;
    assert!(stored.is_some(), "server log:\n{}", app.log());
    let ask = async |what: &str, change: Value| {
        let mut body = json!({ "site_id": "example.org", "date_range": "24h" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        read(app.http.post(app.url(&format!("/api/v2/{what}"))).bearer_auth(&key).json(&body).send().await.unwrap(), 200).await
    };
    let rows = async |dimension: &str| {
        let question = json!({ "metrics": ["visitors"], "dimensions": [dimension], "order_by": [[dimension, "asc"]] });
        let answer = ask("query", question).await;
        let row = |row: &Value| (row["dimensions"][0].as_str().unwrap().to_owned(), row["metrics"][0].as_u64().unwrap());
        answer["results"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let found = |rows: &[(&str, u64)]| rows.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>();
    assert_eq!(rows("visit:city").await, found(&[("(unknown)", 2), ("2643743", 2), ("2694762", 1), ("6058560", 1)]));
    assert_eq!(
        rows("visit:city_name").await,
        found(&[("(unknown)", 2), ("Linköping", 1), ("London", 3)]),
        "places of one name are one row"
    );
    assert_eq!(rows("visit:region").await, found(&[("(unknown)", 2), ("CA-ON", 1), ("GB-ENG", 2), ("SE-E", 1)]));
    assert_eq!(rows("visit:region_name").await, found(&[("(unknown)", 2), ("England", 2), ("Ontario", 1), ("Östergötland", 1)]));
    let countries = [("(unknown)", 1), ("Canada", 1), ("Sweden", 1), ("United Kingdom", 2), ("United States", 1)];
    assert_eq!(rows("visit:country_name").await, found(&countries));

    let visitors = async |filter: Value| {
        ask("query", json!({ "metrics": ["visitors"], "filters": [filter] })).await["results"][0]["metrics"][0].clone()
    };
    assert_eq!(visitors(json!(["is", "visit:city_name", ["London"]])).await, 3);
    assert_eq!(visitors(json!(["contains", "visit:city_name", ["köp", "nowhere"]])).await, 1);
    assert_eq!(visitors(json!(["is_not", "visit:region_name", ["England", "(unknown)"]])).await, 2);
    assert_eq!(
        visitors(json!(["or", [["is", "visit:country_name", ["canada"], { "case_sensitive": false }], ["is", "visit:city", [2_694_762]]]]))
            .await,
        2
    );
    let page = json!(["is", "event:page", ["/"]]);
    let steps = json!({ "steps": [page, ["is", "visit:city_name", ["London"]]], "dimensions": ["visit:country_name"], "limit": 1 });
    assert_eq!(ask("funnel", steps).await["results"][0]["dimensions"], json!(["United Kingdom"]));
    let journey = ask("journey", json!({ "filters": [["is", "visit:city_name", ["London"]]] })).await;
    assert_eq!(journey["visits"], 3);
    let retention = ask("retention", json!({ "interval": "day", "filters": [["is", "visit:country_name", ["Sweden"]]] })).await;
    let people: u64 = retention["results"].as_array().unwrap().iter().map(|period| period["people"].as_u64().unwrap()).sum();
    assert_eq!(people, 1);
}

#[tokio::test]
async fn a_city_database_that_is_none_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("city.mmdb");
    for content in [None, Some("not a database")] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let options = AppOptions::new(env!("CARGO_BIN_EXE_footfall")).env("FOOTFALL_CITY_DATABASE", file.to_str().unwrap());
        let error = format!("{:#}", App::start(options).await.err().expect("it does not start"));
        assert!(error.contains("mend FOOTFALL_CITY_DATABASE") && error.contains("city.mmdb"), "{error}");
    }
}
