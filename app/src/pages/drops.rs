//! What was not counted of a domain, and why.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    api,
    components::sheet::{SheetPage, own_address},
    i18n::{Key, t},
};

/// The page.
#[component]
pub fn DropsPage() -> impl IntoView {
    let domain = use_params_map().get_untracked().get("domain").unwrap_or_default();
    let view = use_location().search.get_untracked();
    let address = own_address();
    let title = format!("{} · {domain}", t(Key::DropsTitle));
    let sheet = Resource::new_blocking(|| (), move |()| api::sheets::drops(domain.clone(), view.clone()));
    view! { <SheetPage title address sheet /> }.into_any()
}
