//! One row of `events`, as the processor hands it over: the event's own fields and its visit's whole state after it.
//!
//! Times are UTC milliseconds. What a column is called and how it is packed is the business of `wire.rs` alone.

use std::{collections::BTreeMap, sync::Arc};

use footfall_model::{DropReason, Hash64, LogName, NO_SCROLL_DEPTH, Position, SiteId};
use uuid::Uuid;

/// One event, ready to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Where its record stands in the log: unique for ever.
    pub position: Position,
    /// When the log took it. Kept to the second (rounded down), so nothing may depend on a smaller part of it.
    pub appended: i64,
    /// [`event_id`] of the record's id. Kept where a repetition may come, and for the last row of each insert.
    pub event_id: u64,
    /// The sender gave the id: a repetition may come.
    pub id_given: bool,
    /// Domain.
    pub site: SiteId,
    /// When it happened.
    pub ts: i64,
    /// `pageview`, `engagement` or a custom name.
    pub name: String,
    /// Host name of this event's page.
    pub hostname: String,
    /// Path of this event's page.
    pub path: String,
    /// Title of this event's page, empty for none.
    pub title: String,
    /// Keyed hash of the sender's user id; 0 for none.
    pub user_id: u64,
    /// Whether a custom event ends a bounce.
    pub interactive: bool,
    /// Engaged milliseconds reported by this event.
    pub engagement_ms: u32,
    /// 0 to 100, [`NO_SCROLL_DEPTH`] for none.
    pub scroll_depth: u8,
    /// Properties.
    pub props: BTreeMap<String, String>,
    /// Amount in thousandths of the currency's unit; 0 with an empty currency for none.
    pub revenue_milli: i64,
    /// ISO 4217, empty for none.
    pub currency: String,
    /// Bot class, empty for a person.
    pub bot: String,
    /// The import it came with.
    pub import: Option<Uuid>,
    /// H3 cell, 0 for none.
    pub h3: u64,
    /// Why it does not count; then `visit` is [`VisitAfter::none`] of its own attributes.
    pub drop_reason: Option<DropReason>,
    /// The visit's visitor id: the one of its first event.
    pub visitor: Hash64,
    /// The visit after this event.
    pub visit: VisitAfter,
    /// Lowest offset that any visit or id kept *after* this event rests on (a lower value is always safe). Kept for the last row of
    /// each insert only.
    pub rebuild_from: u64,
}

/// A visit's state after an event.
#[derive(Clone, Debug, PartialEq)]
pub struct VisitAfter {
    /// [`visit_id`]; not stored, as the store derives it from the other fields in the same way.
    pub id: u64,
    /// Time of its first event in log order.
    pub start: i64,
    /// The session hash that takes the visitor's place as the key of the visit; 0 when the visitor is the key.
    pub key: u64,
    /// For a visit that crossed midnight: today's key of it, sealed under today's salt; else empty.
    pub alias: Arc<str>,
    /// First-touch attributes.
    pub attributes: Arc<PackedAttributes>,
    /// Path of the first pageview so far, empty for none; not stored, as it follows from the visit's rows.
    pub entry_page: Arc<str>,
    /// Pageviews so far.
    pub pageviews: u32,
    /// An interactive custom event was among them.
    pub interactive: bool,
    /// Least time of an event that is not an engagement.
    pub first: i64,
    /// Greatest time of an event that is not an engagement.
    pub last: i64,
    /// Greatest time of any event.
    pub seen: i64,
}

impl VisitAfter {
    /// What a dropped event carries: its own attributes and no visit.
    #[must_use]
    pub fn none(ts: i64, attributes: Arc<PackedAttributes>) -> Self {
        Self {
            id: 0,
            start: ts,
            key: 0,
            alias: Arc::from(""),
            attributes,
            entry_page: Arc::from(""),
            pageviews: 0,
            interactive: false,
            first: ts,
            last: ts,
            seen: ts,
        }
    }
}

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a visit keeps of its first event. Empty texts are unknown or none.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Attributes<'a> {
            $($(#[$doc])* pub $name: &'a str,)*
            /// GeoNames id, 0 for unknown.
            pub city: u32,
        }

        /// The texts in [`Attributes`], in its order; columns of both tables.
        pub(crate) const TEXTS: [&str; [$(stringify!($name)),*].len()] = [$(stringify!($name)),*];

        impl<'a> Attributes<'a> {
            const fn of([$($name),*]: [&'a str; TEXTS.len()], city: u32) -> Self {
                Self { $($name,)* city }
            }

            const fn texts(&self) -> [&'a str; TEXTS.len()] {
                [$(self.$name),*]
            }
        }
    };
}

attributes! {
    /// Referrer, `host/path`.
    referrer,
    /// Source, empty for direct.
    source,
    /// `utm_source`
    utm_source,
    /// `utm_medium`
    utm_medium,
    /// `utm_campaign`
    utm_campaign,
    /// `utm_content`
    utm_content,
    /// `utm_term`
    utm_term,
    /// Name of the click id parameter.
    click_id,
    /// Browser family.
    browser,
    /// Its major version.
    browser_version,
    /// Operating system.
    os,
    /// Its version.
    os_version,
    /// `Mobile`, `Tablet` or `Desktop`.
    device,
    /// Screen size class.
    screen,
    /// ISO 3166-1 alpha-2.
    country,
    /// ISO 3166-2.
    region,
    /// BCP 47, shortened.
    language,
}

/// Stands between packed texts; no text of a page holds it.
const BETWEEN: char = '\0';

/// [`Attributes`] in little room, as a processor keeps them for every visit under way: all texts in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedAttributes {
    texts: Box<str>,
    city: u32,
}

impl PackedAttributes {
    /// From [`TEXTS`] and the city.
    pub(crate) fn of_texts(texts: [&str; TEXTS.len()], city: u32) -> Self {
        let mut all = String::with_capacity(texts.iter().map(|text| text.len() + 1).sum());
        for (nth, text) in texts.into_iter().enumerate() {
            if nth > 0 {
                all.push(BETWEEN);
            }
            all.extend(text.split(BETWEEN));
        }
        Self { texts: all.into_boxed_str(), city }
    }

    /// One by one.
    #[must_use]
    pub fn unpack(&self) -> Attributes<'_> {
        let mut texts = self.texts.split(BETWEEN);
        Attributes::of(std::array::from_fn(|_| texts.next().unwrap_or_default()), self.city)
    }
}

impl From<Attributes<'_>> for PackedAttributes {
    fn from(attributes: Attributes<'_>) -> Self {
        Self::of_texts(attributes.texts(), attributes.city)
    }
}

impl Default for PackedAttributes {
    fn default() -> Self {
        Attributes::default().into()
    }
}

/// The 64 bits kept of an event's id. Never change this: ids of stored rows are compared with it.
#[must_use]
pub fn event_id(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    high.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32) ^ low
}

/// The id of a visit. It is a function of what never changes in a visit, so neither table needs to store eight random bytes for it.
/// `visitor` and `key` are keyed hashes, and one key has no two visits that start in one millisecond, so two visits share an id
/// only by a collision of 64 bits. Never change this: the tables compute the same expression.
#[must_use]
pub const fn visit_id(log: LogName, visitor: Hash64, key: u64, start: i64) -> u64 {
    // Visits of imports keep apart from live ones of the same key.
    let log = if matches!(log, LogName::Import) { VISIT_ID_IMPORT } else { 0 };
    visitor.0 ^ key ^ log ^ (start as u64).wrapping_mul(VISIT_ID_FACTOR)
}

/// Odd, so that different starts of one key give different ids: 2^64 divided by the golden ratio.
pub(crate) const VISIT_ID_FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
/// Any constant: the first 64 bits of the fraction of pi.
pub(crate) const VISIT_ID_IMPORT: u64 = 0x243F_6A88_85A3_08D3;

impl EventRow {
    /// A counted pageview that is a visit of its own, with nothing but what every row needs; tests and generators fill in the rest.
    #[must_use]
    pub fn pageview(position: Position, site: SiteId, visitor: Hash64, ts: i64, path: &str) -> Self {
        let mut visit = VisitAfter::none(ts, Arc::default());
        visit.id = visit_id(position.log, visitor, 0, ts);
        visit.entry_page = Arc::from(path);
        visit.pageviews = 1;
        Self {
            position,
            appended: ts,
            event_id: position.offset,
            id_given: false,
            site,
            ts,
            name: "pageview".to_owned(),
            hostname: String::new(),
            path: path.to_owned(),
            title: String::new(),
            user_id: 0,
            interactive: true,
            engagement_ms: 0,
            scroll_depth: NO_SCROLL_DEPTH,
            props: BTreeMap::new(),
            revenue_milli: 0,
            currency: String::new(),
            bot: String::new(),
            import: None,
            h3: 0,
            drop_reason: None,
            visitor,
            visit,
            rebuild_from: position.offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_attributes_are_what_they_were() {
        let attributes = Attributes { source: "Größe & Co", language: "de", city: 7, ..Attributes::default() };
        assert_eq!(PackedAttributes::from(attributes).unpack(), attributes);
        assert_eq!(PackedAttributes::default().unpack(), Attributes::default());
        let cut = Attributes { referrer: "a\0b", country: "DE", ..Attributes::default() };
        assert_eq!(PackedAttributes::from(cut).unpack(), Attributes { referrer: "ab", ..cut });
    }
}
