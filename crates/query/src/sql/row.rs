//! The one shape in which statements answer.

use serde::{Deserialize, Serialize};

/// One row: columns `labels Array(String)`, `sums Array(Int64)`, `total UInt64`, `whole Array(Int64)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// One per group.
    pub labels: Vec<String>,
    /// In the order that the statement's family fixes.
    pub sums: Vec<i64>,
    /// Rows over all pages.
    pub total: u64,
    /// The sums over all rows of all pages, where the statement says them.
    pub whole: Vec<i64>,
}
