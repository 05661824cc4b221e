//! Whatever is sent as a question: it is read or refused, never a panic; and of what is read no text of the sender becomes text of a statement.
//! `PROPTEST_CASES=1000000 cargo test --locked -p footfall-query --test fuzz` looks longer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chrono_tz::Tz;
use footfall_model::SiteId;
use footfall_query::{
    Range, Scope, Sql,
    behaviour::{Identity, Retention, funnel, journey, retention},
    language::{self, By, Segment, Settings, behaviour, channel_rule, v1},
    question::{Goal, Key, Labels, Question, RolledDay, days, goal::CompletedBy, statement},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Marks what comes from the sender.
const EVIL: &str = "zz'}) --";

fn settings() -> Settings {
    let goal = |name: &str, by: CompletedBy| Goal {
        name: name.to_owned(),
        by,
        props: vec![(EVIL.to_owned(), EVIL.to_owned())],
        currency: Some("EUR".to_owned()),
    };
    Settings {
        goals: vec![
            goal(EVIL, CompletedBy::Event(EVIL.to_owned())),
            goal("page", CompletedBy::Page(format!("/*{EVIL}"))),
            goal("deep", CompletedBy::Scroll { path: EVIL.to_owned(), depth: 50 }),
        ],
        segments: vec![Segment { id: 7, filters: vec![json!(["is", "event:page", [EVIL]])] }],
        routes: vec![EVIL.to_owned(), "/blog/:slug".to_owned()],
        channels: vec![channel_rule(EVIL, &[json!(["contains", "visit:referrer", [EVIL]])]).unwrap()],
    }
}

/// Words that the language knows, and some that it does not.
fn word() -> impl Strategy<Value = Value> {
    let known = [
        "is",
        "is_not",
        "contains",
        "contains_not",
        "matches",
        "matches_not",
        "and",
        "or",
        "not",
        "has_done",
        "has_not_done",
        "segment",
        "event:goal",
        "event:page",
        "event:route",
        "event:name",
        "event:hostname",
        "event:props:zz'}) --",
        "visit:source",
        "visit:channel",
        "visit:city_name",
        "visit:country_name",
        "visit:city",
        "visit:country",
        "visit:exit_page",
        "time",
        "time:day",
        "visitors",
        "visits",
        "pageviews",
        "bounce_rate",
        "percentage",
        "conversion_rate",
        "group_conversion_rate",
        "total_revenue",
        "scroll_depth",
        "exit_rate",
        "asc",
        "desc",
        "entry",
        "exit",
        "forward",
        "strict",
        "1d",
        "30m",
        "7d",
        "page",
        "deep",
        EVIL,
        "(",
        "^a|b$",
        "",
    ];
    prop_oneof![
        8 => proptest::sample::select(known.to_vec()).prop_map(|word| json!(word)),
        1 => ".{0,12}".prop_map(|text| json!(text)),
        1 => prop_oneof![Just(json!(null)), any::<bool>().prop_map(|value| json!(value)), any::<i64>().prop_map(|value| json!(value)), Just(json!(7)), Just(json!(1e30))],
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    word().prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 0..5).prop_map(Value::Array),
            1 => vec((".{0,6}", inner), 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Mostly one of these, else any word.
fn mostly(these: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![30 => proptest::sample::select(these).prop_map(|word| json!(word)), 1 => word()]
}

const METRICS: &[&str] = &[
    "visitors",
    "visits",
    "pageviews",
    "events",
    "bounce_rate",
    "percentage",
    "time_on_page",
    "conversion_rate",
    "group_conversion_rate",
    "total_revenue",
    "exit_rate",
    "scroll_depth",
];
const DIMENSIONS: &[&str] = &[
    "event:page",
    "event:route",
    "event:name",
    "event:hostname",
    "event:props:zz'}) --",
    "visit:source",
    "visit:channel",
    "visit:exit_page",
    "visit:utm_term",
    "event:goal",
];
const COMPARISONS: &[&str] = &["is", "is_not", "contains", "contains_not", "matches", "matches_not"];

/// A filter that is nearly one.
fn filter() -> impl Strategy<Value = Value> {
    let value = prop_oneof![4 => Just(json!("zz")), 2 => Just(json!("page")), 2 => ".{0,6}".prop_map(|text| json!(text)), 1 => word()];
    let compared =
        (mostly(COMPARISONS), mostly(DIMENSIONS), vec(value, 1..3)).prop_map(|(operator, name, values)| json!([operator, name, values]));
    let named = prop_oneof![
        Just(json!(["is", "segment", [7]])),
        Just(json!(["is", "event:goal", [EVIL, "page"]])),
        Just(json!(["contains", "event:goal", ["e"], { "case_sensitive": false }])),
    ];
    let leaf = prop_oneof![4 => compared, 1 => named];
    let nested = leaf.prop_recursive(3, 12, 3, |inner| {
        let joined = (mostly(&["and", "or"]), vec(inner.clone(), 0..3)).prop_map(|(operator, filters)| json!([operator, filters]));
        let wrapped = (mostly(&["not", "has_done", "has_not_done"]), inner).prop_map(|(operator, filter)| json!([operator, filter]));
        prop_oneof![joined, wrapped]
    });
    prop_oneof![30 => nested, 1 => anything()]
}

fn body() -> impl Strategy<Value = Map<String, Value>> {
    let order = prop_oneof![3 => Just(Vec::new()), 1 => vec(vec(word(), 0..3), 0..2)];
    let start = prop_oneof![2 => filter(), 1 => mostly(&["entry", "exit"])];
    let odd = prop_oneof![3 => Just(Vec::new()), 1 => vec((0..12_usize, anything()), 1..3)];
    let fields = (vec(mostly(METRICS), 1..4), vec(mostly(DIMENSIONS), 0..3), vec(filter(), 0..3), order, vec(filter(), 1..5), start);
    (fields, odd).prop_map(|((metrics, dimensions, filters, order_by, steps, start), odd)| {
        let mut body = json!({
            "site_id": "x", "date_range": "7d", "metrics": metrics, "dimensions": dimensions, "filters": filters, "order_by": order_by, "steps": steps,
            "start": start,
        });
        let all = body.as_object_mut().unwrap();
        for (place, value) in odd {
            let names = ["metrics", "dimensions", "filters", "order_by", "include", "pagination", "limit", "steps", "start", "window", "order", EVIL];
            all.insert(names[place].to_owned(), value);
        }
        all.clone()
    })
}

fn scope() -> Scope {
    Scope::authorised(SiteId(Uuid::from_u128(7)))
}

/// Each table is read for the domain alone, and nothing of the sender is in the text.
fn is_safe(sql: &Sql) {
    assert!(!sql.text.contains(EVIL) && !sql.text.contains("zz"), "{}", sql.text);
    let flat = sql.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let tables = ["FROM events", "FROM sessions FINAL", "FROM day_figures", "FROM day_changes", "FROM rolled_days"];
    let tables: usize = tables.map(|table| flat.matches(table).count()).iter().sum();
    assert_eq!(flat.matches("WHERE site_id = {p").count(), tables, "{}", sql.text);
}

fn only(body: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    body.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Some thousands, unless the environment says otherwise. A failure prints its seed.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn days_are_worked_out_of_one_domain() {
    is_safe(&days::rolled_days(scope(), Range::new(0, 86_400_000), Tz::Europe__Berlin));
    let statements = days::roll_all(scope(), 0..3, 1, Tz::Europe__Berlin);
    assert!(statements.len() > 20);
    statements.iter().for_each(is_safe);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn questions_are_read_or_refused(body in body()) {
        let (settings, range) = (settings(), Range::new(0, 86_400_000));
        let question = only(&body, &["site_id", "date_range", "metrics", "dimensions", "filters", "order_by", "include", "pagination"]);
        if let Ok(asked) = language::parse(&question, &settings, |_| Ok(())) {
            let key = |by: &By| match by {
                By::Time(_) => Key::Time(vec![0]),
                By::Dimension(dimension) => Key::By(dimension.clone()),
                By::Goal(goals) => Key::Goal(goals.clone()),
            };
            let question = Question {
                metrics: asked.metrics.clone(), range, keys: asked.dimensions.iter().map(key).collect(), condition: asked.condition.clone(),
                labels: Labels::Holding(EVIL.to_owned()), order: asked.order_by.clone(), limit: asked.limit, offset: asked.offset, currency: Some(EVIL.to_owned()), approximate: false, cut: None,
                rolled: Vec::new(),
                is_beside_its_whole: false,
            };
            for question in [question.clone(), question.over_days([RolledDay { day: 0, build: 1 }], Tz::UTC)] {
                is_safe(&statement(scope(), &question).map_err(|error| TestCaseError::fail(error.to_string()))?.sql);
            }
        }
        let question = only(&body, &["site_id", "date_range", "filters", "steps", "order", "window", "dimensions", "limit"]);
        if let Ok(asked) = behaviour::funnel(&question, &settings, |_| Ok(()))
            && let Ok(sql) = funnel::statement(scope(), range, &asked)
        {
            is_safe(&sql);
        }
        let question = only(&body, &["site_id", "date_range", "filters", "start", "direction", "limit"]);
        if let Ok(asked) = behaviour::journey(&question, &settings, |_| Ok(())) {
            is_safe(&journey::statement(scope(), range, &asked));
        }
        let question = only(&body, &["site_id", "date_range", "filters", "interval", "identity"]);
        if let Ok(asked) = behaviour::retention(&question, &settings, |_| Ok(())) {
            for identity in [Identity::User, Identity::Visitor] {
                is_safe(&retention::statement(scope(), &Retention { range, starts: vec![0], identity, condition: asked.condition.clone() }));
            }
            is_safe(&retention::has_users(scope(), range, &asked.condition));
        }
    }

    #[test]
    fn filters_of_v1_are_read_or_refused(text in "[a-z:=!|;*\\\\ é]{0,40}") {
        if let Ok(filters) = v1::filters(&text) {
            let body = json!({ "site_id": "x", "date_range": "7d", "metrics": ["visitors"], "filters": filters });
            let _ = language::parse(body.as_object().unwrap(), &settings(), |_| Ok(()));
        }
    }
}
