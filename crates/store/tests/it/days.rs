//! Working out figures of days, and when they hold. That they are right is shown beside the questions.

use std::time::Duration;

use chrono_tz::Tz;
use footfall_model::LogName;
use footfall_query::{
    Range, Scope,
    question::{RolledDay, days::rolled_days},
};
use footfall_store::{DaysWanted, Shard, Store};

use crate::{
    engine,
    world::{DAY, Traffic, rows, site},
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
    let mut rolled = 0;
    loop {
        match store.roll_some_days(EVERY_DAY, &|_| ZONE).await.unwrap() {
            0 => return rolled,
            some => rolled += some,
        }
    }
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
    assert_eq!(store.roll_some_days(wanted, &|_| ZONE).await.unwrap(), 0, "just touched");
    assert_eq!(store.roll_some_days(DaysWanted { events: 1_000_000, ..EVERY_DAY }, &|_| ZONE).await.unwrap(), 0, "too few");
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
