//! What tests start for real: the product itself and the services it works with.

mod app;
pub mod city_database;
pub mod clock;
pub mod kafka;
pub mod pgbouncer;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod services;
pub mod store;

use std::time::Duration;

pub use app::{App, AppOptions, FIREFOX, Site, Totals};

/// Asks again until there is an answer, at most for `within`. The pause between two looks is short; a test that waits here
/// states a condition, never a time.
pub async fn eventually<T>(within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = tokio::time::Instant::now() + within;
    loop {
        if let Some(found) = look().await {
            return Some(found);
        }
        if tokio::time::Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
