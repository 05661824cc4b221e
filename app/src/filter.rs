//! What the figures of a page are filtered by, as its address says it: `f=is,source,Google`, once for each filter; all must hold.
//!
//! The form is like that of Plausible's addresses, but a comma or a backslash in a value has a backslash before it. The names are those of the query
//! language without `visit:` and `event:`.

#[cfg(feature = "ssr")]
use crate::i18n::Key;
use crate::text::country_code;

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
    #[cfg(feature = "ssr")]
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
/// What is known to events, not to visits.
const OF_EVENTS: [&str; 4] = ["page", "hostname", "goal", "name"];
/// Places that rows know by code, and people by name.
const BY_NAME: [(&str, &str); 2] = [("region", "region_name"), ("city", "city_name")];
/// Filters of one page.
pub const MOST: usize = 20;

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// How it compares.
    pub op: Op,
    /// One of [`FIELDS`], or `props:` and a name.
    pub field: String,
    /// At least one.
    pub values: Vec<String>,
}

impl Filter {
    /// By one value. None where nothing can be filtered by that.
    #[must_use]
    pub fn new(op: Op, field: &str, value: &str) -> Option<Self> {
        (is_field(field) && !value.is_empty()).then(|| Self { op, field: field.to_owned(), values: vec![value.to_owned()] })
    }

    /// As a form sends it: places are named.
    #[must_use]
    pub fn of_form(op: &str, field: &str, value: &str) -> Option<Self> {
        let op = Op::ALL.into_iter().find(|known| known.code() == op)?;
        let value = value.trim();
        let code = if field == "country" { country_code(value) } else { None };
        // Codes are `DE-BE` and numbers.
        let is_code = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
        let named = BY_NAME.iter().find(|(known, _)| *known == field && !is_code(value)).map_or(field, |(_, name)| name);
        Self::new(op, named, code.as_deref().unwrap_or(value))
    }

    /// Whether the two say one thing of several values: any of them, or none of them.
    #[must_use]
    pub fn goes_with(&self, other: &Self) -> bool {
        let is_one = !matches!(self.op, Op::Contains | Op::Matches) || self.values == other.values;
        is_one && self.op == other.op && self.field == other.field
    }

    /// How the texts in an address begin that say this filter.
    #[must_use]
    pub fn beginning(&self) -> String {
        match self.op {
            Op::Contains | Op::Matches => self.write(),
            _ => format!("{},{}", self.op.code(), escaped(&self.field)),
        }
    }

    /// From its text in an address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = split(text).into_iter();
        let (op, field, first) = (parts.next()?, parts.next()?, parts.next()?);
        let op = Op::ALL.into_iter().find(|known| known.code() == op)?;
        let mut filter = Self::new(op, &field, &first)?;
        filter.values.extend(parts.filter(|value| !value.is_empty()));
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

    /// Its opposite; a goal has none.
    #[must_use]
    pub fn negated(&self) -> Option<Self> {
        (self.field != "goal").then(|| Self { op: self.op.negated(), ..self.clone() })
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
#[cfg(feature = "ssr")]
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
