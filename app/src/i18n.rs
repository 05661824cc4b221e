//! The one seam that every text of the pages goes through.
//!
//! A text is a [`Key`]. Each language is one exhaustive `match`, so a missing text does not compile. `{name}` in a text is a
//! hole that [`fill`] fills. Attacker-controlled values are only ever filled in as text, never as markup.

use leptos::prelude::*;

mod english;

pub use english::Key;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
}

impl Lang {
    /// The value of `<html lang>`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
        }
    }
}

/// The text in the language of the page.
#[must_use]
pub fn t(key: Key) -> &'static str {
    match use_context::<Lang>().unwrap_or_default() {
        Lang::En => english::text(key),
    }
}

/// The text with its holes filled.
#[must_use]
pub fn fill(key: Key, values: &[(&str, &str)]) -> String {
    let mut rest = t(key);
    let mut filled = String::with_capacity(rest.len() + 16);
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            rest = after;
            break;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => filled.push_str(name),
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

/// Names of the months, January first: the short form of axis labels.
#[must_use]
pub const fn months() -> [&'static str; 12] {
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

/// Names of the days, Monday first: the short form.
#[must_use]
pub const fn weekdays() -> [&'static str; 7] {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_holes_once_and_leaves_values_alone() {
        assert_eq!(fill(Key::NowOnline, &[("n", "{n}")]), "{n} now");
    }
}
