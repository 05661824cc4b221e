//! The move from one machine.

use footfall_testkit::{App, AppOptions, eventually};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    load::{self, DOMAINS, Load, SETTLED},
    shared::{BINARY, Shared},
};

#[tokio::test(flavor = "multi_thread")]
async fn one_machine_moves_to_a_cluster_while_it_accepts() {
    let shared = Shared::start().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = shared.settings(folder.path());
    let mut old = App::start(AppOptions::alone(BINARY)).await.unwrap();
    load::add_domains(&old).await;
    let key = old.key(DOMAINS[0], "stats:read").await.unwrap();
    old.run(&["seed", "--domain", DOMAINS[1], "--days", "40", "--events", "3000"]).await.unwrap();
    let mut rng = StdRng::seed_from_u64(11);
    let load = Load::start(vec![old.url("")], &mut rng);
    assert!(load.flows().await);

    // Cut off in the middle; a repetition goes on.
    let to = settings.to_str().unwrap().to_owned();
    let promote = ["promote", "--to", to.as_str()];
    let (_, ()) = tokio::join!(old.command(&promote, None), async {
        let begun = eventually(SETTLED, async || old.data().join("promotion.json").exists().then_some(())).await;
        begun.expect("the promotion begins");
        footfall_testkit::process::kill_group(old.pid().unwrap(), "KILL").await.unwrap();
    });
    old.kill().await.unwrap();
    old.resume().await.unwrap();
    *load.bases.lock().unwrap() = vec![old.url("")];
    assert!(load.flows().await);
    let promoted = old.command(&promote, None).await.unwrap();
    let (said, error) = (String::from_utf8_lossy(&promoted.stdout), String::from_utf8_lossy(&promoted.stderr));
    // The kill may have come after everything was compared: then the restart forwards already.
    assert!(promoted.status.success() || error.contains("promoted already"), "{said}{error}; log:\n{}", old.log());
    assert!(load.flows().await, "the old server accepts on; log:\n{}", old.log());
    let seeded = old.command(&["seed", "--domain", DOMAINS[2], "--events", "100"], None).await.unwrap();
    let refusal = String::from_utf8_lossy(&seeded.stderr).into_owned();
    assert!(refusal.contains("give the file to the cluster"), "an import that nobody would store is refused: {refusal}");

    let (processor, web) = tokio::join!(App::start(shared.role("capture,processor")), App::start(shared.role("query,auth")));
    let (processor, web) = (processor.unwrap(), web.unwrap());
    // Also over a restart of the old server.
    old.kill().await.unwrap();
    old.resume().await.unwrap();
    *load.bases.lock().unwrap() = vec![old.url("")];
    assert!(load.flows().await, "the old server forwards again; log:\n{}", old.log());
    let ledger = load.stop().await;
    let logs = || format!("{}\n── processor\n{}", old.log(), processor.log());
    load::settle(&web, &old, &logs).await;
    let number = async |sql: &str| web.sql(sql).await.unwrap().parse::<u64>().unwrap();
    assert!(number("SELECT countIf(name != 'engagement') FROM footfall.events WHERE drop_reason = '' AND log = 1").await > 0);
    let stored: std::collections::HashSet<String> =
        web.sql("SELECT toString(event_id) FROM footfall.events WHERE log = 0").await.unwrap().lines().map(str::to_owned).collect();
    let acknowledged = ledger.acknowledged.lock().unwrap().clone();
    let missing = acknowledged.iter().filter(|id| !stored.contains(&footfall_store::event_id(**id).to_string())).count();
    assert_eq!(missing, 0, "of {} acknowledged ids {missing} are not in the cluster; log:\n{}", acknowledged.len(), logs());
    let places = number("SELECT count() FROM footfall.events").await;
    let distinct = number("SELECT uniqExact(log, generation, partition, offset) FROM footfall.events").await;
    assert_eq!(places, distinct, "no two records have the same place");
    // Keys and accounts came along.
    assert!(web.totals(&key, DOMAINS[0]).await.unwrap().pageviews > 0);
}
