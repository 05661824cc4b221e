//! What is deleted is gone, and nothing else.

use footfall_query::Range;
use uuid::Uuid;

use crate::{
    days::{roll, worked_out},
    engine::{self, number},
    world::{DAY, HOUR, Traffic, rows, site},
};

const FROM: i64 = 1_792_800_000_000;

#[tokio::test]
async fn a_domain_and_an_import() {
    let store = engine::store().await;
    let import = Uuid::from_u128(77);
    let mut rows = rows(&Traffic { seed: 51, visits: 200, from: FROM, to: FROM + DAY });
    for row in &mut rows {
        // Whole visits, as an import keeps to itself.
        if row.visit.key % 4 == 1 {
            row.import = Some(import);
        }
    }
    store.insert_events(&rows, "all").await.unwrap();
    roll(&store).await;
    let everything = Range::new(FROM - DAY, FROM + 7 * DAY);
    assert!(!worked_out(&store, everything).await.is_empty());
    // Deletions are carried out like merges.
    for table in ["events", "sessions", "dead_letters"] {
        engine::run(&store, &format!("SYSTEM START MERGES {table}")).await;
    }
    let count = |table: &'static str, condition: String| {
        let store = store.clone();
        async move { number(&store, &format!("SELECT count() FROM {table} WHERE {condition}")).await }
    };
    let of_import = rows.iter().filter(|row| row.import.is_some() && row.site == site(1)).count() as u64;
    let hours: std::collections::BTreeSet<i64> =
        rows.iter().filter(|row| row.import.is_some() && row.site == site(1)).map(|row| row.ts / HOUR * HOUR).collect();
    assert!(of_import > 0);
    assert_eq!(store.hours_of_import(site(1), import).await.unwrap(), hours.into_iter().collect::<Vec<_>>());

    store.delete_import(site(1), import).await.unwrap();
    assert!(worked_out(&store, everything).await.is_empty(), "figures of days with rows that are gone");
    assert!(roll(&store).await > 0);
    let kept = "SELECT sum(pageviews) FROM day_figures WHERE kind = 'event:page' AND (site_id, day, build) IN (SELECT site_id, day, max(build) FROM rolled_days GROUP BY site_id, day)";
    let counted = count("events", "name = 'pageview' AND drop_reason = '' AND bot = ''".to_owned()).await;
    assert_eq!(number(&store, kept).await, counted);
    let rest = rows.len() as u64 - of_import;
    assert_eq!(count("events", "1".to_owned()).await, rest);
    assert_eq!(count("sessions", format!("site_id = toUUID('{}') AND import_id != toUUID('{}')", site(1), Uuid::nil())).await, 0);
    assert!(count("sessions", format!("site_id = toUUID('{}') AND import_id != toUUID('{}')", site(2), Uuid::nil())).await > 0);

    store.delete_site(site(2)).await.unwrap();
    for table in ["events", "sessions", "day_changes", "day_figures", "rolled_days"] {
        assert_eq!(count(table, format!("site_id = toUUID('{}')", site(2))).await, 0);
        assert!(count(table, format!("site_id = toUUID('{}')", site(1))).await > 0);
    }
}

#[tokio::test]
async fn what_arrived_before_a_moment() {
    let store = engine::store().await;
    let mut rows = rows(&Traffic { seed: 52, visits: 200, from: FROM, to: FROM + DAY });
    // Half of each visit arrives after the moment.
    let moment = FROM + 10 * DAY;
    for row in &mut rows {
        row.appended = if row.position.offset % 2 == 0 { moment - 1 } else { moment };
    }
    store.insert_events(&rows, "all").await.unwrap();
    roll(&store).await;
    for table in ["events", "sessions", "dead_letters"] {
        engine::run(&store, &format!("SYSTEM START MERGES {table}")).await;
    }
    let of = |table: &str, what: &str, n: u32| format!("SELECT {what} FROM {table} WHERE site_id = toUUID('{}')", site(u128::from(n)));
    let others = number(&store, &of("events", "count()", 2)).await;
    let (before, after) = (|row: &&_| is_of(row, 1, moment - 1), |row: &&_| is_of(row, 1, moment));
    let (gone, kept) = (rows.iter().filter(before).count(), rows.iter().filter(after).count() as u64);
    assert!(gone > 0 && kept > 0 && others > 0);

    // A second time changes nothing more.
    for _ in 0..2 {
        store.clear_site(site(1), moment / 1_000).await.unwrap();
        assert_eq!(number(&store, &of("events", "count()", 1)).await, kept);
        let visits = "uniqExact(session_id)";
        let with_rows = format!("{} AND drop_reason = '' AND name != 'engagement'", of("events", visits, 1));
        assert_eq!(number(&store, &of("sessions", visits, 1)).await, number(&store, &with_rows).await);
        assert_eq!(number(&store, &of("day_figures", "count()", 1)).await, 0);
        let hours: std::collections::BTreeSet<i64> = rows.iter().filter(after).map(|row| row.ts / HOUR * HOUR).collect();
        assert_eq!(store.hours_of_site(site(1)).await.unwrap(), hours.into_iter().collect::<Vec<_>>());
    }
    assert_eq!(number(&store, &of("events", "count()", 2)).await, others, "another domain");
    assert!(number(&store, &of("day_figures", "count()", 2)).await > 0);

    // Everything, once the moment is late enough.
    store.clear_site(site(1), moment / 1_000 + 1).await.unwrap();
    for table in ["events", "sessions", "day_changes", "day_figures", "rolled_days"] {
        assert_eq!(number(&store, &of(table, "count()", 1)).await, 0, "{table}");
    }
}

fn is_of(row: &footfall_store::EventRow, number: u128, appended: i64) -> bool {
    row.site == site(number) && row.appended == appended
}
