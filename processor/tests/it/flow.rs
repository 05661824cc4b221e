//! The way of records into the store.

use std::sync::Arc;

use bytes::Bytes;
use footfall_log::Entry;
use footfall_model::{Hash64, LogName};
use footfall_processor::Told;
use tokio_util::sync::CancellationToken;

use crate::world::{Dice, MINUTE, World, append, append_entries, now, open_logs, pageview, settled, site, with_id};

#[tokio::test(flavor = "multi_thread")]
async fn records_become_rows_with_their_visits() {
    let mut world = World::new().await;
    world.start();
    let mut late = pageview(7, "/b");
    late.ts -= 5 * MINUTE;
    late.source = "ignored, as the visit has one".to_owned();
    let mut first = pageview(7, "/a");
    first.source = "Google".to_owned();
    first.props.insert("plan".to_owned(), "pro".to_owned());
    let mut ping = pageview(8, "/a");
    ping.name = "engagement".to_owned();
    let next = world.append(&[first, late, pageview(9, "/a"), ping]).await;
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 4).await;
    assert_eq!(world.number("SELECT count() FROM sessions FINAL").await, 2);
    assert_eq!(world.number("SELECT countIf(source = 'Google') FROM events").await, 2);
    assert_eq!(world.number("SELECT countIf(drop_reason = 'no_visit') FROM drops").await, 1);
    assert_eq!(world.number("SELECT count() FROM events WHERE props['plan'] = 'pro'").await, 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_counts_once_even_across_a_restart() {
    let mut world = World::new().await;
    world.start();
    let next = world.append(&[with_id(pageview(1, "/"), 5), with_id(pageview(1, "/"), 5), with_id(pageview(1, "/"), 6)]).await;
    world.settled(LogName::Live, next).await;
    world.stop().await;
    world.start();
    let next = world.append(&[with_id(pageview(1, "/"), 6), with_id(pageview(1, "/"), 7)]).await;
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 5).await;
    assert_eq!(world.number("SELECT countIf(drop_reason = 'duplicate_id') FROM events").await, 2);
    assert_eq!(world.number("SELECT count() FROM sessions FINAL").await, 1, "the visit goes on after the restart");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_record_becomes_a_dead_letter() {
    let mut world = World::new().await;
    world.append(&[pageview(1, "/")]).await;
    let bad = |text: &'static [u8]| Entry { key: site(1), payload: Bytes::from_static(text) };
    append_entries(&*world.log, vec![bad(b"{"), bad(b"\xff\x00"), bad(br#"{"v":1}"#), bad(b"")]).await;
    let next = world.append(&[pageview(1, "/")]).await;
    world.start();
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 6).await;
    assert_eq!(world.number("SELECT countIf(reason = 'undecodable') FROM dead_letters").await, 4);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_makes_few_parts() {
    let mut world = World::new().await;
    let mut dice = Dice(1);
    let mut next = 0;
    for _ in 0..30 {
        next = world.append(&dice.records(1_000)).await;
    }
    world.start();
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 30_000).await;
    let parts = world.number("SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND active").await;
    assert!(parts <= 12, "{parts} parts");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watermark_follows_a_quiet_log() {
    let mut world = World::new().await;
    world.start();
    let next = world.append(&[pageview(1, "/")]).await;
    world.settled(LogName::Live, next).await;
    let then = now();
    // As another process of the installation sees it.
    let live = Arc::clone(&world.live);
    let told = Told::follow(live, CancellationToken::new()).await.unwrap();
    let mut watermark = told.progress(LogName::Live);
    let moved = watermark.wait_for(|progress| progress.watermark_ms().is_some_and(|at| at > then));
    tokio::time::timeout(crate::world::PATIENCE, moved).await.unwrap().unwrap();
    let version = told.version(site(1));
    assert_ne!(version, told.version(site(2)), "only what was touched has a version");
    let next = world.append(&[pageview(2, "/")]).await;
    let moved = watermark.wait_for(|progress| settled(progress) >= next);
    tokio::time::timeout(crate::world::PATIENCE, moved).await.unwrap().unwrap();
    assert_ne!(version, told.version(site(1)), "who sees the progress sees that the data changed");
    assert!(world.running.as_ref().unwrap().health().iter().all(|(_, fault)| fault.is_none()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_replaced_counts_apart() {
    let mut world = World::new().await;
    world.start();
    let next = world.append(&[pageview(1, "/"), pageview(2, "/")]).await;
    world.settled(LogName::Live, next).await;
    world.stop().await;
    close_logs(&world).await;
    std::fs::remove_dir_all(world.dir.path().join("log")).unwrap();
    (world.log, world.import) = open_logs(world.dir.path()).await;

    let next = append(&*world.log, &[pageview(3, "/"), pageview(4, "/"), pageview(5, "/")]).await;
    world.start();
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 5).await;
    assert_eq!(world.number("SELECT countIf(generation = 1) FROM events").await, 3);
    assert_eq!(world.meta.log_generation(LogName::Live, 0).await.unwrap(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_commit_is_found_by_the_record_at_the_highest_position() {
    let mut world = World::new().await;
    world.append(&[pageview(1, "/"), pageview(1, "/x"), pageview(2, "/")]).await;
    // The log as it was before the commit comes back after it.
    let (log, before) = (world.dir.path().join("log"), world.dir.path().join("before"));
    close_logs(&world).await;
    let copied = std::process::Command::new("cp").arg("-r").args([&log, &before]).status().unwrap();
    assert!(copied.success());
    (world.log, world.import) = open_logs(world.dir.path()).await;
    world.start();
    world.settled(LogName::Live, 3).await;
    world.stop().await;
    close_logs(&world).await;
    std::fs::remove_dir_all(&log).unwrap();
    std::fs::rename(&before, &log).unwrap();
    (world.log, world.import) = open_logs(world.dir.path()).await;
    let next = world.append(&[pageview(1, "/y")]).await;
    world.start();
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 4).await;
    assert_eq!(world.number("SELECT toUInt64(max(visit_pageviews)) FROM events WHERE visitor_id = 1").await, 3, "the visit goes on");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_partition_per_month_does_not_break_a_range() {
    let mut world = World::new().await;
    let records: Vec<_> = (0..130_u64)
        .map(|month| {
            let mut record = pageview(month, "/");
            record.visitor = Hash64(month);
            record.ts = 1_000_000_000_000 + i64::try_from(month).unwrap() * 31 * 24 * 60 * MINUTE;
            record
        })
        .collect();
    let next = world.append(&records).await;
    world.start();
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 130).await;
    world.stop().await;
}

async fn close_logs(world: &World) {
    world.log.close().await;
    world.import.close().await;
}
