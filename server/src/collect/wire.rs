//! The event protocol as it comes over the wire. Only JSON's syntax can fail here; what a field may hold is decided by the steps, after it is
//! known who asks. So an event with several faults is refused for the first one in the order of the pipeline.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, value::RawValue};

use super::body::MAX_EVENT;

/// Greatest number of events in an array.
pub const MAX_EVENTS: usize = 1_000;

/// A value that has not been looked at. Text is borrowed from the body where it has no escapes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Loose<'a> {
    /// Absent or `null`.
    #[default]
    None,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// An object; what its members hold in turn is not kept.
    Object(Vec<(Cow<'a, str>, Self)>),
    /// Anything else.
    Other,
}

impl<'a> From<&'a str> for Loose<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

macro_rules! wire_event {
    ($($(#[$doc:meta])* $field:ident = $name:literal,)*) => {
        /// One event as sent. Unknown fields are ignored, so that newer trackers can talk to older servers.
        #[derive(Clone, Debug, Default)]
        pub struct WireEvent<'a> { $($(#[$doc])* pub $field: Loose<'a>,)* }

        impl<'a> WireEvent<'a> {
            /// The field with this name.
            pub fn field_mut(&mut self, name: &str) -> Option<&mut Loose<'a>> {
                match name { $($name => Some(&mut self.$field),)* _ => None }
            }
        }
    };
}

wire_event! {
    /// The measured domain.
    domain = "domain",
    /// Path of the page, or …
    path = "path",
    /// … its whole address.
    url = "url",
    /// `document.referrer`
    referrer = "referrer",
    /// Takes the visitor's place in the visit rule.
    session_id = "sessionId",
    /// Ties engagement to its pageview.
    page_id = "pageId",
    /// Size of the window.
    viewport = "viewport",
    /// `pageview`, `engagement` or a name of one's own.
    name = "name",
    /// Title of the page.
    title = "title",
    /// `navigator.language`
    language = "language",
    /// Size of the screen.
    screen = "screen",
    /// Properties.
    props = "props",
    /// `{amount, currency}`
    revenue = "revenue",
    /// Whether the event ends a bounce.
    interactive = "interactive",
    /// Engaged since the last report for this page.
    engagement_ms = "engagementMs",
    /// Greatest depth so far.
    scroll_depth = "scrollDepth",
    /// Makes a retry harmless.
    id = "id",
    /// Kept as a keyed hash.
    user_id = "userId",
    /// When it happened.
    timestamp = "timestamp",
    /// Whose event it is, where the sender is not the visitor.
    ip = "ip",
    /// With which browser.
    user_agent = "userAgent",
    /// Hash mode: the fragment is part of the path.
    hash = "hash",
}

impl WireEvent<'_> {
    /// Whether it says what only a key or an import may say.
    pub fn is_privileged(&self) -> bool {
        [&self.timestamp, &self.ip, &self.user_agent].iter().any(|field| **field != Loose::None)
    }
}

/// What a body holds.
#[derive(Debug)]
pub enum Wire<'a> {
    /// One event.
    One(Box<WireEvent<'a>>),
    /// An array of up to [`MAX_EVENTS`], each well-formed or not on its own.
    Many(Vec<Result<WireEvent<'a>, String>>),
}

/// Why a body is not one of these.
#[derive(Debug, PartialEq, Eq)]
pub enum WireError {
    /// Not JSON, or neither object nor array.
    Malformed(String),
    /// More than [`MAX_EVENTS`].
    TooMany,
}

/// Reads a body.
pub fn parse(body: &str) -> Result<Wire<'_>, WireError> {
    if body.trim_start().starts_with('[') {
        let items: Items<'_> = serde_json::from_str(body).map_err(|error| malformed(&error))?;
        if items.0.len() > MAX_EVENTS {
            return Err(WireError::TooMany);
        }
        return Ok(Wire::Many(items.0.into_iter().map(|item| parse_one(item.get())).collect()));
    }
    serde_json::from_str(body).map(Wire::One).map_err(|error| malformed(&error))
}

/// Reads one event, such as a line of an import.
pub fn parse_one(text: &str) -> Result<WireEvent<'_>, String> {
    if text.len() > MAX_EVENT {
        return Err("an event has at most 64 KB".to_owned());
    }
    serde_json::from_str(text).map_err(|error| say(&error))
}

fn malformed(error: &serde_json::Error) -> WireError {
    WireError::Malformed(say(error))
}

fn say(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => format!("an event is a JSON object: {error}"),
        _ => format!("this is not JSON: {error}"),
    }
}

/// The items of an array as they stand; stops after one too many.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;
        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of events")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while items.len() <= MAX_EVENTS {
                    match seq.next_element()? {
                        Some(item) => items.push(item),
                        None => return Ok(Items(items)),
                    }
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

impl<'de> Deserialize<'de> for WireEvent<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EventVisitor;
        impl<'de> Visitor<'de> for EventVisitor {
            type Value = WireEvent<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event, such as {\"domain\":\"example.org\",\"path\":\"/\"}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireEvent<'de>, A::Error> {
                let mut event = WireEvent::default();
                while let Some(Text(name)) = map.next_key()? {
                    match event.field_mut(&name) {
                        Some(field) => *field = map.next_value()?,
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(event)
            }
        }
        deserializer.deserialize_map(EventVisitor)
    }
}

impl<'de> Deserialize<'de> for Loose<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor { deeper: true })
    }
}

/// Members of an object: scalars only.
struct Flat<'a>(Loose<'a>);

impl<'de> Deserialize<'de> for Flat<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor { deeper: false }).map(Flat)
    }
}

struct LooseVisitor {
    deeper: bool,
}

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E: Error>(self) -> Result<Loose<'de>, E> {
        Ok(Loose::None)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Loose<'de>, E> {
        Ok(Loose::Bool(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(value.into()))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(value.into()))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Loose<'de>, E> {
        Ok(Number::from_f64(value).map_or(Loose::Other, Loose::Number))
    }
    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Borrowed(value)))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Owned(value.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose<'de>, A::Error> {
        if !self.deeper {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Loose::Other);
        }
        let mut members = Vec::new();
        while let Some((Text(name), Flat(value))) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Loose::Object(members))
    }
}

/// Text, borrowed where it can be.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(value)))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> WireEvent<'_> {
        match parse(text) {
            Ok(Wire::One(event)) => *event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_kept_as_they_are_and_unknown_fields_are_ignored() {
        let event = one(
            r#"{"domain":"a.b","path":7,"props":{"a":"x","b":1.5,"c":[1,[2]],"d":{"e":1}},"future":{"x":[1]},"title":null,"name":"a\u0000b"}"#,
        );
        assert_eq!(event.domain, "a.b".into());
        assert_eq!(event.path, Loose::Number(7.into()));
        assert_eq!(event.title, Loose::None);
        assert_eq!(event.name, "a\0b".into());
        let Loose::Object(props) = event.props else { panic!() };
        assert_eq!(props[0], ("a".into(), "x".into()));
        assert_eq!((&props[2].1, &props[3].1), (&Loose::Other, &Loose::Other));
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        assert!(matches!(one(r#"{"path":"/a"}"#).path, Loose::Text(Cow::Borrowed("/a"))));
    }

    #[test]
    fn a_bad_item_does_not_spoil_the_array() {
        let Ok(Wire::Many(items)) = parse(r#" [{"domain":"a.b"}, 7, {"path":1e999}, {"path":"/"}]"#) else { panic!() };
        assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", " ", "{", "7", "\"x\"", "{}x", "{\"a\":1e999,\"path\":1e999}", "[{}", "[{}]x", "null", "{\"path\":\"\u{0}\"}"] {
            assert!(matches!(parse(text), Err(WireError::Malformed(_))), "{text}");
        }
        assert_eq!(parse(&format!("[{}0]", "0,".repeat(MAX_EVENTS))).err(), Some(WireError::TooMany));
        assert!(parse(&format!("[{}0]", "0,".repeat(MAX_EVENTS - 1))).is_ok());
    }

    #[test]
    fn depth_ends_in_an_error_not_in_the_stack() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        for text in [
            deep(100_000),
            format!("{{\"props\":{{\"a\":{}}}}}", deep(100_000)),
            format!("{{\"x\":{}}}", deep(100_000)),
            "{\"props\":".repeat(50_000),
        ] {
            let _ = parse(&text);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>(), json in r#"[\[{]?("[a-z]{0,3}":)?([0-9e.+-]{0,5}|"[^"]{0,5}"|null|true)[,}\]]{0,3}"#) {
            let _ = (parse(&text), parse(&json));
        }
    }
}
