//! One file per page. Only the domain page lives on in the browser; the others are plain HTML, so they are not in the WASM.

#[cfg(feature = "ssr")]
pub mod behaviour;
#[cfg(feature = "ssr")]
pub mod detail;
pub mod domain;
#[cfg(feature = "ssr")]
pub mod drops;
#[cfg(feature = "ssr")]
pub mod explain;
#[cfg(feature = "ssr")]
pub mod landing;
#[cfg(feature = "ssr")]
pub mod login;
pub mod not_found;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod setup;
#[cfg(feature = "ssr")]
pub mod share;
#[cfg(feature = "ssr")]
pub mod sites;
#[cfg(feature = "ssr")]
pub mod why;
