//! Made-up traffic: random visits in a random log order, with the running state that a processor would write.

use std::{collections::BTreeMap, sync::Arc};

use footfall_model::{DropReason, Hash64, LogName, Position, SiteId};
use footfall_store::{Attributes, EventRow, PackedAttributes, VisitAfter, visit_id};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// What the traffic looks like.
pub struct Traffic {
    pub seed: u64,
    pub visits: usize,
    pub from: i64,
    pub to: i64,
}

pub fn site(n: u128) -> SiteId {
    SiteId(Uuid::from_u128(n))
}

pub fn position(offset: u64) -> Position {
    Position { log: LogName::Live, generation: 3, partition: 2, offset }
}

struct Plan {
    visitor: Hash64,
    key: u64,
    attributes: Arc<PackedAttributes>,
    bot: &'static str,
    site: SiteId,
    state: Option<VisitAfter>,
}

/// Rows in log order, offsets from 0. Two domains; some bots, some dropped rows; visits that cross hours and days.
pub fn rows(traffic: &Traffic) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(traffic.seed);
    let mut plans = Vec::new();
    let mut moments: Vec<(usize, i64, &'static str)> = Vec::new();
    for index in 0..traffic.visits {
        // Few people, so that they come back.
        let person = rng.random_range(1..=(traffic.visits as u64 / 2).max(2));
        let bot = if rng.random_bool(0.05) { "crawler" } else { "" };
        let site = if rng.random_bool(0.9) { site(1) } else { site(2) };
        // A session id tells two visits of one visitor at one time apart, as it does in life.
        let key = rng.random::<u64>() | 1;
        let attributes = Arc::new(attributes(&mut rng).into());
        let mut at = rng.random_range(traffic.from..traffic.to);
        // An id is that of the day on which the visit begins.
        let visitor = Hash64(person << 32 | (at / DAY).cast_unsigned() & 0xffff);
        plans.push(Plan { visitor, key, attributes, bot, site, state: None });
        let long = rng.random_bool(0.1);
        for step in 0..rng.random_range(1..=if long { 60 } else { 6 }) {
            let name = match rng.random_range(0..10) {
                0 => "signup",
                1 => "hover",
                2 | 3 if step > 0 => "engagement",
                _ => "pageview",
            };
            moments.push((index, at, name));
            at += if long { rng.random_range(0..25 * MINUTE) } else { [0, 1, rng.random_range(0..20 * MINUTE)][rng.random_range(0..3)] };
        }
    }
    // Log order is nearly the order of time, with a first event that is really the first of its visit.
    moments.sort_by_key(|(index, at, _)| (*at / (3 * MINUTE), *index, *at));
    disorder(&mut rng, &mut moments);
    let mut rows = Vec::new();
    for (index, at, name) in moments {
        let offset = rows.len() as u64;
        rows.push(row(&mut rng, offset, &mut plans[index], at, name));
    }
    rows
}

/// Swaps neighbours of one visit, but never its first two: an engagement must not come first.
fn disorder(rng: &mut StdRng, moments: &mut [(usize, i64, &'static str)]) {
    let mut seen = BTreeMap::<usize, usize>::new();
    for at in 1..moments.len() {
        let count = seen.entry(moments[at - 1].0).or_default();
        *count += 1;
        if moments[at].0 == moments[at - 1].0 && *count > 1 && rng.random_bool(0.3) {
            moments.swap(at, at - 1);
        }
    }
}

fn row(rng: &mut StdRng, offset: u64, plan: &mut Plan, ts: i64, name: &'static str) -> EventRow {
    let path = ["/", "/a", "/b", "/c/ü", "/it's"][rng.random_range(0..5)];
    let mut row = EventRow::pageview(position(offset), plan.site, plan.visitor, ts, path);
    row.appended = ts + 1_500;
    row.name = name.to_owned();
    row.hostname = ["example.org", "blog.example.org"][rng.random_range(0..2)].to_owned();
    row.interactive = name != "hover";
    row.bot = plan.bot.to_owned();
    row.id_given = rng.random_bool(0.5);
    row.event_id = rng.random();
    row.rebuild_from = offset / 2;
    if name == "engagement" {
        row.engagement_ms = [0, rng.random_range(0..90_000)][rng.random_range(0..2)];
        row.scroll_depth = [footfall_model::NO_SCROLL_DEPTH, rng.random_range(0..=100)][rng.random_range(0..2)];
    } else if rng.random_bool(0.4) {
        row.props.insert("plan".to_owned(), ["free", "Pro", "it's"][rng.random_range(0..3)].to_owned());
        row.props.insert("it's".to_owned(), rng.random_range(0..3).to_string());
    }
    // Some people say who they are.
    row.user_id = if plan.visitor.0 >> 32 & 3 == 0 { plan.visitor.0 >> 34 & 31 } else { 0 };
    if name == "signup" {
        row.revenue_milli = i64::try_from(offset * 379 % 9_000).unwrap() - 500;
        row.currency = ["EUR", "USD", ""][usize::try_from(offset % 3).unwrap()].to_owned();
    }
    if rng.random_bool(0.05) {
        row.drop_reason = Some(DropReason::DuplicateId);
        row.visit = VisitAfter::none(ts, Arc::clone(&plan.attributes));
        return row;
    }
    let mut state = match plan.state.take() {
        Some(state) => state,
        None if name == "engagement" => {
            row.drop_reason = Some(DropReason::NoVisit);
            row.visit = VisitAfter::none(ts, Arc::clone(&plan.attributes));
            return row;
        }
        None => VisitAfter {
            id: visit_id(LogName::Live, plan.visitor, plan.key, ts),
            key: plan.key,
            ..VisitAfter::none(ts, Arc::clone(&plan.attributes))
        },
    };
    if name != "engagement" {
        state.first = state.first.min(ts);
        state.last = state.last.max(ts);
    }
    state.seen = state.seen.max(ts);
    state.pageviews += u32::from(name == "pageview");
    state.interactive |= name == "signup";
    plan.state = Some(state.clone());
    row.visit = state;
    row
}

fn attributes(rng: &mut StdRng) -> Attributes<'static> {
    let mut pick = |values: &[&'static str]| values.choose(rng).copied().unwrap_or_default();
    Attributes {
        referrer: pick(&["", "google.com/", "someone.example/x"]),
        source: pick(&["", "Google", "someone.example", "O'Hara \\ \"x\""]),
        utm_medium: pick(&["", "", "cpc", "E-Mail", "web-push"]),
        utm_campaign: pick(&["", "", "spring", "the shop"]),
        click_id: pick(&["", "", "gclid"]),
        browser: pick(&["", "Chrome", "Firefox"]),
        utm_source: pick(&["", "", "news", "Google"]),
        utm_content: pick(&["", "", "", "red"]),
        screen: pick(&["", "S", "XL"]),
        region: pick(&["", "", "DE-BE"]),
        city: [0, 2_950_159][usize::from(pick(&["", "x"]).len() == 1)],
        browser_version: pick(&["130", "131"]),
        os: pick(&["", "Windows", "iOS"]),
        device: pick(&["", "Mobile", "Desktop"]),
        country: pick(&["", "DE", "US", "IN"]),
        language: pick(&["de", "en-US"]),
        ..Attributes::default()
    }
}

/// A visit is identified by its id within this test's rows.
pub fn counted(rows: &[EventRow]) -> impl Iterator<Item = &EventRow> {
    rows.iter().filter(|row| row.drop_reason.is_none())
}
