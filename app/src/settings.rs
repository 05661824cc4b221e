//! What is set of a domain, as its pages show it and as their forms send it: text as it was typed, so that it can be shown again beside
//! what is wrong with it.

use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    filter::Op,
    i18n::Key,
    text,
    types::{AppError, Site},
};

/// What is encoded in a part of a path.
const PART: &AsciiSet = &text::PATH.add(b'/');

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Name, id, time zone.
    General,
    /// The line that a page needs.
    Snippet,
    /// What visitors can complete.
    Goals,
    /// Custom properties that reports offer.
    Properties,
    /// Patterns that stand for pages of one kind.
    Routes,
    /// The domain's own rules of channels.
    Channels,
    /// What does not count.
    Shields,
    /// Notes at moments.
    Annotations,
    /// Filters that were saved under a name.
    Segments,
    /// Links to the dashboard for people without an account.
    Sharing,
    /// What cannot be undone.
    Danger,
}

impl Section {
    /// In the order of the pages.
    pub const ALL: [Self; 11] = [
        Self::General,
        Self::Snippet,
        Self::Goals,
        Self::Properties,
        Self::Routes,
        Self::Channels,
        Self::Shields,
        Self::Annotations,
        Self::Segments,
        Self::Sharing,
        Self::Danger,
    ];

    /// Its name in addresses and forms.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Snippet => "snippet",
            Self::Goals => "goals",
            Self::Properties => "properties",
            Self::Routes => "routes",
            Self::Channels => "channels",
            Self::Shields => "shields",
            Self::Annotations => "annotations",
            Self::Segments => "segments",
            Self::Sharing => "sharing",
            Self::Danger => "danger",
        }
    }

    /// The section of this name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.code() == code)
    }

    /// Its title.
    #[must_use]
    pub const fn title(self) -> Key {
        match self {
            Self::General => Key::SetGeneral,
            Self::Snippet => Key::SetSnippet,
            Self::Goals => Key::SetGoals,
            Self::Properties => Key::SetProperties,
            Self::Routes => Key::SetRoutes,
            Self::Channels => Key::SetChannels,
            Self::Shields => Key::SetShields,
            Self::Annotations => Key::SetAnnotations,
            Self::Segments => Key::Segments,
            Self::Sharing => Key::SetSharing,
            Self::Danger => Key::SetDanger,
        }
    }

    /// The address of its page. `domain` may be any text.
    #[must_use]
    pub fn address(self, domain: &str) -> String {
        format!("/{}/settings/{}", utf8_percent_encode(domain, PART), self.code())
    }
}

/// One thing that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Of [`Section::Goals`].
    Goal(Goal),
    /// Of [`Section::Properties`].
    Property(Property),
    /// Of [`Section::Routes`].
    Route(Route),
    /// Of [`Section::Channels`].
    Channel(Channel),
    /// Of [`Section::Shields`].
    Shield(Shield),
    /// Of [`Section::Annotations`].
    Annotation(Annotation),
    /// Of [`Section::Segments`].
    Segment(Segment),
    /// Of [`Section::Sharing`].
    Link(Link),
}

impl Entry {
    /// Where it stands.
    #[must_use]
    pub const fn section(&self) -> Section {
        match self {
            Self::Goal(_) => Section::Goals,
            Self::Property(_) => Section::Properties,
            Self::Route(_) => Section::Routes,
            Self::Channel(_) => Section::Channels,
            Self::Shield(_) => Section::Shields,
            Self::Annotation(_) => Section::Annotations,
            Self::Segment(_) => Section::Segments,
            Self::Link(_) => Section::Sharing,
        }
    }

    /// As it may be kept to be shown again: without what is secret.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        if let Self::Link(link) = &mut self {
            link.password.clear();
        }
        self
    }

    /// Names and values of a form that sends it.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        if let Ok(value) = serde_json::to_value(self) {
            flatten("entry".to_owned(), value, &mut fields);
        }
        fields
    }
}

fn flatten(name: String, value: Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(parts) => parts.into_iter().for_each(|(key, part)| flatten(format!("{name}[{key}]"), part, fields)),
        Value::Array(parts) => parts.into_iter().enumerate().for_each(|(at, part)| flatten(format!("{name}[{at}]"), part, fields)),
        Value::String(text) => fields.push((name, text)),
        other => fields.push((name, other.to_string())),
    }
}

/// What completes a goal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletedBy {
    /// An event.
    #[default]
    Event,
    /// A visit of a page.
    Page,
    /// A page scrolled so far.
    Scroll,
}

/// A goal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Goal {
    /// Which of the next three count.
    pub by: CompletedBy,
    /// Name of the event.
    pub event: String,
    /// Pattern of the path; also of what is scrolled.
    pub page: String,
    /// Percent.
    pub scroll: String,
    /// What reports call it; empty: made of the rest.
    pub name: String,
    /// What the event must have as well; those without a name do not count.
    pub props: Vec<Prop>,
    /// ISO 4217, of its revenue; empty: none.
    pub currency: String,
}

/// A property and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prop {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A custom property.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Property {
    /// Name, as events have it.
    pub name: String,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// `/blog/:slug`
    pub pattern: String,
    /// Its place in the list, from 0; none: the last.
    pub at: Option<usize>,
}

/// A rule of channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Channel {
    /// The channel's name in reports.
    pub channel: String,
    /// One of [`Channel::FIELDS`].
    pub field: String,
    /// Code of an [`Op`].
    pub op: String,
    /// Values, one a line.
    pub values: String,
    /// The whole condition as JSON: filters of the query language. Where it is given the three above do not count.
    pub filters: String,
    /// As of routes.
    pub at: Option<usize>,
}

impl Channel {
    /// What a form offers, of what says where a visit came from: names of [`crate::filter::FIELDS`].
    pub const FIELDS: [&str; 7] = ["source", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"];

    /// Its condition.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence about filters.
    pub fn condition(&self) -> Result<Vec<Value>, String> {
        if !self.filters.is_empty() {
            return serde_json::from_str(&self.filters).map_err(|fault| format!("are not JSON: {fault}"));
        }
        let values: Vec<&str> = self.values.lines().map(str::trim).filter(|value| !value.is_empty()).collect();
        if values.is_empty() {
            return Err("have no value; write at least one, each on its own line".to_owned());
        }
        let op = Op::ALL.into_iter().find(|op| op.code() == self.op).ok_or_else(|| format!("cannot compare by `{}`", self.op))?;
        Ok(vec![serde_json::json!([op.code(), format!("visit:{}", self.field), values])])
    }
}

/// What a shield looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShieldOf {
    /// An address or a network that does not count.
    #[default]
    Ip,
    /// A country that does not.
    Country,
    /// A pattern of paths that do not.
    Path,
    /// A pattern of the only host names that do.
    Host,
}

impl ShieldOf {
    /// In the order of the form.
    pub const ALL: [Self; 4] = [Self::Ip, Self::Country, Self::Path, Self::Host];

    /// Its name in forms.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Country => "country",
            Self::Path => "path",
            Self::Host => "host",
        }
    }
}

/// A shield.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shield {
    /// What it looks at.
    pub of: ShieldOf,
    /// What it looks for.
    pub value: String,
}

/// A note at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Annotation {
    /// `YYYY-MM-DD` in the domain's zone.
    pub day: String,
    /// `HH:MM` by its clocks, with or without seconds; empty: the beginning of the day.
    pub time: String,
    /// What happened.
    pub note: String,
}

/// A segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Segment {
    /// Its number; empty: one that is to be made.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Nobody but the viewer has it.
    pub personal: bool,
    /// JSON: filters of the query language. A segment that is there keeps its own.
    pub filters: String,
}

/// A shared link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// What its owner calls it.
    pub name: String,
    /// The password that it shall ask for, as it is typed; what is kept of it is never here.
    pub password: String,
    /// `YYYY-MM-DD` in the domain's zone: the last day on which it opens; empty: it has none.
    pub until: String,
    /// Number of the segment that all figures are limited to; empty: none.
    pub segment: String,
    /// Anybody sees the domain under its own name as well.
    pub public: bool,
    /// What is known of one that there is; no form sends it.
    #[serde(skip)]
    pub made: MadeLink,
}

/// What is known of a link that there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeLink {
    /// Its whole address.
    pub address: String,
    /// It asks for a password.
    pub has_password: bool,
    /// Its last day is over.
    pub is_over: bool,
    /// The name of its segment; none where it has none, or where that is gone.
    pub segment: Option<String>,
}

/// What a section shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The domain.
    pub site: Site,
    /// The day on which it was added, in its zone.
    pub added: String,
    /// A name under which events count as well, and until when: `YYYY-MM-DD HH:MM` in the domain's zone.
    pub former: Option<(String, String)>,
    /// What is set, in its order.
    pub entries: Vec<Listed>,
    /// Names that the form of channels offers: those that everybody has.
    pub channels: Vec<String>,
    /// Number and name of the segments that the form of shared links offers: the domain's.
    pub segments: Vec<(String, String)>,
}

/// Something that is set, and what it is removed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Unique in its section.
    pub key: String,
    /// What it is.
    pub entry: Entry,
}

/// What came of a form, for the page that follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// This is set now.
    Added(Entry),
    /// This was removed.
    Removed(Entry),
    /// This has another place.
    Moved(Entry),
    /// The time zone was another one.
    TimeZoneWas(String),
    /// The domain had this name.
    Renamed(String),
    /// All data was removed: it is gone, or goes within minutes.
    Cleared(bool),
    /// This domain is hidden.
    Deleted(String),
    /// This domain is back.
    Restored(String),
    /// This domain is gone.
    DeletedForGood(String),
    /// Nothing changed.
    Failed {
        /// Why.
        error: AppError,
        /// What was sent.
        typed: Typed,
    },
}

/// What a form sent that is shown again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Typed {
    /// Nothing that can be.
    #[default]
    Nothing,
    /// The form of an entry.
    Entry(Entry),
    /// A form with one field.
    Text(String),
    /// The same, where there is one for each of several domains.
    Named {
        /// Which domain.
        domain: String,
        /// What was typed.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_nowhere_else() {
        assert_eq!(Section::Goals.address("a.org"), "/a.org/settings/goals");
        assert_eq!(Section::General.address("/evil.example"), "/%2Fevil.example/settings/general");
    }

    #[test]
    fn an_entry_is_a_form() {
        let props = vec![Prop { name: "plan".to_owned(), value: "pro".to_owned() }];
        let goal = Goal { event: "Signup".to_owned(), props, ..Goal::default() };
        let fields = Entry::Goal(goal).fields();
        for (name, value) in [
            ("entry[goal][by]", "event"),
            ("entry[goal][event]", "Signup"),
            ("entry[goal][props][0][name]", "plan"),
            ("entry[goal][props][0][value]", "pro"),
        ] {
            assert!(fields.contains(&(name.to_owned(), value.to_owned())), "{name}: {fields:?}");
        }
        let route = |at| Entry::Route(Route { pattern: "/a/:b".to_owned(), at }).fields();
        assert_eq!((route(None).len(), route(Some(2)).len()), (1, 2));
    }

    #[test]
    fn a_condition_is_typed_or_given() {
        let typed =
            Channel { field: "source".to_owned(), op: "is".to_owned(), values: " acme \n\nglobex".to_owned(), ..Channel::default() };
        let given = Channel { filters: r#"[["is","visit:source",["acme","globex"]]]"#.to_owned(), ..Channel::default() };
        assert_eq!(typed.condition(), given.condition());
        assert!(Channel { values: " \n".to_owned(), ..typed.clone() }.condition().is_err());
        assert!(Channel { op: "like".to_owned(), ..typed }.condition().is_err());
    }
}
