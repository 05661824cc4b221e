//! Filters of which one is enough, and where a form puts one among those that are there.

use serde_json::{Value, json};

use super::{Filter, MOST, Op, escaped, split};

/// What alternatives stand behind in an address.
const ANY: &str = "any";

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
