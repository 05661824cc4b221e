//! The shape of a question: every fault at once, one a line as `PATH: what`, in the words of the protocol.

use serde_json::{Map, Value};

use super::{By, MOST_ROWS};
use crate::question::Metric;

/// A refusal repeats at most this much of what was sent.
const ECHO_CHARS: usize = 200;

pub(super) const PROPERTIES: &[&str] = &["site_id", "metrics", "date_range", "dimensions", "filters", "order_by", "include", "pagination"];
pub(super) const INCLUDES: &[&str] = &["explain", "imports", "time_labels", "total_rows", "trim_relative_date_range"];
pub(super) const PAGINATION: &[&str] = &["limit", "offset"];
const OPERATORS: &[&str] =
    &["is", "is_not", "contains", "contains_not", "matches", "matches_not", "and", "or", "not", "has_done", "has_not_done"];

/// Everything that is wrong with the shape.
pub(super) fn faults(body: &Map<String, Value>) -> Vec<String> {
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

pub(super) fn additional(path: &str, object: &Map<String, Value>, known: &[&str], faults: &mut Vec<String>) {
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

/// Whether it is in the language.
fn is_dimension(name: &str) -> bool {
    By::named(name).is_some()
}

fn is_filter(filter: &Value) -> bool {
    filter.as_array().is_some_and(|parts| parts.len() >= 2 && parts[0].as_str().is_some_and(|operator| OPERATORS.contains(&operator)))
}

fn is_order(entry: &Value) -> bool {
    let Some([what, direction]) = entry.as_array().map(Vec::as_slice) else { return false };
    let known = |name: &str| Metric::named(name).is_some() || is_dimension(name);
    what.as_str().is_some_and(known) && matches!(direction.as_str(), Some("asc" | "desc"))
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
