//! Goals: what a visitor can complete, by an event, a page or how far they scrolled.

use crate::sql::{Builder, Param};

/// A goal of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Goal {
    /// What reports call it; unique in its domain.
    pub name: String,
    /// What completes it.
    pub by: CompletedBy,
    /// Properties that the event must have as well, with these values.
    pub props: Vec<(String, String)>,
    /// ISO 4217: revenue in this currency counts for it.
    pub currency: Option<String>,
}

/// What completes a goal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompletedBy {
    /// An event of this name.
    Event(String),
    /// A pageview of such a path: `*` stands for any characters.
    Page(String),
    /// A report that a page of such a path was scrolled at least so deep, in percent.
    Scroll {
        /// As of pages.
        path: String,
        /// 1 to 100.
        depth: u8,
    },
}

impl Goal {
    /// Whether reports of engagement, which count in no other figure, complete it.
    #[must_use]
    pub const fn is_by_scrolling(&self) -> bool {
        matches!(self.by, CompletedBy::Scroll { .. })
    }

    /// Whether a row of `events` completes it.
    pub(super) fn completed(&self, b: &mut Builder) -> String {
        let mut all = match &self.by {
            CompletedBy::Event(name) => vec![format!("name = {}", b.bind(Param::Text(name.clone())))],
            CompletedBy::Page(path) => vec!["name = 'pageview'".to_owned(), path_is_like(b, path)],
            CompletedBy::Scroll { path, depth } => {
                let depth = b.bind(Param::Int(i64::from(*depth)));
                vec![format!("name = 'engagement' AND scroll_depth >= {depth} AND scroll_depth <= 100"), path_is_like(b, path)]
            }
        };
        for (key, value) in &self.props {
            let (key, value) = (b.bind(Param::Text(key.clone())), b.bind(Param::Text(value.clone())));
            all.push(format!("props[{key}] = {value}"));
        }
        format!("({})", all.join(" AND "))
    }
}

/// Whether a row of `events` completes one of these.
pub(super) fn any_completed(b: &mut Builder, goals: &[Goal]) -> String {
    let any: Vec<String> = goals.iter().map(|goal| goal.completed(b)).collect();
    if any.is_empty() { "0".to_owned() } else { format!("({})", any.join(" OR ")) }
}

/// The first number of a list of goals that an event completes; rows that complete several stand once for each.
pub(super) fn each_completed(b: &mut Builder, goals: &[Goal]) -> String {
    let each: Vec<String> = goals.iter().enumerate().map(|(index, goal)| format!("if({}, {}, 0)", goal.completed(b), index + 1)).collect();
    if each.is_empty() {
        return "arrayJoin(emptyArrayUInt16())".to_owned();
    }
    format!("arrayJoin(arrayFilter(number -> number > 0, [{}]))", each.join(", "))
}

fn path_is_like(b: &mut Builder, pattern: &str) -> String {
    if pattern.contains('*') {
        format!("match(path, {})", b.bind(Param::Text(expression(pattern))))
    } else {
        format!("path = {}", b.bind(Param::Text(pattern.to_owned())))
    }
}

/// A path pattern as a regular expression (RE2): `*` and `**` stand for any characters, everything else for itself.
#[must_use]
pub fn expression(pattern: &str) -> String {
    format!("^{}$", with_stars(pattern))
}

/// The same for a part of a pattern.
pub(super) fn with_stars(part: &str) -> String {
    let mut text = String::new();
    for (index, literal) in part.split('*').map(regex_syntax::escape).enumerate() {
        if index > 0 && !text.ends_with(".*") {
            text.push_str(".*");
        }
        text.push_str(&literal);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything_and_a_dot_is_a_dot() {
        assert_eq!(expression("/blog/*"), r"^/blog/.*$");
        assert_eq!(expression("/a.b/**/c"), r"^/a\.b/.*/c$");
        assert_eq!(expression("*"), "^.*$");
    }
}
