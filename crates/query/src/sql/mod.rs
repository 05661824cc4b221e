//! Statements, their values, and what all of them share. Reports are made in [`crate::question`], what people do one thing after another in
//! [`crate::behaviour`]; the small statements about a domain as a whole are here.
//!
//! Every statement of a report answers rows of one shape, [`Row`].

mod domain;
mod drops;
mod row;

use uuid::Uuid;

pub use domain::{event_count, first_event, left_out};
pub use drops::{fates, last_dead_letters, last_drops};
pub use row::Row;

/// A statement with its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sql {
    /// Text with `{name:Type}` for each value.
    pub text: String,
    /// Values by name.
    pub params: Vec<(String, Param)>,
}

/// A value from outside, sent beside the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// A domain.
    Site(Uuid),
    /// Counts, and milliseconds that are calculated with.
    Int(i64),
    /// A time to compare with, UTC milliseconds.
    Instant(i64),
    /// Text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of numbers.
    Ints(Vec<i64>),
}

impl Param {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Site(_) => "UUID",
            Self::Int(_) => "Int64",
            Self::Instant(_) => "DateTime64(3, 'UTC')",
            Self::Text(_) => "String",
            Self::Texts(_) => "Array(String)",
            Self::Ints(_) => "Array(Int64)",
        }
    }
}

/// Why a question has no statement yet.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}; ask for one of them at a time")]
pub struct Unsupported(pub String);

/// Collects values while text is made.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    params: Vec<(String, Param)>,
}

impl Builder {
    /// Adds a value (once) and answers its place in the text.
    pub(crate) fn bind(&mut self, value: Param) -> String {
        let kind = value.kind();
        if let Some((name, _)) = self.params.iter().find(|(_, known)| *known == value) {
            return format!("{{{name}:{kind}}}");
        }
        let name = format!("p{}", self.params.len());
        self.params.push((name.clone(), value));
        format!("{{{name}:{kind}}}")
    }

    /// A number.
    pub(crate) fn int(&mut self, number: i64) -> String {
        self.bind(Param::Int(number))
    }

    /// An instant.
    pub(crate) fn instant(&mut self, ms: i64) -> String {
        self.bind(Param::Instant(ms))
    }

    pub(crate) fn finish(self, text: String) -> Sql {
        Sql { text, params: self.params }
    }
}

/// A part of `entry` or `exit`. The whole tuple must be read, as `FINAL` merges what is read: a part of it alone (which the store would
/// choose for `entry.path`) is not the part of the least tuple.
pub(crate) fn end(tuple: &str, part: &str) -> String {
    format!("tupleElement(materialize({tuple}), '{part}')")
}

/// The function that counts distinct visitors, with a combinator such as `State` or none. A sketch of 2^15 cells errs by 0.6 % (one
/// standard deviation, 1.04 / √cells) and stays in the processor's cache; `uniq` errs by 0.4 % and takes twice the time in a breakdown.
pub(crate) fn distinct(approximate: bool, combinator: &str) -> String {
    if approximate { format!("uniqCombined{combinator}(15)") } else { format!("uniqExact{combinator}") }
}
