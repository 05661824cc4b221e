//! All rows of a breakdown. Written by the server alone: every change is another address.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::{
    api,
    components::sheet::{SheetPage, own_address},
};

/// The page.
#[component]
pub fn DetailPage() -> impl IntoView {
    let params = use_params_map().get_untracked();
    let of = |name: &str| params.get(name).unwrap_or_default();
    let (domain, field) = (of("domain"), of("field"));
    let (address, title) = (own_address(), format!("{} · {domain}", crate::parts::long_name(&field)));
    let sheet = Resource::new_blocking(|| (), move |()| api::sheets::detail(domain.clone()));
    view! { <SheetPage title address sheet /> }.into_any()
}
