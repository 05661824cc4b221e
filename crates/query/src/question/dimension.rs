//! What events and visits can be grouped by and compared with.

use footfall_model::report;

use super::channel::ChannelRule;

/// A dimension. Those of events differ from event to event; those of visits are the same for all of a visit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Path of the event's page.
    Page,
    /// The first of these patterns that the path fits, or the path.
    Route(Vec<String>),
    /// Host name of the event's page.
    Hostname,
    /// Name of the event.
    Name,
    /// A property of the event.
    Prop(String),
    /// Of the visit.
    Visit(OfVisit),
    /// Kind of the visit's source: the first of these rules that applies, or what the rules of everybody say.
    Channel(Vec<ChannelRule>),
    /// The name of where the visit came from, of codes with a name; the code of others.
    PlaceName(Place, Vec<(String, String)>),
}

/// A kind of place that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// [`OfVisit::Country`]
    Country,
    /// [`OfVisit::Region`]
    Region,
    /// [`OfVisit::City`]
    City,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Country, Self::Region, Self::City];

    /// The dimension of its code.
    #[must_use]
    pub const fn code(self) -> OfVisit {
        match self {
            Self::Country => OfVisit::Country,
            Self::Region => OfVisit::Region,
            Self::City => OfVisit::City,
        }
    }

    /// The name after `visit:`.
    const fn name(self) -> &'static str {
        match self {
            Self::Country => "country_name",
            Self::Region => "region_name",
            Self::City => "city_name",
        }
    }
}

/// A dimension of visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfVisit {
    /// Where it came from.
    Source,
    /// Referrer, host and path.
    Referrer,
    /// `utm_medium`
    UtmMedium,
    /// `utm_source`
    UtmSource,
    /// `utm_campaign`
    UtmCampaign,
    /// `utm_content`
    UtmContent,
    /// `utm_term`
    UtmTerm,
    /// Mobile, Tablet or Desktop.
    Device,
    /// Screen size class.
    Screen,
    /// Browser family.
    Browser,
    /// Its version.
    BrowserVersion,
    /// Operating system.
    Os,
    /// Its version.
    OsVersion,
    /// ISO 3166-1 alpha-2.
    Country,
    /// ISO 3166-2.
    Region,
    /// GeoNames id.
    City,
    /// BCP 47, shortened.
    Language,
    /// Path of the first pageview.
    EntryPage,
    /// Path of the last pageview.
    ExitPage,
    /// Host name of the first pageview.
    EntryHostname,
    /// Host name of the last pageview.
    ExitHostname,
}

/// Where a dimension of visits is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// A first-touch text, in `events` and `sessions` alike.
    Text(&'static str),
    /// A first-touch number, 0 for unknown.
    Number(&'static str),
    /// Part of a tuple in `sessions` alone: the tuple, and the name of the part.
    End(&'static str, &'static str),
}

/// Names after `visit:`, and what they mean.
const OF_VISIT: [(&str, OfVisit); 21] = [
    ("source", OfVisit::Source),
    ("referrer", OfVisit::Referrer),
    ("utm_medium", OfVisit::UtmMedium),
    ("utm_source", OfVisit::UtmSource),
    ("utm_campaign", OfVisit::UtmCampaign),
    ("utm_content", OfVisit::UtmContent),
    ("utm_term", OfVisit::UtmTerm),
    ("device", OfVisit::Device),
    ("screen", OfVisit::Screen),
    ("browser", OfVisit::Browser),
    ("browser_version", OfVisit::BrowserVersion),
    ("os", OfVisit::Os),
    ("os_version", OfVisit::OsVersion),
    ("country", OfVisit::Country),
    ("region", OfVisit::Region),
    ("city", OfVisit::City),
    ("language", OfVisit::Language),
    ("entry_page", OfVisit::EntryPage),
    ("exit_page", OfVisit::ExitPage),
    ("entry_page_hostname", OfVisit::EntryHostname),
    ("exit_page_hostname", OfVisit::ExitHostname),
];

impl OfVisit {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        OF_VISIT.iter().map(|(_, dimension)| *dimension)
    }

    pub(super) const fn stored(self) -> Stored {
        match self {
            Self::Source => Stored::Text("source"),
            Self::Referrer => Stored::Text("referrer"),
            Self::UtmMedium => Stored::Text("utm_medium"),
            Self::UtmSource => Stored::Text("utm_source"),
            Self::UtmCampaign => Stored::Text("utm_campaign"),
            Self::UtmContent => Stored::Text("utm_content"),
            Self::UtmTerm => Stored::Text("utm_term"),
            Self::Device => Stored::Text("device"),
            Self::Screen => Stored::Text("screen"),
            Self::Browser => Stored::Text("browser"),
            Self::BrowserVersion => Stored::Text("browser_version"),
            Self::Os => Stored::Text("os"),
            Self::OsVersion => Stored::Text("os_version"),
            Self::Country => Stored::Text("country"),
            Self::Region => Stored::Text("region"),
            Self::City => Stored::Number("city"),
            Self::Language => Stored::Text("language"),
            Self::EntryPage => Stored::End("entry", "path"),
            Self::ExitPage => Stored::End("exit", "path"),
            Self::EntryHostname => Stored::End("entry", "hostname"),
            Self::ExitHostname => Stored::End("exit", "hostname"),
        }
    }
}

impl Dimension {
    /// What a panel shows, for a domain with these rules of channels.
    #[must_use]
    pub fn of_panel(panel: report::Dimension, rules: Vec<ChannelRule>) -> Self {
        Self::Visit(match panel {
            report::Dimension::Page => return Self::Page,
            report::Dimension::EntryPage => OfVisit::EntryPage,
            report::Dimension::ExitPage => OfVisit::ExitPage,
            report::Dimension::Source => OfVisit::Source,
            report::Dimension::Channel => return Self::Channel(rules),
            report::Dimension::Referrer => OfVisit::Referrer,
            report::Dimension::Campaign => OfVisit::UtmCampaign,
            report::Dimension::Country => OfVisit::Country,
            report::Dimension::Browser => OfVisit::Browser,
            report::Dimension::Os => OfVisit::Os,
            report::Dimension::Device => OfVisit::Device,
        })
    }

    /// All of them but properties, which have names of their own.
    pub fn all() -> impl Iterator<Item = Self> {
        let of_events = [Self::Page, Self::Route(Vec::new()), Self::Hostname, Self::Name].into_iter();
        let named = Place::ALL.into_iter().map(|place| Self::PlaceName(place, Vec::new()));
        of_events.chain(OfVisit::all().map(Self::Visit)).chain([Self::Channel(Vec::new())]).chain(named)
    }

    /// The dimension of this name in `POST /api/v2/query`; routes, channels and names of places without what a domain adds to them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name.split_once(':')? {
            ("event", "page") => Some(Self::Page),
            ("event", "route") => Some(Self::Route(Vec::new())),
            ("event", "hostname") => Some(Self::Hostname),
            ("event", "name") => Some(Self::Name),
            ("event", rest) => rest.strip_prefix("props:").filter(|key| !key.is_empty()).map(|key| Self::Prop(key.to_owned())),
            ("visit", "channel") => Some(Self::Channel(Vec::new())),
            ("visit", rest) if let Some(place) = Place::ALL.into_iter().find(|place| place.name() == rest) => {
                Some(Self::PlaceName(place, Vec::new()))
            }
            ("visit", rest) => OF_VISIT.iter().find(|(known, _)| *known == rest).map(|(_, dimension)| Self::Visit(*dimension)),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Page => "event:page".to_owned(),
            Self::Route(_) => "event:route".to_owned(),
            Self::Hostname => "event:hostname".to_owned(),
            Self::Name => "event:name".to_owned(),
            Self::Prop(key) => format!("event:props:{key}"),
            Self::Visit(dimension) => {
                let name = OF_VISIT.iter().find(|(_, known)| known == dimension).map_or("", |(name, _)| name);
                format!("visit:{name}")
            }
            Self::Channel(_) => "visit:channel".to_owned(),
            Self::PlaceName(place, _) => format!("visit:{}", place.name()),
        }
    }

    /// Whether it differs from event to event.
    #[must_use]
    pub const fn is_of_event(&self) -> bool {
        !matches!(self, Self::Visit(_) | Self::Channel(_) | Self::PlaceName(..))
    }

    /// Whether it is stored, and a value that the visit's first event brought, so that all its events have it.
    #[must_use]
    pub fn is_first_touch(&self) -> bool {
        match self {
            Self::Visit(dimension) => !matches!(dimension.stored(), Stored::End(..)),
            _ => false,
        }
    }

    /// Whether it says which page, so that the rules of pages hold (`docs/definitions.md`, Pages).
    #[must_use]
    pub const fn is_of_page(&self) -> bool {
        matches!(self, Self::Page | Self::Route(_))
    }

    /// The text for a missing value (`docs/definitions.md`, Missing values).
    #[must_use]
    pub const fn missing(&self) -> &'static str {
        match self {
            Self::Page | Self::Route(_) | Self::Hostname | Self::Name | Self::Channel(_) | Self::PlaceName(..) => "(unknown)",
            Self::Prop(_) => "(none)",
            Self::Visit(dimension) => match dimension {
                OfVisit::Source | OfVisit::Referrer => "Direct / None",
                OfVisit::UtmMedium | OfVisit::UtmSource | OfVisit::UtmCampaign | OfVisit::UtmContent | OfVisit::UtmTerm => "(not set)",
                OfVisit::EntryPage | OfVisit::ExitPage | OfVisit::EntryHostname | OfVisit::ExitHostname => "(none)",
                _ => "(unknown)",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for dimension in Dimension::all().chain([Dimension::Prop("a:b".to_owned())]) {
            assert_eq!(Dimension::named(&dimension.name()), Some(dimension));
        }
        for none in ["", "page", "event:", "event:props", "event:props:", "visit:", "visit:page", "time:day", "x:page"] {
            assert_eq!(Dimension::named(none), None, "{none}");
        }
    }
}
