//! One file per page.

pub mod domain;
pub mod landing;
pub mod login;
pub mod not_found;
pub mod setup;
pub mod sites;
