//! What is deleted is gone, and nothing else.

use uuid::Uuid;

use crate::{
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
    let rest = rows.len() as u64 - of_import;
    assert_eq!(count("events", "1".to_owned()).await, rest);
    assert_eq!(count("sessions", format!("site_id = toUUID('{}') AND import_id != toUUID('{}')", site(1), Uuid::nil())).await, 0);
    assert!(count("sessions", format!("site_id = toUUID('{}') AND import_id != toUUID('{}')", site(2), Uuid::nil())).await > 0);

    store.delete_site(site(2)).await.unwrap();
    for table in ["events", "sessions"] {
        assert_eq!(count(table, format!("site_id = toUUID('{}')", site(2))).await, 0);
        assert!(count(table, format!("site_id = toUUID('{}')", site(1))).await > 0);
    }
}
