//! The block of events by what a visit is.
//!
//! There are several times as many events as visits. So where keys and conditions are those of visits, the visits answer for their events, and
//! the events near the edges of the range correct them ([`Blocks::visits_with_their_events`]). Let a visit *belong* if it began in the range.
//! All visitors and pageviews of the visits that belong are counted first. Then each event
//! - inside the range, of a visit that does not belong, adds its visitor and its pageview;
//! - outside the range, of a visit that belongs, takes its pageview away again (its visitor has another event inside: the first one).
//!
//! A visit reaches from a little before its start to a day after it, so such events lie near an edge, and no other part of `events` is
//! read. Where pageviews end earlier than the range ([`super::Question::cut`]), that is one more edge.

use super::{
    ChannelRule, Condition, Dimension, Key, Sum,
    blocks::Blocks,
    channel,
    condition::{AFTER_MS, BEFORE_MS, Predicates, Side},
};
use crate::{
    Range,
    sql::{Builder, distinct},
};

/// What a visit adds to some sums. Events that correct it correct its pageviews alone.
pub(super) struct Worth {
    /// To these sums.
    to: &'static [Sum],
    /// The column.
    name: &'static str,
    /// Of a row of `sessions`.
    visit: &'static str,
}

const PAGEVIEWS: Worth = Worth { to: &[Sum::Pageviews], name: "viewed", visit: "toInt64(pageviews)" };
const OF_VISITS: [Worth; 4] = [
    Worth { to: &[Sum::Visits, Sum::Based, Sum::Exits], name: "visit", visit: "toInt64(1)" },
    Worth { to: &[Sum::Bounces], name: "bounced", visit: "toInt64(pageviews <= 1 AND interactive = 0)" },
    Worth { to: &[Sum::Duration], name: "lasted", visit: "toInt64(last) - toInt64(first)" },
    Worth { to: &[Sum::Views], name: "views", visit: "toInt64(pageviews)" },
];

fn each(worth: &[Worth], text: impl Fn(&Worth) -> String) -> String {
    worth.iter().map(|worth| format!(", {}", text(worth))).collect()
}

impl<'a> Blocks<'a> {
    /// Whether visits can answer for their events.
    pub(super) fn visits_know(&self) -> bool {
        let is_of_visits = |key: &Key| matches!(key, Key::By(dimension) if !dimension.is_of_event());
        self.question.keys.iter().all(is_of_visits)
            && !self.question.condition.looks_at_events()
            && !self.needs(&[Sum::Events, Sum::Revenue, Sum::Paid])
    }

    /// Figures of visits and of their events from one look at `sessions`, see the head of this file.
    pub(super) fn visits_with_their_events(&mut self) {
        let worth: Vec<Worth> = [PAGEVIEWS].into_iter().chain(OF_VISITS).filter(|worth| self.needs(worth.to)).collect();
        let rows = self.rows_of_visits(self.question.range, &worth);
        let sums = worth.iter().flat_map(|worth| worth.to.iter().map(|sum| (*sum, format!("sum({})", worth.name))));
        let mut own: Vec<(Sum, String)> = sums.collect();
        let visitors = |combinator| distinct(self.question.approximate, combinator);
        if let Some(rules) = self.channel_rules() {
            own.push((Sum::Visitors, format!("{}(visitors)", visitors("Merge"))));
            let states =
                format!("{}(visitor_id) AS visitors{}", visitors("State"), each(&worth, |worth| format!("sum({0}) AS {0}", worth.name)));
            let combined = channel::combinations(&mut self.b, rules, &states, &rows);
            let label = channel::expression(&mut self.b, channel::Over::Combinations, rules);
            let names = each(&worth, |worth| worth.name.to_owned());
            self.add(true, &own, &format!("SELECT {label} AS g0, visitors{names} {combined}"));
        } else {
            own.push((Sum::Visitors, format!("{}(visitor_id)", visitors(""))));
            self.add(true, &own, &rows);
        }
    }

    /// The pageviews of all visits with an event in a range, and their visitors: rows with the columns `visitor_id` and `viewed`.
    pub(super) fn pageviews_of_visits(&mut self, range: Range) -> String {
        self.rows_of_visits(range, &[PAGEVIEWS])
    }

    /// The rules of a question by channels: they are dear per row, and cheap per combination of what they look at.
    fn channel_rules(&self) -> Option<&'a [ChannelRule]> {
        match self.question.keys.as_slice() {
            [Key::By(Dimension::Channel(rules))] => Some(rules.as_slice()),
            _ => None,
        }
    }

    /// Rows of the visits that began in a range, and of the events that correct them: keys, `visitor_id`, and what each is worth.
    fn rows_of_visits(&mut self, range: Range, worth: &[Worth]) -> String {
        let (condition, cut) = (&self.question.condition, self.question.cut);
        let predicates = Predicates { range, ..self.predicates };
        let belonging = predicates.visits(&mut self.b, condition);
        let near = predicates.near_edges(&mut self.b, condition, cut);
        let of_visit = each(worth, |worth| format!("{} AS {}", worth.visit, worth.name));
        let correction = |worth: &Worth| if worth.name == PAGEVIEWS.name { near.pageview.as_str() } else { "toInt64(0)" };
        let of_correction = each(worth, |worth| format!("{} AS {}", correction(worth), worth.name));

        let all: Vec<usize> = (0..self.question.keys.len()).collect();
        let (keys_of_visits, (keys_of_events, unknown)) = if let Some(rules) = self.channel_rules() {
            let combination = channel::combination(&mut self.b, rules);
            (combination.clone(), (combination, Vec::new()))
        } else {
            (self.keys_of_visits(&all), self.keys(Side::Events, "ts", false))
        };
        let corrections = if unknown.is_empty() {
            format!("SELECT {keys_of_events}visitor_id{of_correction} FROM events WHERE {}", near.condition)
        } else {
            let known = self.keys_of_visits(&unknown);
            let visits = predicates.visits_near_edges(&mut self.b, cut);
            let keys: String = all.iter().map(|index| format!("g{index}, ")).collect();
            let names = each(worth, |worth| worth.name.to_owned());
            format!(
                "SELECT {keys}visitor_id{names} FROM (SELECT {keys_of_events}session_id, visitor_id{of_correction} FROM events WHERE {}) AS of_events \
                 INNER JOIN (SELECT {known}session_id FROM sessions FINAL WHERE {visits}) AS of_visits USING session_id",
                near.condition
            )
        };
        format!("SELECT {keys_of_visits}visitor_id{of_visit} FROM sessions FINAL WHERE {belonging} UNION ALL {corrections}")
    }
}

/// Events that correct what visits say of theirs.
struct NearEdges {
    /// Which.
    condition: String,
    /// What one is worth as a pageview: 1, 0 or -1.
    pageview: String,
}

impl Predicates {
    /// Events that lie inside the range and whose visits began outside of it, or the other way round, and pass; a cut of pageviews is one more edge.
    /// Conditions must be about visits alone.
    fn near_edges(self, b: &mut Builder, condition: &Condition, cut: Option<i64>) -> NearEdges {
        let Range { from, to } = self.range;
        let cut = cut.unwrap_or(to).clamp(from, to);
        let (counted, passing) = (self.counted(b), self.holds(b, Side::Events, condition));
        let (first, end, last) = (b.instant(from), b.instant(to), b.instant(cut));
        let (near_first, past_first) = (b.instant(from - BEFORE_MS), b.instant(from + AFTER_MS));
        let (near_last, past_end) = (b.instant(cut - BEFORE_MS), b.instant(to + AFTER_MS));
        let belongs = format!("(session_start >= {first} AND session_start < {end})");
        let viewed = format!("(ts >= {first} AND ts < {last})");
        NearEdges {
            pageview: format!("if(name = 'pageview', toInt64({viewed}) - toInt64({belongs}), 0)"),
            condition: format!(
                "{counted} AND name != 'engagement' AND {passing} AND ((ts >= {near_first} AND ts < {past_first}) OR (ts >= {near_last} AND ts < {past_end})) \
                 AND ({belongs} OR (ts >= {first} AND ts < {end})) AND NOT ({belongs} AND {viewed})"
            ),
        }
    }

    /// Visits that may have such an event.
    fn visits_near_edges(self, b: &mut Builder, cut: Option<i64>) -> String {
        let Range { from, to } = self.range;
        let cut = cut.unwrap_or(to).clamp(from, to);
        let begun = self.begun(b, Range::new(from - AFTER_MS, to + AFTER_MS));
        let (past_first, near_last) = (b.instant(from + AFTER_MS), b.instant(cut - AFTER_MS));
        format!("{begun} AND (session_start < {past_first} OR session_start >= {near_last})")
    }
}
