//! Several domains as one.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::{
    api,
    components::sheet::{WrittenPage, own_address},
    i18n::{Key, t},
};

/// The page.
#[component]
pub fn TogetherPage() -> impl IntoView {
    let view = use_location().search.get_untracked();
    let page = Resource::new_blocking(|| (), move |()| api::together(view.clone()));
    view! { <WrittenPage title=t(Key::TogetherName).to_owned() address=own_address() class="wide" page /> }.into_any()
}
