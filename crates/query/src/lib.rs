//! The query engine's pure half: a question as a value, rewritten, turned into SQL. Nothing here does I/O.
//!
//! # The way of a question
//! 1. [`language`] reads the JSON of `POST /api/v2/query` (and, for v1, its query string), or says in the words of the protocol what is wrong.
//! 2. A period or `date_range` becomes a [`Range`] of instants in the domain's time zone (`range`, `period`, `date_range`).
//! 3. A [`question::Question`] says what is asked: metrics, keys to group by, a tree of conditions, an order, a page of rows. It is a value:
//!    comparable and hashable.
//! 4. [`question::statement()`] makes one statement from it. Event figures look at the events inside the range, visit figures at the visits that
//!    began inside it (`docs/definitions.md`); each family is a block of the statement.
//! 5. Rows come back in one shape, [`Row`]: labels and sums. Rates and means are made from the sums in whole numbers, so that rounding is exact.
//!
//! Funnels, journeys and retention ([`behaviour`]) have statements of their own, with the same conditions.
//!
//! Every statement is limited to a [`Scope`], which only code that has authorised a caller may make, and every value that comes from
//! outside is a server-side parameter.
//!
//! # Adding to it
//! A metric: a variant of [`question::Metric`], its formula, its sums in `question/blocks.rs`. A dimension: a variant and its column in
//! `question/dimension.rs`. An operator: a variant of [`question::Op`] and its text in `question/condition.rs`. Each comes with its figure in
//! the oracle of the store's tests (`questions.rs`), which asks at random.

pub mod behaviour;
pub mod bucket;
pub mod date_range;
pub mod figures;
pub mod language;
pub mod period;
pub mod question;
pub mod range;
pub mod scope;
pub mod sql;

pub use bucket::{Bucket, buckets};
pub use range::Range;
pub use scope::Scope;
pub use sql::{Param, Row, Sql};
