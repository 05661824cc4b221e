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
