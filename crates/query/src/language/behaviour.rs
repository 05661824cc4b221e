//! The questions of `POST /api/v2/{funnel,journey,retention}`: filters and ranges are those of `POST /api/v2/query`, and so are the texts of refusals.

use footfall_model::Interval;
use serde_json::{Map, Value};

use super::{Settings, filters, shape, shortened};
use crate::{
    behaviour::{Funnel, Identity, Journey, Start, funnel::MOST_STEPS, journey},
    question::Condition,
};

/// Longest window of a funnel.
const LONGEST_MS: u64 = 90 * 86_400_000;
/// Rows at most.
const MOST_ROWS: u64 = 1_000;

/// Retention, all but its range.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedRetention {
    /// Width of the periods.
    pub interval: Interval,
    /// By what people are known again, if that was said.
    pub identity: Option<Identity>,
    /// What events must be like.
    pub condition: Condition,
}

/// What all of them have.
const COMMON: [&str; 3] = ["site_id", "date_range", "filters"];

/// Reads a funnel.
///
/// # Errors
/// The text of the refusal.
pub fn funnel(body: &Map<String, Value>, known: &Settings, dated: impl FnOnce(&Value) -> Result<(), String>) -> Result<Funnel, String> {
    let condition = common(body, known, &["steps", "order", "window", "dimensions", "limit"], dated)?;
    let steps = body.get("steps").and_then(Value::as_array).filter(|steps| (2..=MOST_STEPS).contains(&steps.len()));
    let steps = steps.ok_or_else(|| format!("#/steps: Expected 2 to {MOST_STEPS} filters."))?;
    let steps = steps.iter().map(|step| filters::read(std::slice::from_ref(step), known)).collect::<Result<_, _>>()?;
    let dimensions = match body.get("dimensions") {
        None => &Vec::new(),
        Some(value) => value.as_array().filter(|list| list.len() <= 1).ok_or("#/dimensions: Expected at most one dimension.")?,
    };
    let by = match dimensions.first() {
        None => None,
        Some(name) => {
            let dimension = name.as_str().and_then(|name| known.dimension(name));
            Some(dimension.ok_or_else(|| format!("#/dimensions/0: Invalid dimension {}", shortened(&name.to_string())))?)
        }
    };
    let strict = one_of(body, "order", &[("loose", false), ("strict", true)])?.unwrap_or(false);
    let window = body.get("window").map_or(Some(86_400_000), |value| value.as_str().and_then(milliseconds));
    let window = window.ok_or("#/window: Expected a number with s, m, h or d, such as 30m; at most 90d.")?;
    Ok(Funnel { steps, strict, window_ms: window, condition, by, limit: whole(body, "limit", 1, MOST_ROWS, 100)? })
}

/// Reads a question about journeys.
///
/// # Errors
/// The text of the refusal.
pub fn journey(body: &Map<String, Value>, known: &Settings, dated: impl FnOnce(&Value) -> Result<(), String>) -> Result<Journey, String> {
    let condition = common(body, known, &["start", "direction", "steps", "limit"], dated)?;
    let start = match body.get("start") {
        None => Start::Entry,
        Some(Value::String(end)) if end == "entry" => Start::Entry,
        Some(Value::String(end)) if end == "exit" => Start::Exit,
        Some(filter @ Value::Array(_)) => Start::At(filters::read(std::slice::from_ref(filter), known)?),
        Some(_) => return Err("#/start: Expected \"entry\", \"exit\" or a filter.".to_owned()),
    };
    let backward = one_of(body, "direction", &[("forward", false), ("backward", true)])?.unwrap_or(start == Start::Exit);
    let steps = whole(body, "steps", 1, journey::MOST_STEPS - 1, 3)?;
    Ok(Journey { start, backward, steps, condition, limit: whole(body, "limit", 1, MOST_ROWS, 10)? })
}

/// Reads a question about retention.
///
/// # Errors
/// The text of the refusal.
pub fn retention(
    body: &Map<String, Value>,
    known: &Settings,
    dated: impl FnOnce(&Value) -> Result<(), String>,
) -> Result<AskedRetention, String> {
    let condition = common(body, known, &["interval", "identity"], dated)?;
    let intervals = [("day", Interval::Day), ("week", Interval::Week), ("month", Interval::Month)];
    let interval = one_of(body, "interval", &intervals)?.unwrap_or(Interval::Week);
    let identity = one_of(body, "identity", &[("user", Identity::User), ("visitor", Identity::Visitor)])?;
    Ok(AskedRetention { interval, identity, condition })
}

/// Checks what all have, and reads the filters.
fn common(
    body: &Map<String, Value>,
    known: &Settings,
    own: &[&str],
    dated: impl FnOnce(&Value) -> Result<(), String>,
) -> Result<Condition, String> {
    let mut faults = Vec::new();
    for name in ["site_id", "date_range"].into_iter().filter(|name| !body.contains_key(*name)) {
        faults.push(format!("#: Required property {name} was not present."));
    }
    let names: Vec<&str> = COMMON.iter().chain(own).copied().collect();
    shape::additional("#", body, &names, &mut faults);
    if body.get("filters").is_some_and(|filters| !filters.is_array()) {
        faults.push("#/filters: Type mismatch. Expected Array.".to_owned());
    }
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    dated(body.get("date_range").unwrap_or(&Value::Null))?;
    filters::read(body.get("filters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice), known)
}

/// The value of one of the names; none without the property.
fn one_of<T: Copy>(body: &Map<String, Value>, name: &str, names: &[(&str, T)]) -> Result<Option<T>, String> {
    let Some(value) = body.get(name) else { return Ok(None) };
    let found = names.iter().find(|(known, _)| value == known).map(|(_, meaning)| *meaning);
    let expected = || names.iter().map(|(known, _)| format!("\"{known}\"")).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| format!("#/{name}: Expected one of {}.", expected()))
}

fn whole(body: &Map<String, Value>, name: &str, least: u64, most: u64, default: u64) -> Result<u64, String> {
    let number = body.get(name).map_or(Some(default), Value::as_u64).filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("#/{name}: Expected a whole number from {least} to {most}."))
}

/// `90s`, `30m`, `24h`, `7d` in milliseconds.
fn milliseconds(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].parse().ok()?;
    number.checked_mul(unit).filter(|ms| (1..=LONGEST_MS).contains(ms)).and_then(|ms| i64::try_from(ms).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::question::{Dimension, Leaf, Op};

    fn body(change: Value) -> Map<String, Value> {
        let mut body = json!({ "site_id": "example.org", "date_range": "7d" });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.as_object().unwrap().clone()
    }

    fn page(path: &str) -> Condition {
        let values = vec![path.to_owned()];
        Condition::All(vec![Condition::Leaf(Leaf { op: Op::Is, dimension: Dimension::Page, values, case_sensitive: true })])
    }

    #[test]
    fn reads_each_question() {
        let step = |path: &str| json!(["is", "event:page", [path]]);
        let asked = funnel(
            &body(
                json!({ "steps": [step("/a"), step("/b")], "order": "strict", "window": "30m", "dimensions": ["visit:source"], "limit": 7 }),
            ),
            &Settings::default(),
            |_| Ok(()),
        );
        let expected = Funnel {
            steps: vec![page("/a"), page("/b")],
            strict: true,
            window_ms: 1_800_000,
            condition: Condition::none(),
            by: Dimension::named("visit:source"),
            limit: 7,
        };
        assert_eq!(asked, Ok(expected));
        let asked = journey(&body(json!({ "start": step("/a"), "direction": "backward" })), &Settings::default(), |_| Ok(()));
        let expected = Journey { start: Start::At(page("/a")), backward: true, steps: 3, condition: Condition::none(), limit: 10 };
        assert_eq!(asked, Ok(expected));
        assert!(journey(&body(json!({ "start": "exit" })), &Settings::default(), |_| Ok(())).unwrap().backward);
        let asked = retention(&body(json!({ "interval": "day", "identity": "visitor" })), &Settings::default(), |_| Ok(()));
        assert_eq!(asked, Ok(AskedRetention { interval: Interval::Day, identity: Some(Identity::Visitor), condition: Condition::none() }));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let known = Settings::default();
        let steps = json!([["is", "event:page", ["/"]], ["is", "event:name", ["x"]]]);
        let mut refusals = Vec::new();
        for change in [
            json!({}),
            json!({ "steps": [["is", "event:page", ["/"]]] }),
            json!({ "steps": [["is", "event:page", ["/"]], ["is", "event:moon", ["x"]]] }),
            json!({ "steps": steps, "order": "chaotic" }),
            json!({ "steps": steps, "window": "0s" }),
            json!({ "steps": steps, "window": "91d" }),
            json!({ "steps": steps, "window": "é" }),
            json!({ "steps": steps, "window": "99999999999999999999d" }),
            json!({ "steps": steps, "dimensions": ["visit:os", "visit:source"] }),
            json!({ "steps": steps, "dimensions": ["time:day"] }),
            json!({ "steps": steps, "limit": 0 }),
            json!({ "steps": steps, "metrics": ["visitors"], "filters": {} }),
            json!({ "steps": [["is", "event:goal", ["Lost"]], ["is", "event:name", ["x"]]] }),
        ] {
            refusals.push(funnel(&body(change.clone()), &known, |_| Ok(())).expect_err(&change.to_string()));
        }
        for change in [json!({ "start": "middle" }), json!({ "start": ["is"] }), json!({ "steps": 20 }), json!({ "direction": 1 })] {
            refusals.push(journey(&body(change.clone()), &known, |_| Ok(())).expect_err(&change.to_string()));
        }
        for change in [json!({ "interval": "hour" }), json!({ "identity": "cookie" })] {
            refusals.push(retention(&body(change.clone()), &known, |_| Ok(())).expect_err(&change.to_string()));
        }
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
