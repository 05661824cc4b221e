//! `dead_letters`: records that are in no row, by position. A letter that is written again replaces itself.

use super::{Flavour, LOW};

/// The table.
#[must_use]
pub fn table(flavour: &Flavour) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS dead_letters{on} (
    log UInt8,
    generation UInt32,
    partition UInt32,
    offset UInt64,
    site_id UUID,
    reason {LOW},
    detail String CODEC(ZSTD(3)),
    payload String CODEC(ZSTD(3)),
    created DateTime64(3, 'UTC')
)
ENGINE = {engine}
ORDER BY (log, generation, partition, offset)
SETTINGS {settings}",
        on = flavour.on_cluster(),
        engine = flavour.engine("Replacing"),
        settings = flavour.settings(),
    )
}
