//! One statement of a question: blocks, added up, ordered, cut out.

use std::collections::BTreeSet;

use super::{
    Dimension, Direction, Key, Metric, Order, Question, Sum,
    condition::{Predicates, Side, value},
};
use crate::{
    Scope,
    sql::{Builder, Param, Sql, Unsupported, distinct},
};

/// A statement and how its rows are read: `labels` are those of the keys, as reports show them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Text and values; answers rows of the shape [`crate::Row`].
    pub sql: Sql,
    /// What `sums` of a row are, in this order.
    pub sums: Vec<Sum>,
    of_pages: bool,
}

impl Statement {
    /// A figure of a row; none where nothing was reported.
    #[must_use]
    pub fn figure(&self, metric: Metric, sums: &[i64]) -> Option<f64> {
        let of = |sum: Sum| self.sums.iter().position(|known| *known == sum).and_then(|index| sums.get(index)).copied().unwrap_or(0);
        metric.figure(self.of_pages, of)
    }
}

/// Makes the statement.
///
/// # Errors
/// For metrics that do not go with the keys or the conditions. The language refuses such questions in its own words.
pub fn statement(scope: Scope, question: &Question) -> Result<Statement, Unsupported> {
    let mut blocks = Blocks::new(scope, question)?;
    blocks.make();
    let Blocks { mut b, texts, sums, of_pages, .. } = blocks;
    let mut totals: Vec<String> =
        sums.iter().filter(|sum| **sum != Sum::AllVisitors).map(|sum| format!("toInt64(sum({c})) AS {c}", c = sum.column())).collect();
    totals.push(format!("sum({HERE}) AS {HERE}"));
    if sums.contains(&Sum::AllVisitors) {
        let of = Predicates { scope, range: question.range }.events(&mut b, &question.condition);
        let visitors = distinct(question.approximate, "");
        totals.push(format!("ifNull(toInt64((SELECT {visitors}(visitor_id) FROM events WHERE {of})), 0) AS {}", Sum::AllVisitors.column()));
    }
    let keys: Vec<String> = (0..question.keys.len()).map(|index| format!("k{index}")).collect();
    let shown: Vec<String> = question.keys.iter().zip(&keys).map(|(key, name)| shown(&mut b, key, name)).collect();
    let labels = if shown.is_empty() {
        "emptyArrayString()".to_owned()
    } else {
        format!("[{}]", shown.iter().map(|label| format!("toString({label})")).collect::<Vec<_>>().join(", "))
    };
    let select = keys.iter().cloned().chain(totals).collect::<Vec<_>>().join(", ");
    let (group, present) = if keys.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("\n  GROUP BY {}", keys.join(", ")), format!("\nWHERE {HERE} > 0"))
    };
    let order = order(question, of_pages, &shown);
    let limit = b.bind(Param::Int(i64::try_from(question.limit).unwrap_or(i64::MAX)));
    let offset = b.bind(Param::Int(i64::try_from(question.offset).unwrap_or(i64::MAX)));
    let columns: Vec<&str> = sums.iter().map(|sum| sum.column()).collect();
    let text = format!(
        "SELECT {labels} AS labels, [{}] AS sums, toUInt64(count() OVER ()) AS total, emptyArrayInt64() AS whole\nFROM (\n  SELECT {select}\n  \
         FROM (\n    {}\n  ){group}\n){present}{order}\nLIMIT {limit} OFFSET {offset}",
        columns.join(", "),
        texts.join("\n    UNION ALL\n    ")
    );
    Ok(Statement { sql: b.finish(text), sums, of_pages })
}

/// Rows of the blocks that make a row appear: engagements and other pages' views alone do not.
const HERE: &str = "s_here";

/// What a key is called in answers.
fn shown(b: &mut Builder, key: &Key, name: &str) -> String {
    match key {
        Key::Time(_) => name.to_owned(),
        Key::By(dimension) => {
            let missing = b.bind(Param::Text(dimension.missing().to_owned()));
            format!("if({name} = '', {missing}, {name})")
        }
    }
}

fn order(question: &Question, of_pages: bool, shown: &[String]) -> String {
    let mut order = Vec::new();
    for (what, direction) in &question.order {
        let what = match what {
            Order::Metric(metric) => metric.formula(of_pages).order(Sum::column),
            Order::Key(index) => match shown.get(*index) {
                Some(label) => label.clone(),
                None => continue,
            },
        };
        order.push(format!("{what} {} NULLS LAST", if *direction == Direction::Ascending { "ASC" } else { "DESC" }));
    }
    order.extend(shown.iter().cloned());
    if order.is_empty() { String::new() } else { format!("\nORDER BY {}", order.join(", ")) }
}

/// The parts of a statement while they are made.
struct Blocks<'a> {
    b: Builder,
    question: &'a Question,
    predicates: Predicates,
    /// All sums that the metrics need.
    sums: Vec<Sum>,
    of_pages: bool,
    by_event: bool,
    texts: Vec<String>,
}

impl<'a> Blocks<'a> {
    fn new(scope: Scope, question: &'a Question) -> Result<Self, Unsupported> {
        let (of_pages, by_event) = (question.is_about_pages(), question.is_by_event());
        let mut sums: BTreeSet<Sum> = question.metrics.iter().flat_map(|metric| metric.formula(of_pages).sums()).collect();
        for (what, _) in &question.order {
            if let Order::Metric(metric) = what {
                sums.extend(metric.formula(of_pages).sums());
            }
        }
        let this = Self {
            b: Builder::default(),
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
        let fine = |key: &Key| !matches!(key, Key::By(Dimension::Name | Dimension::Prop(_)));
        if self.needs(&[Sum::Based]) && self.by_event && !(self.of_pages && self.question.keys.iter().all(fine)) {
            return refuse("figures of visits do not go with dimensions of events other than the page");
        }
        if self.needs(&[Sum::EngagedPairs, Sum::ScrolledPairs]) && !self.of_pages {
            return refuse("engaged time and scroll depth need a page");
        }
        let by_exit = matches!(self.question.keys.as_slice(), [Key::By(Dimension::Visit(super::dimension::OfVisit::ExitPage))]);
        if self.needs(&[Sum::Exits]) && (!by_exit || self.question.condition.is_about(&Dimension::is_of_event)) {
            return refuse("the exit rate goes with the exit page alone");
        }
        Ok(())
    }

    fn needs(&self, any: &[Sum]) -> bool {
        self.sums.iter().any(|sum| any.contains(sum))
    }

    fn make(&mut self) {
        if self.of_pages || self.by_event || self.needs(&[Sum::Visitors, Sum::Pageviews, Sum::Events]) {
            self.events();
        }
        let of_visits = !self.of_pages && (self.needs(&[Sum::Based]) || (self.needs(&[Sum::Visits]) && !self.by_event));
        if of_visits || self.needs(&[Sum::Exits]) {
            self.visits();
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

    /// Adds a block of rows with the keys `k0`, `k1` …
    fn add(&mut self, here: bool, own: &[(Sum, String)], from: &str) {
        let keys: Vec<String> = (0..self.question.keys.len()).map(|index| format!("k{index}")).collect();
        let mut select = keys.clone();
        for sum in self.sums.iter().filter(|sum| **sum != Sum::AllVisitors) {
            let text = own.iter().find(|(known, _)| known == sum).map_or("0", |(_, text)| text);
            select.push(format!("toInt64({text}) AS {}", sum.column()));
        }
        select.push(format!("toInt64({}) AS {HERE}", if here { "count()" } else { "0" }));
        let group = if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", keys.join(", ")) };
        self.texts.push(format!("SELECT {} FROM ({from}){group}", select.join(", ")));
    }

    /// `expression AS k0, …,` of the keys that this side knows, and the names of the others.
    fn keys(&mut self, side: Side, time: &str) -> (String, Vec<usize>) {
        let (mut known, mut unknown) = (String::new(), Vec::new());
        for (index, key) in self.question.keys.iter().enumerate() {
            let expression = match key {
                Key::Time(starts) => {
                    let starts = self.b.bind(Param::Ints(starts.clone()));
                    Some(format!("roundDown(toUnixTimestamp64Milli({time}), {starts})"))
                }
                Key::By(dimension) => value(&mut self.b, side, dimension),
            };
            match expression {
                Some(expression) => known.push_str(&format!("{expression} AS k{index}, ")),
                None => unknown.push(index),
            }
        }
        (known, unknown)
    }

    fn events(&mut self) {
        let passing = self.predicates.events(&mut self.b, &self.question.condition);
        let rows = self.rows_of_events("visitor_id, name, session_start AS began", &passing);
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
            (Sum::Pageviews, "countIf(name = 'pageview')".to_owned()),
            (Sum::Events, "count()".to_owned()),
            (Sum::Visits, visits),
        ];
        self.add(true, &own, &rows);
    }

    /// Keys, `session_id` and `columns` of events; keys that only visits know are looked up there.
    fn rows_of_events(&mut self, columns: &str, passing: &str) -> String {
        let (keys, unknown) = self.keys(Side::Events, "ts");
        let rows = format!("SELECT {keys}session_id, {columns} FROM events WHERE {passing}");
        if unknown.is_empty() {
            return rows;
        }
        let mut of_visits = String::new();
        for index in unknown {
            if let Some(Key::By(dimension)) = self.question.keys.get(index)
                && let Some(value) = value(&mut self.b, Side::Visits, dimension)
            {
                of_visits.push_str(&format!("{value} AS k{index}, "));
            }
        }
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

    fn of_sessions(&mut self, side: Side, passing: &str) {
        let (keys, _) = self.keys(side, "session_start");
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
        let passing = self.predicates.engagements(&mut self.b, &self.question.condition);
        let rows = self.rows_of_events("toString(path) AS page, engagement_ms, scroll_depth", &passing);
        let keys: String = (0..self.question.keys.len()).map(|index| format!("k{index}, ")).collect();
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
        let rows = format!("SELECT toString(path) AS k0 FROM events WHERE {passing} AND name = 'pageview'");
        self.add(false, &[(Sum::PageViews, "count()".to_owned())], &rows);
    }
}

/// For tests: nothing but the condition's text may differ with what comes from outside.
#[cfg(test)]
mod tests {
    use footfall_model::SiteId;
    use uuid::Uuid;

    use super::*;
    use crate::{
        Range,
        question::{Condition, Leaf, Op},
    };

    #[test]
    fn what_comes_from_outside_is_never_text() {
        let evil = "'); DROP TABLE events; --{p0:UUID}\\";
        for dimension in [Dimension::Page, Dimension::Prop(evil.to_owned()), Dimension::named("visit:exit_page").unwrap()] {
            for op in [Op::Is, Op::Contains, Op::Matches] {
                let leaf =
                    Condition::Leaf(Leaf { op, dimension: dimension.clone(), values: vec![evil.to_owned()], case_sensitive: op == Op::Is });
                let question = Question {
                    metrics: vec![Metric::Visitors],
                    range: Range::new(0, 1_000),
                    keys: vec![Key::By(dimension.clone())],
                    condition: Condition::Any(vec![leaf.clone(), Condition::Not(Box::new(Condition::HasDone(Box::new(leaf))))]),
                    order: Vec::new(),
                    limit: 1,
                    offset: 0,
                    approximate: false,
                };
                let made = statement(Scope::authorised(SiteId(Uuid::from_u128(7))), &question).unwrap();
                assert!(!made.sql.text.contains("DROP"), "{}", made.sql.text);
            }
        }
    }
}
