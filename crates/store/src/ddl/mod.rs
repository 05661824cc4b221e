//! The tables, written once for one machine and for a cluster.
//!
//! The same functions make both: on a cluster the engines are `Replicated…` and statements run `ON CLUSTER`. A domain lives on one shard;
//! there are no Distributed tables.

pub mod days;
pub mod dead_letters;
pub mod events;
pub mod sessions;

use crate::row::TEXTS;

/// Inserts remembered by their token: at most 8 a second per process make 10,000 in 20 minutes; on clusters also for a week.
const WINDOW: u32 = 10_000;
const WINDOW_SECONDS: u32 = 604_800;

/// One machine, or the cluster of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// One node: the embedded engine, or a server of its own.
    Single,
    /// Replicated tables on this cluster.
    Cluster(String),
}

impl Flavour {
    /// Whether tables are replicated.
    #[must_use]
    pub const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// ` ON CLUSTER name`, or nothing.
    #[must_use]
    pub fn on_cluster(&self) -> String {
        match self {
            Self::Single => String::new(),
            Self::Cluster(name) => format!(" ON CLUSTER '{}'", name.replace('\\', "\\\\").replace('\'', "\\'")),
        }
    }

    /// The engine of a table.
    #[must_use]
    pub fn engine(&self, family: &str) -> String {
        match self {
            Self::Single => format!("{family}MergeTree"),
            // The same path on all replicas of a shard, another on each shard: `{shard}` and `{replica}` are macros of each server.
            Self::Cluster(_) => {
                format!("Replicated{family}MergeTree('/clickhouse/tables/{{shard}}/{{database}}/{{table}}', '{{replica}}')")
            }
        }
    }

    /// Settings of every table that is inserted into.
    #[must_use]
    pub fn settings(&self) -> String {
        let window = match self {
            Self::Single => format!("non_replicated_deduplication_window = {WINDOW}"),
            Self::Cluster(_) => {
                format!("replicated_deduplication_window = {WINDOW}, replicated_deduplication_window_seconds = {WINDOW_SECONDS}")
            }
        };
        format!("{window}, fsync_after_insert = 1, fsync_part_directory = 1")
    }

    /// The database.
    #[must_use]
    pub fn database(&self, name: &str) -> String {
        format!("CREATE DATABASE IF NOT EXISTS `{}`{}", name.replace('`', "\\`"), self.on_cluster())
    }

    /// The table that says which migrations ran. Not deduplicated: equal rows are harmless.
    #[must_use]
    pub fn schema_migrations(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS schema_migrations{} (number UInt32, name String, applied DateTime64(3, 'UTC') DEFAULT now64(3))\n\
             ENGINE = {} ORDER BY number",
            self.on_cluster(),
            self.engine("")
        )
    }
}

/// The domain. Rows of one lie together, so a dictionary makes its filter, which every statement has, a comparison of small numbers: a
/// quarter of a scan's time.
const SITE: &str = "LowCardinality(UUID) CODEC(ZSTD(1))";
/// A dictionary column: few values per part, or values that repeat.
const LOW: &str = "LowCardinality(String) CODEC(ZSTD(1))";
/// A column that most rows leave empty: stored sparsely, which costs a merge nothing. A dictionary is looked into for each row.
const RARE: &str = "String CODEC(ZSTD(1))";
/// First-touch texts that most visits do not have.
const RARE_TEXTS: [&str; 7] = ["utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "click_id", "region"];

/// The columns of [`TEXTS`](crate::row::TEXTS), each as `column` makes it of its name and type, to stand between others.
fn first_touch(column: impl Fn(&str, &str) -> String) -> String {
    TEXTS.iter().map(|name| column(name, if RARE_TEXTS.contains(name) { RARE } else { LOW }) + "\n").collect()
}
