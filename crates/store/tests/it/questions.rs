//! The whole language of questions against plain code over the raw rows: random questions, every metric, dimension and operator.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono_tz::Tz;
use footfall_model::Interval;
use footfall_query::{
    Param, Range, Scope, Sql, buckets,
    question::{
        ChannelRule, Condition, Contrast, Dimension, Direction, Goal, Key, Labels, Leaf, Metric, Op, Order, Place, Question, RolledDay,
        contrast, days, dimension::OfVisit, goal::CompletedBy, statement,
    },
};
use footfall_store::{Attributes, EventRow, Store, Unlisted};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::{
    days::{ZONE, roll, worked_out},
    engine,
    oracle::{self, Visit},
    world::{DAY, HOUR, MINUTE, Traffic, rows, site},
};

/// 2026-10-24 00:00 UTC: the clocks of Europe change on the next day.
pub const FROM: i64 = 1_792_800_000_000;

type Meaning = fn(&str) -> bool;

/// Patterns, and what they mean.
const PATTERNS: [(&str, Meaning); 5] = [
    ("^/a$", |text| text == "/a"),
    ("^/", |text| text.starts_with('/')),
    ("o|u", |text| text.contains('o') || text.contains('u')),
    ("[0-9]", |text| text.bytes().any(|byte| byte.is_ascii_digit())),
    ("[.]org$", |text| text.ends_with(".org")),
];

pub type Completes = fn(&EventRow) -> bool;

/// Goals, and what completes them.
pub fn goals() -> Vec<(Goal, Completes)> {
    let goal = |name: &str, by: CompletedBy, props: &[(&str, &str)], currency: Option<&str>| Goal {
        name: name.to_owned(),
        by,
        props: props.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        currency: currency.map(str::to_owned),
    };
    let (event, page) = (|name: &str| CompletedBy::Event(name.to_owned()), |path: &str| CompletedBy::Page(path.to_owned()));
    vec![
        (goal("Signup", event("signup"), &[], Some("EUR")), |row| row.name == "signup"),
        (goal("It's \\ a pro", event("hover"), &[("plan", "Pro")], None), |row| {
            row.name == "hover" && row.props.get("plan").is_some_and(|plan| plan == "Pro")
        }),
        (goal("a", page("/a"), &[], None), |row| row.name == "pageview" && row.path == "/a"),
        (goal("its", page("/*t's"), &[], None), |row| row.name == "pageview" && row.path == "/it's"),
        (goal("deep", CompletedBy::Scroll { path: "/c/*".to_owned(), depth: 50 }, &[], None), |row| {
            row.name == "engagement" && (50..=100).contains(&row.scroll_depth) && row.path.starts_with("/c/")
        }),
        (goal("all", CompletedBy::Scroll { path: "*".to_owned(), depth: 1 }, &[], None), |row| {
            row.name == "engagement" && (1..=100).contains(&row.scroll_depth)
        }),
        (goal("free", event("signup"), &[("plan", "free"), ("it's", "1")], Some("USD")), |row| {
            row.name == "signup"
                && row.props.get("plan").is_some_and(|plan| plan == "free")
                && row.props.get("it's").is_some_and(|number| number == "1")
        }),
    ]
}

pub fn completes(row: &EventRow, goal: &Goal) -> bool {
    goals().iter().find(|(known, _)| known == goal).unwrap().1(row)
}

/// The routes of the domain, and what they make of a path.
const ROUTES: [&str; 2] = ["/c/:rest", "/:one"];

fn routes() -> Dimension {
    Dimension::Route(ROUTES.map(str::to_owned).to_vec())
}

fn route(path: &str) -> &str {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["", "c", rest] if !rest.is_empty() => ROUTES[0],
        ["", one] if !one.is_empty() => ROUTES[1],
        _ => path,
    }
}

/// The domain's rules of channels: the first is dead, the second takes visits from what everybody's rules say, the third adds to them.
pub fn channels() -> Dimension {
    let leaf = |name: &str, op, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Condition::Leaf(Leaf { op, dimension: Dimension::named(name).unwrap(), values, case_sensitive: true })
    };
    let rule = |channel: &str, condition| ChannelRule { channel: channel.to_owned(), condition };
    let none = Condition::Any(Vec::new());
    let partners = Condition::All(vec![
        leaf("visit:referrer", Op::Contains, &["example/"]),
        Condition::Not(Box::new(leaf("visit:country", Op::Is, &["DE", "(unknown)"]))),
    ]);
    Dimension::Channel(vec![rule("Nobody", none), rule("Partners", partners), rule("Email", leaf("visit:utm_source", Op::Is, &["news"]))])
}

fn channel<'a>(first: &Attributes<'a>) -> &'a str {
    if first.referrer.contains("example/") && !["DE", ""].contains(&first.country) {
        return "Partners";
    }
    if first.utm_source == "news" { "Email" } else { oracle::channel_of(first) }
}

/// Countries and cities with a name, and a name of two of them.
const COUNTRIES: [(&str, &str); 2] = [("DE", "Somewhere"), ("US", "Somewhere")];

fn place_names() -> [Dimension; 2] {
    let names = |names: &[(&str, &str)]| names.iter().map(|(code, name)| ((*code).to_owned(), (*name).to_owned())).collect();
    [Dimension::PlaceName(Place::Country, names(&COUNTRIES)), Dimension::PlaceName(Place::City, names(&[("2950159", "Berlin")]))]
}

fn is_of_visits(dimension: &Dimension) -> bool {
    dimension.name().starts_with("visit:")
}

fn dimensions() -> Vec<Dimension> {
    let prop = |key: &str| Dimension::Prop(key.to_owned());
    let of_events = [Dimension::Page, routes(), Dimension::Hostname, Dimension::Name, prop("plan"), prop("it's")];
    of_events.into_iter().chain(OfVisit::all().map(Dimension::Visit)).chain([channels()]).chain(place_names()).collect()
}

// ── what the figures are, from the rows ──

pub fn value(row: &EventRow, visit: &Visit<'_>, dimension: &Dimension) -> String {
    let first = visit.events[0].visit.attributes.unpack();
    let views = || visit.events.iter().filter(|row| row.name == "pageview");
    let entry = || views().min_by_key(|row| (row.ts, row.position.offset));
    let exit = || views().max_by_key(|row| (row.ts, row.position.offset));
    let text = match dimension {
        Dimension::Page => row.path.as_str(),
        Dimension::Route(_) => route(&row.path),
        Dimension::Hostname => &row.hostname,
        Dimension::Name => &row.name,
        Dimension::Prop(key) => row.props.get(key).map_or("", String::as_str),
        Dimension::Channel(_) => channel(&first),
        Dimension::PlaceName(Place::Country, _) => {
            COUNTRIES.iter().find(|(code, _)| *code == first.country).map_or(first.country, |(_, name)| *name)
        }
        Dimension::PlaceName(..) => {
            if first.city == 0 {
                ""
            } else {
                "Berlin"
            }
        }
        Dimension::Visit(dimension) => match dimension {
            OfVisit::Source => first.source,
            OfVisit::Referrer => first.referrer,
            OfVisit::UtmMedium => first.utm_medium,
            OfVisit::UtmSource => first.utm_source,
            OfVisit::UtmCampaign => first.utm_campaign,
            OfVisit::UtmContent => first.utm_content,
            OfVisit::UtmTerm => first.utm_term,
            OfVisit::Device => first.device,
            OfVisit::Screen => first.screen,
            OfVisit::Browser => first.browser,
            OfVisit::BrowserVersion => first.browser_version,
            OfVisit::Os => first.os,
            OfVisit::OsVersion => first.os_version,
            OfVisit::Country => first.country,
            OfVisit::Region => first.region,
            OfVisit::City => return if first.city == 0 { "(unknown)".to_owned() } else { first.city.to_string() },
            OfVisit::Language => first.language,
            OfVisit::EntryPage => entry().map_or("", |row| &row.path),
            OfVisit::ExitPage => exit().map_or("", |row| &row.path),
            OfVisit::EntryHostname => entry().map_or("", |row| &row.hostname),
            OfVisit::ExitHostname => exit().map_or("", |row| &row.hostname),
        },
    };
    let missing = match dimension {
        Dimension::Prop(_) => "(none)",
        Dimension::Visit(OfVisit::Source | OfVisit::Referrer) => "Direct / None",
        Dimension::Visit(OfVisit::EntryPage | OfVisit::ExitPage | OfVisit::EntryHostname | OfVisit::ExitHostname) => "(none)",
        other if other.name().starts_with("visit:utm_") => "(not set)",
        _ => "(unknown)",
    };
    if text.is_empty() { missing.to_owned() } else { text.to_owned() }
}

pub struct World<'a> {
    pub visits: BTreeMap<u64, Visit<'a>>,
    pub range: Range,
}

impl World<'_> {
    /// Counted, no bot, inside the range.
    pub fn is_inside(&self, row: &EventRow) -> bool {
        row.ts >= self.range.from && row.ts < self.range.to && row.bot.is_empty()
    }

    pub fn holds(&self, condition: &Condition, row: &EventRow, visit: &Visit<'_>) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part, row, visit)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part, row, visit)),
            Condition::Not(part) => !self.holds(part, row, visit),
            Condition::HasDone(part) => self.has(part, visit),
            Condition::Leaf(leaf) => {
                let found = value(row, visit, &leaf.dimension);
                let case = |text: &str| if leaf.case_sensitive { text.to_owned() } else { text.to_lowercase() };
                leaf.values.iter().any(|wanted| match leaf.op {
                    Op::Is => case(&found) == case(wanted),
                    Op::Contains => case(&found).contains(&case(wanted)),
                    Op::Matches => PATTERNS.iter().find(|(pattern, _)| pattern == wanted).unwrap().1(&case(&found)),
                })
            }
            Condition::Goal(goals) => goals.iter().any(|goal| completes(row, goal)),
        }
    }

    /// The visit has an event that passes.
    fn has(&self, condition: &Condition, visit: &Visit<'_>) -> bool {
        visit.events.iter().any(|row| self.is_inside(row) && counts(condition, row) && self.holds(condition, row, visit))
    }

    /// Whether a visit passes: its own parts, and one event that passes all others.
    fn passes(&self, condition: &Condition, visit: &Visit<'_>) -> bool {
        let mut parts = Vec::new();
        flat(condition, &mut parts);
        let (of_events, of_visits): (Vec<&Condition>, Vec<&Condition>) = parts.into_iter().partition(|part| looks_at_events(part));
        of_visits.iter().all(|part| self.holds(part, visit.events[0], visit))
            && (of_events.is_empty() || self.has(&Condition::All(of_events.into_iter().cloned().collect()), visit))
    }
}

/// Whether an event counts: a report of engagement does for goals of scrolling alone.
pub fn counts(condition: &Condition, row: &EventRow) -> bool {
    fn scrolled(condition: &Condition, row: &EventRow) -> bool {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().any(|part| scrolled(part, row)),
            Condition::Not(part) => scrolled(part, row),
            Condition::HasDone(_) | Condition::Leaf(_) => false,
            Condition::Goal(goals) => goals.iter().any(|goal| completes(row, goal)),
        }
    }
    row.name != "engagement" || scrolled(condition, row)
}

fn flat<'c>(condition: &'c Condition, into: &mut Vec<&'c Condition>) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| flat(part, into)),
        other => into.push(other),
    }
}

fn looks_at_events(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(looks_at_events),
        Condition::Not(part) => looks_at_events(part),
        Condition::HasDone(_) => false,
        Condition::Leaf(leaf) => !is_of_visits(&leaf.dimension),
        Condition::Goal(_) => true,
    }
}

fn looks_at_pages(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(looks_at_pages),
        Condition::Not(part) => looks_at_pages(part),
        Condition::HasDone(_) | Condition::Goal(_) => false,
        Condition::Leaf(leaf) => [Dimension::Page, routes()].contains(&leaf.dimension),
    }
}

#[derive(Default)]
struct Cell {
    visitors: BTreeSet<u64>,
    pageviews: u64,
    events: u64,
    visits: BTreeSet<u64>,
    based: u64,
    bounces: u64,
    duration: u64,
    views: u64,
    engaged: BTreeMap<(u64, String), u64>,
    scrolled: BTreeMap<(u64, String), u64>,
    deep: BTreeSet<(u64, String)>,
    revenue: i64,
    paid: u64,
    is_here: bool,
}

type Figures = BTreeMap<Vec<String>, Vec<Option<f64>>>;

fn half_up(over: u64, under: u64) -> f64 {
    (over / under + u64::from(2 * (over % under) >= under)) as f64
}

/// What the answer should be.
fn expected(rows: &[EventRow], question: &Question) -> Figures {
    let world = World { visits: oracle::visits(rows, site(1)), range: question.range };
    let by_page = [Dimension::Page, routes()].into_iter().any(|dimension| question.keys.contains(&Key::By(dimension)));
    let of_pages = looks_at_pages(&question.condition) || by_page;
    let by_event = question.keys.iter().any(|key| match key {
        Key::Time(_) => false,
        Key::By(dimension) => !is_of_visits(dimension),
        Key::Goal(_) | Key::PropName => true,
    });
    // An event that completes several goals, or has several properties, is in several rows.
    let labels_by = |keys: &[Key], row: &EventRow, visit: &Visit<'_>, at: i64| -> Vec<Vec<String>> {
        let mut all = vec![Vec::new()];
        for key in keys {
            let each: Vec<String> = match key {
                Key::Time(starts) => vec![starts.iter().filter(|start| **start <= at).max().unwrap().to_string()],
                Key::By(dimension) => vec![value(row, visit, dimension)],
                Key::Goal(goals) => goals.iter().filter(|goal| completes(row, goal)).map(|goal| goal.name.clone()).collect(),
                Key::PropName => row.props.keys().cloned().collect(),
            };
            all =
                all.iter().flat_map(|labels| each.iter().map(|label| [labels.as_slice(), std::slice::from_ref(label)].concat())).collect();
        }
        all
    };
    let labels = |row: &EventRow, visit: &Visit<'_>, at: i64| labels_by(&question.keys, row, visit, at);
    let by_goal = question.keys.iter().position(|key| matches!(key, Key::Goal(_)));
    let of_group = |labels: &[String]| -> Vec<String> {
        labels.iter().enumerate().filter(|(index, _)| Some(*index) != by_goal).map(|(_, label)| label.clone()).collect()
    };
    let without_goals = {
        let mut parts = Vec::new();
        flat(&question.condition, &mut parts);
        Condition::All(parts.into_iter().filter(|part| !matches!(part, Condition::Goal(_))).cloned().collect())
    };
    let mut condition = question.condition.clone();
    if let Some(Key::Goal(goals)) = by_goal.map(|index| &question.keys[index]) {
        condition = Condition::All(vec![condition, Condition::Goal(goals.clone())]);
    }
    let currency = |labels: &[String]| match by_goal {
        Some(index) => goals().iter().find(|(goal, _)| goal.name == labels[index]).unwrap().0.currency.clone(),
        None => question.currency.clone(),
    };
    let mut cells: BTreeMap<Vec<String>, Cell> = BTreeMap::new();
    let (mut all, mut base, mut groups) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::<Vec<String>, BTreeSet<u64>>::new());
    let mut views_of_page = BTreeMap::<String, u64>::new();
    let wants = |metrics: &[Metric]| question.metrics.iter().any(|metric| metrics.contains(metric));
    for (id, visit) in &world.visits {
        for row in visit.events.iter().filter(|row| world.is_inside(row) && world.holds(&without_goals, row, visit)) {
            if row.name != "engagement" {
                base.insert(row.visitor.0);
                let group: Vec<Key> = question.keys.iter().filter(|key| !matches!(key, Key::Goal(_))).cloned().collect();
                for labels in labels_by(&group, row, visit, row.ts) {
                    groups.entry(labels).or_default().insert(row.visitor.0);
                }
            }
        }
        for row in visit.events.iter().filter(|row| world.is_inside(row) && world.holds(&question.condition, row, visit)) {
            if counts(&question.condition, row) {
                all.insert(row.visitor.0);
                *views_of_page.entry(row.path.clone()).or_default() += u64::from(row.name == "pageview");
            }
            let pair = (*id, row.path.clone());
            for labels in labels(row, visit, row.ts) {
                if row.name == "engagement" {
                    let cell = cells.entry(labels.clone()).or_default();
                    *cell.engaged.entry(pair.clone()).or_default() += u64::from(row.engagement_ms);
                    if row.scroll_depth <= 100 {
                        let deepest = cell.scrolled.entry(pair.clone()).or_default();
                        *deepest = u64::from(row.scroll_depth).max(*deepest);
                    }
                }
                let wanted = [Metric::Visitors, Metric::Pageviews, Metric::Events, Metric::Percentage, Metric::ConversionRate];
                let paid = [Metric::GroupConversionRate, Metric::TotalRevenue, Metric::AverageRevenue];
                if counts(&condition, row) && (of_pages || by_event || wants(&wanted) || wants(&paid)) {
                    let currency = currency(&labels);
                    let cell = cells.entry(labels).or_default();
                    cell.is_here = true;
                    cell.visitors.insert(row.visitor.0);
                    cell.pageviews += u64::from(row.name == "pageview");
                    if row.name == "engagement" {
                        cell.deep.insert(pair.clone());
                    } else {
                        cell.events += 1;
                    }
                    if currency.is_some_and(|currency| currency == row.currency) {
                        cell.revenue += row.revenue_milli;
                        cell.paid += 1;
                    }
                    let begun_inside = visit.start() >= question.range.from && visit.start() < question.range.to;
                    if of_pages || (by_event && begun_inside) {
                        cell.visits.insert(*id);
                    }
                }
            }
        }
        if visit.start() < question.range.from || visit.start() >= question.range.to || visit.events.iter().any(|row| !row.bot.is_empty()) {
            continue;
        }
        let over_visits = wants(&[Metric::BounceRate, Metric::VisitDuration, Metric::ViewsPerVisit]);
        let stands_for = if of_pages {
            let entry = visit.events.iter().filter(|row| row.name == "pageview").min_by_key(|row| (row.ts, row.position.offset));
            entry.copied().filter(|row| over_visits && world.is_inside(row) && world.holds(&question.condition, row, visit))
        } else {
            let wanted = over_visits || wants(&[Metric::ExitRate]) || (wants(&[Metric::Visits]) && !by_event);
            (wanted && world.passes(&question.condition, visit)).then_some(visit.events[0])
        };
        if let Some(row) = stands_for {
            let labels = labels(row, visit, visit.start()).pop().unwrap();
            let cell = cells.entry(labels).or_default();
            cell.is_here = true;
            if !of_pages && !by_event {
                cell.visits.insert(*id);
            }
            cell.based += 1;
            let pageviews = visit.events.iter().filter(|row| row.name == "pageview").count() as u64;
            let custom = visit.events.iter().any(|row| row.interactive && row.name != "pageview" && row.name != "engagement");
            cell.bounces += u64::from(pageviews <= 1 && !custom);
            let times = || visit.events.iter().filter(|row| row.name != "engagement").map(|row| row.ts);
            cell.duration += (times().max().unwrap() - times().min().unwrap()) as u64;
            cell.views += pageviews;
        }
    }
    if question.keys.is_empty() {
        cells.entry(Vec::new()).or_default().is_here = true;
    }
    cells.retain(|_, cell| cell.is_here);
    let share = |cell: &Cell, of: &BTreeSet<u64>, parts: u64| {
        let part = || half_up(cell.visitors.len() as u64 * 100 * parts, of.len() as u64) / parts as f64;
        Some(if of.is_empty() { 0.0 } else { part() })
    };
    let figure = |labels: &[String], cell: &Cell, metric: Metric| -> Option<f64> {
        let over_visits = |over: f64| if cell.based > 0 { Some(over) } else { (!of_pages).then_some(0.0) };
        let mean = |of: &BTreeMap<(u64, String), u64>| {
            let count = of.values().count() as u64;
            (count > 0).then(|| (of.values().sum::<u64>(), count))
        };
        match metric {
            Metric::Visitors => Some(cell.visitors.len() as f64),
            Metric::Visits => Some(cell.visits.len() as f64),
            Metric::Pageviews => Some(cell.pageviews as f64),
            Metric::Events => Some((cell.events + cell.deep.len() as u64) as f64),
            Metric::ViewsPerVisit => over_visits(half_up(cell.views * 100, cell.based.max(1)) / 100.0),
            Metric::BounceRate => over_visits(half_up(cell.bounces * 100, cell.based.max(1))),
            Metric::VisitDuration => over_visits(half_up(cell.duration, cell.based.max(1) * 1_000)),
            Metric::Percentage => share(cell, &all, 10),
            Metric::ConversionRate => share(cell, &base, 100),
            Metric::GroupConversionRate => share(cell, groups.get(&of_group(labels)).unwrap_or(&BTreeSet::new()), 100),
            Metric::TotalRevenue => Some(cell.revenue as f64 / 1_000.0),
            Metric::AverageRevenue if cell.paid == 0 => Some(0.0),
            Metric::AverageRevenue => Some((cell.revenue as f64 / cell.paid as f64 + 0.5).floor() / 1_000.0),
            Metric::TimeOnPage => {
                let reported = cell.engaged.iter().filter(|(_, ms)| **ms > 0).map(|(pair, ms)| (pair.clone(), *ms)).collect();
                mean(&reported).map(|(sum, count)| half_up(sum, count * 1_000))
            }
            Metric::ScrollDepth => mean(&cell.scrolled).map(|(sum, count)| half_up(sum, count)),
            Metric::ExitRate => {
                let views = views_of_page.get(&labels[0]).copied().unwrap_or(0);
                (views > 0).then(|| half_up(cell.based * 1_000, views) / 10.0)
            }
        }
    };
    cells
        .iter()
        .map(|(labels, cell)| (labels.clone(), question.metrics.iter().map(|metric| figure(labels, cell, *metric)).collect()))
        .collect()
}

// ── questions by chance ──

pub fn leaf(dice: &mut StdRng, rows: &[EventRow], of_pages: bool) -> Condition {
    let mut dimensions = dimensions();
    dimensions.retain(|dimension| of_pages || ![Dimension::Page, routes()].contains(dimension));
    let dimension = dimensions.choose(dice).unwrap().clone();
    let op = *[Op::Is, Op::Is, Op::Contains, Op::Matches].choose(dice).unwrap();
    let visits = oracle::visits(rows, site(1));
    let visits: Vec<&Visit<'_>> = visits.values().collect();
    let values = (0..dice.random_range(1..=2))
        .map(|_| {
            if op == Op::Matches {
                return PATTERNS.choose(dice).unwrap().0.to_owned();
            }
            let visit = visits.choose(dice).unwrap();
            let whole = value(visit.events.choose(dice).unwrap(), visit, &dimension);
            let part = |text: &str| text.chars().skip(1).take(3).collect::<String>();
            if op == Op::Contains && !part(&whole).is_empty() { part(&whole) } else { whole }
        })
        .collect();
    // Upper and lower case of what these rows hold are the same in all alphabets.
    Condition::Leaf(Leaf { op, dimension, values, case_sensitive: op == Op::Matches || dice.random_bool(0.7) })
}

pub fn condition(dice: &mut StdRng, rows: &[EventRow], depth: u32, of_pages: bool) -> Condition {
    let inner = |dice: &mut StdRng| condition(dice, rows, depth - 1, of_pages);
    match if depth == 0 { 9 } else { dice.random_range(0..10) } {
        0 => Condition::All(vec![inner(dice), inner(dice)]),
        1 => Condition::Any(vec![inner(dice), inner(dice)]),
        2 => Condition::Not(Box::new(inner(dice))),
        3 if dice.random_bool(0.3) => Condition::HasDone(Box::new(Condition::Goal(some_goals(dice)))),
        3 => Condition::HasDone(Box::new(leaf(dice, rows, true))),
        4 => Condition::none(),
        _ => leaf(dice, rows, of_pages),
    }
}

pub fn some_goals(dice: &mut StdRng) -> Vec<Goal> {
    let share = [0.2, 0.6, 1.0][dice.random_range(0..3)];
    goals().into_iter().map(|(goal, _)| goal).filter(|_| dice.random_bool(share)).collect()
}

fn question(dice: &mut StdRng, rows: &[EventRow]) -> Question {
    let hours = |dice: &mut StdRng| FROM + dice.random_range(-2..50) * HOUR + [0, 17 * MINUTE][dice.random_range(0..2)];
    let (one, other) = (hours(dice), hours(dice));
    let range = Range::new(one.min(other), one.max(other));
    let mut keys = Vec::new();
    if dice.random_bool(0.3) && range.length() > 0 {
        let interval = *[Interval::Hour, Interval::Day, Interval::Week].choose(dice).unwrap();
        keys.push(Key::Time(
            buckets(range, interval, "Europe/Berlin".parse().unwrap()).unwrap().iter().map(|bucket| bucket.from).collect(),
        ));
    }
    for _ in 0..[0, 1, 1, 2][dice.random_range(0..4)] {
        let key = Key::By(dimensions().choose(dice).unwrap().clone());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if dice.random_bool(0.2) {
        keys.insert(dice.random_range(0..=keys.len()), Key::Goal(some_goals(dice)));
    }
    if dice.random_bool(0.1) {
        keys.insert(dice.random_range(0..=keys.len()), Key::PropName);
    }
    let of_pages = dice.random_bool(0.5);
    let mut condition = match dice.random_range(0..3) {
        0 => Condition::none(),
        1 => condition(dice, rows, 0, of_pages),
        _ => Condition::All((0..dice.random_range(1..=3)).map(|_| condition(dice, rows, 2, of_pages)).collect()),
    };
    if dice.random_bool(0.25) {
        condition = Condition::All(vec![condition, Condition::Goal(some_goals(dice))]);
    }
    let mut question = Question {
        metrics: Vec::new(),
        range,
        keys,
        condition,
        order: Vec::new(),
        labels: Labels::All,
        limit: 10_000,
        offset: 0,
        currency: [None, Some("EUR"), Some("USD")].choose(dice).unwrap().map(str::to_owned),
        approximate: dice.random_bool(0.1),
        cut: None,
        rolled: Vec::new(),
        is_beside_its_whole: false,
    };
    let scope = Scope::authorised(site(1));
    while question.metrics.is_empty() {
        for metric in Metric::all().filter(|_| dice.random_bool(0.5)).collect::<Vec<_>>() {
            question.metrics.push(metric);
            if statement(scope, &question).is_err() {
                question.metrics.pop();
            }
        }
    }
    if dice.random_bool(0.7) {
        let direction = *[Direction::Ascending, Direction::Descending].choose(dice).unwrap();
        let metric = Order::Metric(*question.metrics.choose(dice).unwrap());
        let what =
            if question.keys.is_empty() || dice.random_bool(0.6) { metric } else { Order::Key(dice.random_range(0..question.keys.len())) };
        question.order.push((what, direction));
    }
    question
}

// ── the comparison ──

async fn asked(store: &Store, question: &Question) -> Vec<(Vec<String>, Vec<Option<f64>>)> {
    let made = statement(Scope::authorised(site(1)), question).unwrap_or_else(|error| panic!("{error}: {question:?}"));
    let (text, domain) = (&made.sql.text, "WHERE site_id = {p0:UUID} AND ");
    let tables = ["FROM events", "FROM sessions FINAL", "FROM day_figures"].map(|table| text.matches(table).count()).iter().sum::<usize>();
    assert_eq!((tables, text.matches("FROM ").count() - text.matches("FROM (").count()), (text.matches(domain).count(), tables), "{text}");
    let made = match question.whole().filter(|_| question.is_beside_its_whole) {
        Some(whole) => {
            let days = question.rolled.iter().copied();
            let [(_, figures)] = Box::pin(asked(store, &whole.over_days(days, ZONE))).await.try_into().unwrap();
            made.of_whole(figures[0].unwrap() as i64)
        }
        None => made,
    };
    let rows = store.report(&made.sql).await.unwrap_or_else(|error| panic!("{error}\n{}\n{:?}", made.sql.text, made.sql.params));
    rows.into_iter().map(|row| (row.labels, question.metrics.iter().map(|metric| made.figure(*metric, &row.sums)).collect())).collect()
}

fn is_ordered(question: &Question, answer: &[(Vec<String>, Vec<Option<f64>>)]) -> bool {
    let Some((what, direction)) = question.order.first() else { return true };
    answer.windows(2).all(|pair| {
        let order = match what {
            Order::Metric(metric) => {
                let index = question.metrics.iter().position(|known| known == metric).unwrap();
                match (pair[0].1[index], pair[1].1[index]) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    (None, Some(_)) => return false,
                    _ => return true,
                }
            }
            Order::Key(index) => match &question.keys[*index] {
                Key::Time(_) => pair[0].0[*index].parse::<i64>().unwrap().cmp(&pair[1].0[*index].parse().unwrap()),
                Key::By(_) | Key::Goal(_) | Key::PropName => pair[0].0[*index].cmp(&pair[1].0[*index]),
            },
        };
        if *direction == Direction::Ascending { order.is_le() } else { order.is_ge() }
    })
}

async fn compare(store: &Store, rows: &[EventRow], dice: &mut StdRng, count: usize) {
    for number in 0..count {
        let question = Question { is_beside_its_whole: dice.random_bool(0.5), ..question(dice, rows) };
        let found = asked(store, &question).await;
        let expected = expected(rows, &question);
        let found_as_map: Figures = found.iter().cloned().collect();
        assert_eq!(found_as_map.len(), found.len(), "a row comes twice\n{question:#?}");
        assert_eq!(found_as_map, expected, "question {number}\n{question:#?}");
        assert!(is_ordered(&question, &found), "{question:#?}\n{found:?}");
        if found.len() > 3 {
            let page = Question { limit: 2, offset: 1, ..question.clone() };
            assert_eq!(asked(store, &page).await, found[1..3], "a page of rows\n{question:#?}");
            let label = found[2].0[0].clone();
            let part: String = label.chars().skip(1).take(2).collect::<String>().to_uppercase();
            for labels in [Labels::Among(vec![label, "no such".to_owned()]), Labels::Holding(part)] {
                let goes = |known: &str| match &labels {
                    Labels::All => true,
                    Labels::Among(these) => these.iter().any(|one| one == known),
                    Labels::Holding(text) => known.to_lowercase().contains(&text.to_lowercase()),
                };
                let some: Vec<_> = found.iter().filter(|(known, _)| goes(&known[0])).cloned().collect();
                assert_eq!(asked(store, &Question { labels: labels.clone(), ..question.clone() }).await, some, "{labels:?}\n{question:#?}");
            }
        }
    }
}

#[tokio::test]
async fn figures_are_what_the_rows_say() {
    let rows = rows(&Traffic { seed: 71, visits: 250, from: FROM, to: FROM + 2 * DAY });
    let store = engine::store().await;
    for (index, part) in rows.chunks(60).enumerate() {
        store.insert_events(part, &format!("{index}")).await.unwrap();
    }
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    compare(&store, &rows, &mut dice, 250).await;
    for table in ["events", "sessions"] {
        engine::run(&store, &format!("SYSTEM START MERGES {table}")).await;
        engine::run(&store, &format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
    compare(&store, &rows, &mut dice, 50).await;
}

// ── figures of days ──

/// A question that figures of days may help with.
fn question_over_days(dice: &mut StdRng, rows: &[EventRow]) -> Question {
    let visits = oracle::visits(rows, site(1));
    let visits: Vec<&Visit<'_>> = visits.values().collect();
    let is_known = |dimension: &Dimension| *dimension != Dimension::Channel(Vec::new());
    let known: Vec<Dimension> = days::dimensions().filter(is_known).collect();
    loop {
        let hours = |dice: &mut StdRng| FROM + dice.random_range(-2..100) * HOUR + [0, 0, 17 * MINUTE][dice.random_range(0..3)];
        let (from, to) = (hours(dice), hours(dice));
        let days = |ms: i64| (ms - FROM).div_euclid(DAY) * DAY + FROM;
        let range = if dice.random_bool(0.5) { Range::new(from, to) } else { Range::new(days(from), days(to) + DAY) };
        let mut totals = Question::totals([], range);
        for metric in Metric::all() {
            let asked = Question { metrics: vec![metric], ..totals.clone() };
            if dice.random_bool(0.5) && statement(Scope::authorised(site(1)), &asked).is_ok() {
                totals.metrics.push(metric);
            }
        }
        let zone = *[ZONE, ZONE, Tz::UTC, Tz::Asia__Kolkata].choose(dice).unwrap();
        let interval = *[Interval::Day, Interval::Day, Interval::Week, Interval::Month, Interval::Hour].choose(dice).unwrap();
        let key = match dice.random_range(0..8) {
            0 | 1 => None,
            2 | 3 => buckets(range, interval, zone).ok().map(|cut| Key::Time(cut.iter().map(|bucket| bucket.from).collect())),
            _ => days::dimensions().collect::<Vec<_>>().choose(dice).cloned().map(Key::By),
        };
        let question = match key {
            Some(key) if !totals.metrics.is_empty() => totals.by(key, 10_000, 0),
            _ => totals,
        };
        let filtered = match question.keys.as_slice() {
            [] => 0.7,
            [Key::Time(_)] => 0.3,
            _ => 0.0,
        };
        let condition = if dice.random_bool(filtered) {
            let dimension = [known.choose(dice).unwrap(), &Dimension::Page].choose(dice).copied().unwrap().clone();
            let visit = visits.choose(dice).unwrap();
            let values = vec![value(visit.events.choose(dice).unwrap(), visit, &dimension)];
            Condition::Leaf(Leaf { op: Op::Is, dimension, values, case_sensitive: true })
        } else {
            Condition::none()
        };
        let question = Question { condition, ..question };
        if !question.metrics.is_empty() && question.may_use_days() {
            return question;
        }
    }
}

/// Asks questions over days; answers how many days were not read row by row, and how many of these a bucket cuts.
async fn compare_over_days(store: &Store, rows: &[EventRow], dice: &mut StdRng, count: usize) -> (usize, usize) {
    let (mut used, mut cut) = (0, 0);
    for number in 0..count {
        let plain = question_over_days(dice, rows);
        let days = worked_out(store, plain.range).await;
        let question = Question { is_beside_its_whole: dice.random_bool(0.5), ..plain.clone().over_days(days, ZONE) };
        used += question.rolled.len();
        let found = asked(store, &question).await;
        let found_as_map: Figures = found.iter().cloned().collect();
        assert_eq!(found_as_map.len(), found.len(), "a row comes twice\n{question:#?}");
        // Everybody's rules of channels are a dimension of the store; the oracle has the domain's own.
        let expected = if plain.keys == [Key::By(Dimension::Channel(Vec::new()))] {
            asked(store, &plain).await.into_iter().collect()
        } else {
            expected(rows, &plain)
        };
        assert_eq!(found_as_map, expected, "question {number}\n{question:#?}");
        assert!(is_ordered(&question, &found), "{question:#?}\n{found:?}");
        let cuts = |rolled: &RolledDay| matches!(plain.keys.as_slice(), [Key::Time(starts)] if starts.iter().any(|at| at.div_euclid(DAY) == rolled.day && at % DAY != 0));
        cut += question.rolled.iter().filter(|rolled| cuts(rolled)).count();
    }
    (used, cut)
}

#[tokio::test]
async fn figures_of_days_add_up_to_what_the_rows_say() {
    let store = engine::store().await;
    let mut all = rows(&Traffic { seed: 75, visits: 500, from: FROM, to: FROM + 4 * DAY });
    for (index, part) in all.chunks(200).enumerate() {
        store.insert_events(part, &format!("{index}")).await.unwrap();
    }
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let everything = Range::new(FROM - DAY, FROM + 7 * DAY);
    assert_eq!(compare_over_days(&store, &all, &mut dice, 10).await, (0, 0), "nothing is worked out yet");
    let rolled = roll(&store).await;
    assert!(rolled >= 8, "{rolled} days of two domains");
    let known = worked_out(&store, everything).await;
    assert!(known.len() >= 4);
    let (used, cut) = compare_over_days(&store, &all, &mut dice, 150).await;
    assert!(used > 60 && cut > 0, "{used} {cut}");

    // Late ones: their days are read row by row, and worked out anew.
    let mut late = rows(&Traffic { seed: 76, visits: 60, from: FROM + DAY, to: FROM + 2 * DAY });
    for row in &mut late {
        row.position.offset += 1_000_000;
    }
    store.insert_events(&late, "late").await.unwrap();
    all.extend(late);
    let left = worked_out(&store, everything).await;
    assert!(!left.is_empty() && left.len() < known.len() && left.iter().all(|day| known.contains(day)), "{known:?} {left:?}");
    assert!(left.iter().all(|day| day.day != (FROM + DAY) / DAY), "{left:?}");
    compare_over_days(&store, &all, &mut dice, 40).await;
    assert!(roll(&store).await > 0);
    assert_eq!(worked_out(&store, everything).await.len(), known.len());
    compare_over_days(&store, &all, &mut dice, 40).await;

    // What was replaced goes, after a pass in which reports may still use it.
    let builds = "SELECT uniqExact(site_id, day, build) FROM day_figures";
    let before = engine::number(&store, builds).await;
    let unlisted = store.sweep_days(&Unlisted::default(), Duration::ZERO).await.unwrap();
    let unlisted = store.sweep_days(&unlisted, Duration::ZERO).await.unwrap();
    store.sweep_days(&unlisted, Duration::from_secs(3_600)).await.unwrap();
    assert_eq!(engine::number(&store, builds).await, before, "used until now, or too young");
    store.sweep_days(&unlisted, Duration::ZERO).await.unwrap();
    let after = engine::number(&store, builds).await;
    assert!(after < before);
    assert_eq!(after, engine::number(&store, "SELECT uniqExact(site_id, day, build) FROM rolled_days").await);
    assert!(compare_over_days(&store, &all, &mut dice, 40).await.0 > 0);
}

/// Asks what changed most between two ranges and compares with what the rows say of each; answers how many days were not read row by row.
async fn compare_contrasts(store: &Store, rows: &[EventRow], dice: &mut StdRng, count: usize) -> usize {
    let scope = Scope::authorised(site(1));
    let (mut asked, mut used) = (0, 0);
    while asked < count {
        let hours = |dice: &mut StdRng| FROM + dice.random_range(-2..100) * HOUR + [0, 0, 17 * MINUTE][dice.random_range(0..3)];
        let range = |dice: &mut StdRng| {
            let (one, other) = (hours(dice), hours(dice));
            Range::new(one.min(other), one.max(other))
        };
        let known: Vec<Dimension> = dimensions().into_iter().chain(days::dimensions()).collect();
        let key =
            known.into_iter().filter(|known| *known != Dimension::Channel(Vec::new())).collect::<Vec<_>>().choose(dice).unwrap().clone();
        let condition = if dice.random_bool(0.5) { Condition::none() } else { condition(dice, rows, 1, false) };
        let metric = *[Metric::Visitors, Metric::Visits, Metric::Pageviews].choose(dice).unwrap();
        let now = Question { condition, ..Question::totals([metric], range(dice)) }.by(Key::By(key), 1, 0);
        let then = Question { range: range(dice), ..now.clone() };
        if statement(scope, &now).is_err() {
            continue;
        }
        asked += 1;
        let (least, limit) = (dice.random_range(1..4), *[3, 10_000].choose(dice).unwrap());
        let (mut over_now, mut over_then) = (now.clone(), then.clone());
        for question in [&mut over_now, &mut over_then] {
            if question.may_use_days() {
                *question = question.clone().over_days(worked_out(store, question.range).await, ZONE);
                used += question.rolled.len();
            }
        }
        let made = contrast(scope, &Contrast { now: &over_now, then: &over_then, least, limit }).unwrap();
        let found: Vec<(Vec<String>, [i64; 2])> =
            store.report(&made).await.unwrap().into_iter().map(|row| (row.labels, row.sums.try_into().unwrap())).collect();
        let mut figures = BTreeMap::<Vec<String>, [i64; 2]>::new();
        for (at, question) in [&now, &then].into_iter().enumerate() {
            for (labels, figure) in expected(rows, question) {
                figures.entry(labels).or_default()[at] = figure[0].unwrap() as i64;
            }
        }
        let moved = |[now, then]: &[i64; 2]| now.abs_diff(*then);
        let mut most: Vec<_> = figures.into_iter().filter(|(_, figures)| moved(figures) >= least.unsigned_abs()).collect();
        most.sort_by_key(|(_, figures)| std::cmp::Reverse(moved(figures)));
        most.truncate(limit as usize);
        assert_eq!(found, most, "{now:#?}\nagainst {:?}", then.range);
    }
    used
}

#[tokio::test]
async fn what_changed_most_is_what_the_rows_say() {
    let store = engine::store().await;
    let all = rows(&Traffic { seed: 77, visits: 300, from: FROM, to: FROM + 4 * DAY });
    for (index, part) in all.chunks(200).enumerate() {
        store.insert_events(part, &format!("{index}")).await.unwrap();
    }
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    assert_eq!(compare_contrasts(&store, &all, &mut dice, 60).await, 0, "nothing is worked out yet");
    roll(&store).await;
    assert!(compare_contrasts(&store, &all, &mut dice, 60).await > 10);
}

#[tokio::test]
async fn long_lists_are_looked_through_to_their_end() {
    let rows = rows(&Traffic { seed: 73, visits: 40, from: FROM, to: FROM + DAY });
    let store = engine::store().await;
    store.insert_events(&rows, "all").await.unwrap();
    let others = |number: usize| format!("/{number}/{}", "x'".repeat(50));
    let paths: Vec<String> = (0..9_000).map(others).chain(["/a".to_owned(), "/".to_owned()]).collect();
    let names = (0..10_000).map(|number| (number.to_string(), "Nowhere".to_owned())).chain([("2950159".to_owned(), "Berlin".to_owned())]);
    let condition =
        |case_sensitive| Condition::Leaf(Leaf { op: Op::Is, dimension: Dimension::Page, values: paths.clone(), case_sensitive });
    for case_sensitive in [true, false] {
        let totals = Question::totals([Metric::Visitors, Metric::Pageviews], Range::new(FROM, FROM + DAY));
        let by = Key::By(Dimension::PlaceName(Place::City, names.clone().collect()));
        let question = Question { condition: condition(case_sensitive), ..totals }.by(by, 10, 0);
        let made = statement(Scope::authorised(site(1)), &question).unwrap();
        let longest = made.sql.params.iter().map(|(_, value)| if let Param::Texts(list) = value { json_bytes(list) } else { 0 });
        assert!(longest.max().unwrap() < 128 << 10, "a server takes parameters of 128 KB");
        let found: Figures = asked(&store, &question).await.into_iter().collect();
        assert_eq!(found, expected(&rows, &question));
        assert_eq!(found.len(), 2, "{found:?}");
    }
}

/// A visit may begin before the range that holds an event of it, and also after it.
#[tokio::test]
async fn every_place_of_a_range_is_known() {
    let all = rows(&Traffic { seed: 74, visits: 150, from: FROM, to: FROM + 2 * DAY });
    let visits = oracle::visits(&all, site(1));
    let goes_on = visits.values().find(|visit| visit.events.iter().any(|row| row.ts > visit.start()));
    let begins_late = visits.values().find(|visit| visit.events.iter().any(|row| row.ts < visit.start()));
    for visit in [goes_on, begins_late].map(Option::unwrap) {
        let store = engine::store().await;
        let rows: Vec<EventRow> = visit.events.iter().map(|row| (*row).clone()).collect();
        store.insert_events(&rows, "one visit").await.unwrap();
        for row in rows.iter().filter(|row| row.ts != visit.start() && row.bot.is_empty()) {
            for place in Place::ALL {
                let found = asked(&store, &Question::places(place, Range::new(row.ts, row.ts + 1), 10)).await;
                let labels: Vec<String> = found.into_iter().flat_map(|(labels, _)| labels).collect();
                assert_eq!(labels, [value(row, visit, &Dimension::Visit(place.code()))], "{row:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_report_has_no_more_threads_than_the_store_has_cores() {
    let store = engine::store().await;
    let threads =
        Sql { text: "SELECT toUInt64OrZero(extract(toString(getSetting('max_threads')), '[0-9]+'))".to_owned(), params: Vec::new() };
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    assert_eq!(store.count(&threads).await.unwrap(), cores.min(8));
}

/// How long a list is as it is sent, at most.
fn json_bytes(list: &[String]) -> usize {
    list.iter().map(|text| text.len() + text.matches(['\'', '\\']).count() + 3).sum()
}
