//! An address that no page has.

use leptos::prelude::*;

use crate::{failed::PageFailed, types::AppError};

/// Says so, with status 404.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <PageFailed error=AppError::NotFound address="/".to_owned() />
    }
    .into_any()
}
