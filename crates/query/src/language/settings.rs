//! What a domain has configured that its questions may name: goals, segments, routes and channels.

use serde_json::{Value, json};

use crate::question::{ChannelRule, Dimension, Goal};

/// The settings of a domain, as far as one caller may use them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// In the order in which they were made.
    pub goals: Vec<Goal>,
    /// Those of the domain, and the caller's own.
    pub segments: Vec<Segment>,
    /// Patterns of paths; the first that fits is a page's route.
    pub routes: Vec<String>,
    /// The first that applies to a visit says its channel; where none does, the rules of everybody do.
    pub channels: Vec<ChannelRule>,
}

impl Settings {
    /// The dimension of this name, as it is for this domain.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<Dimension> {
        Dimension::named(name).map(|dimension| match dimension {
            Dimension::Route(_) => Dimension::Route(self.routes.clone()),
            Dimension::Channel(_) => Dimension::Channel(self.channels.clone()),
            other => other,
        })
    }
}

/// Reads a rule of channels: all of the filters must hold.
///
/// # Errors
/// What is wrong with the filters.
pub fn channel_rule(channel: &str, filters: &[Value]) -> Result<ChannelRule, String> {
    if filters.is_empty() {
        return Err("are none; a rule has at least one".to_owned());
    }
    let rule = ChannelRule { channel: channel.to_owned(), condition: super::condition(filters, &Settings::default())? };
    if !rule.is_of_first_touch() {
        return Err(format!("must be about where a visit came from, such as visit:source, visit:referrer or visit:utm_medium: {ONLY}"));
    }
    Ok(rule)
}

/// Filters that were saved under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its number.
    pub id: i64,
    /// Filters of the language; they name no segment.
    pub filters: Vec<Value>,
}

const ONLY: &str = "channels, names of places, pages, events and what else a visit did do not decide";
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
