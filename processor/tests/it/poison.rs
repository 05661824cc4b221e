//! Rows that the store refuses: found by halving, buried with their reason, and the visits go on without them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use footfall_model::LogName;
use footfall_processor::{Options, steps::Watcher};
use tokio::sync::Notify;

use crate::world::{Dice, PATIENCE, World, pageview, settled};

async fn refuse_poison(world: &World) {
    world.store.raw("ALTER TABLE events ADD CONSTRAINT no_poison CHECK path != '/poison'").execute().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_row_costs_only_itself() {
    let mut world = World::new().await;
    refuse_poison(&world).await;
    let mut records = Dice(5).records(200);
    // It would have started the visit that the next pageview now starts.
    records[3] = pageview(999, "/poison");
    records[4] = pageview(999, "/");
    records[150] = pageview(999, "/poison");
    let next = world.append(&records).await;
    world.start();
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 200).await;
    assert_eq!(world.number("SELECT countIf(reason = 'refused_by_store' AND offset IN (3, 150)) FROM dead_letters").await, 2);
    assert_eq!(world.number("SELECT count() FROM dead_letters").await, 2);
    assert_eq!(world.number("SELECT toUInt64(visit_pageviews) FROM events WHERE offset = 4").await, 1);

    let next = world.append(&[pageview(999, "/later")]).await;
    world.settled(LogName::Live, next).await;
    assert_eq!(world.number("SELECT toUInt64(max(visit_pageviews)) FROM events WHERE visitor_id = 999").await, 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_range_made_during_a_refused_insert_is_made_again() {
    let mut world = World::new().await;
    refuse_poison(&world).await;
    let mut records = Dice(8).records(600);
    // The visit that each would have started or prolonged goes on in the next range.
    for (bad, after) in [(60, 130), (299, 300), (310, 360)] {
        records[bad] = pageview(900 + bad as u64, "/poison");
        records[after] = pageview(900 + bad as u64, "/");
    }
    let next = world.append(&records).await;
    world.start_with(Options { range_rows: Some(100), ..Options::default() });
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 600).await;
    assert_eq!(world.number("SELECT countIf(reason = 'refused_by_store' AND offset IN (60, 299, 310)) FROM dead_letters").await, 3);
    assert_eq!(world.number("SELECT countIf(visit_pageviews = 1) FROM events WHERE offset IN (130, 300, 360)").await, 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_while_poison_is_sought_lose_and_double_nothing() {
    let mut world = World::new().await;
    refuse_poison(&world).await;
    let mut records = Dice(6).records(64);
    for bad in [0, 20, 21, 63] {
        records[bad] = pageview(998, "/poison");
    }
    let next = world.append(&records).await;
    // One step further at every start: each boundary of the search is a place to stop once.
    for stop_after in 1..40_u64 {
        let (steps, stopped, done) = (AtomicU64::new(0), Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (notify, is_done) = (Arc::clone(&stopped), Arc::clone(&done));
        let watcher: Watcher = Arc::new(move |_| {
            let stop = steps.fetch_add(1, Ordering::SeqCst) + 1 >= stop_after;
            if stop {
                is_done.store(true, Ordering::SeqCst);
                notify.notify_one();
            }
            !stop
        });
        world.start_with(Options { watcher: Some(watcher), ..Options::default() });
        let mut progress = world.running.as_ref().unwrap().progress(LogName::Live);
        let settled = progress.wait_for(|progress| settled(progress) >= next);
        let ended = async {
            tokio::select! {
                () = stopped.notified() => false,
                _ = settled => true,
            }
        };
        let settled = tokio::time::timeout(PATIENCE, ended).await.expect("neither stopped nor settled");
        world.stop().await;
        if settled {
            break;
        }
    }
    world.start();
    world.settled(LogName::Live, next).await;
    world.check_each_once(LogName::Live, 64).await;
    assert_eq!(world.number("SELECT uniqExact(offset) FROM dead_letters").await, 4);
    world.stop().await;
}
