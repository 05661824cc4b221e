//! Writes HTML as text, for the parts of the domain page that only show data.
//!
//! Such a part is written by the server, once for the first page and again whenever the browser asks for it anew; so the code that draws
//! panels and charts is not in the WASM at all. The writer keeps markup and data apart: [`Html::raw`] takes only literals, every value
//! goes through [`Html::text`], which escapes it for text and for quoted attributes alike.

use std::fmt::{Display, Write};

/// HTML under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Markup of our own.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A value, escaped.
    pub fn text(&mut self, value: impl Display) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(Escaped(&mut self.0), "{value}");
        self
    }

    /// ` name="value"`
    pub fn attr(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// ` name="value"` where it holds.
    pub fn attr_if(&mut self, holds: bool, name: &'static str, value: &'static str) -> &mut Self {
        if holds {
            self.attr(name, value);
        }
        self
    }

    /// What another writer wrote.
    pub fn html(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // No parser may be led to end a comment, a tag or the text.
                '\0' => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_become_markup() {
        let mut html = Html::new();
        html.raw("<a").attr("title", "\"><script>'&").raw(">").text("</a><b>\0").raw("</a>");
        assert_eq!(html.into_string(), "<a title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">&lt;/a&gt;&lt;b&gt;\u{fffd}</a>");
    }
}
