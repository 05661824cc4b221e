//! Migrations run once, can be interrupted, and read the same for one machine and for a cluster.

use footfall_store::{Endpoint, Store, ddl::Flavour, migrate::MIGRATIONS};

use crate::engine::{self, number, run};

fn statements(flavour: &Flavour) -> Vec<String> {
    [flavour.database("footfall"), flavour.schema_migrations()]
        .into_iter()
        .chain(MIGRATIONS.iter().flat_map(|migration| (migration.statements)(flavour)))
        .collect()
}

#[test]
fn on_one_machine() {
    insta::assert_snapshot!(statements(&Flavour::Single).join(";\n\n"));
}

#[test]
fn on_a_cluster() {
    insta::assert_snapshot!(statements(&Flavour::Cluster("footfall".to_owned())).join(";\n\n"));
}

#[tokio::test]
async fn the_clusters_statements_are_understood() {
    let store = engine::store().await;
    for statement in statements(&Flavour::Cluster("it's".to_owned())) {
        let parsed = store.raw(&format!("EXPLAIN AST {statement}")).fetch_all::<String>().await;
        assert!(parsed.is_ok_and(|lines| lines.len() > 1), "{statement}");
    }
    // What else only a cluster is told.
    let sync = store.raw("EXPLAIN AST SYSTEM SYNC REPLICA events LIGHTWEIGHT").fetch_all::<String>().await;
    assert!(sync.is_ok_and(|lines| !lines.is_empty()));
}

/// Beyond the parser: the engine accepts everything about the tables but that it has no keeper, and knows the settings.
#[tokio::test]
async fn the_clusters_tables_lack_nothing_but_a_keeper() {
    let store = engine::store().await;
    for statement in statements(&Flavour::Cluster("footfall".to_owned())) {
        let alone = statement.replace(" ON CLUSTER 'footfall'", "").replace("{shard}", "1").replace("{replica}", "a");
        let alone = alone.replace("IF NOT EXISTS ", "IF NOT EXISTS other_");
        if statement.contains("Replicated") {
            let error =
                store.raw(&alone).with_setting("allow_suspicious_low_cardinality_types", "1").execute().await.unwrap_err().to_string();
            assert!(error.contains("NO_ZOOKEEPER") || error.contains("Code: 225"), "{error}");
        }
    }
    let known = "SELECT count() FROM system.settings WHERE name IN ('insert_quorum', 'insert_quorum_parallel', 'insert_quorum_timeout')";
    assert_eq!(number(&store, known).await, 3);
    let known = "SELECT count() FROM system.replicated_merge_tree_settings \
                 WHERE name IN ('replicated_deduplication_window', 'replicated_deduplication_window_seconds', 'fsync_after_insert', 'fsync_part_directory')";
    assert_eq!(number(&store, known).await, 4);
}

#[tokio::test]
async fn migrations_run_once_and_resume() {
    let endpoint = engine::endpoint().await;
    let store = Store::connect(&endpoint);
    assert_eq!(store.pending_migrations().await.unwrap().len(), MIGRATIONS.len());
    assert_eq!(store.migrate().await.unwrap().len(), MIGRATIONS.len());
    assert!(store.migrate().await.unwrap().is_empty());
    assert!(store.pending_migrations().await.unwrap().is_empty());
    // As if it had been interrupted before the last statement and the note.
    run(&store, "TRUNCATE TABLE schema_migrations").await;
    run(&store, "DROP TABLE dead_letters").await;
    assert_eq!(store.migrate().await.unwrap().len(), MIGRATIONS.len());
    assert_eq!(number(&store, "SELECT count() FROM dead_letters").await, 0);
    store.ping().await.unwrap();
    assert_eq!(store.all_events().await.unwrap(), 0);
}

/// What runs `ON CLUSTER` waits for servers that may be away; here there is no cluster at all.
#[tokio::test]
async fn a_start_with_nothing_to_migrate_asks_no_cluster() {
    let mut endpoint = engine::endpoint().await;
    endpoint.cluster = Some("nowhere".to_owned());
    let clustered = Store::connect(&endpoint);
    assert!(clustered.migrate().await.is_err(), "there are tables to be made");
    Store::connect(&Endpoint { cluster: None, ..endpoint }).migrate().await.unwrap();
    assert!(clustered.migrate().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let store = engine::store().await;
    run(&store, "INSERT INTO schema_migrations (number, name) SELECT 4000000000, 'from the future'").await;
    let error = store.migrate().await.unwrap_err().to_string();
    assert!(error.contains("migration 4000000000") && error.contains("run the newer version"), "{error}");
}

#[tokio::test]
async fn a_schema_from_before_the_first_release_is_refused() {
    let store = engine::store().await;
    run(&store, "TRUNCATE TABLE schema_migrations").await;
    run(&store, "INSERT INTO schema_migrations (number, name) SELECT 1, 'of old'").await;
    for error in [store.migrate().await.unwrap_err(), store.pending_migrations().await.unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains("before the first release") && error.contains("another data folder"), "{error}");
    }
}

#[tokio::test]
async fn the_view_of_drops_shows_what_does_not_count() {
    let store = engine::store().await;
    let rows = crate::world::rows(&crate::world::Traffic { seed: 61, visits: 200, from: 1_792_800_000_000, to: 1_792_890_000_000 });
    store.insert_events(&rows, "t").await.unwrap();
    let dropped = rows.iter().filter(|row| row.drop_reason.is_some()).count() as u64;
    assert!(dropped > 0);
    assert_eq!(number(&store, "SELECT count() FROM drops").await, dropped);
}
