use serde_json::json;

use super::*;
use crate::question::{Leaf, Op, goal::CompletedBy};

fn ask(change: &Value) -> Result<Asked, String> {
    let mut body = json!({ "site_id": "example.org", "metrics": ["visitors", "pageviews"], "date_range": "7d" });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    parse(body.as_object().unwrap(), &Settings::default(), |_| Ok(()))
}

fn leaf(op: Op, dimension: &str, values: &[&str]) -> Condition {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Condition::Leaf(Leaf { op, dimension: Dimension::named(dimension).unwrap(), values, case_sensitive: true })
}

#[test]
fn reads_a_question() {
    let asked = ask(&json!({
        "dimensions": ["visit:source", "time:day"], "filters": [["is", "event:page", ["/"]]], "order_by": [["visit:source", "desc"], ["pageviews", "asc"]],
        "include": { "total_rows": true, "imports": false, "time_labels": true }, "pagination": { "limit": 5 },
    }));
    let expected = Asked {
        metrics: vec![Metric::Visitors, Metric::Pageviews],
        dimensions: vec![By::Dimension(Dimension::Visit(OfVisit::Source)), By::Time(Some(Interval::Day))],
        condition: Condition::All(vec![leaf(Op::Is, "event:page", &["/"])]),
        order_by: vec![(Order::Key(0), Direction::Descending), (Order::Metric(Metric::Pageviews), Direction::Ascending)],
        include: BTreeMap::from([("total_rows".to_owned(), true), ("time_labels".to_owned(), true)]),
        limit: 5,
        offset: 0,
    };
    assert_eq!(asked.unwrap(), expected);
}

#[test]
fn rows_come_by_time_and_then_by_the_first_metric() {
    let order = |change| ask(&change).unwrap().order_by;
    let metric = (Order::Metric(Metric::Visitors), Direction::Descending);
    assert_eq!(order(json!({})), [metric]);
    assert_eq!(order(json!({ "dimensions": ["visit:os", "time"] })), [(Order::Key(1), Direction::Ascending), metric]);
}

#[test]
fn reads_nested_filters() {
    let asked = ask(&json!({ "filters": [
        ["or", [["not", ["contains", "visit:source", ["oog"], { "case_sensitive": false }]], ["and", []]]],
        ["has_not_done", ["is", "event:name", ["Signup"]]],
        ["is_not", "visit:city", [2_950_159, 5]],
        ["matches", "event:props:plan", ["^p"]],
    ] }));
    let source =
        Leaf { op: Op::Contains, dimension: Dimension::Visit(OfVisit::Source), values: vec!["oog".to_owned()], case_sensitive: false };
    let not = |condition| Condition::Not(Box::new(condition));
    let expected = Condition::All(vec![
        Condition::Any(vec![not(Condition::Leaf(source)), Condition::All(vec![])]),
        not(Condition::HasDone(Box::new(leaf(Op::Is, "event:name", &["Signup"])))),
        not(leaf(Op::Is, "visit:city", &["2950159", "5"])),
        leaf(Op::Matches, "event:props:plan", &["^p"]),
    ]);
    assert_eq!(asked.unwrap().condition, expected);
}

#[test]
fn refuses_in_the_words_of_the_protocol() {
    let mut deep = json!(["is", "visit:os", ["x"]]);
    for _ in 0..40 {
        deep = json!(["not", deep]);
    }
    let changes = [
        json!({ "metrics": ["x"] }),
        json!({ "metrics": [] }),
        json!({ "metrics": "visitors" }),
        json!({ "metrics": [5] }),
        json!({ "metrics": ["visitors", "visitors"] }),
        json!({ "metrics": ["visitors", "scroll_depth"] }),
        json!({ "metrics": ["scroll_depth"], "filters": [["or", [["is", "event:page", ["/"]]]]] }),
        json!({ "metrics": ["time_on_page"] }),
        json!({ "metrics": ["percentage"] }),
        json!({ "metrics": ["conversion_rate"] }),
        json!({ "metrics": ["exit_rate"] }),
        json!({ "metrics": ["exit_rate"], "dimensions": ["visit:exit_page", "visit:os"] }),
        json!({ "metrics": ["exit_rate"], "dimensions": ["visit:exit_page"], "filters": [["is", "event:page", ["/"]]] }),
        json!({ "metrics": ["bounce_rate", "visitors", "visit_duration"], "dimensions": ["event:page", "event:name"] }),
        json!({ "metrics": ["bounce_rate"], "dimensions": ["event:hostname"] }),
        json!({ "dimensions": ["badproperty"] }),
        json!({ "dimensions": ["event:props:"] }),
        json!({ "metrics": ["bounce_rate"], "dimensions": ["event:goal"] }),
        json!({ "dimensions": ["time:second"] }),
        json!({ "dimensions": {} }),
        json!({ "filters": [["resembles", "event:page", ["/"]]] }),
        json!({ "filters": [["is", "event:page"]] }),
        json!({ "filters": [["is", "event:page", []]] }),
        json!({ "filters": [["is", "event:page", "/"]] }),
        json!({ "filters": [["is", "event:page", [1]]] }),
        json!({ "filters": [["is", "event:page", ["/"], { "x": true }]] }),
        json!({ "filters": [["is", "event:page", ["/"], { "case_sensitive": 1 }]] }),
        json!({ "filters": [["is", "event:page", ["/"], {}, 1]] }),
        json!({ "filters": [["is", "time", ["2026-01-01"]]] }),
        json!({ "filters": [["is", "visit:country", ["Germany"]]] }),
        json!({ "filters": [["is", "event:goal", ["Signup"]]] }),
        json!({ "filters": [["is_not", "event:goal", ["Signup"]]] }),
        json!({ "filters": [["matches", "event:goal", ["Sign"]]] }),
        json!({ "filters": [["or", [["contains", "event:goal", ["Sign"]]]]] }),
        json!({ "filters": [["is", "segment", [1]]] }),
        json!({ "filters": [["is", "segment", []]] }),
        json!({ "filters": [["contains", "segment", ["x"]]] }),
        json!({ "filters": [["matches", "event:page", ["("]]] }),
        json!({ "filters": [["or", [["is", "event:hostname", ["x"]]]]] }),
        json!({ "filters": [["and", ["is", "event:page", ["x"]]]] }),
        json!({ "filters": [["not", []]] }),
        json!({ "filters": [["has_done", ["has_not_done", ["is", "event:name", ["x"]]]]] }),
        json!({ "filters": [["has_done", ["is", "visit:os", ["x"]]]] }),
        json!({ "filters": [["contains", "event:page", vec!["x"; 501]]] }),
        json!({ "filters": null }),
        json!({ "order_by": [["events", "asc"]] }),
        json!({ "order_by": [["visit:os", "asc"]] }),
        json!({ "order_by": [["visitors", "upwards"]] }),
        json!({ "order_by": [["visitors"]] }),
        json!({ "order_by": ["visitors"] }),
        json!({ "include": { "time_labels": true } }),
        json!({ "include": { "imports": "yes", "everything": true } }),
        json!({ "include": [] }),
        json!({ "pagination": { "limit": 0 } }),
        json!({ "pagination": { "limit": 10_001, "offset": -1 } }),
        json!({ "pagination": { "limit": 1e30, "page": 2 } }),
        json!({ "limit": 5, "metrics": 5 }),
        json!({ "metrics": ["é".repeat(300)] }),
        json!({ "filters": [deep] }),
    ];
    let mut refusals = Vec::new();
    for change in changes {
        let text = ask(&change).expect_err(&change.to_string());
        refusals.push(format!("{}\n{text}\n", shortened(&change.to_string())));
    }
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn says_what_is_missing() {
    let refusal = |body: Value| parse(body.as_object().unwrap(), &Settings::default(), |_| Ok(())).unwrap_err();
    assert_eq!(refusal(json!({})), "#: Required properties site_id, metrics, date_range were not present.");
    assert_eq!(refusal(json!({ "site_id": "x", "metrics": ["visitors"] })), "#: Required property date_range was not present.");
}

#[test]
fn a_bad_date_range_is_named_before_a_bad_metric() {
    let body = json!({ "site_id": "x", "metrics": ["x"], "date_range": 1 });
    assert_eq!(parse(body.as_object().unwrap(), &Settings::default(), |value| Err(format!("no {value}"))).unwrap_err(), "no 1");
}

#[test]
fn time_takes_the_interval_that_fits() {
    let fitting = |range: Value| {
        let zone: Tz = "America/New_York".parse().unwrap();
        fitting_interval(crate::date_range::resolve(&range, zone, 1_795_000_000_000, None).unwrap(), zone)
    };
    for (range, interval) in [
        (json!("day"), Interval::Hour),
        (json!("30m"), Interval::Hour),
        (json!("7d"), Interval::Day),
        (json!("30d"), Interval::Day),
        (json!(["2026-10-01", "2026-10-31"]), Interval::Day),
        (json!(["2026-10-01", "2026-11-01"]), Interval::Month),
        (json!("91d"), Interval::Month),
        (json!("12mo"), Interval::Month),
    ] {
        assert_eq!(fitting(range.clone()), interval, "{range}");
    }
}

fn settings() -> Settings {
    let goal = |name: &str, currency: Option<&str>| Goal {
        name: name.to_owned(),
        by: CompletedBy::Event(name.to_owned()),
        props: Vec::new(),
        currency: currency.map(str::to_owned),
    };
    let segment = |id, filters: Value| Segment { id, filters: filters.as_array().unwrap().clone() };
    Settings {
        goals: vec![goal("Signup", None), goal("Buy", Some("EUR")), goal("Buy more", Some("USD"))],
        segments: vec![
            segment(3, json!([["is", "event:page", ["/"]], ["is", "event:goal", ["Buy"]]])),
            segment(4, json!([["is", "visit:os", ["Linux"]]])),
        ],
        routes: vec!["/blog/:slug".to_owned()],
        channels: vec![channel_rule("Partners", &[json!(["is", "visit:source", ["acme"]])]).unwrap()],
    }
}

fn ask_with(change: &Value) -> Result<Asked, String> {
    let mut body = json!({ "site_id": "example.org", "metrics": ["visitors"], "date_range": "7d" });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    parse(body.as_object().unwrap(), &settings(), |_| Ok(()))
}

#[test]
fn a_route_is_the_domains_and_follows_the_rules_of_pages() {
    let route = Dimension::Route(vec!["/blog/:slug".to_owned()]);
    let by_route = ask_with(&json!({ "metrics": ["bounce_rate", "scroll_depth"], "dimensions": ["event:route"] })).unwrap();
    assert_eq!(by_route.dimensions, [By::Dimension(route.clone())]);
    let asked = ask_with(&json!({ "metrics": ["time_on_page"], "filters": [["is", "event:route", ["/blog/:slug"]]] })).unwrap();
    assert!(asked.condition.is_about(&|dimension| *dimension == route));
    let refused = ask_with(&json!({ "metrics": ["bounce_rate"], "dimensions": ["event:route", "event:name"] })).unwrap_err();
    assert!(refused.contains("cannot be queried along with event dimension(s) `event:route, event:name`"), "{refused}");
}

#[test]
fn channels_are_the_domains() {
    let asked = ask_with(&json!({ "dimensions": ["visit:channel"], "filters": [["is", "visit:channel", ["Partners"]]] })).unwrap();
    let partners = Dimension::Channel(settings().channels);
    assert_eq!(asked.dimensions, [By::Dimension(partners.clone())]);
    assert!(asked.condition.is_about(&|dimension| *dimension == partners));
}

#[test]
fn a_rule_of_channels_is_about_where_a_visit_came_from() {
    let rule = |filter: Value| channel_rule("Partners", &[filter]).map(|_| ());
    for fine in [
        json!(["is", "visit:source", ["acme"]]),
        json!(["or", [["contains", "visit:referrer", ["acme."]], ["not", ["matches", "visit:utm_campaign", ["^x"]]]]]),
        json!(["is", "visit:country", ["DE"]]),
    ] {
        assert_eq!(rule(fine.clone()), Ok(()), "{fine}");
    }
    for wrong in [
        json!(["is", "event:page", ["/"]]),
        json!(["is", "visit:entry_page", ["/"]]),
        json!(["is", "visit:channel", ["Direct"]]),
        json!(["is", "visit:country_name", ["Germany"]]),
        json!(["has_done", ["is", "event:name", ["x"]]]),
        json!(["and", [["is", "visit:source", ["acme"]], ["is", "event:name", ["x"]]]]),
    ] {
        assert!(rule(wrong.clone()).unwrap_err().starts_with("must be about where a visit came from"), "{wrong}");
    }
    assert!(channel_rule("Partners", &[]).unwrap_err().contains("at least one"));
    assert!(rule(json!(["is", "visit:source"])).unwrap_err().contains("Invalid filter"));
}

#[test]
fn goals_are_named_by_what_they_are_called() {
    let names = |filters: Value| {
        let asked = ask_with(&json!({ "dimensions": ["event:goal"], "filters": filters })).unwrap();
        let [By::Goal(goals)] = asked.dimensions.as_slice() else { panic!("{asked:?}") };
        goals.iter().map(|goal| goal.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(json!([])), ["Signup", "Buy", "Buy more"]);
    assert_eq!(names(json!([["is", "event:goal", ["Buy", "Signup"]]])), ["Signup", "Buy"]);
    assert_eq!(names(json!([["contains", "event:goal", ["buy"], { "case_sensitive": false }]])), ["Buy", "Buy more"]);
    assert_eq!(names(json!([["contains", "event:goal", ["Buy"]], ["is", "event:goal", ["Buy", "Signup"]]])), ["Buy"]);
    assert_eq!(names(json!([["contains", "event:goal", ["none"]]])), Vec::<String>::new());
}

#[test]
fn revenue_is_in_one_currency() {
    let currency = |filters: Value| ask_with(&json!({ "metrics": ["total_revenue"], "filters": filters })).unwrap().currency();
    assert_eq!(currency(json!([["is", "event:goal", ["Buy", "Signup"]]])), Currency::One("EUR".to_owned()));
    assert!(matches!(currency(json!([])), Currency::None("no_revenue_goals_matching", _)));
    assert!(matches!(currency(json!([["contains", "event:goal", ["Buy"]]])), Currency::None("no_single_revenue_currency", _)));
    let by_goal = ask_with(&json!({ "metrics": ["total_revenue"], "dimensions": ["event:goal"] })).unwrap();
    assert_eq!(by_goal.currency(), Currency::OfGoals);
}

#[test]
fn segments_stand_for_their_filters() {
    let condition = |filters: Value| ask_with(&json!({ "filters": filters })).map(|asked| asked.condition);
    let (page, buy) = (json!(["is", "event:page", ["/"]]), json!(["is", "event:goal", ["Buy"]]));
    assert_eq!(condition(json!([["is", "segment", [3]]])), condition(json!([page, buy])));
    let linux = json!(["is", "visit:os", ["Linux"]]);
    assert_eq!(condition(json!([["not", ["is", "segment", [4]]], page])), condition(json!([["not", ["and", [linux]]], page])));
    assert_eq!(condition(json!([["is", "segment", [4, 4]]])), condition(json!([["or", [["and", [linux]], ["and", [linux]]]]])));
    // A goal inside of a group is none, wherever it comes from.
    let grouped = condition(json!([["or", [["is", "segment", [3]], page]]]));
    assert_eq!(grouped.unwrap_err(), "Invalid filters. Dimension `event:goal` can only be filtered at the top level.");
}
