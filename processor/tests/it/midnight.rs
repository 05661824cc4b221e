//! A visit that crosses midnight, over a restart, with real salts.

use chrono::{Days, NaiveTime, Utc};
use footfall_enrich::visitor::{Previous, Salt};
use footfall_model::{Hash64, LogName, Record};

use crate::world::{MINUTE, World, site};

fn at(ts: i64, visitor: u64) -> Record {
    let mut record = Record::pageview(site(1), Hash64(visitor), ts, "/");
    record.received = ts;
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_under_the_new_days_key_and_nothing_durable_says_so() {
    let mut world = World::new().await;
    let today = Utc::now().date_naive();
    let midnight = today.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
    let salt = Salt::new(world.meta.salt_for(today).await.unwrap());

    let evening = at(midnight - MINUTE, 1);
    let mut morning = at(midnight + MINUTE, 2);
    morning.previous = salt.seal_previous(site(1), morning.visitor, Previous { visitor: Hash64(1), session: None });
    assert!(morning.previous.is_some());
    world.start();
    let next = world.append(&[evening, morning]).await;
    world.settled(LogName::Live, next).await;
    world.stop().await;
    world.start();
    let next = world.append(&[at(midnight + 20 * MINUTE, 2), at(midnight + 45 * MINUTE, 2)]).await;
    world.settled(LogName::Live, next).await;

    world.check_each_once(LogName::Live, 4).await;
    assert_eq!(world.number("SELECT toUInt64(max(visit_pageviews)) FROM events").await, 4, "one visit of four pageviews");
    assert_eq!(world.number("SELECT countIf(visitor_id = 1) FROM events").await, 4, "it keeps the visitor of its first event");
    assert_eq!(world.number("SELECT countIf(alias = '') FROM events").await, 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_salt_the_visit_ends_at_midnight() {
    let mut world = World::new().await;
    let long_ago = Utc::now().date_naive().checked_sub_days(Days::new(9)).unwrap();
    let midnight = long_ago.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
    let mut morning = at(midnight + MINUTE, 2);
    morning.previous = Salt::new([9; 16]).seal_previous(site(1), morning.visitor, Previous { visitor: Hash64(1), session: None });
    let next = world.append(&[at(midnight - MINUTE, 1), morning]).await;
    world.start();
    world.settled(LogName::Live, next).await;
    assert_eq!(world.number("SELECT count() FROM sessions FINAL").await, 2);
    world.stop().await;
}
