//! Every figure by its definition, slowly, from raw rows. Shares no code with the query engine: no SQL, no running counters, no calendar of
//! its own but the given bounds.

use std::collections::{BTreeMap, BTreeSet};

use footfall_enrich::{ChannelInput, channel};
use footfall_model::{SiteId, report::Dimension};
use footfall_store::{Attributes, EventRow};

use crate::world::counted;

/// A visit as its events tell.
pub struct Visit<'a> {
    /// In log order.
    pub events: Vec<&'a EventRow>,
}

impl Visit<'_> {
    pub fn start(&self) -> i64 {
        self.events[0].ts
    }

    fn bot(&self) -> bool {
        self.events.iter().any(|row| !row.bot.is_empty())
    }

    fn pageviews(&self) -> u64 {
        self.events.iter().filter(|row| row.name == "pageview").count() as u64
    }

    fn bounced(&self) -> bool {
        let custom = self.events.iter().any(|row| row.interactive && row.name != "pageview" && row.name != "engagement");
        self.pageviews() <= 1 && !custom
    }

    fn duration(&self) -> u64 {
        let times = || self.events.iter().filter(|row| row.name != "engagement").map(|row| row.ts);
        (times().max().unwrap() - times().min().unwrap()) as u64
    }

    fn entry(&self) -> &str {
        self.ends().min_by_key(|row| (row.ts, row.position.offset)).map_or("", |row| &row.path)
    }

    fn exit(&self) -> &str {
        self.ends().max_by_key(|row| (row.ts, row.position.offset)).map_or("", |row| &row.path)
    }

    fn ends(&self) -> impl Iterator<Item = &&EventRow> {
        self.events.iter().filter(|row| row.name == "pageview")
    }
}

/// The visits of a domain.
pub fn visits(rows: &[EventRow], site: SiteId) -> BTreeMap<u64, Visit<'_>> {
    let mut visits = BTreeMap::new();
    for row in counted(rows).filter(|row| row.site == site) {
        visits.entry(row.visit.id).or_insert_with(|| Visit { events: Vec::new() }).events.push(row);
    }
    visits
}

/// The channel of a visit with these attributes.
pub fn channel_of(first: &Attributes<'_>) -> &'static str {
    let input = ChannelInput {
        source: first.source,
        medium: first.utm_medium,
        campaign: first.utm_campaign,
        referrer: first.referrer,
        click_id: first.click_id,
    };
    channel::channel(input).name()
}

/// The label of an event, or of its visit.
fn label(row: &EventRow, visit: &Visit<'_>, dimension: Dimension) -> String {
    let first = visit.events[0].visit.attributes.unpack();
    match dimension {
        Dimension::Page => &row.path,
        Dimension::EntryPage => visit.entry(),
        Dimension::ExitPage => visit.exit(),
        Dimension::Source => first.source,
        Dimension::Referrer => first.referrer,
        Dimension::Campaign => first.utm_campaign,
        Dimension::Country => first.country,
        Dimension::Browser => first.browser,
        Dimension::Os => first.os,
        Dimension::Device => first.device,
        Dimension::Channel => channel_of(&first),
    }
    .to_owned()
}

/// What to group by.
#[derive(Clone)]
pub enum By {
    Nothing,
    Starts(Vec<i64>),
    Dimension(Dimension),
}

impl By {
    fn event(&self, row: &EventRow, visit: &Visit<'_>) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Starts(starts) => bucket(starts, row.ts),
            Self::Dimension(dimension) => label(row, visit, *dimension),
        }
    }

    fn visit(&self, visit: &Visit<'_>) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Starts(starts) => bucket(starts, visit.start()),
            Self::Dimension(dimension) => label(visit.events[0], visit, *dimension),
        }
    }
}

fn bucket(starts: &[i64], ts: i64) -> String {
    starts.iter().filter(|start| **start <= ts).max().unwrap().to_string()
}

/// Whether a visit passes, for queries with filters.
pub type Pass<'a> = &'a dyn Fn(&Visit<'_>) -> bool;

/// visitors, pageviews, events by label.
pub fn event_figures(rows: &[EventRow], site: SiteId, from: i64, to: i64, by: &By, pass: Pass<'_>) -> BTreeMap<String, [u64; 3]> {
    let mut groups: BTreeMap<String, (BTreeSet<u64>, u64, u64)> = BTreeMap::new();
    for visit in visits(rows, site).values().filter(|visit| pass(visit)) {
        for row in &visit.events {
            if row.ts < from || row.ts >= to || row.name == "engagement" || !row.bot.is_empty() {
                continue;
            }
            let group = groups.entry(by.event(row, visit)).or_default();
            group.0.insert(row.visitor.0);
            group.1 += u64::from(row.name == "pageview");
            group.2 += 1;
        }
    }
    groups.into_iter().map(|(label, (visitors, pageviews, events))| (label, [visitors.len() as u64, pageviews, events])).collect()
}

/// visits, bounces, milliseconds, pageviews by label.
pub fn visit_figures(rows: &[EventRow], site: SiteId, from: i64, to: i64, by: &By, pass: Pass<'_>) -> BTreeMap<String, [u64; 4]> {
    let mut groups: BTreeMap<String, [u64; 4]> = BTreeMap::new();
    for visit in visits(rows, site).values().filter(|visit| pass(visit)) {
        if visit.start() < from || visit.start() >= to || visit.bot() {
            continue;
        }
        let group = groups.entry(by.visit(visit)).or_default();
        group[0] += 1;
        group[1] += u64::from(visit.bounced());
        group[2] += visit.duration();
        group[3] += visit.pageviews();
    }
    groups
}
