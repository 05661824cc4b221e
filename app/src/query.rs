//! What a page shows is its address: this reads and writes the query string of the domain page.
//!
//! Only what differs from the default is written. An unknown value falls back to the default: an old link still opens.

use footfall_model::{Interval, Period, report::Dimension};

use crate::types::Compare;

/// The figure that the chart shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// Distinct visitors.
    #[default]
    Visitors,
    /// Pageviews.
    Pageviews,
}

impl Metric {
    const fn code(self) -> &'static str {
        match self {
            Self::Visitors => "visitors",
            Self::Pageviews => "pageviews",
        }
    }
}

/// A panel of the domain page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelId {
    /// Top, entry and exit pages.
    Pages,
    /// Sources, channels, referrers, campaigns.
    Sources,
    /// Countries.
    Countries,
    /// Browsers, systems, devices.
    Devices,
}

impl PanelId {
    /// In the order of the page.
    pub const ALL: [Self; 4] = [Self::Pages, Self::Sources, Self::Countries, Self::Devices];

    /// Name of its parameter, and its id on the page.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Sources => "sources",
            Self::Countries => "countries",
            Self::Devices => "devices",
        }
    }

    /// Its tabs, the first one is the default.
    #[must_use]
    pub const fn tabs(self) -> &'static [Dimension] {
        match self {
            Self::Pages => &[Dimension::Page, Dimension::EntryPage, Dimension::ExitPage],
            Self::Sources => &[Dimension::Source, Dimension::Channel, Dimension::Referrer, Dimension::Campaign],
            Self::Countries => &[Dimension::Country],
            Self::Devices => &[Dimension::Browser, Dimension::Os, Dimension::Device],
        }
    }
}

/// The value of a tab in the address.
const fn dimension_code(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Page => "page",
        Dimension::EntryPage => "entry",
        Dimension::ExitPage => "exit",
        Dimension::Source => "source",
        Dimension::Channel => "channel",
        Dimension::Referrer => "referrer",
        Dimension::Campaign => "campaign",
        Dimension::Country => "country",
        Dimension::Browser => "browser",
        Dimension::Os => "os",
        Dimension::Device => "device",
    }
}

/// Rows of a panel at rest, and of one that is opened up.
const ROWS: u32 = 9;
const MORE_ROWS: u32 = 100;

/// Which rows a panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PanelView {
    /// The chosen tab.
    pub dimension: Dimension,
    /// Rows on one page.
    pub limit: u32,
    /// Counts from 1.
    pub page: u32,
}

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
    tabs: [usize; 4],
    /// The panel that is opened up, and its page.
    more: Option<(PanelId, u32)>,
}

impl ViewQuery {
    /// From a look-up of parameters.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let period = get("period").and_then(|code| Period::from_parts(&code, get("from").as_deref(), get("to").as_deref()).ok());
        let compare = get("compare").and_then(|code| Compare::ALL.into_iter().find(|choice| choice.code() == code)).unwrap_or_default();
        let metric = if get("metric").as_deref() == Some("pageviews") { Metric::Pageviews } else { Metric::Visitors };
        let tabs = PanelId::ALL
            .map(|panel| get(panel.code()).and_then(|code| panel.tabs().iter().position(|tab| dimension_code(*tab) == code)).unwrap_or(0));
        let more = get("more").and_then(|code| PanelId::ALL.into_iter().find(|panel| panel.code() == code)).map(|panel| {
            let page = get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 10_000);
            (panel, page)
        });
        Self { period, compare, interval: get("interval").and_then(|code| code.parse().ok()), metric, tabs, more }
    }

    /// From the text after the question mark, as `write` made it (values are plain words, nothing is percent-decoded).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::read(|name| {
            text.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key == name).then(|| value.to_owned())
            })
        })
    }

    /// The text after the question mark.
    #[must_use]
    pub fn write(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        if let Some(period) = &self.period {
            pairs.push(("period", period.code().to_owned()));
            if let Period::Custom { from, to } = period {
                pairs.push(("from", from.clone()));
                pairs.push(("to", to.clone()));
            }
        }
        if self.compare != Compare::default() {
            pairs.push(("compare", self.compare.code().to_owned()));
        }
        if let Some(interval) = self.interval {
            pairs.push(("interval", interval.code().to_owned()));
        }
        if self.metric != Metric::default() {
            pairs.push(("metric", self.metric.code().to_owned()));
        }
        for (panel, tab) in PanelId::ALL.into_iter().zip(self.tabs) {
            if tab > 0 {
                pairs.push((panel.code(), dimension_code(panel.tabs()[tab]).to_owned()));
            }
        }
        if let Some((panel, page)) = self.more {
            pairs.push(("more", panel.code().to_owned()));
            if page > 1 {
                pairs.push(("page", page.to_string()));
            }
        }
        pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
    }

    /// The address of a domain's page in this state.
    #[must_use]
    pub fn href(&self, domain: &str) -> String {
        let text = self.write();
        let mark = if text.is_empty() { "" } else { "?" };
        format!("/{domain}{mark}{text}")
    }

    /// The parameters that a GET form must carry along, without the ones it sets itself.
    #[must_use]
    pub fn pairs_without(&self, names: &[&str]) -> Vec<(String, String)> {
        self.write()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| !names.contains(key))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// What a panel shows.
    #[must_use]
    pub fn panel(&self, panel: PanelId) -> PanelView {
        let dimension = panel.tabs()[self.tabs[panel as usize]];
        match self.more {
            Some((opened, page)) if opened == panel => PanelView { dimension, limit: MORE_ROWS, page },
            _ => PanelView { dimension, limit: ROWS, page: 1 },
        }
    }

    /// The panel is opened up.
    #[must_use]
    pub fn is_open(&self, panel: PanelId) -> bool {
        self.more.is_some_and(|(opened, _)| opened == panel)
    }

    /// With another period; the width of the buckets goes back to what fits.
    #[must_use]
    pub fn with_period(&self, period: Period) -> Self {
        Self { period: Some(period), interval: None, more: None, ..self.clone() }
    }

    /// With another comparison.
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
        if changed.is_open(panel) {
            changed.more = Some((panel, 1));
        }
        changed
    }

    /// With a panel opened up at a page, or with none.
    #[must_use]
    pub fn with_more(&self, more: Option<(PanelId, u32)>) -> Self {
        Self { more, ..self.clone() }
    }

    /// The period looked at, given whether the domain is young.
    #[must_use]
    pub fn period_or_default(&self, young: bool) -> Period {
        self.period.clone().unwrap_or(if young { Period::Today } else { Period::Last30Days })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_writes_nothing() {
        assert_eq!(ViewQuery::default().write(), "");
        assert_eq!(ViewQuery::parse(""), ViewQuery::default());
    }

    #[test]
    fn every_state_reads_back() {
        let text = "period=custom&from=2026-01-01&to=2026-01-31&compare=year&interval=week&metric=pageviews&pages=exit&sources=campaign&devices=os&more=pages&page=3";
        let query = ViewQuery::parse(text);
        assert_eq!(query.write(), text);
        assert_eq!(query.panel(PanelId::Pages), PanelView { dimension: Dimension::ExitPage, limit: 100, page: 3 });
        assert_eq!(query.panel(PanelId::Devices).dimension, Dimension::Os);
    }

    #[test]
    fn odd_values_fall_back() {
        let query = ViewQuery::parse("period=9d&compare=x&interval=y&metric=z&pages=q&more=w&page=-1&&=&period");
        assert_eq!(query, ViewQuery::default());
    }

    #[test]
    fn a_new_period_forgets_the_interval() {
        let query = ViewQuery::parse("period=7d&interval=hour&more=pages").with_period(Period::Last12Months);
        assert_eq!(query.write(), "period=12mo");
    }
}
