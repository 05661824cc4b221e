//! What the figures of a page are filtered by, as its address says it: `f=is,source,Google`, once for each filter; all must hold. Of
//! `f=any,is,source,Google,,is,country,DE` one is enough: alternatives stand behind `any`, with an empty part between them.
//!
//! The form is like that of Plausible's addresses, but a comma or a backslash in a value has a backslash before it. The names are those of the query
//! language without `visit:` and `event:`, and `segment` with the number of one.
//!
//! Only the server looks into filters; the browser passes them on as they stand in the address.

use serde_json::{Value, json};

use crate::{i18n::Key, text::country_code};

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
/// What alternatives stand behind.
const ANY: &str = "any";

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

/// Filters of which one is enough: most often one alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyOf(Vec<Filter>);

impl From<Filter> for AnyOf {
    fn from(filter: Filter) -> Self {
        Self(vec![filter])
    }
}

impl AnyOf {
    /// These; none where there are none.
    #[must_use]
    pub fn new(filters: impl IntoIterator<Item = Filter>) -> Option<Self> {
        let mut filters = filters.into_iter();
        let first = Self::from(filters.next()?);
        Some(filters.fold(first, Self::or))
    }

    /// The alternatives, at least one.
    #[must_use]
    pub fn filters(&self) -> &[Filter] {
        &self.0
    }

    /// The filter that it is, where there is no other.
    #[must_use]
    pub fn alone(&self) -> Option<&Filter> {
        if let [filter] = self.0.as_slice() { Some(filter) } else { None }
    }

    /// With one alternative more. Of two that look for the same in the same way the values come together.
    #[must_use]
    pub fn or(mut self, filter: Filter) -> Self {
        let is_any = matches!(filter.op, Op::Is | Op::Contains | Op::Matches);
        if let Some(known) = self.0.iter_mut().find(|known| known.op == filter.op && known.field == filter.field && is_any) {
            add_values(known, filter.values);
        } else if self.0.len() < MOST && !self.0.contains(&filter) {
            self.0.push(filter);
        }
        self
    }

    /// With another alternative in the place of one; none where that was the only one and nothing comes in its place.
    #[must_use]
    pub fn with(&self, at: usize, filter: Option<Filter>) -> Option<Self> {
        let mut filters = self.0.clone();
        filters.splice(at..=at, filter);
        Self::new(filters)
    }

    /// Whether the two say one thing, or one thing of several values.
    #[must_use]
    pub fn goes_with(&self, other: &Self) -> bool {
        match (self.alone(), other.alone()) {
            (Some(one), Some(other)) => one.goes_with(other),
            _ => self == other,
        }
    }

    /// The values that it has and the other, which goes with it, has not: as a filter of its own.
    #[must_use]
    pub fn without(&self, other: &Self) -> Option<Self> {
        let (Some(filter), Some(other)) = (self.alone(), other.alone()) else { return None };
        let values: Vec<String> = filter.values.iter().filter(|value| !other.values.contains(value)).cloned().collect();
        (!values.is_empty()).then(|| Filter { values, ..filter.clone() }.into())
    }

    /// What a page takes away of its address to be without it: a text, or with a comma at its end all that begin so.
    #[must_use]
    pub fn beginning(&self) -> String {
        match self.alone() {
            Some(filter) if !matches!(filter.op, Op::Contains | Op::Matches) => {
                format!("{},{},", filter.op.code(), escaped(&filter.field))
            }
            _ => self.write(),
        }
    }

    /// From its text in an address. Alternatives that are none are left out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = split(text);
        match parts.as_slice() {
            [first, alternatives @ ..] if first == ANY => Self::new(alternatives.split(String::is_empty).filter_map(Filter::of_parts)),
            parts => Filter::of_parts(parts).map(Self::from),
        }
    }

    /// Its text in an address, not yet percent-encoded.
    #[must_use]
    pub fn write(&self) -> String {
        match self.alone() {
            Some(filter) => filter.write(),
            None => format!("{ANY},{}", self.0.iter().map(Filter::write).collect::<Vec<_>>().join(",,")),
        }
    }

    /// In the query language.
    #[must_use]
    pub fn in_language(&self) -> Value {
        match self.alone() {
            Some(filter) => filter.in_language(),
            None => json!(["or", self.0.iter().map(Filter::in_language).collect::<Vec<_>>()]),
        }
    }

    /// From the query language, where it says what an address can say.
    #[must_use]
    pub fn of_language(filter: &Value) -> Option<Self> {
        match filter.as_array()?.as_slice() {
            [op, Value::Array(alternatives)] if op == "or" => {
                Self::new(alternatives.iter().map(Filter::of_language).collect::<Option<Vec<_>>>()?)
            }
            _ => Filter::of_language(filter).map(Self::from),
        }
    }
}

/// One more filter. To see one more value of what is looked at, not those that are both, which are none, values of one comparison come together.
#[must_use]
pub fn with_filter(mut filters: Vec<AnyOf>, filter: AnyOf) -> Vec<AnyOf> {
    if let Some(known) = filters.iter_mut().find(|known| known.goes_with(&filter)) {
        if let ([known], Some(new)) = (known.0.as_mut_slice(), filter.alone()) {
            add_values(known, new.values.clone());
        }
    } else if filters.len() < MOST {
        filters.push(filter);
    }
    filters
}

fn add_values(filter: &mut Filter, values: Vec<String>) {
    for value in values {
        if !filter.values.contains(&value) {
            filter.values.push(value);
        }
    }
}

/// Where a form puts its filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Beside the others.
    New,
    /// Another alternative of this filter.
    Or(usize),
    /// In the place of this alternative of this filter.
    Instead(usize, usize),
}

impl Place {
    /// As forms send it: nothing, `1`, or `1.0`. What is none of these adds, so that nothing is lost.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let parsed = match text.split_once('.') {
            Some((at, of)) => at.parse().ok().zip(of.parse().ok()).map(|(at, of)| Self::Instead(at, of)),
            None => text.parse().ok().map(Self::Or),
        };
        parsed.unwrap_or(Self::New)
    }

    /// As forms send it.
    #[must_use]
    pub fn write(self) -> String {
        match self {
            Self::New => String::new(),
            Self::Or(at) => at.to_string(),
            Self::Instead(at, of) => format!("{at}.{of}"),
        }
    }

    /// These filters with one more there. Where the place is none it is added.
    #[must_use]
    pub fn put(self, mut filters: Vec<AnyOf>, filter: Filter) -> Vec<AnyOf> {
        match self {
            Self::Or(at) if at < filters.len() => filters[at] = filters[at].clone().or(filter),
            Self::Instead(at, of) if filters.get(at).is_some_and(|any| of < any.0.len()) => {
                filters[at] = filters[at].with(of, Some(filter)).unwrap_or_else(|| filters[at].clone());
            }
            _ => return with_filter(filters, filter.into()),
        }
        filters.into_iter().fold(Vec::new(), with_filter)
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
    fn alternatives_read_back_whatever_they_hold() {
        let odd = ["Google", "a,b", r"back\slash", r"\,", ",", ",,", "any", "is", "|;", " "];
        for (one, other) in odd.iter().flat_map(|one| odd.iter().map(move |other| (one, other))) {
            let mut first = Filter::new(Op::IsNot, "source", one).unwrap();
            first.values.push((*other).to_owned());
            let any = AnyOf::from(first).or(Filter::new(Op::Contains, "props:any,is", other).unwrap());
            assert_eq!(AnyOf::parse(&any.write()), Some(any.clone()), "{}", any.write());
            assert_eq!(AnyOf::of_language(&any.in_language()), Some(any));
        }
    }

    #[test]
    fn alternatives_are_written_as_they_are_said() {
        let any = |text: &str| AnyOf::parse(text).map(|any| any.write());
        let says = |text: &str| any(text).unwrap_or_default();
        assert_eq!(says("any,is,country,DE,,is,source,Google,Bing"), "any,is,country,DE,,is,source,Google,Bing");
        assert_eq!(says("any,is,country,DE,,is,country,FR"), "is,country,DE,FR", "one of the two");
        assert_eq!(says("any,is_not,country,DE,,is_not,country,FR"), "any,is_not,country,DE,,is_not,country,FR", "which is all");
        assert_eq!(says("any,is,country,DE,,,,like,source,x,,is,country,DE"), "is,country,DE");
        assert_eq!(says("is,source,a,,b"), "is,source,a,b", "as addresses always were");
        assert_eq!((any("any"), any("any,"), any("any,,,"), any("any,is,source")), (None, None, None, None));
        let many = format!("any{}", (0..50).map(|at| format!(",is,props:p{at},x,")).collect::<String>());
        assert_eq!(AnyOf::parse(&many).unwrap().filters().len(), MOST);
        let any = AnyOf::parse("any,is,segment,7,,is,page,/a").unwrap();
        assert_eq!(any.in_language().to_string(), r#"["or",[["is","segment",[7]],["is","event:page",["/a"]]]]"#);
    }

    #[test]
    fn only_what_an_address_says_comes_from_the_language() {
        let written = |text: &str| AnyOf::of_language(&serde_json::from_str(text).unwrap()).map(|any| any.write());
        assert_eq!(written(r#"["is","visit:country",["DE","FR"]]"#).as_deref(), Some("is,country,DE,FR"));
        for text in [
            r#"["is","visit:page",["/"]]"#,
            r#"["is","event:page",[]]"#,
            r#"["is","event:page",[""]]"#,
            r#"["is","visit:city",[2950159]]"#,
            r#"["is","visit:source",["a"],{"case_sensitive":false}]"#,
            r#"["not",["is","visit:source",["a"]]]"#,
            r#"["or",[["and",[["is","visit:source",["a"]]]]]]"#,
            r#"["or",[]]"#,
            r#"["is","segment",[7]]"#,
            "7",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn a_form_puts_its_filter_in_its_place() {
        let filters = || ["is,source,a", "any,is,page,/a,,is,country,DE"].map(|text| AnyOf::parse(text).unwrap()).to_vec();
        let put = |place: &str, text: &str| {
            let filters = Place::parse(place).put(filters(), Filter::parse(text).unwrap());
            filters.iter().map(AnyOf::write).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(put("0.0", "is_not,source,b"), "is_not,source,b any,is,page,/a,,is,country,DE");
        assert_eq!(put("0", "is,os,X"), "any,is,source,a,,is,os,X any,is,page,/a,,is,country,DE");
        assert_eq!(put("1.0", "is,page,/b"), "is,source,a any,is,page,/b,,is,country,DE");
        assert_eq!(put("1.1", "is,page,/b"), "is,source,a is,page,/a,/b", "one alternative is none");
        assert_eq!(put("1", "is,country,FR"), "is,source,a any,is,page,/a,,is,country,DE,FR");
        assert_eq!(put("1.0", "is,country,DE"), "is,source,a is,country,DE");
        for elsewhere in ["", "2", "1.2", "9.9", "-1", "1.x", "x"] {
            assert_eq!(put(elsewhere, "is,os,X"), "is,source,a any,is,page,/a,,is,country,DE is,os,X", "{elsewhere}");
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
