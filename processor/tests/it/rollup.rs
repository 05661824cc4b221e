//! Hourly aggregates equal the rows.

use footfall_model::{LogName, SiteId};
use footfall_processor::Options;
use footfall_testkit::eventually;

use crate::world::{Dice, PATIENCE, World, now, pageview, site};

const HOUR: i64 = 60 * 60_000;

fn quick() -> Options {
    Options { rollup_every: Some(std::time::Duration::from_millis(20)), ..Options::default() }
}

async fn aggregated(world: &World, site: SiteId) -> u64 {
    let totals = world.meta.hourly_totals(site, now() - 48 * HOUR, now() + HOUR).await.unwrap();
    totals.iter().map(|(_, figures)| figures.pageviews).sum()
}

async fn equals_raw(world: &World, site: SiteId) {
    let raw = world
        .number(&format!(
            "SELECT countIf(name = 'pageview' AND bot = '') FROM events WHERE drop_reason = '' AND site_id = toUUID('{site}')"
        ))
        .await;
    let equal = eventually(PATIENCE, async || (aggregated(world, site).await == raw).then_some(())).await;
    assert!(equal.is_some(), "raw {raw}, aggregated {}", aggregated(world, site).await);
    let (pages, _) = world.meta.hourly_pages(site, now() - 48 * HOUR, now() + HOUR, 1_000, 0).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.pageviews.unsigned_abs()).sum::<u64>(), raw, "the paths add up to the total");
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregates_equal_rows_after_a_restart_too() {
    let mut world = World::new().await;
    let mut dice = Dice(21);
    world.start_with(quick());
    let next = world.append(&dice.records(500)).await;
    world.settled(LogName::Live, next).await;
    equals_raw(&world, site(1)).await;
    equals_raw(&world, site(2)).await;
    world.stop().await;

    // Stored while nobody rolls up: as after a crash between commit and roll-up.
    world.start_with(Options { rollup_every: Some(std::time::Duration::from_secs(3_600)), ..Options::default() });
    let mut yesterday = pageview(1, "/old");
    yesterday.ts -= 24 * HOUR;
    let next = world.append(&[yesterday]).await;
    world.settled(LogName::Live, next).await;
    world.stop().await;

    world.start_with(quick());
    let next = world.append(&dice.records(300)).await;
    world.settled(LogName::Live, next).await;
    equals_raw(&world, site(1)).await;
    equals_raw(&world, site(2)).await;
    let progress = world.running.as_ref().unwrap().progress(LogName::Live).borrow().clone();
    let cursor = eventually(PATIENCE, async || {
        let cursor = world.meta.rollup_cursor(LogName::Live, progress.partitions[&0].generation, 0).await.unwrap();
        (cursor == Some(next)).then_some(())
    })
    .await;
    assert!(cursor.is_some());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_rows_leave_the_aggregates() {
    let mut world = World::new().await;
    world.start_with(quick());
    let next = world.append(&[pageview(1, "/"), pageview(2, "/")]).await;
    world.settled(LogName::Live, next).await;
    equals_raw(&world, site(1)).await;
    world.delete("events", "visitor_id = 2").await;
    let hour = now() - now().rem_euclid(HOUR);
    footfall_processor::changed(&world.meta, &world.store, &*world.live, &[(site(1), hour), (site(1), hour - HOUR)]).await.unwrap();
    equals_raw(&world, site(1)).await;
    assert_eq!(aggregated(&world, site(1)).await, 1);
    world.stop().await;
}
