//! What happens on a domain right now. The server writes it; its script (`tools/page/realtime.js`) asks for what changed.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::{
    api,
    components::sheet::{SheetPage, own_address},
    i18n::{Key, t},
};

/// The page.
#[component]
pub fn RealtimePage() -> impl IntoView {
    let domain = use_params_map().get_untracked().get("domain").unwrap_or_default();
    let (address, title) = (own_address(), format!("{} · {domain}", t(Key::RealtimeTitle)));
    let sheet = Resource::new_blocking(|| (), move |()| api::realtime::page(domain.clone()));
    view! { <SheetPage title address sheet /> }.into_any()
}
