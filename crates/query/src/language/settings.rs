//! What a domain has configured that its questions may name: goals, segments and routes.

use serde_json::{Value, json};

use crate::question::{Dimension, Goal};

/// The settings of a domain, as far as one caller may use them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// In the order in which they were made.
    pub goals: Vec<Goal>,
    /// Those of the domain, and the caller's own.
    pub segments: Vec<Segment>,
    /// Patterns of paths; the first that fits is a page's route.
    pub routes: Vec<String>,
}

impl Settings {
    /// The dimension of this name, as it is for this domain.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<Dimension> {
        Dimension::named(name).map(|dimension| match dimension {
            Dimension::Route(_) => Dimension::Route(self.routes.clone()),
            other => other,
        })
    }
}

/// Filters that were saved under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its number.
    pub id: i64,
    /// Filters of the language; they name no segment.
    pub filters: Vec<Value>,
}

const UNKNOWN: &str = "Invalid filters. Some segments don't exist or aren't accessible.";

/// Puts the filters of segments in their place.
pub(super) fn expanded(filters: &[Value], settings: &Settings) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    for filter in filters {
        match one(filter, settings)? {
            // Filters of the top level may be about dimensions that are nowhere else.
            Expanded::Segment(filters) => all.extend(filters),
            Expanded::Other(filter) => all.push(filter),
        }
    }
    Ok(all)
}

enum Expanded {
    Segment(Vec<Value>),
    Other(Value),
}

fn one(filter: &Value, settings: &Settings) -> Result<Expanded, String> {
    let Some(parts) = filter.as_array() else { return Ok(Expanded::Other(filter.clone())) };
    let operator = parts.first().and_then(Value::as_str);
    match (operator, parts.get(1)) {
        (Some(operator), Some(name)) if name == "segment" => {
            let ids = parts.get(2).and_then(Value::as_array).filter(|ids| operator == "is" && parts.len() == 3 && !ids.is_empty());
            let ids = ids.ok_or_else(|| format!("Invalid filter '{}'.", super::shortened(&filter.to_string())))?;
            let found = |id: &Value| id.as_i64().and_then(|id| settings.segments.iter().find(|segment| segment.id == id));
            let segments: Vec<&Segment> = ids.iter().map(found).collect::<Option<_>>().ok_or(UNKNOWN)?;
            Ok(match segments.as_slice() {
                [one] => Expanded::Segment(one.filters.clone()),
                several => {
                    let any: Vec<Value> = several.iter().map(|segment| json!(["and", segment.filters])).collect();
                    Expanded::Other(json!(["or", any]))
                }
            })
        }
        (Some("and" | "or"), Some(Value::Array(inner))) => {
            let inner: Vec<Value> = inner.iter().map(|filter| grouped(filter, settings)).collect::<Result<_, _>>()?;
            Ok(Expanded::Other(json!([operator, inner])))
        }
        (Some("not" | "has_done" | "has_not_done"), Some(inner)) => Ok(Expanded::Other(json!([operator, grouped(inner, settings)?]))),
        _ => Ok(Expanded::Other(filter.clone())),
    }
}

fn grouped(filter: &Value, settings: &Settings) -> Result<Value, String> {
    Ok(match one(filter, settings)? {
        Expanded::Segment(filters) => json!(["and", filters]),
        Expanded::Other(filter) => filter,
    })
}
