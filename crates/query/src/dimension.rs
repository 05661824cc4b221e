//! What rows are grouped by, and what a missing value is called.

use footfall_model::report::Dimension;

/// One key of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Buckets of time: their starts in ascending order. The label is the start in milliseconds.
    Time(Vec<i64>),
    /// A dimension. The label is the stored value; see [`shown`].
    By(Dimension),
}

/// Where a dimension is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// A column of `events` alone.
    Event(&'static str),
    /// A first-touch column, in `events` and `sessions` alike.
    Visit(&'static str),
    /// Part of `sessions` alone: known when the visit is.
    End(&'static str),
    /// Computed from several first-touch columns.
    Channel,
}

pub(crate) const fn stored(dimension: Dimension) -> Stored {
    match dimension {
        Dimension::Page => Stored::Event("path"),
        Dimension::EntryPage => Stored::End("entry"),
        Dimension::ExitPage => Stored::End("exit"),
        Dimension::Source => Stored::Visit("source"),
        Dimension::Channel => Stored::Channel,
        Dimension::Referrer => Stored::Visit("referrer"),
        Dimension::Campaign => Stored::Visit("utm_campaign"),
        Dimension::Country => Stored::Visit("country"),
        Dimension::Browser => Stored::Visit("browser"),
        Dimension::Os => Stored::Visit("os"),
        Dimension::Device => Stored::Visit("device"),
    }
}

/// The text for a missing value (`docs/definitions.md`, Missing values).
#[must_use]
pub const fn missing(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Source | Dimension::Referrer => "Direct / None",
        Dimension::Campaign => "(not set)",
        Dimension::EntryPage | Dimension::ExitPage => "(none)",
        Dimension::Page | Dimension::Channel | Dimension::Country | Dimension::Browser | Dimension::Os | Dimension::Device => "(unknown)",
    }
}

/// A stored value as reports show it.
#[must_use]
pub fn shown(dimension: Dimension, value: &str) -> &str {
    if value.is_empty() { missing(dimension) } else { value }
}
