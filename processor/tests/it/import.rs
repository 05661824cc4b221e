//! The import log: the same path, visits of its own, ids looked up in the store.

use footfall_model::{Hash64, LogName, Record};
use footfall_testkit::eventually;
use uuid::Uuid;

use crate::world::{MINUTE, PATIENCE, World, append, now, pageview, site, with_id};

fn lines(job: Uuid, from: u128, count: u128) -> Vec<Record> {
    (from..from + count)
        .map(|line| {
            let ts = 1_600_000_000_000 + i64::try_from(line).unwrap() * MINUTE;
            let mut record = Record::pageview(site(1), Hash64(u64::try_from(line % 3).unwrap()), ts, "/");
            record.import = Some(job);
            record.received = now();
            with_id(record, 1_000 + line)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_job_doubles_nothing() {
    let mut world = World::new().await;
    let job = Uuid::from_u128(77);
    world.start();
    let next = append(&*world.import, &lines(job, 0, 300)).await;
    world.settled(LogName::Import, next).await;
    world.stop().await;
    world.start();
    // It cannot know where it was and begins a little earlier; one line even comes twice.
    let mut again = lines(job, 200, 300);
    again.push(again[299].clone());
    let next = append(&*world.import, &again).await;
    world.settled(LogName::Import, next).await;
    world.check_each_once(LogName::Import, 601).await;
    assert_eq!(world.number("SELECT countIf(drop_reason = '') FROM events").await, 500);
    assert_eq!(world.number("SELECT countIf(drop_reason = 'duplicate_id') FROM events").await, 101);
    assert_eq!(world.number(&format!("SELECT count() FROM events WHERE import_id = toUUID('{job}')")).await, 601);
    assert_eq!(world.number("SELECT count() FROM sessions FINAL").await, 3, "each person's visit goes on over the restart");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_counted_live_is_not_imported_again() {
    let mut world = World::new().await;
    world.start();
    let event = with_id(pageview(1, "/"), 5);
    let next = world.append(std::slice::from_ref(&event)).await;
    world.settled(LogName::Live, next).await;
    let next = append(&*world.import, &[event]).await;
    world.settled(LogName::Import, next).await;
    assert_eq!(world.number("SELECT countIf(drop_reason = '') FROM events").await, 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_rows_of_the_last_half_hour_show_live() {
    let mut world = World::new().await;
    world.start();
    let next = world.append(&[pageview(1, "/")]).await;
    world.settled(LogName::Live, next).await;
    let mut record = pageview(2, "/imported");
    record.ts -= 3 * MINUTE;
    record.import = Some(Uuid::from_u128(78));
    append(&*world.import, &[record]).await;
    let shown = eventually(PATIENCE, async || {
        let view = world.live.view(site(1), now(), 10).await.unwrap();
        (view.pageviews == 2).then_some(())
    })
    .await;
    assert!(shown.is_some());
    world.stop().await;
}
