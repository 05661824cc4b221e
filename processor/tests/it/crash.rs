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
use footfall_store::Shard;
use footfall_testkit::{eventually, proxy::Proxy};
use tokio::sync::Notify;

use crate::world::{Dice, PATIENCE, World};

const LIVE: Shard = Shard { log: LogName::Live, generation: 0, partition: 0 };

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

/// What a store leaves that was killed after it noted the token of an insert and before the rows were in place: a token without rows.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_store_knows_without_its_rows_costs_none() {
    let mut world = World::new().await;
    let mut dice = Dice(17);
    let mut records = Vec::new();
    for lost in [&["events"][..], &["sessions"], &["events", "sessions"]] {
        let (more, from) = (dice.records(200), records.len());
        world.append(&more).await;
        records.extend(more);
        run_until_stopped(&mut world, Some(Step::Inserted), 1).await;
        assert_eq!(world.number(&format!("SELECT count() FROM events WHERE offset >= {from}")).await, 200);
        if lost.contains(&"events") {
            world.delete("events", &format!("offset >= {from}")).await;
        }
        if lost.contains(&"sessions") {
            world.delete("sessions", "1").await;
            world.store.repush_sessions(LIVE, 0, from as u64 - u64::from(from > 0)).await.unwrap();
        }
        world.start();
        world.settled(LogName::Live, records.len() as u64).await;
        world.stop().await;
    }
    world.check_each_once(LogName::Live, records.len() as u64).await;
    check_visits(&world, &records).await;
}

/// The answer to an insert is lost; when the store is there again it has the rows, or a token only, or part of them, or the rows without the token.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_insert_stores_each_row_once_whatever_the_store_kept() {
    let proxy = Proxy::bind().await.unwrap();
    let mut world = World::behind(&proxy).await;
    let mut dice = Dice(19);
    let mut records = dice.records(100);
    world.append(&records).await;
    world.start();
    world.settled(LogName::Live, 100).await;
    for kept in ["all", "the token", "a part", "no visits", "no token"] {
        let (more, from) = (dice.records(150), records.len());
        records.extend(more.iter().cloned());
        proxy.swallow_answers();
        world.append(&more).await;
        let text = format!("SELECT count() FROM events WHERE offset >= {from}");
        let arrived = eventually(PATIENCE, async || (world.number(&text).await > 0).then_some(())).await;
        arrived.expect("the insert never arrived");
        proxy.refuse();
        match kept {
            "the token" => world.delete("events", &format!("offset >= {from}")).await,
            "a part" => world.delete("events", &format!("offset >= {from} AND offset % 3 = 0")).await,
            "no visits" => world.delete("sessions", "1").await,
            "no token" => {
                for window in [0, 10_000] {
                    let forget = format!("ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = {window}");
                    world.store.raw(&forget).execute().await.unwrap();
                }
            }
            _ => {}
        }
        if kept == "no visits" {
            world.store.repush_sessions(LIVE, 0, from as u64 - 1).await.unwrap();
        }
        proxy.resume();
        world.settled(LogName::Live, records.len() as u64).await;
        world.check_each_once(LogName::Live, records.len() as u64).await;
    }
    check_visits(&world, &records).await;
    world.stop().await;
}
