//! The documented API: one endpoint, one file. `error` is the one shape of errors, `body` reads what was sent once the caller is
//! authorised.

pub mod body;
pub mod domains;
pub mod error;
pub mod live;
pub mod ops;
