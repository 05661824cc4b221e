//! The data files inside the binary: browsers, bots, countries (made by `tools/data.mjs`).

use footfall_enrich::{EnrichData, Enricher};
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "../target/data"]
#[allow_missing = true]
struct Data;

/// Loads what enrichment needs; takes some tens of milliseconds.
///
/// # Errors
/// When the binary was built without its data files.
pub fn load_enricher() -> anyhow::Result<Enricher> {
    let data = EnrichData::from_files(|name| Data::get(name).map(|file| file.data))?;
    Ok(Enricher::load(data)?)
}
