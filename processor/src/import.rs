//! What is special about the import log. Its records are enriched and sorted before they are appended, so its cursor is the stored
//! cursor (`stored.rs`) with the same intents, tokens and recovery, and with visits of its own. Two things differ:
//! - a job may be resumed after days, so ids that senders gave (and those made of job and line) are looked up among the stored
//!   rows instead of a window in memory;
//! - rows may lie behind the cut, where live state has already counted: then that is built anew.

use std::{collections::HashSet, sync::Arc, time::Duration};

use footfall_live::Live;
use footfall_model::{LogName, Offset};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{
    build::{Home, given_ids},
    decode::Decoded,
    progress::Touched,
    shared::request_rebuild,
    tools::{Halt, Tools, now_ms},
};

/// Live state is shown from here on: the half hour, its running minute and some slack.
const BEHIND_MS: i64 = 32 * 60_000;
/// Imported rows come in many ranges: live state is built anew once they pause for this long.
const SETTLE: Duration = Duration::from_secs(2);

/// The offsets whose ids were stored before this range began. Only the import log asks.
pub async fn repeats(tools: &Tools, home: Home, range: &[Decoded]) -> Result<HashSet<Offset>, Halt> {
    let mut repeats = HashSet::new();
    let (LogName::Import, Some(first), Some(last)) = (home.log, range.first(), range.last()) else { return Ok(repeats) };
    let own = (home.shard(), first.offset, last.offset);
    for (site, ids) in given_ids(range) {
        let wanted: Vec<u64> = ids.iter().map(|(id, _)| *id).collect();
        let known = tools.until_done("looking up event ids", || tools.store.known_ids(site, &wanted, own)).await?;
        repeats.extend(ids.into_iter().filter(|(id, _)| known.contains_key(id)).map(|(_, offset)| offset));
    }
    Ok(repeats)
}

/// Asks for live state anew where imported rows lie behind the cut.
pub async fn watch_recent(mut touched: broadcast::Receiver<Arc<Touched>>, live: Arc<dyn Live>, stop: CancellationToken) {
    let mut due = false;
    loop {
        let next = async { if due { tokio::time::timeout(SETTLE, touched.recv()).await } else { Ok(touched.recv().await) } };
        let received = tokio::select! {
            () = stop.cancelled() => return,
            received = next => received,
        };
        match received {
            Ok(Ok(change)) => due |= change.log == LogName::Import && change.newest_ms >= now_ms() - BEHIND_MS,
            // Some were missed; one of them may have been such.
            Ok(Err(broadcast::error::RecvError::Lagged(_))) => due = true,
            Ok(Err(broadcast::error::RecvError::Closed)) => return,
            Err(_) => {
                due = request_rebuild(live.as_ref()).await.is_err();
            }
        }
    }
}
