//! What the dashboard asks the server in the browser: the server functions of `api.rs` that answer a part, by their addresses.

use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::{query::written, types::AppError};

/// A part of a page.
///
/// # Errors
/// What the server answers, or that it does not.
pub async fn part<T: DeserializeOwned>(name: &str, question: &[(&str, String)]) -> Result<T, AppError> {
    let (ok, text) = get(&format!("/api/app/{name}?{}", written(question))).await.ok_or(AppError::Unreachable)?;
    let unread = |error: serde_json::Error| AppError::Other(error.to_string());
    if ok {
        return serde_json::from_slice(text.as_bytes()).map_err(unread);
    }
    // What lies between says things of its own.
    Err(serde_json::from_slice(text.as_bytes()).unwrap_or(AppError::Unreachable))
}

/// Whether it is answered well, and with what.
async fn get(address: &str) -> Option<(bool, String)> {
    let response = JsFuture::from(web_sys::window()?.fetch_with_str(address)).await.ok()?;
    let response: Response = response.dyn_into().ok()?;
    let text = JsFuture::from(response.text().ok()?).await.ok()?;
    Some((response.ok(), text.as_string()?))
}
