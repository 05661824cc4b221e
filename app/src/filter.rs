//! What the figures of a page are filtered by, as its address says it: `f=is,source,Google`, once for each filter; all must hold. Of
//! `f=any,is,source,Google,,is,country,DE` one is enough: alternatives stand behind `any`, with an empty part between them.
//!
//! The form is like that of Plausible's addresses, but a comma or a backslash in a value has a backslash before it. The names are those of the query
//! language without `visit:` and `event:`, and `segment` with the number of one.
//!
//! Only the server looks into filters; the browser passes them on as they stand in the address.

use serde_json::{Value, json};

use crate::{i18n::Key, text::country_code};

mod any_of;

pub use any_of::{AnyOf, Place, with_filter};

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// One of them.
    Is,
    /// None of them.
    IsNot,
    /// Any of them is a part.
    Contains,
    /// None of them is a part.
    ContainsNot,
    /// Any of them matches, a regular expression.
    Matches,
    /// None of them matches.
    MatchesNot,
}

impl Op {
    /// All, in the order of the menu.
    pub const ALL: [Self; 6] = [Self::Is, Self::IsNot, Self::Contains, Self::ContainsNot, Self::Matches, Self::MatchesNot];

    /// Its name in addresses and in the query language.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is_not",
            Self::Contains => "contains",
            Self::ContainsNot => "contains_not",
            Self::Matches => "matches",
            Self::MatchesNot => "matches_not",
        }
    }

    /// The opposite.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::Is => Self::IsNot,
            Self::IsNot => Self::Is,
            Self::Contains => Self::ContainsNot,
            Self::ContainsNot => Self::Contains,
            Self::Matches => Self::MatchesNot,
            Self::MatchesNot => Self::Matches,
        }
    }

    /// As chips and menus say it.
    #[must_use]
    pub const fn text(self) -> Key {
        match self {
            Self::Is => Key::FilterIs,
            Self::IsNot => Key::FilterIsNot,
            Self::Contains => Key::FilterContains,
            Self::ContainsNot => Key::FilterContainsNot,
            Self::Matches => Key::FilterMatches,
            Self::MatchesNot => Key::FilterMatchesNot,
        }
    }
}

/// What can be filtered by, in the order of the menu.
pub const FIELDS: [&str; 24] = [
    "page",
    "entry_page",
    "exit_page",
    "hostname",
    "source",
    "channel",
    "referrer",
    "utm_campaign",
    "utm_medium",
    "utm_source",
    "utm_content",
    "utm_term",
    "country",
    "region",
    "city",
    "language",
    "browser",
    "browser_version",
    "os",
    "os_version",
    "device",
    "screen",
    "goal",
    "name",
];

/// Properties are filtered by `props:NAME`.
pub const PROPS: &str = "props:";
/// Filters that were saved under a name are applied by their number.
pub const SEGMENT: &str = "segment";
/// What is known to events, not to visits.
const OF_EVENTS: [&str; 4] = ["page", "hostname", "goal", "name"];
/// Places that rows know by code, and people by name.
const BY_NAME: [(&str, &str); 2] = [("region", "region_name"), ("city", "city_name")];
/// Fields whose filters are no alternatives to others: the query language takes them at the top level only.
pub const ALONE: [&str; 2] = ["goal", "hostname"];
/// Filters of one page, and alternatives in one of them.
pub const MOST: usize = 20;

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// How it compares.
    pub op: Op,
    /// One of [`FIELDS`], `props:` and a name, or [`SEGMENT`].
    pub field: String,
    /// At least one.
    pub values: Vec<String>,
}

impl Filter {
    /// By one value. None where nothing can be filtered by that.
    #[must_use]
    pub fn new(op: Op, field: &str, value: &str) -> Option<Self> {
        ((is_field(field) || field == SEGMENT) && !value.is_empty()).then(|| Self {
            op,
            field: field.to_owned(),
            values: vec![value.to_owned()],
        })
    }

    /// As a form sends it: places are named, and inputs may be empty. None where nothing can be filtered by that.
    #[must_use]
    pub fn of_form<'a>(op: &str, field: &str, values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let op = Op::ALL.into_iter().find(|known| known.code() == op)?;
        let typed: Vec<&str> = values.into_iter().map(str::trim).filter(|value| !value.is_empty()).collect();
        // Codes are `DE-BE` and numbers.
        let is_code = |name: &&str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
        let named = BY_NAME.iter().find(|(known, _)| *known == field && !typed.iter().all(is_code)).map_or(field, |(_, name)| name);
        let mut filter = Self::new(op, named, typed.first()?)?;
        filter.values.clear();
        for value in typed {
            let code = if field == "country" { country_code(value) } else { None };
            let value = code.unwrap_or_else(|| value.to_owned());
            if !filter.values.contains(&value) {
                filter.values.push(value);
            }
        }
        Some(filter)
    }

    /// Whether the two say one thing of several values: any of them, or none of them.
    #[must_use]
    pub fn goes_with(&self, other: &Self) -> bool {
        let is_one = !matches!(self.op, Op::Contains | Op::Matches) || self.values == other.values;
        is_one && self.op == other.op && self.field == other.field
    }

    /// From its text in an address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of_parts(&split(text))
    }

    fn of_parts(parts: &[String]) -> Option<Self> {
        let [op, field, first, more @ ..] = parts else { return None };
        let op = Op::ALL.into_iter().find(|known| known.code() == op)?;
        let mut filter = Self::new(op, field, first)?;
        filter.values.extend(more.iter().filter(|value| !value.is_empty()).cloned());
        Some(filter)
    }

    /// Its text in an address, not yet percent-encoded.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = format!("{},{}", self.op.code(), escaped(&self.field));
        for value in &self.values {
            text.push(',');
            text.push_str(&escaped(value));
        }
        text
    }

    /// The dimension in the query language.
    #[must_use]
    pub fn dimension(&self) -> String {
        dimension(&self.field)
    }

    /// Its opposite; goals and segments have none.
    #[must_use]
    pub fn negated(&self) -> Option<Self> {
        (!["goal", SEGMENT].contains(&self.field.as_str())).then(|| Self { op: self.op.negated(), ..self.clone() })
    }

    /// The number of the segment that it applies.
    #[must_use]
    pub fn segment(&self) -> Option<&str> {
        self.values.first().filter(|_| self.field == SEGMENT).map(String::as_str)
    }

    /// In the query language.
    #[must_use]
    pub fn in_language(&self) -> Value {
        if self.field == SEGMENT {
            // What is no number is left for the language to refuse.
            let number = |value: &String| value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number));
            return json!([self.op.code(), SEGMENT, self.values.iter().map(number).collect::<Vec<_>>()]);
        }
        json!([self.op.code(), self.dimension(), self.values])
    }

    /// From the query language, where it says what an address can say.
    #[must_use]
    pub fn of_language(filter: &Value) -> Option<Self> {
        let [op, dimension, values] = filter.as_array()?.as_slice() else { return None };
        let op = Op::ALL.into_iter().find(|known| Some(known.code()) == op.as_str())?;
        let field = dimension.as_str()?.split_once(':')?.1;
        let values: Vec<String> = values.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        let is_it = dimension == &json!(self::dimension(field)) && values.iter().all(|value| !value.is_empty());
        let filter = Self::new(op, field, values.first()?)?;
        is_it.then_some(Self { values, ..filter })
    }
}

/// Whether it can be filtered by.
#[must_use]
pub fn is_field(field: &str) -> bool {
    FIELDS.contains(&field)
        || BY_NAME.iter().any(|(_, name)| *name == field)
        || field.strip_prefix(PROPS).is_some_and(|name| !name.is_empty())
}

/// What pages call a field; none for properties, which have names of their own.
#[must_use]
pub fn known_as(field: &str) -> Option<Key> {
    Some(match field {
        "page" => Key::ColumnPage,
        "entry_page" => Key::FieldEntryPage,
        "exit_page" => Key::FieldExitPage,
        "hostname" => Key::FieldHostname,
        "source" => Key::ColumnSource,
        "channel" => Key::ColumnChannel,
        "referrer" => Key::ColumnReferrer,
        "utm_campaign" => Key::ColumnCampaign,
        "utm_medium" => Key::FieldMedium,
        "utm_source" => Key::FieldUtmSource,
        "utm_content" => Key::FieldContent,
        "utm_term" => Key::FieldTerm,
        "country" => Key::ColumnCountry,
        "region" | "region_name" => Key::FieldRegion,
        "city" | "city_name" => Key::FieldCity,
        "language" => Key::FieldLanguage,
        "browser" => Key::ColumnBrowser,
        "browser_version" => Key::FieldBrowserVersion,
        "os" => Key::ColumnSystem,
        "os_version" => Key::FieldSystemVersion,
        "device" => Key::ColumnDevice,
        "screen" => Key::FieldScreen,
        "goal" => Key::FieldGoal,
        "name" => Key::FieldEvent,
        SEGMENT => Key::Segment,
        _ => return None,
    })
}

/// The dimension of a field in the query language.
#[must_use]
pub fn dimension(field: &str) -> String {
    let of_event = OF_EVENTS.contains(&field) || field.starts_with(PROPS);
    format!("{}:{field}", if of_event { "event" } else { "visit" })
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace(',', r"\,")
}

fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, parts.last_mut()) {
            (',', _) => parts.push(String::new()),
            ('\\', Some(part)) => part.extend(letters.next()),
            (letter, Some(part)) => part.push(letter),
            (_, None) => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_back() {
        for value in ["Google", "a,b", r"back\slash", r"\,", "ü & +%41#=", " "] {
            let mut filter = Filter::new(Op::IsNot, "source", value).unwrap();
            filter.values.push("second".to_owned());
            assert_eq!(Filter::parse(&filter.write()), Some(filter));
        }
    }

    #[test]
    fn what_is_no_filter_is_none() {
        for text in ["", "is", "is,source", "is,source,", "like,source,x", "is,visitor_id,x", "is,props:,x"] {
            assert_eq!(Filter::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_query_language() {
        let dimension = |field: &str| Filter::new(Op::Is, field, "x").unwrap().dimension();
        assert_eq!(
            ["page", "source", "goal", "props:plan"].map(dimension),
            ["event:page", "visit:source", "event:goal", "event:props:plan"]
        );
    }
}
