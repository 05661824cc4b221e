//! Answers of the store that replicas share by live state: one of them asks, the others wait for its answer.
//!
//! The key holds the question and the version of the domain's data, so nothing has to be thrown away. Whoever finds neither answer nor
//! lock takes the lock and asks. A lock whose owner died ends by itself; who waited too long, or finds live state away, asks for itself.

use std::time::Duration;

use bytes::Bytes;
use footfall_query::{Row, Sql};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{Analytics, AnalyticsError, CACHED_FOR};

/// How long one replica may ask before another one does too.
const TURN: Duration = Duration::from_secs(10);
/// Between two looks for the answer.
const LOOK: Duration = Duration::from_millis(25);
/// Larger answers are not shared: they would push out many small ones.
const MOST_BYTES: usize = 512 << 10;

impl Analytics {
    /// The rows of a statement, from whichever replica has them; `ask` asks the store.
    pub(super) async fn shared_rows<F>(&self, version: &Bytes, statement: &Sql, ask: F) -> Result<Vec<Row>, AnalyticsError>
    where
        F: Future<Output = Result<Vec<Row>, AnalyticsError>>,
    {
        if !self.deps.is_shared {
            return ask.await;
        }
        let live = &self.deps.live;
        let (key, lock) = names(version, statement);
        let give_up = Instant::now() + TURN;
        loop {
            match live.get(&key).await {
                Ok(Some(kept)) => match serde_json::from_slice(&kept) {
                    Ok(rows) => return Ok(rows),
                    Err(error) => tracing::warn!(%error, "a shared answer cannot be read; asking the store"),
                },
                Ok(None) if Instant::now() < give_up => match live.put_new(&lock, Bytes::from_static(b"1"), TURN).await {
                    Ok(true) => return self.ask_and_share(&key, &lock, ask).await,
                    Ok(false) => {
                        tokio::time::sleep(LOOK).await;
                        continue;
                    }
                    Err(error) => tracing::debug!(%error, "answers are not shared at the moment"),
                },
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "answers are not shared at the moment"),
            }
            return ask.await;
        }
    }

    /// Keeps an answer for the other replicas.
    pub(super) async fn share(&self, version: &Bytes, statement: &Sql, rows: &[Row]) {
        if self.deps.is_shared {
            self.put(&names(version, statement).0, rows).await;
        }
    }

    /// An answer that another replica shared.
    pub(super) async fn of_another(&self, version: &Bytes, statement: &Sql) -> Option<Vec<Row>> {
        let kept = if self.deps.is_shared { self.deps.live.get(&names(version, statement).0).await.ok()?? } else { return None };
        serde_json::from_slice(&kept).ok()
    }

    async fn ask_and_share<F>(&self, key: &str, lock: &str, ask: F) -> Result<Vec<Row>, AnalyticsError>
    where
        F: Future<Output = Result<Vec<Row>, AnalyticsError>>,
    {
        let rows = ask.await;
        if let Ok(rows) = &rows {
            self.put(key, rows).await;
        }
        if let Err(error) = self.deps.live.remove(lock).await {
            tracing::debug!(%error, "a lock stays until its time is over");
        }
        rows
    }

    async fn put(&self, key: &str, rows: &[Row]) {
        if let Ok(text) = serde_json::to_vec(rows)
            && text.len() <= MOST_BYTES
            && let Err(error) = self.deps.live.put(key, text.into(), CACHED_FOR).await
        {
            tracing::debug!(%error, "an answer was not shared");
        }
    }
}

/// The names of an answer and its lock. Another version of the program asks differently, so it is part of them.
fn names(version: &Bytes, statement: &Sql) -> (String, String) {
    let mut hash = Sha256::new();
    for part in [env!("CARGO_PKG_VERSION").as_bytes(), version, statement.text.as_bytes(), format!("{:?}", statement.params).as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let name: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    (format!("answer:{name}"), format!("asking:{name}"))
}
