//! The record in the event log: one JSON object per event, versioned (documented in `docs/reference/events.md`).
//!
//! It is made by the collector after enrichment, so it holds neither the address nor the raw user agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Hash64, SiteId};

/// The version that this build writes into [`Record::v`]; readers accept it and all before it.
pub const RECORD_VERSION: u8 = 1;

/// [`Record::scroll_depth`] when no depth was reported.
pub const NO_SCROLL_DEPTH: u8 = 255;

/// One accepted event, enriched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Format version, see [`RECORD_VERSION`].
    pub v: u8,
    /// The event's id: the sender's, or a new one.
    pub id: Uuid,
    /// Whether the sender gave the id. Only then can a repetition exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub id_given: bool,
    /// The domain measured.
    pub site: SiteId,
    /// When it happened, UTC milliseconds since 1970.
    pub ts: i64,
    /// When it was accepted, UTC milliseconds since 1970.
    pub received: i64,
    /// `pageview`, `engagement`, or the name of a custom event.
    pub name: String,
    /// Keyed hash of (domain, address, user agent) under the salt of the event's UTC day.
    pub visitor: Hash64,
    /// Keyed hash of the sender's session id under the same salt; takes the visitor's place in the visit rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Hash64>,
    /// Yesterday's visitor and session hashes, sealed under a key derived from today's salt; present for the first 30 minutes of a UTC day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Keyed hash of the sender's user id, per domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Hash64>,
    /// Host name of the page, lower case, without `www.`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Path of the page as definitions.md says, at most 2,000 bytes.
    pub path: String,
    /// Title of the page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Referrer without scheme and query (`host/path`), empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub referrer: String,
    /// Source as definitions.md says, empty for direct.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// `utm_source` as sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub utm_source: String,
    /// `utm_medium` as sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub utm_medium: String,
    /// `utm_campaign` as sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub utm_campaign: String,
    /// `utm_content` as sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub utm_content: String,
    /// `utm_term` as sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub utm_term: String,
    /// Name of the click id parameter that was present (`gclid`, `msclkid`), never its value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub click_id: String,
    /// Browser family, empty for unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub browser: String,
    /// Major version of the browser.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub browser_version: String,
    /// Operating system, empty for unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub os: String,
    /// Version of the operating system.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// `Mobile`, `Tablet` or `Desktop`, empty for unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// Screen size class such as `1920x1080`, empty for unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub screen: String,
    /// ISO 3166-1 alpha-2 country, empty for unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub country: String,
    /// ISO 3166-2 region, empty for unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// GeoNames id of the city, 0 for unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub city: u32,
    /// BCP 47 language as sent, shortened to language and region.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// Properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub props: BTreeMap<String, String>,
    /// Revenue of a custom event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<Revenue>,
    /// Whether a custom event ends a bounce. Always true for pageviews.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub interactive: bool,
    /// Engaged milliseconds since the last report for this page.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub engagement_ms: u32,
    /// Greatest scroll depth of the page so far, 0 to 100; [`NO_SCROLL_DEPTH`] for none.
    #[serde(default = "no_scroll_depth", skip_serializing_if = "is_no_scroll_depth")]
    pub scroll_depth: u8,
    /// Bot class (`crawler`, `monitor`, `headless`, …), empty for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bot: String,
    /// The import this record came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<Uuid>,
    /// H3 cell, 0 for none.
    #[serde(default, skip_serializing_if = "is_zero64")]
    pub h3: u64,
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revenue {
    /// Decimal number with at most 3 places, as text, so that nothing is rounded.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
}

impl Record {
    /// A pageview with nothing but what every record needs; tests and generators fill in the rest.
    #[must_use]
    pub fn pageview(site: SiteId, visitor: Hash64, ts: i64, path: &str) -> Self {
        Self {
            v: RECORD_VERSION,
            id: Uuid::new_v4(),
            id_given: false,
            site,
            ts,
            received: ts,
            name: "pageview".to_owned(),
            visitor,
            session: None,
            previous: None,
            user: None,
            hostname: String::new(),
            path: path.to_owned(),
            title: String::new(),
            referrer: String::new(),
            source: String::new(),
            utm_source: String::new(),
            utm_medium: String::new(),
            utm_campaign: String::new(),
            utm_content: String::new(),
            utm_term: String::new(),
            click_id: String::new(),
            browser: String::new(),
            browser_version: String::new(),
            os: String::new(),
            os_version: String::new(),
            device: String::new(),
            screen: String::new(),
            country: String::new(),
            region: String::new(),
            city: 0,
            language: String::new(),
            props: BTreeMap::new(),
            revenue: None,
            interactive: true,
            engagement_ms: 0,
            scroll_depth: NO_SCROLL_DEPTH,
            bot: String::new(),
            import: None,
            h3: 0,
        }
    }

    /// Whether this is a pageview.
    #[must_use]
    pub fn is_pageview(&self) -> bool {
        self.name == "pageview"
    }

    /// Whether this only reports time and scroll depth of an earlier pageview.
    #[must_use]
    pub fn is_engagement(&self) -> bool {
        self.name == "engagement"
    }
}

const fn yes() -> bool {
    true
}
const fn no_scroll_depth() -> u8 {
    NO_SCROLL_DEPTH
}
// serde passes references to these.
const fn is_true(value: &bool) -> bool {
    *value
}
const fn is_false(value: &bool) -> bool {
    !*value
}
const fn is_zero(value: &u32) -> bool {
    *value == 0
}
const fn is_zero64(value: &u64) -> bool {
    *value == 0
}
const fn is_no_scroll_depth(value: &u8) -> bool {
    *value == NO_SCROLL_DEPTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_log_and_leaves_out_what_is_empty() {
        let record = Record::pageview(SiteId(Uuid::nil()), Hash64(0xff), 1_000, "/a");
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(
            json,
            format!(
                r#"{{"v":1,"id":"{}","site":"00000000-0000-0000-0000-000000000000","ts":1000,"received":1000,"name":"pageview","visitor":"00000000000000ff","path":"/a"}}"#,
                record.id
            )
        );
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }
}
