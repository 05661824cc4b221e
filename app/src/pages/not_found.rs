//! An address that no page has.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    failed::PageFailed,
    i18n::{Key, t},
    types::AppError,
};

/// Says so, with status 404.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Title text=t(Key::NotFoundTitle) />
        <PageFailed error=AppError::NotFound address="/".to_owned() />
    }
    .into_any()
}
