//! The last step: what the local logs hold goes to Kafka, for as long as this process runs.

use std::{sync::Arc, time::Duration};

use footfall_log::{Entry, EventLog, StoredEntry, kafka::Forwarder};
use footfall_model::{Offset, SiteId};
use serde::Deserialize;
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use super::Promotion;
use crate::boot::KafkaTarget;

/// The group of the local logs under which entries are forwarded.
const GROUP: &str = "promotion";
/// Between two looks for new entries, and after a fault.
const LOOK: Duration = Duration::from_millis(200);

/// Begins with both logs; each task with the news that it has caught up.
pub async fn start(
    promotion: &Arc<Promotion>,
    targets: &[KafkaTarget; 2],
    from: [Offset; 2],
) -> Vec<(JoinHandle<()>, watch::Receiver<bool>)> {
    let mut tasks = Vec::new();
    for ((file, target), from) in promotion.files.iter().zip(targets).zip(from) {
        let forwarder = Forwarder::new(Arc::clone(&target.options), Arc::clone(file), GROUP, from, Arc::new(record));
        let (caught_up, news) = watch::channel(false);
        // What was there when forwarding began.
        let end = file.status().await.partitions.first().map_or(0, |(_, _, _, end)| *end);
        tasks.push((tokio::spawn(run(Arc::clone(promotion), forwarder, end, caught_up)), news));
    }
    tasks
}

async fn run(promotion: Arc<Promotion>, mut forwarder: Forwarder, end: Offset, caught_up: watch::Sender<bool>) {
    loop {
        match forwarder.forward().await {
            Ok(next) if next >= end => drop(caught_up.send_replace(true)),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "events wait in the local log"),
        }
        tokio::select! {
            () = promotion.closing.cancelled() => {
                // What was accepted until now goes along if that is quick; the rest at the next start.
                let _ = tokio::time::timeout(Duration::from_secs(5), forwarder.forward()).await;
                return;
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// The same record under its domain's key. What cannot be read becomes a dead letter there as it would have here.
fn record(entry: StoredEntry) -> Entry {
    #[derive(Deserialize)]
    struct Keyed {
        site: SiteId,
    }
    let key = serde_json::from_slice::<Keyed>(&entry.payload).map_or(SiteId(Uuid::nil()), |keyed| keyed.site);
    Entry { key, payload: entry.payload }
}
