//! The query language of `POST /api/v2/query`: JSON in, a question or the text of a refusal out. Pure.
//!
//! Texts and their order are those that clients of the protocol know: first everything that is wrong with the shape, then the
//! range, then the first fault in the meaning.

pub mod behaviour;
mod filters;
mod settings;
mod shape;
pub mod v1;

use std::collections::BTreeMap;

use chrono::Months;
use chrono_tz::Tz;
use footfall_model::Interval;
use serde_json::{Map, Value};

pub use filters::read as condition;
pub use settings::{Segment, Settings, channel_rule};
pub use shape::{kind, shortened};

use crate::{
    Range,
    question::{Condition, Dimension, Direction, Goal, Metric, Order, dimension::OfVisit},
    range::day_of,
};

/// Rows at most, and the default.
pub const MOST_ROWS: u64 = 10_000;

/// The dimension of goals.
const GOAL: &str = "event:goal";

/// What a question groups by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Buckets of time; the ones that fit the range if none are named.
    Time(Option<Interval>),
    /// A dimension.
    Dimension(Dimension),
    /// Goals: all that may be in the answer.
    Goal(Vec<Goal>),
}

/// A question, all but its range, which depends on the domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// At least one, each once.
    pub metrics: Vec<Metric>,
    /// Each once.
    pub dimensions: Vec<By>,
    /// What events and visits must be like.
    pub condition: Condition,
    /// Metrics and dimensions of this question; the default order if none are named.
    pub order_by: Vec<(Order, Direction)>,
    /// What was switched on.
    pub include: BTreeMap<String, bool>,
    /// Rows at most.
    pub limit: u64,
    /// Rows to skip.
    pub offset: u64,
}

/// The currency of a question's revenue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Currency {
    /// All goals of the question have this one.
    One(String),
    /// Each row has its goal's.
    OfGoals,
    /// There is none, for the reason with this code and text.
    None(&'static str, &'static str),
}

impl Asked {
    /// The currency in which its revenue is counted. Nothing is converted.
    #[must_use]
    pub fn currency(&self) -> Currency {
        if self.dimensions.iter().any(|by| matches!(by, By::Goal(_))) {
            return Currency::OfGoals;
        }
        let goals = self.condition.goals().unwrap_or_default();
        let mut currencies: Vec<&String> = goals.iter().filter_map(|goal| goal.currency.as_ref()).collect();
        currencies.sort();
        currencies.dedup();
        match currencies.as_slice() {
            [] => Currency::None("no_revenue_goals_matching", "Revenue is null: the filters name no goal with a currency."),
            [one] => Currency::One((*one).clone()),
            _ => Currency::None("no_single_revenue_currency", "Revenue is null: the goals of the filters have several currencies."),
        }
    }

    /// Whether a part of `include` was switched on.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        self.include.contains_key(name)
    }

    /// The name of what is ordered by.
    #[must_use]
    pub fn order_name(&self, order: Order) -> String {
        match order {
            Order::Metric(metric) => metric.name().to_owned(),
            Order::Key(index) => self.dimensions.get(index).map(By::name).unwrap_or_default(),
        }
    }
}

impl By {
    /// The dimension of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == GOAL {
            return Some(Self::Goal(Vec::new()));
        }
        time_dimension(name).map(Self::Time).or_else(|| Dimension::named(name).map(Self::Dimension))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Time(None) => "time".to_owned(),
            Self::Time(Some(interval)) => format!("time:{}", interval.code()),
            Self::Dimension(dimension) => dimension.name(),
            Self::Goal(_) => GOAL.to_owned(),
        }
    }

    fn is_of_event(&self) -> bool {
        match self {
            Self::Time(_) => false,
            Self::Dimension(dimension) => dimension.is_of_event(),
            Self::Goal(_) => true,
        }
    }
}

/// The interval of a dimension of time.
fn time_dimension(name: &str) -> Option<Option<Interval>> {
    if name == "time" {
        return Some(None);
    }
    let code = name.strip_prefix("time:")?;
    [Interval::Minute, Interval::Hour, Interval::Day, Interval::Week, Interval::Month]
        .into_iter()
        .find(|interval| interval.code() == code)
        .map(Some)
}

/// Buckets of `time` without an interval: hours for at most a day, months for more than a month, else days.
#[must_use]
pub fn fitting_interval(range: Range, zone: Tz) -> Interval {
    let (first, last) = (day_of(range.from, zone), day_of((range.to - 1).max(range.from), zone));
    if first == last {
        Interval::Hour
    } else if first.checked_add_months(Months::new(1)).is_some_and(|month| month <= last) {
        Interval::Month
    } else {
        Interval::Day
    }
}

/// Reads a question about a domain with these settings. `dated` says what is wrong with its `date_range`.
///
/// # Errors
/// The text of the refusal.
pub fn parse(body: &Map<String, Value>, settings: &Settings, dated: impl FnOnce(&Value) -> Result<(), String>) -> Result<Asked, String> {
    let faults = shape::faults(body);
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    dated(body.get("date_range").unwrap_or(&Value::Null))?;
    let metric_names = texts(body.get("metrics"));
    if let Some(name) = metric_names.iter().find(|name| Metric::named(name).is_none()) {
        return Err(format!("Unknown metric '{}'.", shortened(name)));
    }
    let filters = body.get("filters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let filters = &settings::expanded(filters, settings)?[..];
    let condition = filters::condition(filters, settings)?;
    let dimension_names = texts(body.get("dimensions"));
    let mut dimensions = Vec::new();
    for name in &dimension_names {
        // The shape has let known names pass alone.
        dimensions.extend(By::named(name).and_then(|by| match by {
            // Those that the filters leave.
            By::Goal(_) => Some(By::Goal(condition.goals().unwrap_or_else(|| settings.goals.clone()))),
            By::Dimension(_) => settings.dimension(name).map(By::Dimension),
            By::Time(interval) => Some(By::Time(interval)),
        }));
    }
    let order_by = order_by(body, &metric_names, &dimension_names)?;
    filters::check(filters)?;
    let metrics = metrics(&metric_names, &dimensions, &condition, filters)?;
    let include = switched_on(body);
    let by_time = dimensions.iter().any(|by| matches!(by, By::Time(_)));
    if include.contains_key("time_labels") && !by_time {
        return Err("Invalid include.time_labels: requires a time dimension.".to_owned());
    }
    let order_by =
        order_by.into_iter().filter_map(|(name, direction)| Some((order(&name, &metrics, &dimension_names)?, direction))).collect();
    let page = |name: &str, default: u64| body.get("pagination").and_then(|page| page.get(name)).and_then(Value::as_u64).unwrap_or(default);
    let mut asked = Asked { metrics, dimensions, condition, order_by, include, limit: page("limit", MOST_ROWS), offset: page("offset", 0) };
    if asked.order_by.is_empty() {
        asked.order_by = default_order(&asked);
    }
    Ok(asked)
}

/// Time ascending, then the first metric descending.
fn default_order(asked: &Asked) -> Vec<(Order, Direction)> {
    let time = asked.dimensions.iter().position(|by| matches!(by, By::Time(_))).map(|index| (Order::Key(index), Direction::Ascending));
    let metric = asked.metrics.first().map(|metric| (Order::Metric(*metric), Direction::Descending));
    time.into_iter().chain(metric).collect()
}

fn order(name: &str, metrics: &[Metric], dimensions: &[&str]) -> Option<Order> {
    let metric = Metric::named(name).filter(|metric| metrics.contains(metric)).map(Order::Metric);
    metric.or_else(|| dimensions.iter().position(|known| *known == name).map(Order::Key))
}

fn order_by(body: &Map<String, Value>, metrics: &[&str], dimensions: &[&str]) -> Result<Vec<(String, Direction)>, String> {
    let mut order = Vec::new();
    for entry in body.get("order_by").and_then(Value::as_array).into_iter().flatten() {
        let pair = texts(Some(entry));
        let [name, direction] = pair.as_slice() else { continue };
        if !metrics.contains(name) && !dimensions.contains(name) {
            let entry = shortened(&entry.to_string());
            return Err(format!("Invalid order_by entry '{entry}'. Entry is not a queried metric or dimension."));
        }
        order.push(((*name).to_owned(), if *direction == "asc" { Direction::Ascending } else { Direction::Descending }));
    }
    Ok(order)
}

/// The metrics, if they go with the dimensions and filters.
fn metrics(names: &[&str], dimensions: &[By], condition: &Condition, filters: &[Value]) -> Result<Vec<Metric>, String> {
    let by_page = dimensions.iter().any(|by| matches!(by, By::Dimension(dimension) if dimension.is_of_page()));
    let mut metrics = Vec::new();
    for name in names {
        let refuse = |why: &str| Err(format!("Metric `{name}` {why}"));
        let Some(metric) = Metric::named(name) else { continue };
        match metric {
            _ if metric.is_of_goals() && condition.goals().is_none() && !dimensions.iter().any(|by| matches!(by, By::Goal(_))) => {
                return refuse("can only be queried with event:goal filters or dimensions.");
            }
            Metric::ScrollDepth if !by_page && !["event:page", "event:route"].iter().any(|name| filters::is_on_top(filters, name)) => {
                return refuse("can only be queried with event:page filters or dimensions.");
            }
            Metric::TimeOnPage if !by_page && !condition.is_about(&Dimension::is_of_page) => {
                return refuse("can only be queried with event:page filters or dimensions.");
            }
            Metric::Percentage if dimensions.is_empty() => return refuse("can only be queried with dimensions."),
            Metric::ExitRate if dimensions != [By::Dimension(Dimension::Visit(OfVisit::ExitPage))] => {
                return refuse("requires a `\"visit:exit_page\"` dimension. No other dimensions are allowed.");
            }
            Metric::ExitRate if condition.looks_at_events() => {
                return refuse("cannot be queried when filtering on event dimensions.");
            }
            _ => metrics.push(metric),
        }
    }
    let over_visits: Vec<&str> = metrics.iter().filter(|metric| metric.is_over_visits()).map(|metric| metric.name()).collect();
    let of_events: Vec<String> = dimensions.iter().filter(|by| by.is_of_event()).map(By::name).collect();
    let by_page_alone = by_page && of_events.iter().all(|name| ["event:page", "event:route", "event:hostname"].contains(&name.as_str()));
    if !over_visits.is_empty() && !of_events.is_empty() && !by_page_alone {
        return Err(format!(
            "Session metric(s) `{}` cannot be queried along with event dimension(s) `{}`",
            over_visits.join(", "),
            of_events.join(", ")
        ));
    }
    Ok(metrics)
}

fn switched_on(body: &Map<String, Value>) -> BTreeMap<String, bool> {
    let parts = body.get("include").and_then(Value::as_object).into_iter().flatten();
    parts.filter(|(_, value)| **value == Value::Bool(true)).map(|(name, _)| (name.clone(), true)).collect()
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests;
