//! Funnels, journeys and retention. Written by the server alone: every change is another address.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    api,
    behaviour::Kind,
    components::sheet::{SheetPage, own_address},
    parts,
};

/// The page that the path names.
#[component]
pub fn BehaviourPage() -> impl IntoView {
    let domain = use_params_map().with_untracked(|params| params.get("domain")).unwrap_or_default();
    let path = use_location().pathname.get_untracked();
    let kind = Kind::ALL.into_iter().find(|kind| path.trim_end_matches('/').ends_with(kind.code())).unwrap_or(Kind::Funnel);
    let (address, title) = (own_address(), format!("{} · {domain}", parts::behaviour_name(kind)));
    let sheet = Resource::new_blocking(|| (), move |()| api::sheets::behaviour(domain.clone(), kind));
    view! { <SheetPage title address sheet /> }.into_any()
}
