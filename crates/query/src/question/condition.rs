//! What events and visits must be like to count: a tree of conditions, and what it becomes where.
//!
//! A leaf compares a value of the event or of its visit. A question is answered from three sides, and a tree means on each
//! (`docs/definitions.md`, Figures):
//!
//! | side | passes |
//! |---|---|
//! | events | an event for which the tree holds, with its visit's values |
//! | visits | a visit for which the parts without event values hold, and of which one event inside the range passes all other parts together |
//! | entries | a visit whose entry pageview is an event for which the tree holds |
//!
//! `has_done` is about the visit: it has, inside the range, an event for which the inner tree holds.

use super::{
    channel,
    dimension::{Dimension, OfVisit, Stored},
    goal::{Goal, any_completed},
    route,
};
use crate::{
    Range, Scope,
    range::{DAY_MS, HOUR_MS},
    sql::{Builder, Param, end},
};

/// A visit lasts at most 24 h after its start; rounded up.
pub(super) const AFTER_MS: i64 = DAY_MS + HOUR_MS;
/// A visit may hold events up to 30 minutes before its start; rounded up.
pub(super) const BEFORE_MS: i64 = HOUR_MS;

/// When the entry of a visit without a pageview is, in milliseconds after its start.
pub(super) const NO_PAGEVIEW: i64 = 2_147_483_647;

/// How a value is compared with those of a leaf; one of them is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// It is the value.
    Is,
    /// It holds the text.
    Contains,
    /// The regular expression (RE2) matches some of it.
    Matches,
}

/// One comparison, with values as reports show them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// How.
    pub op: Op,
    /// Of what.
    pub dimension: Dimension,
    /// With what; at least one.
    pub values: Vec<String>,
    /// Whether upper and lower case differ.
    pub case_sensitive: bool,
}

/// A tree of conditions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// All of them hold; also none of none.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The visit has done this.
    HasDone(Box<Self>),
    /// A comparison.
    Leaf(Leaf),
    /// The event completes one of these goals. Reports of engagement pass only by goals of scrolling.
    Goal(Vec<Goal>),
}

impl Condition {
    /// Everything passes.
    #[must_use]
    pub const fn none() -> Self {
        Self::All(Vec::new())
    }

    /// Whether a leaf outside of `has_done` is about such a dimension.
    #[must_use]
    pub fn is_about(&self, such: &impl Fn(&Dimension) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.is_about(such)),
            Self::Not(part) => part.is_about(such),
            Self::HasDone(_) | Self::Goal(_) => false,
            Self::Leaf(leaf) => such(&leaf.dimension),
        }
    }

    /// The dimensions of all leaves.
    #[must_use]
    pub fn dimensions_mut(&mut self) -> Vec<&mut Dimension> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter_mut().flat_map(Self::dimensions_mut).collect(),
            Self::Not(part) | Self::HasDone(part) => part.dimensions_mut(),
            Self::Leaf(leaf) => vec![&mut leaf.dimension],
            Self::Goal(_) => Vec::new(),
        }
    }

    /// Whether a part outside of `has_done` is about events.
    #[must_use]
    pub fn looks_at_events(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::looks_at_events),
            Self::Not(part) => part.looks_at_events(),
            Self::HasDone(_) => false,
            Self::Leaf(leaf) => leaf.dimension.is_of_event(),
            Self::Goal(_) => true,
        }
    }

    /// Whether one row decides it: nothing is said of what else the visit did.
    pub(super) fn is_of_one_row(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(Self::is_of_one_row),
            Self::Not(part) => part.is_of_one_row(),
            Self::HasDone(_) | Self::Goal(_) => false,
            Self::Leaf(_) => true,
        }
    }

    /// The goals that all parts about goals which must hold have in common; none without such a part.
    #[must_use]
    pub fn goals(&self) -> Option<Vec<Goal>> {
        let mut parts = Vec::new();
        flatten(self, &mut parts);
        let lists = parts.into_iter().filter_map(|part| if let Self::Goal(goals) = part { Some(goals.clone()) } else { None });
        lists.reduce(|common, list| common.into_iter().filter(|goal| list.contains(goal)).collect())
    }

    /// The same without the goals that must be completed.
    #[must_use]
    pub fn without_goals(&self) -> Self {
        let mut parts = Vec::new();
        flatten(self, &mut parts);
        Self::All(parts.into_iter().filter(|part| !matches!(part, Self::Goal(_))).cloned().collect())
    }

    /// Goals of scrolling, for which reports of engagement count.
    fn goals_by_scrolling(&self, into: &mut Vec<Goal>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.goals_by_scrolling(into)),
            Self::Not(part) => part.goals_by_scrolling(into),
            Self::Goal(goals) => into.extend(goals.iter().filter(|goal| goal.is_by_scrolling()).cloned()),
            Self::HasDone(_) | Self::Leaf(_) => {}
        }
    }

    /// Whether reports of engagement count for it.
    #[must_use]
    pub(super) fn counts_scrolling(&self) -> bool {
        let mut goals = Vec::new();
        self.goals_by_scrolling(&mut goals);
        !goals.is_empty()
    }

    /// The parts that must all hold: those about visits alone, and those that also look at events.
    fn parts(&self) -> (Vec<&Self>, Vec<&Self>) {
        let mut parts = Vec::new();
        flatten(self, &mut parts);
        parts.into_iter().partition(|part| !part.looks_at_events())
    }
}

pub(super) fn flatten<'a>(condition: &'a Condition, into: &mut Vec<&'a Condition>) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| flatten(part, into)),
        other => into.push(other),
    }
}

/// Where a condition or a key looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Rows of `events`.
    Events,
    /// Rows of `sessions`.
    Visits,
    /// Rows of `sessions`, whose entry pageview stands for the event.
    Entries,
}

/// Makes conditions for one domain and range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Predicates {
    pub(crate) scope: Scope,
    pub(crate) range: Range,
}

impl Predicates {
    /// Events that count inside the range and pass.
    pub(crate) fn events(self, b: &mut Builder, condition: &Condition) -> String {
        let (inside, passing) = (self.inside(b), self.holds(b, Side::Events, condition));
        let mut scrolled = Vec::new();
        condition.goals_by_scrolling(&mut scrolled);
        if scrolled.is_empty() {
            return format!("{inside} AND name != 'engagement' AND {passing}");
        }
        let scrolled = any_completed(b, &scrolled);
        format!("{inside} AND (name != 'engagement' OR {scrolled}) AND {passing}")
    }

    /// Whether a row of `events` passes, wherever it lies.
    pub(crate) fn event(self, b: &mut Builder, condition: &Condition) -> String {
        self.holds(b, Side::Events, condition)
    }

    /// Reports of engagement inside the range that pass.
    pub(super) fn engagements(self, b: &mut Builder, condition: &Condition) -> String {
        let (inside, passing) = (self.inside(b), self.holds(b, Side::Events, condition));
        format!("{inside} AND name = 'engagement' AND {passing}")
    }

    fn inside(self, b: &mut Builder) -> String {
        let (counted, from, to) = (self.counted(b), b.instant(self.range.from), b.instant(self.range.to));
        format!("{counted} AND ts >= {from} AND ts < {to}")
    }

    pub(super) fn counted(self, b: &mut Builder) -> String {
        let site = b.bind(Param::Site(self.scope.site().0));
        format!("site_id = {site} AND drop_reason = '' AND bot = ''")
    }

    /// Visits begun inside the range that pass.
    pub(super) fn visits(self, b: &mut Builder, condition: &Condition) -> String {
        let mut text = self.begun(b, self.range);
        let (of_visits, of_events) = condition.parts();
        for part in of_visits {
            text = format!("{text} AND {}", self.holds(b, Side::Visits, part));
        }
        if !of_events.is_empty() {
            let together = Condition::All(of_events.into_iter().cloned().collect());
            text = format!("{text} AND {}", self.have(b, &together));
        }
        text
    }

    /// Visits begun inside the range whose entry pageview lies inside it and passes.
    pub(super) fn entries(self, b: &mut Builder, condition: &Condition) -> String {
        let (begun, entered) = (self.begun(b, self.range), self.entered(b, condition));
        format!("{begun} AND {entered}")
    }

    /// Visits whose entry pageview lies inside the range and passes.
    pub(super) fn entered(self, b: &mut Builder, condition: &Condition) -> String {
        let passing = self.holds(b, Side::Entries, condition);
        let (from, to) = (b.instant(self.range.from), b.instant(self.range.to));
        // A visit without a pageview has an entry far in the future.
        format!(
            "{at} < {NO_PAGEVIEW} AND session_start + toIntervalMillisecond({at}) >= {from} \
             AND session_start + toIntervalMillisecond({at}) < {to} AND {passing}",
            at = end("entry", "at")
        )
    }

    /// All visits that may have an event inside the range.
    pub(super) fn near(self, b: &mut Builder) -> String {
        self.begun(b, Range::new(self.range.from - AFTER_MS, self.range.to + BEFORE_MS))
    }

    pub(super) fn begun(self, b: &mut Builder, range: Range) -> String {
        let site = b.bind(Param::Site(self.scope.site().0));
        let (from, to) = (b.instant(range.from), b.instant(range.to));
        format!("site_id = {site} AND session_start >= {from} AND session_start < {to} AND bot = ''")
    }

    /// The visit has an event inside the range that passes.
    fn have(self, b: &mut Builder, condition: &Condition) -> String {
        let events = self.events(b, condition);
        format!("session_id IN (SELECT session_id FROM events WHERE {events})")
    }

    pub(super) fn holds(self, b: &mut Builder, side: Side, condition: &Condition) -> String {
        match condition {
            Condition::All(parts) => all_of(parts.iter().map(|part| self.holds(b, side, part)).collect()),
            Condition::Any(parts) => any_of(parts.iter().map(|part| self.holds(b, side, part)).collect()),
            Condition::Not(part) => format!("NOT ({})", self.holds(b, side, part)),
            Condition::HasDone(part) => self.have(b, part),
            Condition::Leaf(leaf) => self.leaf(b, side, leaf),
            Condition::Goal(goals) => match side {
                Side::Events => any_completed(b, goals),
                Side::Visits => self.have(b, condition),
                Side::Entries => self.entered_by(b, condition),
            },
        }
    }

    fn leaf(self, b: &mut Builder, side: Side, leaf: &Leaf) -> String {
        if let Some(value) = value(b, side, &leaf.dimension) {
            return compared(b, leaf, &value);
        }
        let as_condition = Condition::Leaf(leaf.clone());
        match side {
            Side::Events => {
                let (near, passing) = (self.near(b), self.holds(b, Side::Visits, &as_condition));
                format!("session_id IN (SELECT session_id FROM sessions FINAL WHERE {near} AND {passing})")
            }
            Side::Visits => self.have(b, &as_condition),
            Side::Entries => self.entered_by(b, &as_condition),
        }
    }

    /// The entry pageview passes, by what only its event knows.
    fn entered_by(self, b: &mut Builder, condition: &Condition) -> String {
        let events = self.events(b, condition);
        format!(
            "(session_id, {}, {}) IN (SELECT session_id, since_start, visit_pageviews FROM events WHERE {events} AND name = 'pageview')",
            end("entry", "at"),
            end("entry", "views")
        )
    }
}

/// Whether a row of this side passes, by values that it has itself; none where a part of the condition looks elsewhere.
pub(super) fn of_values(b: &mut Builder, side: Side, condition: &Condition) -> Option<String> {
    let each = |b: &mut Builder, parts: &[Condition]| parts.iter().map(|part| of_values(b, side, part)).collect::<Option<Vec<String>>>();
    Some(match condition {
        Condition::All(parts) => all_of(each(b, parts)?),
        Condition::Any(parts) => any_of(each(b, parts)?),
        Condition::Not(part) => format!("NOT ({})", of_values(b, side, part)?),
        Condition::Leaf(leaf) => {
            let value = value(b, side, &leaf.dimension)?;
            compared(b, leaf, &value)
        }
        Condition::HasDone(_) | Condition::Goal(_) => return None,
    })
}

fn all_of(parts: Vec<String>) -> String {
    if parts.is_empty() { "1".to_owned() } else { format!("({})", parts.join(" AND ")) }
}

fn any_of(parts: Vec<String>) -> String {
    if parts.is_empty() { "0".to_owned() } else { format!("({})", parts.join(" OR ")) }
}

/// The stored value, empty for a missing one: a text, or a dictionary's; none where this side does not know it.
pub(crate) fn value(b: &mut Builder, side: Side, dimension: &Dimension) -> Option<String> {
    let value = match (dimension, side) {
        (Dimension::Page, Side::Events) => "path".to_owned(),
        (Dimension::Page, Side::Entries) => end("entry", "path"),
        (Dimension::Route(patterns), Side::Events) => route::of(b, "path", patterns),
        (Dimension::Route(patterns), Side::Entries) => route::of(b, &end("entry", "path"), patterns),
        (Dimension::Hostname, Side::Events) => "hostname".to_owned(),
        (Dimension::Hostname, Side::Entries) => end("entry", "hostname"),
        (Dimension::Name, Side::Events) => "name".to_owned(),
        (Dimension::Name, Side::Entries) => "'pageview'".to_owned(),
        (Dimension::Prop(key), Side::Events) => {
            let key = b.bind(Param::Text(key.clone()));
            format!("props[{key}]")
        }
        (Dimension::Prop(_), Side::Entries)
        | (Dimension::Page | Dimension::Route(_) | Dimension::Hostname | Dimension::Name | Dimension::Prop(_), Side::Visits) => {
            return None;
        }
        (Dimension::Visit(dimension), side) => return of_visit(side, *dimension),
        (Dimension::Channel(rules), _) => channel::expression(b, channel::Over::Rows, rules),
        (Dimension::PlaceName(place, names), side) => {
            let code = of_visit(side, place.code())?;
            if names.is_empty() {
                return Some(format!("toString({code})"));
            }
            let (codes, names): (Vec<String>, Vec<String>) = names.iter().cloned().unzip();
            let (codes, names) = (texts(b, &codes), texts(b, &names));
            format!("transform(toString({code}), {codes}, {names}, toString({code}))")
        }
    };
    Some(value)
}

/// A list of texts of any length: servers take parameters of 128 KB as they are sent (`http_max_field_value_size`).
fn texts(b: &mut Builder, list: &[String]) -> String {
    const MOST_BYTES: usize = 50_000;
    let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
    for text in list {
        if bytes + text.len() > MOST_BYTES {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += text.len() + 3;
        part.push(text.clone());
    }
    parts.push(part);
    let parts: Vec<String> = parts.into_iter().map(|part| b.bind(Param::Texts(part))).collect();
    if let [part] = parts.as_slice() { part.clone() } else { format!("arrayConcat({})", parts.join(", ")) }
}

fn of_visit(side: Side, dimension: OfVisit) -> Option<String> {
    Some(match dimension.stored() {
        Stored::Text(column) => column.to_owned(),
        Stored::Number(column) => format!("if({column} = 0, '', toString({column}))"),
        Stored::End(..) if side == Side::Events => return None,
        Stored::End(tuple, part) => end(tuple, part),
    })
}

pub(super) fn compared(b: &mut Builder, leaf: &Leaf, value: &str) -> String {
    let missing = leaf.dimension.missing();
    if leaf.op == Op::Is {
        let stored = |shown: &String| if shown == missing { String::new() } else { shown.clone() };
        let mut values: Vec<String> = leaf.values.iter().map(stored).collect();
        values.sort();
        values.dedup();
        let values = texts(b, &values);
        return if leaf.case_sensitive {
            format!("{value} IN {values}")
        } else {
            format!("lowerUTF8({value}) IN arrayMap(each -> lowerUTF8(each), {values})")
        };
    }
    let missing = b.bind(Param::Text(missing.to_owned()));
    let shown = format!("if({value} = '', {missing}, {value})");
    let each = |text: &String| match (leaf.op, leaf.case_sensitive) {
        (Op::Matches, true) => format!("match({shown}, {})", b.bind(Param::Text(text.clone()))),
        (Op::Matches, false) => format!("match({shown}, {})", b.bind(Param::Text(format!("(?i){text}")))),
        (_, true) => format!("position({shown}, {}) > 0", b.bind(Param::Text(text.clone()))),
        (_, false) => format!("position(lowerUTF8({shown}), lowerUTF8({})) > 0", b.bind(Param::Text(text.clone()))),
    };
    let any: Vec<String> = leaf.values.iter().map(each).collect();
    format!("({})", any.join(" OR "))
}
