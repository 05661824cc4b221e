//! What a consumer writes down before and after an insert.

use footfall_model::Offset;
use serde::{Deserialize, Serialize};

/// A range that is about to be inserted: fixed before the insert, so that a restart sends the same block with the same token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// First offset of the range.
    pub first: Offset,
    /// Last offset of the range, inclusive.
    pub last: Offset,
    /// Lowest offset that any visit or id kept *before* this range rests on: a rebuild reads stored rows from here.
    pub rebuild_from: Offset,
    /// Hash of the raw records of the range: part of the token.
    pub content: String,
    /// After a data error the range is inserted in parts: the exclusive ends of the parts already fixed, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<Offset>,
    /// Offsets of the range that the store refused for good and that became dead letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dead: Vec<Offset>,
}

/// A group's place in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// The next offset to process: everything below is settled.
    pub next: Offset,
    /// Lowest offset that any visit or id kept at `next` rests on.
    pub rebuild_from: Offset,
}
