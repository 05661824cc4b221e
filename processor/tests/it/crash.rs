//! Stops at every step boundary, then a new start: each record ends in exactly one place, and every visit is what it would have been.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use footfall_model::{LogName, Record};
use footfall_processor::{
    Options,
    assign::{Assigner, At, Verdict},
    memory::Memory,
    steps::{Step, Watcher},
    visits::Facts,
};
use tokio::sync::Notify;

use crate::world::{Dice, PATIENCE, World};

/// Stops the cursor when `step` (any, if none) has come `after` times.
fn stop_at(step: Option<Step>, after: i64) -> (Watcher, Arc<Notify>) {
    let (left, stopped) = (AtomicI64::new(after), Arc::new(Notify::new()));
    let notify = Arc::clone(&stopped);
    let watcher: Watcher = Arc::new(move |reached| {
        let counts = step.is_none_or(|step| step == reached);
        if counts && left.fetch_sub(1, Ordering::SeqCst) <= 1 {
            notify.notify_one();
            return false;
        }
        true
    });
    (watcher, stopped)
}

async fn run_until_stopped(world: &mut World, step: Option<Step>, after: i64) {
    run_in_ranges_until_stopped(world, None, step, after).await;
}

async fn run_in_ranges_until_stopped(world: &mut World, range_rows: Option<usize>, step: Option<Step>, after: i64) {
    let (watcher, stopped) = stop_at(step, after);
    world.start_with(Options { watcher: Some(watcher), range_rows, ..Options::default() });
    tokio::time::timeout(PATIENCE, stopped.notified()).await.expect("the step never came");
    world.stop().await;
}

/// What an uninterrupted run decides, offset by offset: (visit start, pageviews so far) or the reason.
async fn check_visits(world: &World, records: &[Record]) {
    let rows = world
        .store
        .raw("SELECT offset, toUnixTimestamp64Milli(session_start), toUInt64(visit_pageviews), toString(drop_reason), appended_s FROM events WHERE log = 0 ORDER BY offset")
        .fetch_all::<(u64, i64, u64, String, i64)>()
        .await
        .unwrap();
    let mut assigner = Assigner::new(LogName::Live, Memory::share(1));
    for (offset, start, pageviews, reason, appended_s) in rows {
        let record = &records[usize::try_from(offset).unwrap()];
        let at = At { offset, appended_ms: appended_s * 1_000, yesterday: None, repeats_stored: false };
        match assigner.assign(at, &Facts::of(record), Arc::default) {
            Verdict::Counted(state) => {
                assert_eq!((start, pageviews, reason.as_str()), (state.start, u64::from(state.pageviews), ""), "offset {offset}");
            }
            Verdict::Dropped(expected) => assert_eq!(reason, expected.code(), "offset {offset}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_any_step_loses_and_doubles_nothing() {
    let mut world = World::new().await;
    let mut dice = Dice(7);
    let mut records = Vec::new();
    for step in Step::ALL.into_iter().filter(|step| *step != Step::PartSettled) {
        for _ in 0..2 {
            let more = dice.records(150);
            world.append(&more).await;
            records.extend(more);
            run_until_stopped(&mut world, Some(step), 1).await;
        }
    }
    world.start();
    world.settled(LogName::Live, records.len() as u64).await;
    world.check_each_once(LogName::Live, records.len() as u64).await;
    check_visits(&world, &records).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_stops_lose_and_double_nothing() {
    let mut world = World::new().await;
    let mut dice = Dice(11);
    let mut records = Vec::new();
    for _ in 0..40 {
        let more = dice.records(60);
        world.append(&more).await;
        records.extend(more);
        // Every start passes at least two steps: those of the replay, or those of a new range.
        let after = 1 + i64::try_from(dice.roll(2)).unwrap();
        run_until_stopped(&mut world, None, after).await;
    }
    world.start();
    world.settled(LogName::Live, records.len() as u64).await;
    world.check_each_once(LogName::Live, records.len() as u64).await;
    check_visits(&world, &records).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_is_half_stored_is_completed_by_position() {
    let mut world = World::new().await;
    let records = Dice(3).records(400);
    world.append(&records).await;
    run_until_stopped(&mut world, Some(Step::Inserted), 1).await;
    world.delete("events", "offset % 3 = 1").await;
    world.delete("sessions", "session_id % 2 = 1").await;
    world.start();
    world.settled(LogName::Live, 400).await;
    world.check_each_once(LogName::Live, 400).await;
    check_visits(&world, &records).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_while_the_next_range_is_made_lose_and_double_nothing() {
    let mut world = World::new().await;
    let mut dice = Dice(13);
    let mut records = Vec::new();
    for _ in 0..15 {
        let more = dice.records(400);
        world.append(&more).await;
        records.extend(more);
        let after = 1 + i64::try_from(dice.roll(12)).unwrap();
        run_in_ranges_until_stopped(&mut world, Some(50), None, after).await;
    }
    world.start_with(Options { range_rows: Some(500), ..Options::default() });
    world.settled(LogName::Live, records.len() as u64).await;
    world.check_each_once(LogName::Live, records.len() as u64).await;
    check_visits(&world, &records).await;
    world.stop().await;
}
