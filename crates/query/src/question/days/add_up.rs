//! Answering questions by figures of days.

use chrono_tz::Tz;

use super::{Kind, RolledDay, is_kept, midnight};
use crate::{
    Range,
    question::{
        Condition, Dimension, Key, Leaf, Op, Question, Sum,
        blocks::Blocks,
        channel,
        condition::{AFTER_MS, BEFORE_MS, Side, compared, flatten},
    },
    range::DAY_MS,
    sql::{Param, distinct},
};

/// Sums that are kept of days.
const OF_EVENTS: [Sum; 4] = [Sum::Visitors, Sum::AllVisitors, Sum::Pageviews, Sum::Events];
/// Sums of visits that are kept, but not of events with a name or a host of their own.
const OF_VISITS: [Sum; 5] = [Sum::Visits, Sum::Based, Sum::Bounces, Sum::Duration, Sum::Views];

/// Runs of neighbouring days that a question uses at most, the longest ones: what lies between them is one condition each.
const MOST_RUNS: usize = 100;

/// What a question asks of the figures of days.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    kind: Kind<'a>,
    /// Of this value alone.
    filter: Option<&'a Leaf>,
}

impl Question {
    /// Which figures of days say what it asks for: of everything, of each value of a dimension, or of one value.
    fn wanted(&self) -> Option<Wanted<'_>> {
        let mut leaves = Vec::new();
        flatten(&self.condition, &mut leaves);
        match (self.keys.as_slice(), leaves.as_slice()) {
            ([] | [Key::Time(_)], []) => Some(Wanted { kind: Kind::Whole, filter: None }),
            ([Key::By(dimension)], []) if is_kept(dimension) => Some(Wanted { kind: Kind::By(dimension), filter: None }),
            ([] | [Key::Time(_)], [Condition::Leaf(leaf)]) => {
                let is_one = leaf.op == Op::Is && leaf.case_sensitive && leaf.values.len() == 1;
                // What only visits know is looked for in all of them.
                let is_known = leaf.dimension.is_of_event() || leaf.dimension.is_first_touch();
                let wanted = Wanted { kind: Kind::By(&leaf.dimension), filter: Some(leaf) };
                (is_one && is_known && is_kept(&leaf.dimension)).then_some(wanted)
            }
            _ => None,
        }
    }

    /// Whether figures of days can be of use to it.
    #[must_use]
    pub fn may_use_days(&self) -> bool {
        let Some(wanted) = self.wanted() else { return false };
        let has_visits = match wanted.kind {
            Kind::By(dimension) => dimension.is_of_page() || !dimension.is_of_event(),
            _ => true,
        };
        self.range.length() >= DAY_MS && self.sums().all(|sum| OF_EVENTS.contains(&sum) || has_visits && OF_VISITS.contains(&sum))
    }

    /// The same question, which uses the figures of these days, worked out for this zone, where it can: of days that lie whole in its range, and in one
    /// of its buckets or two that part at local midnight.
    #[must_use]
    pub fn over_days(mut self, days: impl IntoIterator<Item = RolledDay>, zone: Tz) -> Self {
        let Some(wanted) = self.wanted().filter(|_| self.may_use_days()) else { return self };
        let has_halves = wanted.kind == Kind::Whole;
        // The entry pageview of a visit may lie on the day after its start, or on the one before, and must lie in the range.
        let beside = if self.is_about_pages() && self.sums().any(|sum| sum == Sum::Based) { DAY_MS } else { 0 };
        let end = self.cut.map_or(self.range.to, |cut| cut.min(self.range.to));
        let is_whole = |rolled: &RolledDay| {
            let (start, next) = (rolled.day * DAY_MS, (rolled.day + 1) * DAY_MS);
            let parts = boundaries(&self.keys, start, next);
            let is_in_range = start - beside >= self.range.from && next <= end && next + beside <= self.range.to;
            is_in_range && (parts.is_empty() || has_halves && parts.len() == 1 && midnight(rolled.day, zone) == Some(parts[0] - start))
        };
        let mut usable: Vec<RolledDay> = days.into_iter().filter(is_whole).collect();
        usable.sort_unstable();
        usable.dedup_by_key(|rolled| rolled.day);
        let mut runs: Vec<&[RolledDay]> = usable.chunk_by(|a, b| a.day + 1 == b.day).collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
        runs.truncate(MOST_RUNS);
        runs.sort_unstable();
        self.rolled = runs.concat();
        self
    }

    /// What of the range is left when the days are taken out.
    #[must_use]
    pub fn rest(&self) -> Vec<Range> {
        let (mut rest, mut at) = (Vec::new(), self.range.from);
        for rolled in &self.rolled {
            if rolled.day * DAY_MS > at {
                rest.push(Range::new(at, rolled.day * DAY_MS));
            }
            at = (rolled.day + 1) * DAY_MS;
        }
        if at < self.range.to {
            rest.push(Range::new(at, self.range.to));
        }
        rest
    }
}

/// Where buckets begin inside a day.
fn boundaries(keys: &[Key], start: i64, next: i64) -> &[i64] {
    match keys {
        [Key::Time(starts)] => &starts[starts.partition_point(|at| *at <= start)..starts.partition_point(|at| *at < next)],
        _ => &[],
    }
}

/// The start of the bucket of an instant; 0 where there are none.
fn bucket_of(keys: &[Key], ms: i64) -> i64 {
    match keys {
        [Key::Time(starts)] => starts.get(starts.partition_point(|start| *start <= ms).saturating_sub(1)).copied().unwrap_or(0),
        _ => 0,
    }
}

/// Where figures of the question's days are, and what lies outside of them.
struct Parts {
    /// Rows of `day_figures`.
    days: String,
    /// Rows of `events` on other days.
    events: String,
}

impl Blocks<'_> {
    /// `halves`: days that buckets cut are taken in two.
    fn parts(&mut self, Wanted { kind, filter }: Wanted<'_>, halves: bool) -> Parts {
        let rest = self.question.rest();
        let site = self.b.bind(Param::Site(self.predicates.scope.site().0));
        let rolled = &self.question.rolled;
        let cut = |day: i64| !boundaries(&self.question.keys, day * DAY_MS, (day + 1) * DAY_MS).is_empty();
        let are_cut: Vec<i64> = rolled.iter().map(|rolled| i64::from(halves && cut(rolled.day))).collect();
        let (days, builds) = rolled.iter().map(|rolled| (rolled.day, rolled.build)).unzip::<_, _, Vec<_>, Vec<_>>();
        let (first, last) = (self.b.int(days.first().copied().unwrap_or(0)), self.b.int(days.last().copied().unwrap_or(0)));
        let (days, builds) = (self.b.bind(Param::Ints(days)), self.b.bind(Param::Ints(builds)));
        let name = self.b.bind(Param::Text(kind.name()));
        let kinds = if are_cut.contains(&1) {
            let (before, after) = (self.b.bind(Param::Text(Kind::Before.name())), self.b.bind(Param::Text(Kind::After.name())));
            let are_cut = self.b.bind(Param::Ints(are_cut));
            format!("kind IN ({name}, {before}, {after}) AND (kind != {name}) = transform(toInt64(day), {days}, {are_cut}, toInt64(0))")
        } else {
            format!("kind = {name}")
        };
        let of_value = filter.map_or_else(String::new, |leaf| format!(" AND {}", compared(&mut self.b, leaf, "value")));
        let events = self.events_in(&rest);
        Parts {
            days: format!(
                "site_id = {site} AND {kinds} AND day >= {first} AND day <= {last} AND transform(toInt64(day), {days}, {builds}, toInt64(-1)) = build{of_value}"
            ),
            events,
        }
    }

    /// Events of these ranges that count and pass.
    fn events_in(&mut self, ranges: &[Range]) -> String {
        let (counted, inside) = (self.predicates.counted(&mut self.b), self.inside("ts", ranges));
        let passing = self.predicates.holds(&mut self.b, Side::Events, &self.question.condition);
        format!("{counted} AND name != 'engagement' AND {inside} AND {passing}")
    }

    fn inside(&mut self, time: &str, ranges: &[Range]) -> String {
        if ranges.is_empty() {
            return "0".to_owned();
        }
        let each = ranges.iter().map(|range| format!("{time} >= {} AND {time} < {}", self.b.instant(range.from), self.b.instant(range.to)));
        format!("(({}))", each.collect::<Vec<_>>().join(") OR ("))
    }

    /// All blocks of a question over days.
    pub(in crate::question) fn over_days(&mut self) {
        let question = self.question;
        let Some(wanted) = question.wanted() else { return };
        let (key, of_pages) = (question.keys.first(), question.is_about_pages());
        let parts = self.parts(wanted, true);
        // The key of a row of `day_figures`.
        let kept = match key {
            None => String::new(),
            Some(Key::By(_) | Key::Goal(_) | Key::PropName) => "value AS g0, ".to_owned(),
            Some(time @ Key::Time(_)) => {
                let rolled = &self.question.rolled;
                let bucket = |at: i64| bucket_of(std::slice::from_ref(time), at);
                let (first, last) =
                    rolled.iter().map(|rolled| (bucket(rolled.day * DAY_MS), bucket((rolled.day + 1) * DAY_MS - 1))).unzip();
                let days = self.b.bind(Param::Ints(rolled.iter().map(|rolled| rolled.day).collect()));
                let (first, last) = (self.b.bind(Param::Ints(first)), self.b.bind(Param::Ints(last)));
                let after = self.b.bind(Param::Text(Kind::After.name()));
                format!(
                    "if(kind = {after}, transform(toInt64(day), {days}, {last}, toInt64(0)), transform(toInt64(day), {days}, {first}, toInt64(0))) AS g0, "
                )
            }
        };
        let of_events = self.needs(&OF_EVENTS);
        // Under the rules of pages visits are counted by their events.
        let of_visits = if of_pages { self.needs(&[Sum::Based]) } else { self.needs(&OF_VISITS) };
        let own = [
            (Sum::Visitors, "sum(visitors)"),
            (Sum::Pageviews, "sum(pageviews)"),
            (Sum::Events, "sum(events)"),
            (Sum::Visits, "sum(visits)"),
            (Sum::Based, "sum(based)"),
            (Sum::Bounces, "sum(bounces)"),
            (Sum::Duration, "sum(duration)"),
            (Sum::Views, "sum(views)"),
        ];
        // Without a figure of the family that is asked for, a value is in no row.
        let family = match (of_events || of_pages, of_visits) {
            (true, true) => "",
            (false, true) => " AND visits > 0",
            (_, false) => " AND events > 0",
        };
        let rows = format!(
            "SELECT {kept}visitors, pageviews, events, visits, based, bounces, duration, views FROM day_figures WHERE {}{family}",
            parts.days
        );
        self.add(true, &own.map(|(sum, text)| (sum, text.to_owned())), &rows);
        if of_events || of_pages {
            self.events_beside_days(&parts, &kept);
        }
        if of_visits {
            let begun = self.inside("session_start", &question.rest());
            let site = self.b.bind(Param::Site(self.predicates.scope.site().0));
            let begun = format!("site_id = {site} AND bot = '' AND {begun}");
            if of_pages {
                let passing = self.predicates.entered(&mut self.b, &question.condition);
                self.of_sessions(Side::Entries, &format!("{begun} AND {passing}"));
            } else {
                let passing = self.predicates.holds(&mut self.b, Side::Visits, &question.condition);
                self.of_sessions(Side::Visits, &format!("{begun} AND {passing}"));
            }
        }
    }

    /// Events of the other days, and the visitors and visits that cross midnight of those that are kept.
    fn events_beside_days(&mut self, parts: &Parts, kept: &str) {
        let (keys, unknown) = self.keys(Side::Events, "ts", false);
        let viewed = match self.question.cut {
            Some(cut) => format!("name = 'pageview' AND ts < {}", self.b.instant(cut)),
            None => "name = 'pageview'".to_owned(),
        };
        let by_channel = matches!(self.question.keys.as_slice(), [Key::By(Dimension::Channel(_))]);
        // Visits are counted by event under the rules of pages alone.
        let counts_visits = self.question.is_about_pages() && self.needs(&[Sum::Visits]);
        let columns = format!("visitor_id, {}{viewed} AS viewed, 1 AS happened", if counts_visits { "session_id AS visit, " } else { "" });
        let names = format!("visitor_id, {}viewed, happened", if counts_visits { "visit, " } else { "" });
        let rows = if by_channel {
            let keys = channel::combination(&mut self.b, &[]);
            let rows = format!("SELECT {keys}{columns} FROM events WHERE {}", parts.events);
            format!("SELECT g0, {names} FROM ({})", channel::labelled(&mut self.b, &rows, "g0"))
        } else if unknown.is_empty() {
            format!("SELECT {keys}{columns} FROM events WHERE {}", parts.events)
        } else {
            // At the end of the range, which mostly is today, visits answer for their events. Elsewhere they would have to be corrected by
            // events of the days beside it, and these are more than it would spare.
            let mut rest = self.question.rest();
            let end = rest.pop_if(|last| last.to == self.question.range.to && self.visits_know());
            let mut rows = Vec::new();
            if !rest.is_empty() {
                let joined = self.events_with_their_visits(&rest, &columns, &unknown);
                rows.push(format!("SELECT g0, {names} FROM ({joined})"));
            }
            if let Some(end) = end {
                let of_visits = self.pageviews_of_visits(end);
                rows.push(format!("SELECT g0, visitor_id, viewed, 0 AS happened FROM ({of_visits})"));
            }
            rows.join(" UNION ALL ")
        };
        let mut own = vec![
            (Sum::Visitors, format!("{}(visitor_id)", distinct(self.question.approximate, ""))),
            (Sum::Pageviews, "sum(viewed)".to_owned()),
            (Sum::Events, "sum(happened)".to_owned()),
        ];
        let days = &parts.days;
        let crossing = if counts_visits {
            own.push((Sum::Visits, "uniqExact(visit)".to_owned()));
            // What is not known is not counted.
            format!(
                "SELECT {kept}arrayJoin(crossing) AS visitor_id, NULL AS visit, 0 AS viewed, 0 AS happened FROM day_figures WHERE {days} \
                 UNION ALL SELECT {kept}NULL AS visitor_id, arrayJoin(crossing_visits) AS visit, 0 AS viewed, 0 AS happened FROM day_figures WHERE {days}"
            )
        } else {
            format!("SELECT {kept}arrayJoin(crossing) AS visitor_id, 0 AS viewed, 0 AS happened FROM day_figures WHERE {days}")
        };
        let rows = if rows.is_empty() { crossing } else { format!("{rows} UNION ALL {crossing}") };
        self.add(true, &own, &rows);
    }

    /// Events of these ranges with the keys that only their visits know.
    fn events_with_their_visits(&mut self, ranges: &[Range], columns: &str, unknown: &[usize]) -> String {
        let events = self.events_in(ranges);
        let of_visits = self.keys_of_visits(unknown);
        let site = self.b.bind(Param::Site(self.predicates.scope.site().0));
        let begun: Vec<Range> = ranges.iter().map(|range| Range::new(range.from, range.to + BEFORE_MS)).collect();
        let before: Vec<Range> = ranges.iter().map(|range| Range::new(range.from - AFTER_MS, range.from)).collect();
        let (begun, before) = (self.inside("session_start", &begun), self.inside("session_start", &before));
        // Few visits reach in from before, and reading the ends of all others is dear.
        let reaching = format!("{before} AND session_id IN (SELECT session_id FROM events WHERE {events} AND {before})");
        format!(
            "SELECT * FROM (SELECT session_id, {columns} FROM events WHERE {events}) AS of_events INNER JOIN (\
             SELECT {of_visits}session_id FROM sessions FINAL PREWHERE site_id = {site} AND ({begun} OR ({reaching})) WHERE bot = ''\
             ) AS of_visits USING session_id"
        )
    }

    /// Visitors of the whole question, as an expression.
    pub(in crate::question) fn all_visitors_over_days(&mut self) -> String {
        let filter = self.question.wanted().and_then(|wanted| wanted.filter);
        let kind = filter.map_or(Kind::Whole, |leaf| Kind::By(&leaf.dimension));
        let Parts { days, events } = self.parts(Wanted { kind, filter }, false);
        let visitors = distinct(self.question.approximate, "");
        format!(
            "ifNull(toInt64((SELECT sum(visitors) FROM day_figures WHERE {days})), 0) + ifNull(toInt64((SELECT {visitors}(visitor_id) FROM (\
             SELECT visitor_id FROM events WHERE {events} UNION ALL SELECT arrayJoin(crossing) AS visitor_id FROM day_figures WHERE {days}))), 0)"
        )
    }
}
