//! The words every other crate speaks: ids, the record in the event log, drop reasons, periods and reports.
//!
//! Nothing here does I/O. The types parse their input once, at the edge; past it nothing is validated again.

pub mod domain;
pub mod drop_reason;
pub mod id;
pub mod period;
pub mod position;
pub mod record;
pub mod report;

pub use domain::Domain;
pub use drop_reason::DropReason;
pub use id::{Hash64, SiteId};
pub use period::{Interval, Period};
pub use position::{LogName, Offset, Position};
pub use record::{NO_SCROLL_DEPTH, RECORD_VERSION, Record, Revenue};
