//! The query language of `POST /api/v2/query`: JSON in, a question or the text of a refusal out. Pure.
//!
//! Texts and their order are those that clients of the protocol know: first everything that is wrong with the shape, one fault a line as
//! `PATH: what`, then the first fault in the meaning. What belongs to the language but is not served yet is refused by saying so,
//! never answered with something else.

use std::collections::BTreeMap;

use footfall_query::Metric;
use serde_json::{Map, Value};

/// Rows at most, and the default.
const MOST_ROWS: u64 = 10_000;
/// A refusal repeats at most this much of what was sent.
const ECHO_CHARS: usize = 200;

const PROPERTIES: &[&str] = &["site_id", "metrics", "date_range", "dimensions", "filters", "order_by", "include", "pagination"];
const INCLUDES: &[&str] = &["imports", "time_labels", "total_rows", "trim_relative_date_range"];
const PAGINATION: &[&str] = &["limit", "offset"];
/// Metrics of the language that need goals, pages or revenue, and why they cannot be had without.
const LATER_METRICS: &[(&str, &str)] = &[
    ("scroll_depth", "can only be queried with event:page filters or dimensions."),
    ("time_on_page", "can only be queried with event:page filters or dimensions."),
    ("percentage", "can only be queried with dimensions."),
    ("conversion_rate", "can only be queried with event:goal filters or dimensions."),
    ("group_conversion_rate", "can only be queried with event:goal filters or dimensions."),
    ("average_revenue", "is not served yet: this version of Footfall has no revenue goals."),
    ("total_revenue", "is not served yet: this version of Footfall has no revenue goals."),
    ("exit_rate", "requires a `\"visit:exit_page\"` dimension. No other dimensions are allowed."),
];
const DIMENSIONS: &[&str] = &[
    "event:goal",
    "event:page",
    "event:hostname",
    "event:name",
    "visit:source",
    "visit:channel",
    "visit:referrer",
    "visit:utm_medium",
    "visit:utm_source",
    "visit:utm_campaign",
    "visit:utm_content",
    "visit:utm_term",
    "visit:device",
    "visit:screen",
    "visit:browser",
    "visit:browser_version",
    "visit:os",
    "visit:os_version",
    "visit:country",
    "visit:region",
    "visit:city",
    "visit:country_name",
    "visit:region_name",
    "visit:city_name",
    "visit:entry_page",
    "visit:exit_page",
    "visit:entry_page_hostname",
    "visit:exit_page_hostname",
    "time",
    "time:minute",
    "time:hour",
    "time:day",
    "time:week",
    "time:month",
];
const OPERATORS: &[&str] =
    &["is", "is_not", "contains", "contains_not", "matches", "matches_not", "and", "or", "not", "has_done", "has_not_done"];

/// A question, all but its range, which depends on the domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// At least one, each once.
    pub metrics: Vec<Metric>,
    /// Metrics of this question with `asc` or `desc`.
    pub order_by: Vec<(Metric, String)>,
    /// What was switched on.
    pub include: BTreeMap<String, bool>,
    /// Rows at most.
    pub limit: u64,
    /// Rows to skip.
    pub offset: u64,
}

impl Asked {
    /// Whether a part of `include` was switched on.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        self.include.contains_key(name)
    }
}

/// Reads a question. `dated` says what is wrong with its `date_range`.
///
/// # Errors
/// The text of the refusal.
pub fn parse(body: &Map<String, Value>, dated: impl FnOnce(&Value) -> Result<(), String>) -> Result<Asked, String> {
    let faults = shape(body);
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    dated(body.get("date_range").unwrap_or(&Value::Null))?;
    let names = texts(body.get("metrics"));
    for name in &names {
        if Metric::named(name).is_none() && later(name).is_none() {
            return Err(format!("Unknown metric '{}'.", shortened(name)));
        }
    }
    unserved(body)?;
    let order_by = order_by(body, &names)?;
    let include = switched_on(body);
    if include.contains_key("time_labels") {
        return Err("Invalid include.time_labels: requires a time dimension.".to_owned());
    }
    let mut metrics = Vec::new();
    for name in &names {
        match Metric::named(name) {
            Some(metric) => metrics.push(metric),
            None => return Err(format!("Metric `{name}` {}", later(name).unwrap_or_default())),
        }
    }
    let page = |name: &str, default: u64| body.get("pagination").and_then(|page| page.get(name)).and_then(Value::as_u64).unwrap_or(default);
    Ok(Asked { metrics, order_by, include, limit: page("limit", MOST_ROWS), offset: page("offset", 0) })
}

/// Everything that is wrong with the shape.
fn shape(body: &Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    let missing: Vec<&str> = ["site_id", "metrics", "date_range"].into_iter().filter(|name| !body.contains_key(*name)).collect();
    match missing.as_slice() {
        [] => {}
        [one] => faults.push(format!("#: Required property {one} was not present.")),
        several => faults.push(format!("#: Required properties {} were not present.", several.join(", "))),
    }
    additional("#", body, PROPERTIES, &mut faults);
    if let Some(metrics) = array(body, "metrics", &mut faults) {
        if metrics.is_empty() {
            faults.push("#/metrics: Expected a minimum of 1 items but got 0.".to_owned());
        }
        unique("metrics", metrics, &mut faults);
        each(metrics, "metrics", "Invalid metric", Value::is_string, &mut faults);
    }
    if let Some(dimensions) = array(body, "dimensions", &mut faults) {
        unique("dimensions", dimensions, &mut faults);
        each(dimensions, "dimensions", "Invalid dimension", |value| value.as_str().is_some_and(is_dimension), &mut faults);
    }
    if let Some(filters) = array(body, "filters", &mut faults) {
        each(filters, "filters", "Invalid filter", is_filter, &mut faults);
    }
    if let Some(order_by) = array(body, "order_by", &mut faults) {
        each(order_by, "order_by", "Invalid value in order_by", is_order, &mut faults);
    }
    if let Some(include) = object(body, "include", INCLUDES, &mut faults) {
        for (name, value) in include.iter().filter(|(name, value)| INCLUDES.contains(&name.as_str()) && !value.is_boolean()) {
            faults.push(format!("#/include/{name}: Type mismatch. Expected Boolean but got {}.", kind(value)));
        }
    }
    if let Some(pagination) = object(body, "pagination", PAGINATION, &mut faults) {
        for (name, least, most) in [("limit", 1, MOST_ROWS), ("offset", 0, u64::MAX)] {
            if let Some(value) = pagination.get(name) {
                whole(name, value, least, most, &mut faults);
            }
        }
    }
    faults
}

fn array<'a>(body: &'a Map<String, Value>, name: &str, faults: &mut Vec<String>) -> Option<&'a Vec<Value>> {
    let value = body.get(name)?;
    if !value.is_array() {
        faults.push(format!("#/{name}: Type mismatch. Expected Array but got {}.", kind(value)));
    }
    value.as_array()
}

fn object<'a>(body: &'a Map<String, Value>, name: &str, known: &[&str], faults: &mut Vec<String>) -> Option<&'a Map<String, Value>> {
    let value = body.get(name)?;
    match value.as_object() {
        Some(object) => additional(&format!("#/{name}"), object, known, faults),
        None => faults.push(format!("#/{name}: Type mismatch. Expected Object but got {}.", kind(value))),
    }
    value.as_object()
}

fn additional(path: &str, object: &Map<String, Value>, known: &[&str], faults: &mut Vec<String>) {
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        faults.push(format!("{path}/{}: Schema does not allow additional properties.", shortened(name)));
    }
}

fn unique(name: &str, values: &[Value], faults: &mut Vec<String>) {
    // Only known texts get further, so a long list has a repetition in its first entries, or a fault of another kind.
    let looked_at = &values[..values.len().min(100)];
    if looked_at.iter().enumerate().any(|(index, value)| looked_at[..index].contains(value)) {
        faults.push(format!("#/{name}: Expected items to be unique but they were not."));
    }
}

/// Names the first item that is none.
fn each(values: &[Value], name: &str, what: &str, is_one: impl Fn(&Value) -> bool, faults: &mut Vec<String>) {
    if let Some((index, value)) = values.iter().enumerate().find(|(_, value)| !is_one(value)) {
        faults.push(format!("#/{name}/{index}: {what} {}", shortened(&value.to_string())));
    }
}

fn whole(name: &str, value: &Value, least: u64, most: u64, faults: &mut Vec<String>) {
    let path = format!("#/pagination/{name}");
    match (value.as_u64(), value.as_i64()) {
        (Some(number), _) if number < least => faults.push(format!("{path}: Expected the value to be >= {least}")),
        (Some(number), _) if number > most => faults.push(format!("{path}: Expected the value to be <= {most}")),
        (Some(_), _) => {}
        (None, Some(_)) => faults.push(format!("{path}: Expected the value to be >= {least}")),
        (None, None) => faults.push(format!("{path}: Type mismatch. Expected Integer but got {}.", kind(value))),
    }
}

fn is_dimension(name: &str) -> bool {
    DIMENSIONS.contains(&name) || name.strip_prefix("event:props:").is_some_and(|property| !property.is_empty())
}

fn is_filter(filter: &Value) -> bool {
    filter.as_array().is_some_and(|parts| parts.len() >= 2 && parts[0].as_str().is_some_and(|operator| OPERATORS.contains(&operator)))
}

fn is_order(entry: &Value) -> bool {
    let Some([what, direction]) = entry.as_array().map(Vec::as_slice) else { return false };
    let known = |name: &str| Metric::named(name).is_some() || later(name).is_some() || is_dimension(name);
    what.as_str().is_some_and(known) && matches!(direction.as_str(), Some("asc" | "desc"))
}

/// Parts of the language that this version does not answer.
fn unserved(body: &Map<String, Value>) -> Result<(), String> {
    for (name, what) in [("filters", "Filters"), ("dimensions", "Dimensions")] {
        if body.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
            return Err(format!("{what} are not served by this version of Footfall yet. Leave `{name}` out or empty."));
        }
    }
    Ok(())
}

fn order_by(body: &Map<String, Value>, metrics: &[&str]) -> Result<Vec<(Metric, String)>, String> {
    let mut order = Vec::new();
    for entry in body.get("order_by").and_then(Value::as_array).into_iter().flatten() {
        let pair = texts(Some(entry));
        let [name, direction] = pair.as_slice() else { continue };
        if !metrics.contains(name) {
            let entry = shortened(&entry.to_string());
            return Err(format!("Invalid order_by entry '{entry}'. Entry is not a queried metric or dimension."));
        }
        if let Some(metric) = Metric::named(name) {
            order.push((metric, (*direction).to_owned()));
        }
    }
    Ok(order)
}

fn switched_on(body: &Map<String, Value>) -> BTreeMap<String, bool> {
    let parts = body.get("include").and_then(Value::as_object).into_iter().flatten();
    parts.filter(|(_, value)| **value == Value::Bool(true)).map(|(name, _)| (name.clone(), true)).collect()
}

fn later(name: &str) -> Option<&'static str> {
    LATER_METRICS.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The name of a JSON type.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Number",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// What was sent, as far as an error needs to repeat it.
#[must_use]
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(ECHO_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ask(change: &Value) -> Result<Asked, String> {
        let mut body = json!({ "site_id": "example.org", "metrics": ["visitors", "pageviews"], "date_range": "7d" });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        parse(body.as_object().unwrap(), |_| Ok(()))
    }

    #[test]
    fn reads_a_question() {
        let asked = ask(&json!({
            "dimensions": [], "filters": [], "order_by": [["pageviews", "asc"]],
            "include": { "total_rows": true, "imports": false }, "pagination": { "limit": 5 },
        }));
        let expected = Asked {
            metrics: vec![Metric::Visitors, Metric::Pageviews],
            order_by: vec![(Metric::Pageviews, "asc".to_owned())],
            include: BTreeMap::from([("total_rows".to_owned(), true)]),
            limit: 5,
            offset: 0,
        };
        assert_eq!(asked.unwrap(), expected);
    }

    #[test]
    fn refuses_in_the_words_of_the_protocol() {
        let refusals: Vec<String> = [
            json!({ "metrics": ["x"] }),
            json!({ "metrics": [] }),
            json!({ "metrics": "visitors" }),
            json!({ "metrics": [5] }),
            json!({ "metrics": ["visitors", "visitors"] }),
            json!({ "metrics": ["visitors", "scroll_depth"] }),
            json!({ "metrics": ["percentage"] }),
            json!({ "metrics": ["conversion_rate"] }),
            json!({ "metrics": ["total_revenue"] }),
            json!({ "metrics": ["exit_rate"] }),
            json!({ "dimensions": ["visit:source"] }),
            json!({ "dimensions": ["badproperty"] }),
            json!({ "dimensions": ["event:props:"] }),
            json!({ "dimensions": ["event:props:plan", "time:day"] }),
            json!({ "dimensions": {} }),
            json!({ "filters": [["is", "event:page", ["/"]]] }),
            json!({ "filters": [["resembles", "event:page", ["/"]]] }),
            json!({ "filters": null }),
            json!({ "order_by": [["events", "asc"]] }),
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
        ]
        .iter()
        .map(|change| format!("{change}\n{}\n", ask(change).unwrap_err()).replace(&"é".repeat(300), "é…"))
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn says_what_is_missing() {
        let refusal = |body: Value| parse(body.as_object().unwrap(), |_| Ok(())).unwrap_err();
        assert_eq!(refusal(json!({})), "#: Required properties site_id, metrics, date_range were not present.");
        assert_eq!(refusal(json!({ "site_id": "x", "metrics": ["visitors"] })), "#: Required property date_range was not present.");
    }

    #[test]
    fn a_bad_date_range_is_named_before_a_bad_metric() {
        let body = json!({ "site_id": "x", "metrics": ["x"], "date_range": 1 });
        assert_eq!(parse(body.as_object().unwrap(), |value| Err(format!("no {value}"))).unwrap_err(), "no 1");
    }

    #[test]
    fn the_schema_names_the_metrics_and_closes_every_object() {
        fn closed(schema: &Value) {
            if schema["properties"].is_object() {
                assert_eq!(schema["additionalProperties"], false, "{schema}");
            }
            let inner: Vec<&Value> = match schema {
                Value::Object(object) => object.values().collect(),
                Value::Array(list) => list.iter().collect(),
                _ => vec![],
            };
            inner.into_iter().for_each(closed);
        }
        let schema: Value = serde_json::from_str(super::super::SCHEMA).unwrap();
        closed(&schema);
        let metrics: Vec<&Value> =
            schema["definitions"]["metric"]["oneOf"].as_array().unwrap().iter().map(|metric| &metric["const"]).collect();
        assert_eq!(metrics, Metric::ALL.iter().map(|metric| metric.name()).collect::<Vec<_>>());
        let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
        let known = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(names(&schema["properties"]), known(PROPERTIES));
        assert_eq!(names(&schema["properties"]["include"]["properties"]), known(INCLUDES));
        assert_eq!(names(&schema["properties"]["pagination"]["properties"]), known(PAGINATION));
    }
}
