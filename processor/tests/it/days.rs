//! Figures of whole days follow what is stored.

use std::time::Duration;

use footfall_model::LogName;
use footfall_processor::Options;
use footfall_store::DaysWanted;
use footfall_testkit::eventually;

use crate::world::{Dice, PATIENCE, World, pageview};

const DAY: i64 = 24 * 60 * 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn days_that_ended_are_worked_out_and_anew_after_late_events() {
    let mut world = World::new().await;
    let quick = (DaysWanted { events: 1, quiet: Duration::ZERO }, Duration::from_millis(20));
    world.start_with(Options { days: Some(quick), ..Options::default() });
    let mut dice = Dice(31);
    let mut records = dice.records(200);
    for record in &mut records {
        record.ts -= 2 * DAY;
    }
    let next = world.append(&records).await;
    world.settled(LogName::Live, next).await;
    let listed = "SELECT count() FROM rolled_days WHERE (site_id, day, changed) IN (SELECT site_id, day, sum(changes) FROM day_changes GROUP BY site_id, day)";
    let days = "SELECT count() FROM (SELECT 1 FROM day_changes WHERE day < intDiv(toUnixTimestamp(now()), 86400) GROUP BY site_id, day HAVING sum(events) > 0)";
    for _ in 0..2 {
        let worked_out = eventually(PATIENCE, async || (world.number(listed).await == world.number(days).await).then_some(())).await;
        assert!(worked_out.is_some(), "{} of {} days", world.number(listed).await, world.number(days).await);
        assert!(world.number("SELECT count() FROM day_figures").await > 0);
        let mut late = pageview(1, "/late");
        late.ts -= 2 * DAY;
        let next = world.append(&[late]).await;
        world.settled(LogName::Live, next).await;
    }
    let late = "SELECT sum(pageviews) FROM day_figures WHERE kind = 'event:page' AND value = '/late' \
                AND (site_id, day, build) IN (SELECT site_id, day, max(build) FROM rolled_days GROUP BY site_id, day)";
    let counted = eventually(PATIENCE, async || (world.number(late).await == 2).then_some(())).await;
    assert!(counted.is_some(), "{}", world.number(late).await);
    world.stop().await;
}
