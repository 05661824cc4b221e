//! What the pages need beside the reports of `footfall-model`: who looks, which domains there are, what went wrong.

use footfall_model::{
    Period,
    report::{LiveView, Point, Timeseries},
};
#[cfg(feature = "ssr")]
use leptos::server_fn::{codec::JsonEncoding, error::FromServerFnError, error::ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who looks at a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// The signed-in user; never leaves the server.
    #[serde(skip)]
    pub user: Option<Uuid>,
    /// E-mail of the signed-in user; none when signed out.
    pub email: Option<String>,
    /// Token that every state-changing form of this viewer carries.
    pub csrf: String,
    /// The installation has no owner yet.
    pub needs_setup: bool,
    /// What this browser was given for the passwords of shared links; never leaves the server.
    #[serde(skip)]
    pub passes: Vec<String>,
}

/// A measured domain as the pages show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Id of the domain (`domainId` in the API).
    pub id: Uuid,
    /// Host name.
    pub domain: String,
    /// IANA name of its time zone.
    pub timezone: String,
    /// Today's date in that zone, `YYYY-MM-DD`.
    pub today: String,
    /// Address of the tracker script, for the snippet.
    pub tracker_url: String,
    /// At least one event ever.
    pub has_events: bool,
    /// Its first event is younger than two days, or there is none: the page opens on today.
    pub young: bool,
    /// Demo data is loaded.
    pub has_demo: bool,
}

/// What the second period is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// No comparison.
    Off,
    /// The period of equal length before; `today` compares to the same hours of yesterday.
    #[default]
    Previous,
    /// The same, but whole weeks earlier: days compare to days of the same name.
    Weekdays,
    /// The same period a year earlier.
    Year,
    /// These days, both inclusive, `YYYY-MM-DD`.
    Custom {
        /// The first.
        from: String,
        /// The last.
        to: String,
    },
}

impl Compare {
    /// Those that have a name, in the order of the menu.
    pub const NAMED: [Self; 4] = [Self::Previous, Self::Weekdays, Self::Year, Self::Off];

    /// The value of the `compare` parameter.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Previous => "previous",
            Self::Weekdays => "weekdays",
            Self::Year => "year",
            Self::Custom { .. } => "custom",
        }
    }

    /// From the parameters of an address. None for what is no comparison.
    #[must_use]
    pub fn from_parts(code: &str, from: Option<String>, to: Option<String>) -> Option<Self> {
        if code == "custom" {
            // The days are checked as those of a period.
            return match Period::from_parts(code, from.as_deref(), to.as_deref()) {
                Ok(Period::Custom { from, to }) => Some(Self::Custom { from, to }),
                _ => None,
            };
        }
        Self::NAMED.into_iter().find(|choice| choice.code() == code)
    }
}

/// A time series and, where a comparison was asked for, the buckets of the other period, in the same order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The period looked at.
    pub now: Timeseries,
    /// The period compared to; it may have more or fewer buckets.
    pub then: Option<Vec<Point>>,
}

/// A note at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// `YYYY-MM-DD HH:MM:SS` by the clocks of the domain.
    pub time: String,
    /// What happened.
    pub text: String,
}

/// The domain page in one answer: what the server renders first. Parts that only show data come as HTML, written by
/// [`crate::markup::Html`]; figures that go on living in the browser come as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    /// The domain looked at.
    pub face: Face,
    /// The ends of the bar: the domain switcher, the account.
    pub switcher: String,
    /// See `switcher`.
    pub account: String,
    /// Lines that must be known before the figures.
    pub notices: String,
    /// Stands in place of the figures while the domain has no event.
    pub empty: Option<String>,
    /// The choices in the bar.
    pub bar: Bar,
    /// The strip.
    pub strip: Strip,
    /// The chart.
    pub chart: ChartView,
    /// One per panel, in the order of `PanelId::ALL`.
    pub panels: Vec<String>,
    /// The live figures.
    pub live: Option<LiveView>,
}

/// What the bar offers in a state of the page, HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Filters and comparison.
    pub menus: String,
    /// The period.
    pub period: String,
    /// What the page is filtered by.
    pub chips: String,
}

/// What the browser has to know of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// By what its live stream is asked for; empty: there is none.
    pub id: String,
    /// What stands for it in addresses.
    pub domain: String,
    /// Today's date in its zone, `YYYY-MM-DD`.
    pub today: String,
    /// The page opens on today.
    pub young: bool,
}

#[cfg(feature = "ssr")]
impl From<&Site> for Face {
    fn from(site: &Site) -> Self {
        let id = crate::share::of_request().map_or_else(|| site.id.to_string(), |shared| shared.live.unwrap_or_default());
        Self { id, domain: site.domain.clone(), today: site.today.clone(), young: site.young }
    }
}

/// The strip of figures, written out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strip {
    /// Text of each figure.
    pub figures: Vec<String>,
    /// Change of each, HTML.
    pub changes: Vec<String>,
    /// Links to how each came about and to why it changed, HTML.
    pub explains: Vec<String>,
    /// Pageviews: the live stream adds to them.
    pub pageviews: u64,
    /// What must be known about the figures.
    pub notes: String,
    /// What is amiss with them: the store is away. Empty otherwise.
    pub notice: String,
    /// What to say once newer ones cannot be loaded; empty where these were not the store's.
    pub outdated: String,
    /// Why there are no figures, HTML.
    pub fault: String,
}

/// The chart, drawn and described.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartView {
    /// Legend and choice of the interval, HTML.
    pub head: String,
    /// The drawing of the first page, or why there is none, HTML.
    pub drawing: String,
    /// The same figures as a table, HTML.
    pub table: String,
    /// The chart in one sentence.
    pub summary: String,
    /// The option for ECharts, JSON; empty when there is nothing to draw.
    pub option: String,
    /// The texts of that chart, JSON.
    pub words: String,
    /// How each figure of the strip went, HTML.
    pub sparks: Vec<String>,
}

/// The list of domains, with what the form to add one needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sites {
    /// Who looks.
    pub viewer: Viewer,
    /// The viewer's domains, HTML. None where there are none.
    pub list: Option<String>,
    /// IANA names offered by the form.
    pub time_zones: Vec<String>,
    /// What came of a form that led here, HTML.
    pub notice: String,
    /// Domains that can be restored, HTML.
    pub deleted: String,
}

/// Why a page or a panel cannot show what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    /// Nobody is signed in: the page leads to the sign-in form.
    #[error("sign in to see this page")]
    NotSignedIn,
    /// Unknown, or not the viewer's: the two must look alike.
    #[error("there is no such page")]
    NotFound,
    /// The form's token or origin is not the viewer's.
    #[error("this form is out of date; reload the page and send it again")]
    StaleForm,
    /// The analytics store does not answer.
    #[error("the analytics store is away; it is tried again by itself")]
    StoreAway {
        /// For the operator: what was tried.
        detail: String,
    },
    /// A field of a form is wrong.
    #[error("{message}")]
    Invalid {
        /// Name of the field.
        field: String,
        /// What to write instead.
        message: String,
    },
    /// The server could not be reached from the browser.
    #[error("the server could not be reached; check that it runs")]
    Unreachable,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

#[cfg(feature = "ssr")]
impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Unreachable,
            other => Self::Other(other.to_string()),
        }
    }
}
