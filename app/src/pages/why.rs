//! What accounts for the change of a figure.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    api,
    components::sheet::{SheetPage, own_address},
    i18n::{Key, t},
};

/// The page.
#[component]
pub fn WhyPage() -> impl IntoView {
    let domain = use_params_map().get_untracked().get("domain").unwrap_or_default();
    let view = use_location().search.get_untracked();
    let address = own_address();
    let title = format!("{} · {domain}", t(Key::WhyName));
    let sheet = Resource::new_blocking(|| (), move |()| api::sheets::why(domain.clone(), view.clone()));
    view! { <SheetPage title address sheet /> }.into_any()
}
