//! Working out figures of days, and when they hold. That they are right is shown beside the questions.

use std::time::Duration;

use chrono_tz::Tz;
use footfall_model::{Hash64, LogName};
use footfall_query::{
    Range, Scope,
    question::{Dimension, Key, Metric, Question, RolledDay, days::rolled_days, statement},
};
use footfall_store::{DaysWanted, EventRow, Shard, Store, VisitAfter, visit_id};

use crate::{
    engine,
    world::{DAY, MINUTE, Traffic, position, rows, site},
};

/// 2026-10-24 00:00 UTC.
const FROM: i64 = 1_792_800_000_000;
/// The zone of the domain.
pub const ZONE: Tz = Tz::Europe__Berlin;

pub async fn worked_out(store: &Store, range: Range) -> Vec<RolledDay> {
    let rows = store.report(&rolled_days(Scope::authorised(site(1)), range, ZONE)).await.unwrap();
    rows.iter().filter(|row| row.sums[2] != 0).map(|row| RolledDay { day: row.sums[0], build: row.sums[2] }).collect()
}

const EVERY_DAY: DaysWanted = DaysWanted { events: 1, quiet: Duration::ZERO };

/// Works out all days that changed; answers how many.
pub async fn roll(store: &Store) -> usize {
    let runs = store.days_to_roll(EVERY_DAY, &|_| ZONE).await.unwrap();
    for run in &runs {
        store.roll(run).await.unwrap();
    }
    assert!(store.days_to_roll(EVERY_DAY, &|_| ZONE).await.unwrap().is_empty(), "something is left");
    runs.iter().map(|run| run.days().count()).sum()
}

/// As after a crash between the tables: the days count as changed.
#[tokio::test]
async fn days_of_an_insert_that_was_cut_off_are_worked_out_anew() {
    let store = engine::store().await;
    let all = rows(&Traffic { seed: 77, visits: 50, from: FROM, to: FROM + 2 * DAY });
    store.insert_events(&all, "all").await.unwrap();
    roll(&store).await;
    let everything = Range::new(FROM - DAY, FROM + 7 * DAY);
    let known = worked_out(&store, everything).await.len();
    let shard = Shard { log: LogName::Live, generation: 3, partition: 2 };
    store.repush_sessions(shard, 0, all.len() as u64).await.unwrap();
    assert!(known > 0 && worked_out(&store, everything).await.is_empty());
    assert!(roll(&store).await >= known);
}

#[tokio::test]
async fn quiet_and_busy_days_are_told_apart() {
    let store = engine::store().await;
    let all = rows(&Traffic { seed: 78, visits: 50, from: FROM, to: FROM + DAY });
    store.insert_events(&all, "all").await.unwrap();
    let wanted = DaysWanted { events: 1, quiet: Duration::from_secs(600) };
    assert!(store.days_to_roll(wanted, &|_| ZONE).await.unwrap().is_empty(), "just touched");
    let many = DaysWanted { events: 1_000_000, ..EVERY_DAY };
    assert!(store.days_to_roll(many, &|_| ZONE).await.unwrap().is_empty(), "too few");
}

/// As on a replica that has the list before it has the figures.
#[tokio::test]
async fn days_whose_figures_are_not_all_there_are_not_used() {
    let store = engine::store().await;
    let all = rows(&Traffic { seed: 79, visits: 50, from: FROM, to: FROM + 2 * DAY });
    store.insert_events(&all, "all").await.unwrap();
    roll(&store).await;
    let everything = Range::new(FROM - DAY, FROM + 7 * DAY);
    let known = worked_out(&store, everything).await;
    assert!(known.len() >= 2);
    let some = format!("kind = 'event:page' AND value = '/a' AND day = {}", known[0].day);
    engine::run(&store, &format!("ALTER TABLE day_figures DELETE WHERE {some} SETTINGS mutations_sync = 2")).await;
    assert_eq!(worked_out(&store, everything).await, known[1..]);
}

/// A visit reaches into the day before its start; what it does later, or what comes late, changes its entry and exit page on all its days.
#[tokio::test]
async fn days_change_with_the_visits_that_reach_into_them() {
    let midnight = FROM + DAY;
    // The start of the visit, and its events in the order of the log: the last one comes when the days are worked out.
    for (start, events) in [
        (midnight + 5 * MINUTE, [midnight + 5 * MINUTE, midnight - 10 * MINUTE, midnight + 30 * MINUTE]),
        (midnight - 10 * MINUTE, [midnight - 10 * MINUTE, midnight + 10 * MINUTE, midnight - 20 * MINUTE]),
    ] {
        let store = engine::store().await;
        let visitor = Hash64(7);
        let all: Vec<EventRow> = events
            .iter()
            .enumerate()
            .map(|(index, ts)| {
                let mut row = EventRow::pageview(position(index as u64), site(1), visitor, *ts, &format!("/{index}"));
                let (first, last) = (events[..=index].iter().min().unwrap(), events[..=index].iter().max().unwrap());
                row.visit = VisitAfter { id: visit_id(LogName::Live, visitor, 0, start), start, first: *first, last: *last, ..row.visit };
                row.visit.pageviews = 1 + index as u32;
                row
            })
            .collect();
        store.insert_events(&all[..2], "two").await.unwrap();
        roll(&store).await;
        let everything = Range::new(FROM - DAY, FROM + 7 * DAY);
        assert_eq!(worked_out(&store, everything).await.len(), 2, "a visit on two days");
        store.insert_events(&all[2..], "and one").await.unwrap();
        assert_eq!(worked_out(&store, everything).await, [], "{events:?}");
        roll(&store).await;
        let dimensions = [Dimension::Page, Dimension::named("visit:entry_page").unwrap(), Dimension::named("visit:exit_page").unwrap()];
        for dimension in dimensions {
            let plain = Question::totals([Metric::Visitors, Metric::Pageviews], everything).by(Key::By(dimension), 10, 0);
            let question = plain.clone().over_days(worked_out(&store, everything).await, ZONE);
            assert_eq!(question.rolled.len(), 2);
            let [by_days, by_row] = [question, plain].map(|question| statement(Scope::authorised(site(1)), &question).unwrap().sql);
            assert_eq!(store.report(&by_days).await.unwrap(), store.report(&by_row).await.unwrap());
        }
    }
}
