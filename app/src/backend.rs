//! The one seam between the pages and the rest of the product. The server implements it once; API and pages share that
//! implementation. The pages find it in the Leptos context as `Arc<dyn Backend>`.
//!
//! Contract:
//! - Every call that names a domain checks that `viewer` may see it; unknown and forbidden both answer
//!   [`AppError::NotFound`], nobody signed in answers [`AppError::NotSignedIn`]. Calls that only read take the handle of a shared link in the
//!   place of the name (`share.rs`), and answer within what it is limited to; drops, settings and writes do not.
//! - Ranges are cut in the domain's time zone; a domain is named by its host name.
//! - Answers have the shape of `/api/analytics/*`: empty buckets present, the running one marked `partial`.
//!
//! Owner creation, sign-in and sign-out are plain HTML forms, so they are no part of this trait: `POST /api/setup` (fields
//! `token`, `email`, `password`; answers 303 to `/setup`), `POST /api/auth/callback/credentials` (`csrfToken`, `email`,
//! `password`, `callbackUrl`; 303 to `callbackUrl`) and `POST /api/auth/signout` (`csrfToken`, `callbackUrl`). On failure the
//! first answers 303 to `/setup?token=…&error=CODE&email=…`, the second 303 to `/login?error=CODE&email=…&callbackUrl=…`; the codes are
//! [`crate::components::forms::FormError`]'s.

use std::collections::HashMap;

use async_trait::async_trait;
use footfall_model::{
    DropReason, Interval, Period,
    report::{Drops, Figures, Kpis, LiveView, Month},
};
use http::HeaderMap;

use crate::{
    behaviour::{BehaviourQuery, Journeys, Retention},
    filter::AnyOf,
    metric::Metric,
    query::ViewQuery,
    settings::{Entry, Outcome, Section, Settings},
    types::{AppError, Compare, Note, Series, Site, Viewer},
};

/// What figures are asked of.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// When.
    pub period: &'a Period,
    /// What they are compared with.
    pub compare: &'a Compare,
    /// What events and visits must be like: all of these. What the domain does not know is [`AppError::Invalid`].
    pub filters: &'a [AnyOf],
}

impl<'a> Look<'a> {
    /// What a state of the page asks about, in a period.
    #[must_use]
    pub fn new(period: &'a Period, query: &'a ViewQuery) -> Self {
        Self { period, compare: &query.compare, filters: &query.filters }
    }
}

/// Which rows of a breakdown are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// A field that can be filtered by, or `NAMES_OF_PROPS`.
    pub field: &'a str,
    /// The figures of a row; the first one is compared.
    pub metrics: &'a [Metric],
    /// One of the metrics; none for the labels.
    pub order: Option<Metric>,
    /// Greatest first.
    pub descending: bool,
    /// Rows whose label, or name, holds this text; empty for all.
    pub search: &'a str,
    /// Rows on a page.
    pub limit: u32,
    /// Counts from 1.
    pub page: u32,
}

/// Names of regions and cities by their codes, of which none is both.
pub type PlaceNames = HashMap<String, String>;

/// Filters that were saved under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Nobody but the viewer has it.
    pub personal: bool,
    /// In the query language; all must hold.
    pub filters: Vec<serde_json::Value>,
}

/// What the bar says of a domain beside the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Those of the domain, and the viewer's own.
    pub segments: Vec<Segment>,
    /// Names of the properties that reports offer.
    pub props: Vec<String>,
    /// Names of the places that the filters name by code.
    pub places: PlaceNames,
    /// What the period can be compared with: its beginning and its end, exclusive; `YYYY-MM-DD HH:MM:SS` in the domain's zone.
    pub compared: Vec<(Compare, [String; 2])>,
}

impl Offered {
    /// The segment of a number, as an address has it.
    #[must_use]
    pub fn segment(&self, id: &str) -> Option<&Segment> {
        self.segments.iter().find(|segment| id.parse() == Ok(segment.id))
    }
}

/// One page of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In the order asked for.
    pub rows: Vec<TableRow>,
    /// Rows over all pages.
    pub total: u64,
    /// They are compared with another period.
    pub is_compared: bool,
    /// Visitors are estimated.
    pub approximate: bool,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableRow {
    /// The value that it can be filtered by.
    pub label: String,
    /// The name of a code.
    pub name: Option<String>,
    /// One per metric; none where nothing was reported.
    pub figures: Vec<Option<f64>>,
    /// The change of the first figure in whole percent; none where there is nothing earlier.
    pub change: Option<i64>,
    /// The currency of its revenue.
    pub currency: Option<String>,
}

/// A domain in the list of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDomain {
    /// Host name.
    pub domain: String,
    /// IANA name of its time zone.
    pub timezone: String,
    /// Visitors now; none while live state is away.
    pub live: Option<u64>,
    /// The last 30 days. None where there never was an event.
    pub month: Result<Option<Month>, Missing>,
}

/// A domain that was deleted and can be restored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletedDomain {
    /// Host name.
    pub domain: String,
    /// The day on which it goes for good, in its zone.
    pub goes: String,
}

/// Several domains as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Together {
    /// Today's date in the zone of the first one.
    pub today: String,
    /// The six figures of all.
    pub kpis: Kpis,
    /// The buckets of all. The last ones of each are added up, then those before them.
    pub series: Series,
    /// Each domain that could be counted, most visitors first.
    pub rows: Vec<TogetherRow>,
    /// Those that could not be counted now.
    pub missing: Vec<String>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TogetherRow {
    /// Host name.
    pub domain: String,
    /// Its figures.
    pub figures: Figures,
    /// The change of its visitors in whole percent; none where there is nothing earlier.
    pub change: Option<i64>,
}

/// Why a domain has no figures in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The store does not answer.
    Away,
    /// They did not come in time.
    Slow,
    /// Anything else; the log of the server says what.
    Failed,
}

/// A figure of the strip, or those of a table, and how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// What it counts in.
    pub unit: &'static str,
    /// What it is.
    pub definition: &'static str,
    /// None where there is nothing to say it of.
    pub figure: Option<f64>,
    /// Of a table: its first rows, greatest first.
    pub rows: Vec<ExplainedRow>,
    /// The period, `YYYY-MM-DD HH:MM:SS` in the domain's zone.
    pub from: String,
    /// Its end, exclusive.
    pub to: String,
    /// IANA name of the zone.
    pub timezone: String,
    /// Where programs ask.
    pub endpoint: String,
    /// What they ask, JSON.
    pub question: String,
    /// None where the period holds nothing.
    pub how: Option<How>,
}

/// A row of a table that is explained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExplainedRow {
    /// The value that it is of.
    pub label: String,
    /// The name of a code.
    pub name: Option<String>,
    /// None where nothing was reported.
    pub figure: Option<f64>,
    /// The currency of its revenue.
    pub currency: Option<String>,
}

/// How a figure came about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct How {
    /// Not estimated.
    pub exact: bool,
    /// All older events are in it, `YYYY-MM-DD HH:MM:SS` in the domain's zone.
    pub watermark: Option<String>,
    /// Rows that were read.
    pub rows: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Milliseconds that it took.
    pub elapsed_ms: f64,
    /// Events of the period that count, whatever the filters.
    pub counted: u64,
    /// Those of bots.
    pub bots: u64,
    /// Those that were dropped.
    pub dropped: u64,
    /// Those that count and came late.
    pub late: u64,
    /// What a share may be, in percent.
    pub confidence: Option<(f64, f64)>,
    /// What the store was asked.
    pub sql: String,
    /// Its values, by name.
    pub parameters: Vec<(String, String)>,
}

/// A change between two periods, and what accounts for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// The period: its beginning and its end, exclusive; `YYYY-MM-DD HH:MM:SS` in the domain's zone.
    pub now: [String; 2],
    /// The one it is compared with.
    pub then: [String; 2],
    /// IANA name of the zone.
    pub timezone: String,
    /// The figure now and then.
    pub figures: [u64; 2],
    /// The earlier period begins before the first event.
    pub incomplete: bool,
    /// Visitors are estimated.
    pub approximate: bool,
    /// What changed most, over all panels but that of goals; [`Why::MOST`] at most. Changes below a hundredth of the earlier figure are left out,
    /// and so is what has no value.
    pub moved: Vec<Moved>,
    /// Fields for which that is not known.
    pub failed: Vec<&'static str>,
    /// Day and time at which a note of the change stands, as a form sends them.
    pub moment: (String, String),
}

impl Why {
    /// Rows at most.
    pub const MOST: usize = 20;
}

/// A value whose figure changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The field that it is a value of.
    pub field: &'static str,
    /// The value that it can be filtered by.
    pub label: String,
    /// The name of a code.
    pub name: Option<String>,
    /// Now and then.
    pub figures: [u64; 2],
}

/// What was refused before it was stored, and so is in no report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Since when they are counted: `YYYY-MM-DD HH:MM:SS` in the domain's zone.
    pub since: String,
    /// In the order of the reasons.
    pub by_reason: Vec<Refusal>,
}

/// What was refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: DropReason,
    /// Events.
    pub events: u64,
    /// When the last one came, as `since`.
    pub last: String,
    /// The field at fault in the last one, if it was one.
    pub field: Option<&'static str>,
}

/// What the pages ask of the server.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Who sends these headers. Signed out is a [`Viewer`] without an e-mail, not an error.
    async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, AppError>;

    /// Like `viewer`, for a request that changes something: also checks origin and token, else [`AppError::StaleForm`].
    async fn writer(&self, headers: &HeaderMap, csrf: &str) -> Result<Viewer, AppError>;

    /// IANA names that a domain may have, in the order to show them.
    fn time_zones(&self) -> Vec<String>;

    /// The viewer's domains by name, with the figures that come in time: there may be hundreds.
    async fn domains(&self, viewer: &Viewer) -> Result<Vec<ListedDomain>, AppError>;

    /// The viewer's domains of these names as one, by a period and what it is compared with. Other names are left out: unknown or forbidden.
    async fn together(&self, viewer: &Viewer, names: &[String], look: Look<'_>, interval: Option<Interval>) -> Result<Together, AppError>;

    /// The viewer's domains that were deleted and can be restored, by name.
    async fn deleted_domains(&self, viewer: &Viewer) -> Result<Vec<DeletedDomain>, AppError>;

    /// Names of the viewer's domains, in order. Asked on every domain page: say it without looking at figures.
    async fn domain_names(&self, viewer: &Viewer) -> Result<Vec<String>, AppError>;

    /// One domain.
    async fn domain(&self, viewer: &Viewer, domain: &str) -> Result<Site, AppError>;

    /// Adds a domain. Faults come back as [`AppError::Invalid`] with field `domain` or `timezone`.
    async fn add_domain(&self, viewer: &Viewer, domain: &str, timezone: &str) -> Result<Site, AppError>;

    /// Starts loading demo data (30 days and the running one); returns once the first figures can be seen.
    async fn load_demo(&self, viewer: &Viewer, domain: &str) -> Result<(), AppError>;

    /// Removes the demo data, and nothing else.
    async fn remove_demo(&self, viewer: &Viewer, domain: &str) -> Result<(), AppError>;

    /// The six figures.
    async fn kpis(&self, viewer: &Viewer, domain: &str, look: Look<'_>) -> Result<Kpis, AppError>;

    /// The buckets of the chart. Without an interval the server takes the one that fits the range.
    async fn timeseries(&self, viewer: &Viewer, domain: &str, look: Look<'_>, interval: Option<Interval>) -> Result<Series, AppError>;

    /// What is noted of a period, in order of time.
    async fn notes(&self, viewer: &Viewer, domain: &str, period: &Period) -> Result<Vec<Note>, AppError>;

    /// One page of rows.
    async fn table(&self, viewer: &Viewer, domain: &str, look: Look<'_>, wanted: Wanted<'_>) -> Result<Table, AppError>;

    /// Visitors of each step of a funnel.
    async fn funnel(&self, viewer: &Viewer, domain: &str, look: Look<'_>, query: &BehaviourQuery) -> Result<Vec<u64>, AppError>;

    /// What visits do after the start, or did before it.
    async fn journeys(&self, viewer: &Viewer, domain: &str, look: Look<'_>, query: &BehaviourQuery) -> Result<Journeys, AppError>;

    /// Who comes back.
    async fn retention(&self, viewer: &Viewer, domain: &str, look: Look<'_>, query: &BehaviourQuery) -> Result<Retention, AppError>;

    /// What the bar says of a domain beside the address.
    async fn offered(&self, viewer: &Viewer, domain: &str, look: Look<'_>) -> Result<Offered, AppError>;

    /// Saves filters under a name, for the viewer alone or for everybody who sees the domain, and answers the segment's number. Fields
    /// `name` and `filters`.
    async fn save_segment(&self, viewer: &Viewer, domain: &str, name: &str, personal: bool, filters: &[AnyOf]) -> Result<i64, AppError>;

    /// How a figure of the strip came about, or those of a table: of its first rows by a field. The pages ask for no figure that they do not show.
    async fn explain(&self, viewer: &Viewer, domain: &str, look: Look<'_>, metric: Metric, by: Option<&str>)
    -> Result<Explained, AppError>;

    /// What accounts for the change of visitors, visits or pageviews. None where nothing is compared.
    async fn why(&self, viewer: &Viewer, domain: &str, look: Look<'_>, metric: Metric) -> Result<Option<Why>, AppError>;

    /// What of a period does not count.
    async fn drops(&self, viewer: &Viewer, domain: &str, period: &Period) -> Result<Drops, AppError>;

    /// What was refused since the server started. None where another process takes events in.
    async fn refusals(&self, viewer: &Viewer, domain: &str) -> Result<Option<Refusals>, AppError>;

    /// The live figures as of now; later ones come by `GET /api/analytics/live`.
    async fn live(&self, viewer: &Viewer, domain: &str) -> Result<LiveView, AppError>;

    /// Whether a shared link is open to this viewer; else it asks for a password. [`AppError::NotFound`] where there is none of this slug, its
    /// time is over, or it is not of the domain that is named beside it.
    async fn link_is_open(&self, viewer: &Viewer, slug: &str, domain: Option<&str>) -> Result<bool, AppError>;

    /// What a section of a domain's settings shows.
    async fn settings(&self, viewer: &Viewer, domain: &str, section: Section) -> Result<Settings, AppError>;

    /// Sets something more and answers how it is kept. Faults come back as [`AppError::Invalid`]; the fields are those of the API, `day`,
    /// `time` and `value` beside them, and none where the fault is the form's as a whole.
    async fn add_setting(&self, viewer: &Viewer, domain: &str, entry: &Entry) -> Result<Entry, AppError>;

    /// Removes what a [`Settings`] listed under this key and answers what it was.
    async fn remove_setting(&self, viewer: &Viewer, domain: &str, section: Section, key: &str) -> Result<Entry, AppError>;

    /// Moves what is listed under this key by one place and answers what it is. Only routes and rules of channels have an order that
    /// matters.
    async fn move_setting(&self, viewer: &Viewer, domain: &str, section: Section, key: &str, earlier: bool) -> Result<Entry, AppError>;

    /// Moves the domain to another time zone and answers which one it had. Field `timezone`.
    async fn set_time_zone(&self, viewer: &Viewer, domain: &str, timezone: &str) -> Result<String, AppError>;

    /// Gives the domain another name and answers it as it is kept. Field `domain`.
    async fn rename_domain(&self, viewer: &Viewer, domain: &str, name: &str) -> Result<String, AppError>;

    /// Removes all data of a domain that has arrived, if `confirmed` is its name; else the field of [`crate::parts::settings::CLEARED`]. Whether it
    /// is gone already.
    async fn clear_domain(&self, viewer: &Viewer, domain: &str, confirmed: &str) -> Result<bool, AppError>;

    /// Hides a domain, if `confirmed` is its name; else field `confirmed`. For some days it can be restored.
    async fn delete_domain(&self, viewer: &Viewer, domain: &str, confirmed: &str) -> Result<(), AppError>;

    /// Brings a deleted domain back.
    async fn restore_domain(&self, viewer: &Viewer, domain: &str) -> Result<(), AppError>;

    /// Deletes a deleted domain for good, if `confirmed` is its name; else the field is its name.
    async fn delete_for_good(&self, viewer: &Viewer, domain: &str, confirmed: &str) -> Result<(), AppError>;

    /// Keeps what came of a form for the page that follows, some minutes, and answers a key that only this viewer can use. None where it
    /// cannot be kept.
    async fn keep_outcome(&self, viewer: &Viewer, outcome: &Outcome) -> Option<String>;

    /// What is kept under a key of this viewer's.
    async fn outcome(&self, viewer: &Viewer, key: &str) -> Option<Outcome>;
}
