//! What is set, in words.

use footfall_model::DropReason;
use serde_json::Value;

use crate::{
    backend::Offered,
    filter::{AnyOf, Op},
    i18n::{Key, fill, t},
    parts::filters::{field_name, sentence},
    settings::{Annotation, Channel, CompletedBy, Entry, Goal, Link, Segment, Shield, ShieldOf},
    text::country,
};

/// What it is called.
pub(super) fn title(entry: &Entry) -> String {
    match entry {
        Entry::Goal(goal) => goal.name.clone(),
        Entry::Property(property) => property.name.clone(),
        Entry::Route(route) => route.pattern.clone(),
        Entry::Channel(rule) => rule.channel.clone(),
        Entry::Shield(Shield { of: ShieldOf::Country, value }) => country(value).to_owned(),
        Entry::Shield(shield) => shield.value.clone(),
        Entry::Annotation(note) => note.note.clone(),
        Entry::Segment(segment) => segment.name.clone(),
        Entry::Link(link) => link.name.clone(),
    }
}

/// What else there is to know of it.
pub(super) fn detail(entry: &Entry) -> String {
    match entry {
        Entry::Goal(goal) => of_goal(goal),
        Entry::Property(_) | Entry::Route(_) => String::new(),
        Entry::Channel(rule) => of_rule(rule),
        Entry::Shield(shield) => {
            let reason = reason(shield.of);
            format!("{} · {reason}: {}", t(kind(shield.of)), reason.advice())
        }
        Entry::Annotation(Annotation { day, time, .. }) => format!("{day} {time}"),
        Entry::Segment(segment) => of_segment(segment),
        Entry::Link(link) => of_link(link),
    }
}

/// The name of a kind of shields.
pub(super) const fn kind(of: ShieldOf) -> Key {
    match of {
        ShieldOf::Ip => Key::SetShieldIp,
        ShieldOf::Country => Key::ColumnCountry,
        ShieldOf::Path => Key::SetShieldPath,
        ShieldOf::Host => Key::SetShieldHost,
    }
}

const fn reason(of: ShieldOf) -> DropReason {
    match of {
        ShieldOf::Ip => DropReason::ShieldIp,
        ShieldOf::Country => DropReason::ShieldCountry,
        ShieldOf::Path => DropReason::ShieldPath,
        ShieldOf::Host => DropReason::ShieldHost,
    }
}

fn of_goal(goal: &Goal) -> String {
    let mut parts = vec![match goal.by {
        CompletedBy::Event => fill(Key::SetGoalOfEvent, &[("event", &goal.event)]),
        CompletedBy::Page => fill(Key::SetGoalOfPage, &[("page", &goal.page)]),
        CompletedBy::Scroll => fill(Key::SetGoalOfScroll, &[("depth", &goal.scroll), ("page", &goal.page)]),
    }];
    parts.extend(goal.props.iter().map(|prop| format!("{} {} {}", prop.name, t(Key::FilterIs), prop.value)));
    if !goal.currency.is_empty() {
        parts.push(fill(Key::SetGoalOfRevenue, &[("currency", &goal.currency)]));
    }
    parts.join(" · ")
}

fn of_link(link: &Link) -> String {
    let Link { until, segment, public, made, .. } = link;
    let mut parts = Vec::new();
    if *public {
        parts.push(t(Key::SetLinkIsPublic).to_owned());
    }
    if made.has_password {
        parts.push(t(Key::SetLinkHasPassword).to_owned());
    }
    match &made.segment {
        Some(name) => parts.push(name.clone()),
        None if !segment.is_empty() => parts.push(t(Key::SetLinkSegmentGone).to_owned()),
        None => {}
    }
    if !until.is_empty() {
        parts.push(fill(if made.is_over { Key::SetLinkOver } else { Key::SetLinkUntilDay }, &[("day", until)]));
    }
    parts.join(" · ")
}

/// A rule as a sentence where it is a plain one, else as it is kept.
fn of_rule(rule: &Channel) -> String {
    let Ok(filters) = rule.condition() else { return rule.filters.clone() };
    let words: Option<Vec<String>> = filters.iter().map(of_filter).collect();
    words.map_or_else(|| rule.filters.clone(), |words| words.join(&format!(" {} ", t(Key::SetAnd))))
}

/// For whom it is, and what it consists of.
fn of_segment(segment: &Segment) -> String {
    let filters: Vec<Value> = serde_json::from_str(&segment.filters).unwrap_or_default();
    let said = |filter: &Value| AnyOf::of_language(filter).map_or_else(|| filter.to_string(), |any| sentence(&any, &Offered::default()));
    let said = filters.iter().map(said).collect::<Vec<_>>().join(&format!(" {} ", t(Key::SetAnd)));
    if segment.personal { format!("{} · {said}", t(Key::SegmentYours)) } else { said }
}

fn of_filter(filter: &Value) -> Option<String> {
    let [op, dimension, values] = filter.as_array()?.as_slice() else { return None };
    let op = Op::ALL.into_iter().find(|known| Some(known.code()) == op.as_str())?;
    let field = dimension.as_str()?.split_once(':')?.1;
    let values: Vec<&str> = values.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
    Some(format!("{} {} {}", field_name(field), t(op.text()), values.join(&format!(" {} ", t(Key::FilterOr)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sentences_where_they_can_be() {
        let rule = |filters: &str| of_rule(&Channel { filters: filters.to_owned(), ..Channel::default() });
        assert_eq!(
            rule(r#"[["is","visit:utm_source",["acme","globex"]],["contains_not","visit:referrer",["/ads"]]]"#),
            "UTM source is acme or globex and Referrer does not contain /ads"
        );
        let nested = r#"[["or",[["is","visit:source",["a"]]]]]"#;
        assert_eq!(rule(nested), nested);
    }

    #[test]
    fn a_shield_says_what_a_drop_will_say() {
        let shield = Entry::Shield(Shield { of: ShieldOf::Country, value: "DE".to_owned() });
        assert_eq!(title(&shield), "Germany");
        assert_eq!(detail(&shield), "Country · shield_country: The country is on the domain's block list.");
    }
}
