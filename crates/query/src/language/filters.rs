//! The filters of a question: nested lists in, a condition or the text of a refusal out.

use serde_json::Value;

use super::{DIMENSIONS_LATER, not_served, shortened};
use crate::question::{Condition, Dimension, Leaf, Op, dimension::OfVisit};

/// Filters may be nested so deep.
const DEEPEST: usize = 16;
/// Values of all filters together.
const MOST_VALUES: usize = 10_000;
/// Values that are searched for one by one, of all filters together.
const MOST_SEARCHED: usize = 500;
/// Dimensions that are filtered by at the top level only.
const ON_TOP: [&str; 2] = ["event:goal", "event:hostname"];

/// All of these.
pub(super) fn condition(filters: &[Value]) -> Result<Condition, String> {
    let mut size = Size::default();
    all(filters, 0, &mut size).map(Condition::All)
}

#[derive(Default)]
struct Size {
    values: usize,
    searched: usize,
}

fn all(filters: &[Value], depth: usize, size: &mut Size) -> Result<Vec<Condition>, String> {
    filters.iter().map(|filter| one(filter, depth, size)).collect()
}

fn one(filter: &Value, depth: usize, size: &mut Size) -> Result<Condition, String> {
    let invalid = || format!("Invalid filter '{}'.", shortened(&filter.to_string()));
    if depth > DEEPEST {
        return Err(format!("Invalid filters. They are nested more than {DEEPEST} deep."));
    }
    let parts = filter.as_array().ok_or_else(invalid)?;
    let operator = parts.first().and_then(Value::as_str);
    let second = parts.get(1).ok_or_else(invalid)?;
    let not = |condition| Condition::Not(Box::new(condition));
    let inner = |size: &mut Size| one(second, depth + 1, size);
    Ok(match operator {
        Some("and") => Condition::All(all(second.as_array().ok_or_else(invalid)?, depth + 1, size)?),
        Some("or") => Condition::Any(all(second.as_array().ok_or_else(invalid)?, depth + 1, size)?),
        Some("not") => not(inner(size)?),
        Some("has_done") => Condition::HasDone(Box::new(inner(size)?)),
        Some("has_not_done") => not(Condition::HasDone(Box::new(inner(size)?))),
        Some("is") => leaf(parts, Op::Is, size).ok_or_else(invalid)??,
        Some("is_not") => not(leaf(parts, Op::Is, size).ok_or_else(invalid)??),
        Some("contains") => leaf(parts, Op::Contains, size).ok_or_else(invalid)??,
        Some("contains_not") => not(leaf(parts, Op::Contains, size).ok_or_else(invalid)??),
        Some("matches") => leaf(parts, Op::Matches, size).ok_or_else(invalid)??,
        Some("matches_not") => not(leaf(parts, Op::Matches, size).ok_or_else(invalid)??),
        _ => return Err(format!("Unknown operator for filter '{}'.", shortened(&filter.to_string()))),
    })
}

/// A comparison; none where its shape is wrong.
fn leaf(parts: &[Value], op: Op, size: &mut Size) -> Option<Result<Condition, String>> {
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
    let Some(dimension) = Dimension::named(name) else {
        // What is filtered by goals that nobody configured.
        if name == "event:goal" && op == Op::Is {
            let goal = clauses.first()?.as_str()?;
            return Some(Err(format!("Invalid filters. The goal `{}` is not configured for this site.", shortened(goal))));
        }
        if name == "segment" {
            return Some(Err("Segments are not served by this version of Footfall yet: leave out `segment`.".to_owned()));
        }
        return DIMENSIONS_LATER.contains(&name).then(|| Err(not_served(name)));
    };
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
    size.values += values.len();
    size.searched += if op == Op::Is { 0 } else { values.len() };
    if size.values > MOST_VALUES || size.searched > MOST_SEARCHED {
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
