//! Working out the figures of days.

use std::ops::Range as Span;

use chrono_tz::Tz;

use super::{Kind, dimensions, midnight};
use crate::{
    Range, Scope,
    question::{
        Condition, Dimension, channel,
        condition::{AFTER_MS, NO_PAGEVIEW, Predicates, Side, value},
    },
    range::DAY_MS,
    sql::{Builder, Param, Sql, end},
};

/// The statements that work out some neighbouring days of a domain.
#[must_use]
pub fn roll_all(scope: Scope, days: Span<i64>, build: i64, zone: Tz) -> Vec<Sql> {
    let dimensions: Vec<Dimension> = dimensions().collect();
    let kinds = [Kind::Whole, Kind::Before, Kind::After].into_iter().chain(dimensions.iter().map(Kind::By));
    kinds.map(|kind| roll(scope, days.clone(), build, zone, kind)).collect()
}

/// Columns of `day_figures` that a block adds up; those that it does not know are empty in it.
const SUMS: [(&str, &str); 10] = [
    ("visitors", "toUInt64(0)"),
    ("crossing", "emptyArrayUInt64()"),
    ("pageviews", "toUInt64(0)"),
    ("events", "toUInt64(0)"),
    ("visits", "toUInt64(0)"),
    ("crossing_visits", "emptyArrayUInt64()"),
    ("based", "toUInt64(0)"),
    ("bounces", "toUInt64(0)"),
    ("duration", "toInt64(0)"),
    ("views", "toInt64(0)"),
];

/// Works out the figures of some neighbouring days by one kind, as an insert.
fn roll(scope: Scope, days: Span<i64>, build: i64, zone: Tz, kind: Kind<'_>) -> Sql {
    let range = Range::new(days.start * DAY_MS, days.end * DAY_MS);
    let mut rolling = Rolling { b: Builder::default(), predicates: Predicates { scope, range }, days, zone, kind };
    let blocks: Vec<String> = [Some(rolling.events()), rolling.visits()].into_iter().flatten().collect();
    let b = &mut rolling.b;
    let (site, kind, build) = (b.bind(Param::Site(scope.site().0)), b.bind(Param::Text(kind.name())), b.int(build));
    let columns = SUMS.map(|(column, _)| column).join(", ");
    let sums =
        SUMS.map(|(column, empty)| format!("{}(n_{column})", if empty.starts_with("empty") { "groupUniqArrayArray" } else { "sum" }));
    rolling.b.finish(format!(
        "INSERT INTO day_figures (site_id, kind, day, value, build, {columns})\n\
         SELECT {site}, {kind}, on_day, of_value, {build}, {}\nFROM (\n  {}\n)\nGROUP BY on_day, of_value",
        sums.join(", "),
        blocks.join("\n  UNION ALL\n  ")
    ))
}

struct Rolling<'a> {
    b: Builder,
    predicates: Predicates,
    days: Span<i64>,
    zone: Tz,
    kind: Kind<'a>,
}

impl Rolling<'_> {
    const fn dimension(&self) -> Option<&Dimension> {
        if let Kind::By(dimension) = self.kind { Some(dimension) } else { None }
    }

    fn is_by_page(&self) -> bool {
        self.dimension().is_some_and(Dimension::is_of_page)
    }

    fn value(&mut self, side: Side) -> Option<String> {
        match self.kind {
            Kind::By(dimension) => value(&mut self.b, side, dimension),
            Kind::Whole | Kind::Before | Kind::After => Some("''".to_owned()),
        }
    }

    /// Figures of events.
    fn events(&mut self) -> String {
        let predicates = self.predicates;
        let crosses_visit = if self.is_by_page() {
            format!("session_id AS visit, {} AS visit_crosses, ", self.crosses("session_id"))
        } else {
            String::new()
        };
        let crosses = self.crosses("visitor_id");
        let columns = format!("{} AS on_day, visitor_id, name, {crosses_visit}{crosses} AS crosses", day("ts"));
        let passing = predicates.events(&mut self.b, &Condition::none()) + &self.half("ts");
        let rows = match self.labelled(Side::Events, &columns, &format!("events WHERE {passing}")) {
            Some(rows) => rows,
            None => {
                let value = self.value(Side::Visits).unwrap_or_else(|| "''".to_owned());
                let near = predicates.near(&mut self.b);
                format!(
                    "SELECT * FROM (SELECT {columns}, session_id FROM events WHERE {passing}) AS of_events \
                     INNER JOIN (SELECT {value} AS of_value, session_id FROM sessions FINAL WHERE {near}) AS of_visits USING session_id"
                )
            }
        };
        let mut own = vec![
            ("visitors", "uniqExactIf(visitor_id, NOT crosses)"),
            ("crossing", "groupUniqArrayIf(visitor_id, crosses)"),
            ("pageviews", "countIf(name = 'pageview')"),
            ("events", "count()"),
        ];
        if self.is_by_page() {
            own.extend([
                ("visits", "uniqExactIf(visit, NOT visit_crosses)"),
                ("crossing_visits", "groupUniqArrayIf(visit, visit_crosses)"),
            ]);
        }
        block("on_day", &own, &rows)
    }

    /// Figures of visits: of pages those that entered on them; none where each event has its own value.
    fn visits(&mut self) -> Option<String> {
        let by_page = self.is_by_page();
        if !by_page && self.dimension().is_some_and(Dimension::is_of_event) {
            return None;
        }
        let predicates = self.predicates;
        let mut begun = predicates.visits(&mut self.b, &Condition::none()) + &self.half("session_start");
        if by_page {
            begun += &format!(" AND {} < {NO_PAGEVIEW}", end("entry", "at"));
        }
        let side = if by_page { Side::Entries } else { Side::Visits };
        let rows = self.labelled(side, "session_start, pageviews, interactive, first, last", &format!("sessions FINAL WHERE {begun}"))?;
        let mut own = vec![
            ("based", "count()"),
            ("bounces", "countIf(pageviews <= 1 AND interactive = 0)"),
            ("duration", "sum(toInt64(last) - toInt64(first))"),
            ("views", "sum(toInt64(pageviews))"),
        ];
        if !by_page {
            own.push(("visits", "count()"));
        }
        Some(block(&day("session_start"), &own, &rows))
    }

    /// Rows of a table with their value; none where the table does not know it.
    fn labelled(&mut self, side: Side, columns: &str, table: &str) -> Option<String> {
        if let Some(Dimension::Channel(_)) = self.dimension() {
            let rows = format!("SELECT {}{columns} FROM {table}", channel::combination(&mut self.b, &[]));
            return Some(channel::labelled(&mut self.b, &rows, "of_value"));
        }
        Some(format!("SELECT {} AS of_value, {columns} FROM {table}", self.value(side)?))
    }

    /// Whether a visitor or a visit is seen on two days. No visit lasts longer than one.
    fn crosses(&mut self, id: &str) -> String {
        let (counted, Range { from, to }) = (self.predicates.counted(&mut self.b), self.predicates.range);
        let (from, to) = (self.b.instant(from - AFTER_MS), self.b.instant(to + AFTER_MS));
        format!(
            "{id} IN (SELECT {id} FROM events WHERE {counted} AND name != 'engagement' AND ts >= {from} AND ts < {to} AND toDate(ts) != toDate(session_start))"
        )
    }

    /// Which side of local midnight, if it is about one.
    fn half(&mut self, time: &str) -> String {
        let compare = match self.kind {
            Kind::Before => "<",
            Kind::After => ">=",
            Kind::Whole | Kind::By(_) => return String::new(),
        };
        // A day without such a midnight has nothing before it.
        let at = self.days.clone().map(|day| day * DAY_MS + midnight(day, self.zone).unwrap_or(0)).collect();
        let (at, first) = (self.b.bind(Param::Ints(at)), self.b.int(self.days.start));
        format!(" AND toUnixTimestamp64Milli({time}) {compare} arrayElement({at}, {} - {first} + 1)", day(time))
    }
}

/// Days since 1970.
fn day(time: &str) -> String {
    format!("intDiv(toUnixTimestamp64Milli({time}), {DAY_MS})")
}

fn block(day: &str, own: &[(&str, &str)], rows: &str) -> String {
    let sums = SUMS.map(|(column, empty)| {
        let text = own.iter().find(|(known, _)| *known == column).map_or(empty, |(_, text)| text);
        format!("{text} AS n_{column}")
    });
    format!("SELECT {day} AS on_day, toString(of_value) AS of_value, {}\n  FROM ({rows}) GROUP BY on_day, of_value", sums.join(", "))
}
