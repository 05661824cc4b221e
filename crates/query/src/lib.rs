//! The query engine's pure half: a question as a value, rewritten, turned into SQL. Nothing here does I/O.
//!
//! # The way of a question
//! 1. A period or `date_range` becomes a [`Range`] of instants in the domain's time zone (`range`, `period`, `date_range`).
//! 2. A [`Query`] says what is asked: metrics, what to group by, filters, page of rows. It is a value: comparable, hashable
//!    (the cache's key), and rewrites are functions `Query -> Query`.
//! 3. [`sql`] makes text from it, here and nowhere else. Each metric belongs to a *family* (`docs/definitions.md`): event figures
//!    look at the events inside the range, visit figures at the visits that began inside it. One statement per family, never
//!    one that joins both; the caller merges their rows by label.
//! 4. Rows come back in one shape, [`Row`]: labels and sums. Rates and means are made from the sums by [`figures`], in whole
//!    numbers, so that rounding is exact.
//!
//! Every statement is limited to a [`Scope`], which only code that has authorised a caller may make, and every value that comes from
//! outside is a server-side parameter.
//!
//! # Adding to it
//! A metric: a variant of [`Metric`] and its sums in `sql/`. A dimension: a variant and its column in `dimension`. A filter operator: a
//! variant of [`filter::Op`] and its predicate in `sql/predicate.rs`. Each comes with a snapshot and with its figure in the oracle of the
//! store's tests.

pub mod bucket;
mod channel;
pub mod date_range;
pub mod dimension;
pub mod figures;
pub mod filter;
pub mod language;
pub mod period;
pub mod query;
pub mod question;
pub mod range;
pub mod scope;
pub mod sql;

pub use bucket::{Bucket, buckets};
pub use dimension::Group;
pub use filter::Filter;
pub use query::Query;
pub use range::Range;
pub use scope::Scope;
pub use sql::{Param, Row, Sql};
