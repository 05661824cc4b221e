//! What a page shows is its address: this reads and writes the query string of the domain page.
//!
//! Only what differs from the default is written. An unknown value falls back to the default: an old link still opens.

use std::fmt::Display;

use footfall_model::{Interval, Period};
use percent_encoding::{AsciiSet, percent_decode_str, utf8_percent_encode};

#[cfg(feature = "ssr")]
use crate::filter::{self, AnyOf, Filter, Place};
use crate::{metric::Metric, text, types::Compare};

/// What is encoded in a value of an address.
const VALUE: &AsciiSet = &text::PATH.remove(b',').remove(b':');

/// What the choice of a period decides.
pub const WITH_PERIOD: [&str; 4] = ["period", "from", "to", "interval"];
/// What the choice of a comparison decides.
pub const WITH_COMPARE: [&str; 3] = ["compare", "compare_from", "compare_to"];

/// One of the filters of a page. The browser knows it only as the address says it: it never looks inside.
#[cfg(feature = "ssr")]
pub type Each = AnyOf;
/// One of the filters of a page, as the address says it.
#[cfg(not(feature = "ssr"))]
pub type Each = String;

/// A panel of the domain page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelId {
    /// Top, entry and exit pages, hosts.
    Pages,
    /// Sources, channels, referrers, campaigns.
    Sources,
    /// Countries, regions, cities, languages.
    Places,
    /// Browsers, systems, devices, screens.
    Devices,
    /// Goals, events, properties.
    Goals,
}

impl PanelId {
    /// In the order of the page.
    pub const ALL: [Self; 5] = [Self::Pages, Self::Sources, Self::Places, Self::Devices, Self::Goals];

    /// Name of its parameter, and its id on the page.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Sources => "sources",
            Self::Places => "places",
            Self::Devices => "devices",
            Self::Goals => "goals",
        }
    }

    /// Its tabs: fields that can be filtered by (`filter.rs`), [`MAP`], or [`NAMES_OF_PROPS`]. The first one is the default.
    #[must_use]
    pub const fn tabs(self) -> &'static [&'static str] {
        match self {
            Self::Pages => &["page", "entry_page", "exit_page", "hostname"],
            Self::Sources => &["source", "channel", "referrer", "utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term"],
            Self::Places => &["country", MAP, "region", "city", "language"],
            Self::Devices => &["browser", "os", "device", "screen", "browser_version", "os_version"],
            Self::Goals => &["goal", "name", NAMES_OF_PROPS],
        }
    }
}

/// The tab that shows countries on a map.
pub const MAP: &str = "map";

/// The tab that shows which properties there are.
pub const NAMES_OF_PROPS: &str = "props";

/// Everything about the domain page that its address says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewQuery {
    /// None: today for a young domain, else 30 days.
    pub period: Option<Period>,
    /// What the figures are compared with.
    pub compare: Compare,
    /// None: the server takes the one that fits.
    pub interval: Option<Interval>,
    /// What the chart shows.
    pub metric: Metric,
    /// Chosen tab per panel, in the order of `PanelId::ALL`; 0 is the default.
    tabs: [usize; 5],
    /// What events and visits must be like: all of these.
    pub filters: Vec<Each>,
}

impl ViewQuery {
    /// From the text after the question mark.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let pairs = decoded_pairs(text);
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        let period = get("period").and_then(|code| Period::from_parts(&code, get("from").as_deref(), get("to").as_deref()).ok());
        let compare =
            get("compare").and_then(|code| Compare::from_parts(&code, get("compare_from"), get("compare_to"))).unwrap_or_default();
        let metric = get("metric").and_then(|code| Metric::of_strip(&code)).unwrap_or_default();
        let tabs =
            PanelId::ALL.map(|panel| get(panel.code()).and_then(|code| panel.tabs().iter().position(|tab| *tab == code)).unwrap_or(0));
        let interval = get("interval").and_then(|code| code.parse().ok());
        let filters = filters(&pairs);
        Self { period, compare, interval, metric, tabs, filters }
    }

    /// The text after the question mark.
    #[must_use]
    pub fn write(&self) -> String {
        written(&self.pairs())
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        if let Some(period) = &self.period {
            pairs.push(("period", period.code().to_owned()));
            if let Period::Custom { from, to } = period {
                pairs.push(("from", from.clone()));
                pairs.push(("to", to.clone()));
            }
        }
        if self.compare != Compare::default() {
            pairs.push(("compare", self.compare.code().to_owned()));
            if let Compare::Custom { from, to } = &self.compare {
                pairs.push(("compare_from", from.clone()));
                pairs.push(("compare_to", to.clone()));
            }
        }
        if let Some(interval) = self.interval {
            pairs.push(("interval", interval.code().to_owned()));
        }
        if self.metric != Metric::default() {
            pairs.push(("metric", self.metric.code().to_owned()));
        }
        for (panel, tab) in PanelId::ALL.into_iter().zip(self.tabs) {
            if tab > 0 {
                pairs.push((panel.code(), panel.tabs()[tab].to_owned()));
            }
        }
        #[cfg(feature = "ssr")]
        pairs.extend(self.filters.iter().map(|filter| ("f", filter.write())));
        #[cfg(not(feature = "ssr"))]
        pairs.extend(self.filters.iter().map(|filter| ("f", filter.clone())));
        pairs
    }

    /// The address of a page in this state. Those of a domain share it: its dashboard is `/example.org`.
    #[must_use]
    pub fn href(&self, page: &str) -> String {
        let text = self.write();
        let mark = if text.is_empty() { "" } else { "?" };
        format!("{page}{mark}{text}")
    }

    /// How to come from here to another state, as a query string for the address as it is by then: parameters that are empty go, `drop` takes a
    /// filter away, or with a comma at its end all that begin so, and `add` adds one, where one was taken away just there. What a choice decides is
    /// said even where it is so already.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn difference(&self, to: &Self) -> String {
        let (from, all) = (self.pairs(), to.pairs());
        let of = |pairs: &[(&'static str, String)], name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        let is_changed = |name: &str| name != "f" && of(&from, name) != of(&all, name);
        let mut names: Vec<&str> = from.iter().chain(&all).map(|(name, _)| *name).filter(|name| is_changed(name)).collect();
        if self.period != to.period {
            names.extend(WITH_PERIOD);
        }
        if self.compare != to.compare {
            names.extend(WITH_COMPARE);
        }
        names.sort_unstable();
        names.dedup();
        let mut parts: Vec<String> = names.iter().map(|name| format!("{name}={}", encoded(&of(&all, name).unwrap_or_default()))).collect();
        let same = |filters: &[AnyOf], one: &AnyOf| filters.iter().find(|known| known.goes_with(one)).cloned();
        for gone in self.filters.iter().filter(|filter| same(&to.filters, filter).is_none()) {
            parts.push(format!("drop={}", encoded(&gone.beginning())));
        }
        let new = |filter: &AnyOf| match same(&self.filters, filter) {
            Some(known) => filter.without(&known),
            None => Some(filter.clone()),
        };
        parts.extend(to.filters.iter().filter_map(new).map(|filter| format!("add={}", encoded(&filter.write()))));
        parts.join("&")
    }

    /// The parameters that a GET form must carry along, without the ones it sets itself.
    #[must_use]
    pub fn pairs_without(&self, names: &[&str]) -> Vec<(&'static str, String)> {
        self.pairs().into_iter().filter(|(key, _)| !names.contains(key)).collect()
    }

    /// The chosen tab of a panel.
    #[must_use]
    pub fn tab(&self, panel: PanelId) -> &'static str {
        panel.tabs()[self.tabs[panel as usize]]
    }

    /// The same state, which says its period even where that is the default.
    #[must_use]
    pub fn saying(&self, period: Period) -> Self {
        Self { period: Some(period), ..self.clone() }
    }

    /// With another period; the width of the buckets goes back to what fits.
    #[must_use]
    pub fn with_period(&self, period: Period) -> Self {
        Self { period: Some(period), interval: None, ..self.clone() }
    }

    /// With another comparison.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn with_compare(&self, compare: Compare) -> Self {
        Self { compare, ..self.clone() }
    }

    /// With another figure in the chart.
    #[must_use]
    pub fn with_metric(&self, metric: Metric) -> Self {
        Self { metric, ..self.clone() }
    }

    /// With another width of the buckets.
    #[must_use]
    pub fn with_interval(&self, interval: Interval) -> Self {
        Self { interval: Some(interval), ..self.clone() }
    }

    /// With another tab of a panel.
    #[must_use]
    pub fn with_tab(&self, panel: PanelId, tab: usize) -> Self {
        let mut changed = self.clone();
        changed.tabs[panel as usize] = tab;
        changed
    }

    /// With one filter more; values of the same comparison come together.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn with_filter(&self, filter: Filter) -> Self {
        Self { filters: filter::with_filter(self.filters.clone(), filter.into()), ..self.clone() }
    }

    /// With other filters.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn with_filters(&self, filters: Vec<AnyOf>) -> Self {
        Self { filters, ..self.clone() }
    }

    /// The period looked at, given whether the domain is young.
    #[must_use]
    pub fn period_or_default(&self, young: bool) -> Period {
        self.period.clone().unwrap_or(if young { Period::Today } else { Period::Last30Days })
    }
}

/// The filters that an address names, and what a form has typed into it: the browser knows the address by then as the page writes it
/// (`tools/page`).
#[cfg(feature = "ssr")]
fn filters(pairs: &[(&str, String)]) -> Vec<Each> {
    let all = |name: &'static str| pairs.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_str());
    let one = |name| all(name).next().unwrap_or_default();
    let given = all("f").filter_map(AnyOf::parse).fold(Vec::new(), filter::with_filter);
    match Filter::of_form(one("op"), one("field"), all("value")) {
        Some(typed) => Place::parse(one("at")).put(given, typed),
        None => given,
    }
}

/// The filters that an address names.
#[cfg(not(feature = "ssr"))]
fn filters(pairs: &[(&str, String)]) -> Vec<Each> {
    pairs.iter().filter(|(key, _)| *key == "f").map(|(_, value)| value.clone()).collect()
}

/// Names and values of the text after a question mark. What has no value is left out.
#[must_use]
pub fn decoded_pairs(text: &str) -> Vec<(&str, String)> {
    let pairs = text.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key, decoded(value))).collect()
}

/// These pairs as the text after a question mark.
#[must_use]
pub fn written(pairs: &[(&str, String)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// A value as it stands in the text after a question mark.
pub fn encoded(value: &str) -> impl Display {
    utf8_percent_encode(value, VALUE)
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// The widths of buckets that make sense for a period; the page offers them where there are two or more.
#[must_use]
pub const fn intervals(period: &Period) -> &'static [Interval] {
    use Interval::{Day, Hour, Minute, Month, Week};
    match period {
        Period::Last30Minutes => &[Minute],
        Period::Last24Hours | Period::Today => &[Minute, Hour],
        Period::Last7Days => &[Hour, Day],
        Period::Last30Days | Period::Month => &[Day, Week],
        Period::Last6Months | Period::Last12Months | Period::Year => &[Day, Week, Month],
        Period::All | Period::Custom { .. } => &[Day, Week, Month],
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::filter::{MOST, Op};

    #[test]
    fn the_default_writes_nothing() {
        assert_eq!(ViewQuery::default().write(), "");
        assert_eq!(ViewQuery::parse(""), ViewQuery::default());
    }

    #[test]
    fn every_state_reads_back() {
        let text = "period=custom&from=2026-01-01&to=2026-01-31&compare=custom&compare_from=2025-01-01&compare_to=2025-02-28&interval=week&metric=bounce_rate&pages=exit_page&sources=utm_campaign&devices=os";
        let query = ViewQuery::parse(text);
        assert_eq!(query.write(), text);
        assert_eq!(PanelId::ALL.map(|panel| query.tab(panel)), ["exit_page", "utm_campaign", "country", "os", "goal"]);
    }

    #[test]
    fn odd_values_fall_back() {
        let query = ViewQuery::parse("period=9d&compare=x&interval=y&metric=z&pages=q&&=&period");
        assert_eq!(query, ViewQuery::default());
    }

    #[test]
    fn filters_read_back_whatever_they_hold() {
        for value in ["Google", "a,b", "/é?x=1 \"<", "100%25 & more+", "\\", "#", "\u{1f600}"] {
            let query = ViewQuery::parse("period=7d").with_filter(Filter::new(Op::IsNot, "page", value).unwrap());
            let text = query.write();
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>#+".contains(&byte)), "{text}");
            assert_eq!(ViewQuery::parse(&text), query, "{text}");
        }
    }

    #[test]
    fn filters_of_one_comparison_come_together() {
        let query = ViewQuery::parse("f=is,source,Google&f=is_not,page,/a&f=is,source,Bing&f=is,source,Google&f=nonsense&f=is,source,");
        assert_eq!(query.write(), "f=is,source,Google,Bing&f=is_not,page,/a");
        assert!(ViewQuery::parse(&"f=is,source,x&f=is,page,y&".repeat(300)).filters.len() == 2);
        let many: String = (0..100).map(|number| format!("f=is,props:p{number},x&")).collect();
        assert_eq!(ViewQuery::parse(&many).filters.len(), MOST);
    }

    #[test]
    fn what_a_choice_decides_is_said() {
        let query = ViewQuery::parse("period=7d&f=is,source,Google");
        let difference = |to: ViewQuery| query.difference(&to);
        assert_eq!(difference(query.with_metric(Metric::Pageviews)), "metric=pageviews");
        assert_eq!(difference(query.with_filters(Vec::new())), "drop=is,source,");
        let filter = |op, field, value| Filter::new(op, field, value).unwrap();
        assert_eq!(difference(query.with_filter(filter(Op::Is, "page", "/a"))), "add=is,page,/a");
        assert_eq!(difference(query.with_filter(filter(Op::Is, "source", "Bing"))), "add=is,source,Bing");
        assert_eq!(
            difference(query.with_filters(vec![filter(Op::IsNot, "source", "Google").into()])),
            "drop=is,source,&add=is_not,source,Google"
        );
        assert_eq!(difference(query.with_period(Period::All)), "from=&interval=&period=all&to=");
        assert_eq!(difference(query.clone()), "");
        let custom = Compare::from_parts("custom", Some("2026-01-01".to_owned()), Some("2026-01-31".to_owned())).unwrap();
        assert_eq!(difference(query.with_compare(custom.clone())), "compare=custom&compare_from=2026-01-01&compare_to=2026-01-31");
        assert_eq!(query.with_compare(custom).difference(&query.with_compare(Compare::Previous)), "compare=&compare_from=&compare_to=");
    }

    #[test]
    fn alternatives_are_taken_as_a_whole() {
        let text = "period=7d&f=is,source,Google&f=any,is,country,DE,,is,device,Mobile";
        let query = ViewQuery::parse(text);
        assert_eq!(query.write(), text);
        let without = |at: usize, of: usize| {
            let mut filters = query.filters.clone();
            filters[at] = filters[at].with(of, None).unwrap();
            query.difference(&query.with_filters(filters))
        };
        assert_eq!(without(1, 0), "drop=any,is,country,DE,,is,device,Mobile&add=is,device,Mobile");
        assert_eq!(query.difference(&query.with_filters(query.filters[1..].to_vec())), "drop=is,source,");
        assert_eq!(query.difference(&query.with_filters(query.filters[..1].to_vec())), "drop=any,is,country,DE,,is,device,Mobile");
        let typed = format!("{text}&at=1.1&field=device&op=is_not&value=Desktop&value=&value=Mobile");
        assert_eq!(ViewQuery::parse(&typed).write(), "period=7d&f=is,source,Google&f=any,is,country,DE,,is_not,device,Desktop,Mobile");
        let added = format!("{text}&at=0&field=page&op=is&value=/a,b");
        assert_eq!(
            ViewQuery::parse(&added).write(),
            r"period=7d&f=any,is,source,Google,,is,page,/a%5C,b&f=any,is,country,DE,,is,device,Mobile"
        );
        assert_eq!(ViewQuery::parse(&format!("{text}&at=0.0&field=page&op=is&value=+")).write(), text, "nothing was typed");
    }

    #[test]
    fn parts_of_texts_must_all_be_there() {
        let query = ViewQuery::parse("f=contains,page,/blog&f=contains,page,2026");
        assert_eq!(query.filters.len(), 2);
        assert_eq!(query.difference(&query.with_filters(vec![query.filters[1].clone()])), "drop=contains,page,/blog");
    }

    #[test]
    fn a_form_adds_a_filter() {
        let query = ViewQuery::parse("f=is%2Csource%2CGoogle&field=page&op=contains&value=+%2Fblog%2Fa+b+");
        assert_eq!(query.write(), "f=is,source,Google&f=contains,page,/blog/a%20b");
        assert_eq!(ViewQuery::parse("field=page&op=contains&value=").write(), "");
        assert_eq!(ViewQuery::parse("field=country&op=is&value=germany").write(), "f=is,country,DE");
        assert_eq!(ViewQuery::parse("field=country&op=is_not&value=de").write(), "f=is_not,country,DE");
        assert_eq!(ViewQuery::parse("field=region&op=is&value=Bavaria").write(), "f=is,region_name,Bavaria");
        assert_eq!(ViewQuery::parse("field=region&op=is&value=DE-BY").write(), "f=is,region,DE-BY");
        assert_eq!(ViewQuery::parse("field=city&op=is&value=2950159").write(), "f=is,city,2950159");
    }

    #[test]
    fn a_new_period_forgets_the_interval() {
        let query = ViewQuery::parse("period=7d&interval=hour").with_period(Period::Last12Months);
        assert_eq!(query.write(), "period=12mo");
    }
}
