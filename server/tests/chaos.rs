//! Kills under load: of everything at once, of the server alone, of the engine alone. Whatever is killed whenever, afterwards:
//!
//! - every accepted record stands in exactly one of `events` and `dead_letters`;
//! - every acknowledged id is counted exactly once;
//! - pageviews of the hourly aggregates, of `sessions` and of the raw events agree.
//!
//! `FOOTFALL_CHAOS_RUNS` and `FOOTFALL_CHAOS_SEED` make it longer or repeat it (`make chaos`). The seed is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]
#![allow(clippy::print_stdout, reason = "the seed repeats a run")]

mod load;

use std::time::Duration;

use footfall_testkit::{App, AppOptions, eventually, process};
use load::{Load, Places, SETTLED, add_domains, check, settle};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

const KILLS: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_doubled_whatever_is_killed() {
    let kills = std::env::var("FOOTFALL_CHAOS_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let seed = std::env::var("FOOTFALL_CHAOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| rand::rng().next_u64());
    println!("{kills} kills, seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);

    let mut app = App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await.unwrap();
    add_domains(&app).await;
    let load = Load::start(vec![app.url("")], &mut rng);

    for _ in 0..kills {
        assert!(load.flows().await, "no load arrives any more; server log:\n{}", app.log());
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..600))).await;
        let victim = rng.random_range(0..10);
        match victim {
            0..5 => app.kill().await.unwrap(),
            5..7 => app.kill_alone().await.unwrap(),
            _ => kill_engine(&app).await,
        }
        if victim < 7 {
            app.resume().await.unwrap();
            *load.bases.lock().unwrap() = vec![app.url("")];
        }
    }
    let ledger = load.stop().await;
    let log = app.log();
    settle(&app, &app, &|| app.log()).await;
    check(&app, &ledger, &Places { records: None, logs: Box::new(move || log.clone()) }).await;
}

/// Kills the engine, also while it starts.
async fn kill_engine(app: &App) {
    let server = app.pid().unwrap();
    let engine = eventually(SETTLED, async || process::children(server, "engine").unwrap().first().copied()).await;
    process::kill(engine.expect("the server starts its engine again"), "KILL").await.unwrap();
}
