//! An address that no page has.

use leptos::prelude::*;

use crate::{failed::PageFailed, types::AppError};

/// Says so, with status 404.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    // In the browser only pages of domains are shown, and those have a title.
    #[cfg(feature = "ssr")]
    let _ = view! { <leptos_meta::Title text=crate::i18n::t(crate::i18n::Key::NotFoundTitle) /> };
    view! { <PageFailed error=AppError::NotFound address="/".to_owned() /> }.into_any()
}
