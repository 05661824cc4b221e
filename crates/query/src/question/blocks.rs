//! The blocks of a statement: one per way of looking at the data, each grouped by the keys of the question, with its own sums and 0 for all others.

use std::collections::BTreeSet;

use super::{
    Condition, Dimension, Goal, Key, Question, Sum,
    condition::{Predicates, Side, value},
    dimension::OfVisit,
    goal::each_completed,
};
use crate::{
    Scope,
    sql::{Builder, Param, Unsupported, distinct},
};

/// Rows of the blocks that make a row appear: engagements and other pages' views alone do not.
pub(super) const HERE: &str = "s_here";

/// Whether a sum is asked for beside the blocks, and the same in every row.
pub(super) fn is_asked_apart(question: &Question, sum: Sum) -> bool {
    match sum {
        Sum::BaseVisitors => true,
        // An event that completes no goal, or has no property, is in no row, but in the whole; figures of days by a dimension do not add up to it.
        Sum::AllVisitors => {
            question.is_beside_its_whole
                || !question.rolled.is_empty()
                || question.keys.is_empty()
                || question.keys.iter().any(|key| matches!(key, Key::Goal(_) | Key::PropName))
        }
        _ => false,
    }
}

/// What blocks add up to a statement.
pub(super) struct Made {
    pub(super) b: Builder,
    /// The blocks, with keys `k0`, `k1` … and a column for each sum.
    pub(super) texts: Vec<String>,
    pub(super) sums: Vec<Sum>,
    pub(super) of_pages: bool,
    /// Sums that are asked for beside the blocks, as expressions.
    pub(super) apart: Vec<(Sum, String)>,
}

/// The parts of a statement while they are made.
pub(super) struct Blocks<'a> {
    pub(super) b: Builder,
    pub(super) question: &'a Question,
    pub(super) predicates: Predicates,
    /// All sums that the metrics need.
    sums: Vec<Sum>,
    of_pages: bool,
    by_event: bool,
    texts: Vec<String>,
}

impl<'a> Blocks<'a> {
    /// Whose values join those of `b`.
    pub(super) fn new(b: Builder, scope: Scope, question: &'a Question) -> Result<Self, Unsupported> {
        let (of_pages, by_event) = (question.is_about_pages(), question.is_by_event());
        let sums: BTreeSet<Sum> = question.sums().collect();
        let this = Self {
            b,
            question,
            predicates: Predicates { scope, range: question.range },
            sums: sums.into_iter().collect(),
            of_pages,
            by_event,
            texts: Vec::new(),
        };
        this.check()?;
        Ok(this)
    }

    fn check(&self) -> Result<(), Unsupported> {
        let refuse = |text: &str| Err(Unsupported(text.to_owned()));
        let fine = |key: &Key| !matches!(key, Key::By(Dimension::Name | Dimension::Prop(_)) | Key::Goal(_) | Key::PropName);
        if self.needs(&[Sum::Based]) && self.by_event && !(self.of_pages && self.question.keys.iter().all(fine)) {
            return refuse("figures of visits do not go with dimensions of events other than the page");
        }
        if self.needs(&[Sum::EngagedPairs, Sum::ScrolledPairs]) && !self.of_pages {
            return refuse("engaged time and scroll depth need a page");
        }
        let by_exit = matches!(self.question.keys.as_slice(), [Key::By(Dimension::Visit(OfVisit::ExitPage))]);
        if self.needs(&[Sum::Exits]) && (!by_exit || self.question.condition.looks_at_events()) {
            return refuse("the exit rate goes with the exit page alone");
        }
        if self.needs(&[Sum::BaseVisitors, Sum::GroupVisitors]) && self.question.condition.goals().is_none() && self.goals().is_none() {
            return refuse("conversion rates need goals");
        }
        Ok(())
    }

    pub(super) fn needs(&self, any: &[Sum]) -> bool {
        self.sums.iter().any(|sum| any.contains(sum))
    }

    /// The goals that rows are grouped by.
    fn goals(&self) -> Option<&'a [Goal]> {
        self.question.keys.iter().find_map(|key| if let Key::Goal(goals) = key { Some(goals.as_slice()) } else { None })
    }

    /// What an event must be like to be in a row.
    fn condition(&self) -> Condition {
        let condition = self.question.condition.clone();
        match self.goals() {
            Some(goals) => Condition::All(vec![condition, Condition::Goal(goals.to_vec())]),
            None => condition,
        }
    }

    pub(super) fn make(mut self) -> Made {
        if self.question.rolled.is_empty() {
            self.by_row();
        } else {
            self.over_days();
        }
        let apart: Vec<Sum> = self.sums.iter().copied().filter(|sum| is_asked_apart(self.question, *sum)).collect();
        let apart = apart.into_iter().map(|sum| (sum, self.apart(sum))).collect();
        Made { b: self.b, texts: self.texts, sums: self.sums, of_pages: self.of_pages, apart }
    }

    /// Visitors of the whole question, or of it without its goals.
    fn apart(&mut self, sum: Sum) -> String {
        if sum == Sum::AllVisitors && self.question.is_beside_its_whole {
            // Nothing in the statement looks at it.
            return "toInt64(0)".to_owned();
        }
        if !self.question.rolled.is_empty() {
            return self.all_visitors_over_days();
        }
        let condition = &self.question.condition;
        let condition = if sum == Sum::BaseVisitors { condition.without_goals() } else { condition.clone() };
        let of = self.predicates.events(&mut self.b, &condition);
        let visitors = distinct(self.question.approximate, "");
        format!("ifNull(toInt64((SELECT {visitors}(visitor_id) FROM events WHERE {of})), 0)")
    }

    /// All blocks of a question that reads rows.
    fn by_row(&mut self) {
        let of_events = self.needs(&[Sum::Visitors, Sum::Pageviews, Sum::Events, Sum::Revenue, Sum::Paid]);
        let of_visits =
            self.needs(&[Sum::Exits]) || !self.of_pages && (self.needs(&[Sum::Based]) || (self.needs(&[Sum::Visits]) && !self.by_event));
        if of_events && self.visits_know() {
            self.visits_with_their_events();
        } else {
            if of_events || self.of_pages || self.by_event {
                self.events();
            }
            if of_visits {
                self.visits();
            }
        }
        if self.needs(&[Sum::GroupVisitors]) {
            self.visitors_of_groups();
        }
        if self.of_pages && self.needs(&[Sum::Based]) {
            self.entries();
        }
        if self.needs(&[Sum::EngagedPairs, Sum::ScrolledPairs]) {
            self.engagements();
        }
        if self.needs(&[Sum::PageViews]) {
            self.page_views();
        }
    }

    /// Adds a block of rows with the keys `g0`, `g1` …, which are grouped by as they are stored: perhaps as the numbers of a dictionary.
    pub(super) fn add(&mut self, here: bool, own: &[(Sum, String)], from: &str) {
        let groups: Vec<String> = (0..self.question.keys.len()).map(|index| format!("g{index}")).collect();
        let groups = groups.join(", ");
        let (mut select, mut columns) = (Vec::new(), Vec::new());
        for (index, key) in self.question.keys.iter().enumerate() {
            columns.push(format!("k{index}"));
            select.push(if matches!(key, Key::Time(_)) {
                format!("g{index} AS k{index}")
            } else {
                format!("toString(g{index}) AS k{index}")
            });
        }
        let text_of = |sum: &Sum| own.iter().find(|(known, _)| known == sum).map_or("0", |(_, text)| text.as_str());
        let says_the_whole = self.needs(&[Sum::AllVisitors])
            && !is_asked_apart(self.question, Sum::AllVisitors)
            && own.iter().any(|(sum, _)| *sum == Sum::Visitors);
        for sum in self.sums.iter().filter(|sum| !is_asked_apart(self.question, **sum)) {
            if says_the_whole && *sum == Sum::AllVisitors {
                columns.push(format!("argMax({}, level) OVER () AS {}", Sum::Visitors.column(), sum.column()));
                continue;
            }
            columns.push(sum.column().to_owned());
            select.push(format!("toInt64({}) AS {}", text_of(sum), sum.column()));
        }
        columns.push(HERE.to_owned());
        select.push(format!("toInt64({}) AS {HERE}", if here { "count()" } else { "0" }));
        let select = select.join(", ");
        self.texts.push(if says_the_whole {
            // `ROLLUP` adds up the states of the rows, so visitors who are in several rows count once in the whole, without a second look.
            format!(
                "SELECT * EXCEPT level FROM (SELECT {}, level FROM (SELECT {select}, grouping({groups}) AS level FROM ({from}) GROUP BY ROLLUP({groups}))) \
                 WHERE level = 0",
                columns.join(", ")
            )
        } else if groups.is_empty() {
            format!("SELECT {select} FROM ({from})")
        } else {
            format!("SELECT {select} FROM ({from}) GROUP BY {groups}")
        });
    }

    /// `expression AS g0, …,` of the keys that this side knows, and the places of the others.
    pub(super) fn keys(&mut self, side: Side, time: &str, with_goals: bool) -> (String, Vec<usize>) {
        let (mut known, mut unknown) = (String::new(), Vec::new());
        for (index, key) in self.question.keys.iter().enumerate() {
            let expression = match key {
                Key::Time(starts) => {
                    let starts = self.b.bind(Param::Ints(starts.clone()));
                    Some(format!("roundDown(toUnixTimestamp64Milli({time}), {starts})"))
                }
                Key::By(dimension) => value(&mut self.b, side, dimension),
                Key::PropName => (side == Side::Events).then(|| "arrayJoin(mapKeys(props))".to_owned()),
                Key::Goal(_) if !with_goals => Some("''".to_owned()),
                Key::Goal(goals) => (side == Side::Events).then(|| {
                    let names = self.b.bind(Param::Texts(goals.iter().map(|goal| goal.name.clone()).collect()));
                    format!("arrayElement({names}, {})", each_completed(&mut self.b, goals))
                }),
            };
            match expression {
                Some(expression) => known.push_str(&format!("{expression} AS g{index}, ")),
                None => unknown.push(index),
            }
        }
        (known, unknown)
    }

    /// `expression AS g3, …,` of these keys in `sessions`.
    pub(super) fn keys_of_visits(&mut self, places: &[usize]) -> String {
        let mut keys = String::new();
        for index in places {
            if let Some(Key::By(dimension)) = self.question.keys.get(*index)
                && let Some(value) = value(&mut self.b, Side::Visits, dimension)
            {
                keys.push_str(&format!("{value} AS g{index}, "));
            }
        }
        keys
    }

    fn events(&mut self) {
        let condition = self.condition();
        let passing = self.predicates.events(&mut self.b, &condition);
        let with_revenue = self.needs(&[Sum::Revenue, Sum::Paid]);
        let by_scrolling = condition.counts_scrolling();
        let viewed = match self.question.cut {
            Some(cut) => format!("name = 'pageview' AND ts < {}", self.b.instant(cut)),
            None => "name = 'pageview'".to_owned(),
        };
        let mut columns = format!("visitor_id, name, {viewed} AS viewed, session_start AS began");
        if with_revenue {
            columns.push_str(", revenue_milli, currency");
        }
        if by_scrolling {
            columns.push_str(", toString(path) AS scrolled_path");
        }
        let rows = self.rows_of_events(&columns, &passing);
        let paid = if with_revenue { self.paid() } else { "0".to_owned() };
        // A page that is scrolled on sends several reports: it completes the goal once in a visit.
        let events = if by_scrolling {
            "countIf(name != 'engagement') + uniqExactIf((session_id, scrolled_path), name = 'engagement')"
        } else {
            "count()"
        };
        let visits = if self.of_pages {
            "uniqExact(session_id)".to_owned()
        } else if self.by_event {
            let (from, to) = (self.b.instant(self.question.range.from), self.b.instant(self.question.range.to));
            format!("uniqExactIf(session_id, began >= {from} AND began < {to})")
        } else {
            "0".to_owned()
        };
        let own = [
            (Sum::Visitors, format!("{}(visitor_id)", distinct(self.question.approximate, ""))),
            (Sum::Pageviews, "countIf(viewed)".to_owned()),
            (Sum::Events, events.to_owned()),
            (Sum::Visits, visits),
            (Sum::Revenue, if with_revenue { format!("sumIf(revenue_milli, {paid})") } else { "0".to_owned() }),
            (Sum::Paid, format!("countIf({paid})")),
        ];
        self.add(true, &own, &rows);
    }

    /// Whether an event has revenue in the currency that counts.
    fn paid(&mut self) -> String {
        let by_goal = self.question.keys.iter().enumerate().find_map(|(index, key)| match key {
            Key::Goal(goals) => Some((index, goals)),
            _ => None,
        });
        if let Some((index, goals)) = by_goal {
            let names = self.b.bind(Param::Texts(goals.iter().map(|goal| goal.name.clone()).collect()));
            let currencies = self.b.bind(Param::Texts(goals.iter().map(|goal| goal.currency.clone().unwrap_or_default()).collect()));
            return format!("currency != '' AND currency = transform(g{index}, {names}, {currencies}, '')");
        }
        match &self.question.currency {
            Some(currency) => format!("currency = {}", self.b.bind(Param::Text(currency.clone()))),
            None => "0".to_owned(),
        }
    }

    /// Visitors by all keys but goals, under the conditions without goals. They are in rows of no goal, which answers leave out.
    fn visitors_of_groups(&mut self) {
        let passing = self.predicates.events(&mut self.b, &self.question.condition.without_goals());
        let rows = self.rows_of_events_by("visitor_id", &passing, false);
        let visitors = format!("{}(visitor_id)", distinct(self.question.approximate, ""));
        self.add(false, &[(Sum::GroupVisitors, visitors)], &rows);
    }

    /// Keys, `session_id` and `columns` of events; keys that only visits know are looked up there.
    fn rows_of_events(&mut self, columns: &str, passing: &str) -> String {
        self.rows_of_events_by(columns, passing, true)
    }

    /// The same; without goals the place of their names is empty.
    fn rows_of_events_by(&mut self, columns: &str, passing: &str, goals: bool) -> String {
        let (keys, unknown) = self.keys(Side::Events, "ts", goals);
        let rows = format!("SELECT {keys}session_id, {columns} FROM events WHERE {passing}");
        if unknown.is_empty() {
            return rows;
        }
        let of_visits = self.keys_of_visits(&unknown);
        let near = self.predicates.near(&mut self.b);
        format!(
            "SELECT * FROM ({rows}) AS of_events INNER JOIN (SELECT {of_visits}session_id FROM sessions FINAL WHERE {near}) AS of_visits USING session_id"
        )
    }

    fn visits(&mut self) {
        let passing = self.predicates.visits(&mut self.b, &self.question.condition);
        self.of_sessions(Side::Visits, &passing);
    }

    fn entries(&mut self) {
        let passing = self.predicates.entries(&mut self.b, &self.question.condition);
        self.of_sessions(Side::Entries, &passing);
    }

    pub(super) fn of_sessions(&mut self, side: Side, passing: &str) {
        let (keys, _) = self.keys(side, "session_start", true);
        let rows = format!("SELECT {keys}pageviews, interactive, first, last FROM sessions FINAL WHERE {passing}");
        let visits = if self.of_pages || self.by_event { "0" } else { "count()" };
        let own = [
            (Sum::Visits, visits.to_owned()),
            (Sum::Based, "count()".to_owned()),
            (Sum::Bounces, "countIf(pageviews <= 1 AND interactive = 0)".to_owned()),
            (Sum::Duration, "sum(toInt64(last) - toInt64(first))".to_owned()),
            (Sum::Views, "sum(toInt64(pageviews))".to_owned()),
            (Sum::Exits, "count()".to_owned()),
        ];
        self.add(true, &own, &rows);
    }

    fn engagements(&mut self) {
        let condition = self.condition();
        let passing = self.predicates.engagements(&mut self.b, &condition);
        let rows = self.rows_of_events("toString(path) AS page, engagement_ms, scroll_depth", &passing);
        let keys: String = (0..self.question.keys.len()).map(|index| format!("g{index}, ")).collect();
        let pairs = format!(
            "SELECT {keys}sum(engagement_ms) AS engaged, maxIf(scroll_depth, scroll_depth <= 100) AS depth, countIf(scroll_depth <= 100) > 0 AS scrolled \
             FROM ({rows}) GROUP BY {keys}session_id, page"
        );
        let own = [
            (Sum::EngagedPairs, "countIf(engaged > 0)".to_owned()),
            (Sum::Engaged, "sum(engaged)".to_owned()),
            (Sum::ScrolledPairs, "countIf(scrolled)".to_owned()),
            (Sum::Scrolled, "sumIf(depth, scrolled)".to_owned()),
        ];
        self.add(false, &own, &pairs);
    }

    /// Pageviews by page, beside the visits that end there.
    fn page_views(&mut self) {
        let passing = self.predicates.events(&mut self.b, &self.question.condition);
        let rows = format!("SELECT path AS g0 FROM events WHERE {passing} AND name = 'pageview'");
        self.add(false, &[(Sum::PageViews, "count()".to_owned())], &rows);
    }
}
