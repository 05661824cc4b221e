//! The analytics store: ClickHouse over HTTP, embedded or a cluster, always through this one client.
//!
//! # Tables
//! - `events`: one row per record of the log that was stored, counted or dropped with a reason ([`row`], `wire`, `ddl`).
//! - `sessions`: visits, by a materialised view over counted rows; aggregating, with states that any repetition leaves unchanged.
//! - `day_changes`, `rolled_days`, `day_figures`: figures of whole days, and whether they hold (`ddl::days`).
//! - `drops`: a view of the rows of `events` that do not count. `dead_letters`: records that are in no row.
//! - `schema_migrations`: which migrations ran ([`migrate`]).
//!
//! # What the columns leave out
//! `events` stays below 30 bytes a row because it stores nothing that follows from the rest: the visit's id is a function of visitor,
//! key and start ([`visit_id`]), the start is a distance from the event's time, the entry page and first and last times of a visit follow
//! from its rows. See `wire`.
//!
//! # Errors
//! One type, [`StoreError`]. [`StoreError::is_data`]: the rows of an insert are at fault, and always will be. [`StoreError::is_away`]: nobody
//! answered; the same call may work later. Everything else is a refusal with ClickHouse's own text.
//!
//! # Shards and replicas
//! A domain lives on one shard ([`shard_of`]); there are no Distributed tables. What a replica may lack, and who waits for it: `group`.
//!
//! # Bounds
//! Each statement has a time and a memory limit (`bounds`), the client's patience ends shortly after the former, and long before where the server is gone (`node`).

mod ask;
mod bounds;
mod client;
mod copy;
mod days;
pub mod ddl;
mod erase;
mod error;
mod group;
mod insert;
mod known_ids;
mod live_rows;
pub mod migrate;
mod native;
mod node;
mod options;
mod placement;
mod positions;
mod rebuild;
pub mod rollup;
pub mod row;
mod sites;
mod wire;

pub use ask::Cost;
pub use client::Store;
pub use copy::{DayChecksum, RowsChecksum};
pub use days::{DayRun, DaysWanted, LONGEST_ROLL, Unlisted};
pub use error::StoreError;
pub use insert::{DeadLetter, Packed};
pub use live_rows::{LiveRows, LiveWanted, SeenRow};
pub use options::{Endpoint, Replica, ShardOptions, StoreOptions};
pub use placement::shard_of;
pub use positions::{Gap, Highest, MAX_RANGE_RECORDS, Shard};
pub use rebuild::{Rebuild, StoredVisit};
pub use rollup::{HourCounts, RolledHour};
pub use row::{Attributes, EventRow, PackedAttributes, VisitAfter, event_id, visit_id};
pub use sites::Misplaced;
