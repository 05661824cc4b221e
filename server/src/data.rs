//! The data files inside the binary: browsers, bots, countries (made by `tools/data.mjs`). A city database is the operator's own.

use std::path::Path;

use anyhow::Context;
use footfall_enrich::{EnrichData, Enricher};
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "../target/data"]
#[allow_missing = true]
struct Data;

/// Loads what enrichment needs; takes some tens of milliseconds.
///
/// # Errors
/// When the binary was built without its data files, or the city database is none.
pub fn load_enricher(city_database: Option<&Path>) -> anyhow::Result<Enricher> {
    let mut data = EnrichData::from_files(|name| Data::get(name).map(|file| file.data))?;
    if let Some(file) = city_database {
        let wrong = || format!("the city database {} cannot be read; mend FOOTFALL_CITY_DATABASE, or leave it empty", file.display());
        data.city_mmdb = Some(std::fs::read(file).with_context(wrong)?.into());
        return Enricher::load(data).with_context(wrong);
    }
    Ok(Enricher::load(data)?)
}
