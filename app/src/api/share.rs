//! The entrance of a shared link.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

use super::reader;
use crate::{
    parts,
    query::{decoded_pairs, encoded},
    share::Handle,
    types::{AppError, Viewer},
};

/// Where a link leads, or what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrance {
    /// Who looks.
    pub viewer: Viewer,
    /// The address of the dashboard, where it is open.
    pub to: Option<String>,
    /// Else the form of the password, HTML.
    pub form: String,
}

/// The entrance of a link: `named` is its slug, or that of the domain where `query` has the slug as `auth`.
#[server(name = GetShared, prefix = "/api/app", endpoint = "shared", input = GetUrl)]
pub async fn entrance(named: String, query: String) -> Result<Entrance, AppError> {
    let (backend, mut viewer) = reader().await?;
    let get = |wanted: &str| decoded_pairs(&query).into_iter().find_map(|(name, value)| (name == wanted).then_some(value));
    let (slug, domain) = match get("auth") {
        Some(slug) => (slug, Some(named)),
        None => (named, None),
    };
    let (handle, rest) = Handle::asked(&slug, &query);
    if Handle::parse(&handle.to_string()).is_none() {
        return Err(AppError::NotFound);
    }
    let is_open = backend.link_is_open(&viewer, &slug, domain.as_deref()).await?;
    let to = is_open.then(|| {
        let rest: Vec<String> = rest.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        format!("/{handle}{}{}", if rest.is_empty() { "" } else { "?" }, rest.join("&"))
    });
    let error = get("error");
    let form = parts::Password { slug: &slug, query: query.trim_start_matches('?'), csrf: &viewer.csrf, error: error.as_deref() };
    let form = if is_open { String::new() } else { parts::password(&form).into_string() };
    // Who is signed in is so for other pages.
    viewer.email = None;
    Ok(Entrance { viewer, to, form })
}
