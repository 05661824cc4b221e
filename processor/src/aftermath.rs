//! What a range leaves behind besides its rows: dead letters, and word of what it changed.

use std::sync::Arc;

use footfall_log::DeadEntry;
use footfall_model::Offset;

use crate::{
    build::{Built, Home},
    metrics::Name,
    progress::Touched,
    tools::{Halt, Tools},
};

/// Writes the dead letters of undecodable records.
pub async fn bury(tools: &Tools, built: &mut Built) -> Result<(), Halt> {
    if built.dead.is_empty() {
        return Ok(());
    }
    tools.until_done("writing dead letters", || tools.store.insert_dead_letters(&built.dead)).await?;
    for letter in &built.dead {
        tracing::warn!(
            log = tools.name.topic(),
            offset = letter.position.offset,
            reason = letter.reason.code(),
            "a record became a dead letter"
        );
        Name::DeadLetters.add_reason(tools.name, letter.reason.code(), 1);
    }
    let handed_on = built.dead.iter().map(|letter| DeadEntry {
        position: letter.position,
        key: letter.site,
        reason: letter.reason.code().to_owned(),
        payload: letter.payload.clone().into(),
    });
    if let Err(error) = tools.log.bury(handed_on.collect()).await {
        tracing::warn!(log = tools.name.topic(), %error, "dead letters are in the store, but were not handed on");
    }
    Ok(())
}

/// Tells everybody what a range changed.
pub fn tell(tools: &Tools, home: Home, next: Offset, built: &Built) {
    for (reason, count) in &built.drops {
        Name::Drops.add_reason(tools.name, reason.code(), *count);
    }
    let insert = format!("{}/{}/{}/{next}", home.log.topic(), home.generation, home.partition);
    tools.reports.teller.changed(built.hours.keys().copied(), &insert);
    let touched = Touched {
        log: home.log,
        partition: home.partition,
        generation: home.generation,
        next,
        hours: built.hours.clone(),
        newest_ms: built.newest_ms,
    };
    // Nobody listening is fine.
    let _ = tools.reports.touched.send(Arc::new(touched));
}
