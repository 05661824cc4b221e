//! What browsers see: built files, pages, and the headers that guard them.

pub mod assets;
pub mod headers;
pub mod pages;
