//! The filters of a question: nested lists in, a condition or the text of a refusal out.

use serde_json::Value;

use super::{GOAL, Settings, settings, shortened};
use crate::question::{Condition, Dimension, Goal, Leaf, Op, dimension::OfVisit};

/// Filters may be nested so deep.
const DEEPEST: usize = 16;
/// Values of all filters together.
const MOST_VALUES: usize = 10_000;
/// Values that are searched for one by one, of all filters together.
const MOST_SEARCHED: usize = 500;
/// Dimensions that are filtered by at the top level only.
const ON_TOP: [&str; 2] = ["event:goal", "event:hostname"];

/// The condition of a list of filters, all of which must hold.
///
/// # Errors
/// The text of the refusal.
pub fn read(filters: &[Value], known: &Settings) -> Result<Condition, String> {
    let expanded = settings::expanded(filters, known)?;
    let condition = condition(&expanded, known)?;
    check(&expanded)?;
    Ok(condition)
}

/// All of these.
pub(super) fn condition(filters: &[Value], settings: &Settings) -> Result<Condition, String> {
    let mut reading = Reading { settings, values: 0, searched: 0 };
    all(filters, 0, &mut reading).map(Condition::All)
}

struct Reading<'a> {
    settings: &'a Settings,
    values: usize,
    searched: usize,
}

fn all(filters: &[Value], depth: usize, reading: &mut Reading<'_>) -> Result<Vec<Condition>, String> {
    filters.iter().map(|filter| one(filter, depth, reading)).collect()
}

fn one(filter: &Value, depth: usize, reading: &mut Reading<'_>) -> Result<Condition, String> {
    let invalid = || format!("Invalid filter '{}'.", shortened(&filter.to_string()));
    if depth > DEEPEST {
        return Err(format!("Invalid filters. They are nested more than {DEEPEST} deep."));
    }
    let parts = filter.as_array().ok_or_else(invalid)?;
    let operator = parts.first().and_then(Value::as_str);
    let second = parts.get(1).ok_or_else(invalid)?;
    if second == GOAL && !matches!(operator, Some("is" | "contains")) {
        return Err(invalid());
    }
    let not = |condition| Condition::Not(Box::new(condition));
    let inner = |reading: &mut Reading<'_>| one(second, depth + 1, reading);
    Ok(match operator {
        Some("and") => Condition::All(all(second.as_array().ok_or_else(invalid)?, depth + 1, reading)?),
        Some("or") => Condition::Any(all(second.as_array().ok_or_else(invalid)?, depth + 1, reading)?),
        Some("not") => not(inner(reading)?),
        Some("has_done") => Condition::HasDone(Box::new(inner(reading)?)),
        Some("has_not_done") => not(Condition::HasDone(Box::new(inner(reading)?))),
        Some("is") => leaf(parts, Op::Is, reading).ok_or_else(invalid)??,
        Some("is_not") => not(leaf(parts, Op::Is, reading).ok_or_else(invalid)??),
        Some("contains") => leaf(parts, Op::Contains, reading).ok_or_else(invalid)??,
        Some("contains_not") => not(leaf(parts, Op::Contains, reading).ok_or_else(invalid)??),
        Some("matches") => leaf(parts, Op::Matches, reading).ok_or_else(invalid)??,
        Some("matches_not") => not(leaf(parts, Op::Matches, reading).ok_or_else(invalid)??),
        _ => return Err(format!("Unknown operator for filter '{}'.", shortened(&filter.to_string()))),
    })
}

/// A comparison; none where its shape is wrong.
fn leaf(parts: &[Value], op: Op, reading: &mut Reading<'_>) -> Option<Result<Condition, String>> {
    let name = parts.get(1)?.as_str()?;
    let clauses = parts.get(2)?.as_array().filter(|clauses| !clauses.is_empty())?;
    let case_sensitive = match parts.get(3) {
        None => true,
        Some(modifiers) => {
            let modifiers = modifiers.as_object()?;
            if modifiers.keys().any(|name| name != "case_sensitive") {
                return None;
            }
            modifiers.get("case_sensitive").map_or(Some(true), Value::as_bool)?
        }
    };
    if parts.len() > 4 {
        return None;
    }
    if name == GOAL {
        return goals(reading.settings, op, clauses, case_sensitive);
    }
    let dimension = reading.settings.dimension(name)?;
    let is_city = dimension == Dimension::Visit(OfVisit::City);
    let values: Vec<String> = clauses
        .iter()
        .map(|clause| match clause {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) if is_city && number.as_u64().is_some() => Some(number.to_string()),
            _ => None,
        })
        .collect::<Option<_>>()?;
    if dimension == Dimension::Visit(OfVisit::Country) && op == Op::Is && values.iter().any(|code| code.chars().count() != 2) {
        return Some(Err("Invalid visit:country filter, visit:country needs to be a valid 2-letter country code.".to_owned()));
    }
    reading.values += values.len();
    reading.searched += if op == Op::Is { 0 } else { values.len() };
    if reading.values > MOST_VALUES || reading.searched > MOST_SEARCHED {
        return Some(Err(format!(
            "Invalid filters. They hold more than {MOST_VALUES} values, or more than {MOST_SEARCHED} of `contains` and `matches`."
        )));
    }
    if op == Op::Matches
        && let Some(fault) = values.iter().find_map(|pattern| regex_syntax::parse(pattern).err().map(|_| shortened(pattern)))
    {
        return Some(Err(format!("Invalid filters. `{fault}` is not a regular expression (RE2).")));
    }
    Some(Ok(Condition::Leaf(Leaf { op, dimension, values, case_sensitive })))
}

/// Goals by their names.
fn goals(settings: &Settings, op: Op, names: &[Value], case_sensitive: bool) -> Option<Result<Condition, String>> {
    let names: Vec<&str> = names.iter().map(Value::as_str).collect::<Option<_>>()?;
    let case = |text: &str| if case_sensitive { text.to_owned() } else { text.to_lowercase() };
    let is_named = |goal: &Goal, name: &str| match op {
        Op::Is => case(&goal.name) == case(name),
        _ => case(&goal.name).contains(&case(name)),
    };
    if op == Op::Is
        && let Some(unknown) = names.iter().find(|name| !settings.goals.iter().any(|goal| is_named(goal, name)))
    {
        let unknown = shortened(unknown);
        return Some(Err(format!("Invalid filters. The goal `{unknown}` is not configured for this site.")));
    }
    let found = settings.goals.iter().filter(|goal| names.iter().any(|name| is_named(goal, name))).cloned().collect();
    Some(Ok(Condition::Goal(found)))
}

/// What is right as a shape and wrong as a whole.
pub(super) fn check(filters: &[Value]) -> Result<(), String> {
    let mut leaves = Vec::new();
    for filter in filters {
        visit(filter, 0, 0, &mut leaves);
    }
    if let Some((name, ..)) = leaves.iter().find(|(name, depth, done)| *depth > 0 && *done == 0 && ON_TOP.contains(name)) {
        return Err(format!("Invalid filters. Dimension `{name}` can only be filtered at the top level."));
    }
    for (name, _, done) in leaves {
        if done > 1 {
            return Err("Invalid filters. Behavioral filters (has_done, has_not_done) cannot be nested.".to_owned());
        }
        if done > 0 && !name.starts_with("event:") {
            return Err(
                "Invalid filters. Behavioral filters (has_done, has_not_done) can only be used with event dimension filters.".to_owned()
            );
        }
    }
    Ok(())
}

/// Names of the dimensions with how deep they stand, in all and in `has_done`.
fn visit<'a>(filter: &'a Value, depth: usize, done: usize, leaves: &mut Vec<(&'a str, usize, usize)>) {
    let Some(parts) = filter.as_array() else { return };
    match (parts.first().and_then(Value::as_str), parts.get(1)) {
        (Some("and" | "or"), Some(inner)) => inner.as_array().into_iter().flatten().for_each(|inner| visit(inner, depth + 1, done, leaves)),
        (Some("not"), Some(inner)) => visit(inner, depth + 1, done, leaves),
        (Some("has_done" | "has_not_done"), Some(inner)) => visit(inner, depth + 1, done + 1, leaves),
        (Some(_), Some(name)) => leaves.extend(name.as_str().map(|name| (name, depth, done))),
        _ => {}
    }
}

/// Whether a filter of the top level is about this dimension.
pub(super) fn is_on_top(filters: &[Value], name: &str) -> bool {
    filters.iter().any(|filter| filter.get(1).and_then(Value::as_str) == Some(name))
}
