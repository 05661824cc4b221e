//! Where a record stands in the event log.

use serde::{Deserialize, Serialize};

/// A record's number within its partition, from 0, without gaps on the local engine.
pub type Offset = u64;

/// The two event logs: what happens now, and what is imported or back-dated by more than 30 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogName {
    /// `page_views`
    Live,
    /// `page_views_import`
    Import,
}

impl LogName {
    /// The number stored in the `log` column of `events`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::Import => 1,
        }
    }

    /// The topic's name, used by log engines as topic or folder name.
    #[must_use]
    pub const fn topic(self) -> &'static str {
        match self {
            Self::Live => "page_views",
            Self::Import => "page_views_import",
        }
    }
}

/// One record's place: unique for ever, because a topic that is created anew gets the next generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Which log.
    pub log: LogName,
    /// Raised when the log was replaced by a new one with the same name.
    pub generation: u32,
    /// Partition within the log; always 0 on the local engine.
    pub partition: u32,
    /// Offset within the partition.
    pub offset: Offset,
}
