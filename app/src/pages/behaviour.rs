//! Funnels, journeys and retention. Written by the server alone: every change is another address.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    api,
    behaviour::Kind,
    components::written::{WrittenPage, own_address},
    failed::PageFailed,
};

/// The page that the path names.
#[component]
pub fn BehaviourPage() -> impl IntoView {
    let domain = use_params_map().with_untracked(|params| params.get("domain")).unwrap_or_default();
    let path = use_location().pathname.get_untracked();
    let kind = Kind::ALL.into_iter().find(|kind| path.trim_end_matches('/').ends_with(kind.code())).unwrap_or(Kind::Funnel);
    let address = own_address();
    let page = Resource::new_blocking(|| (), move |()| api::behaviour(domain.clone(), kind));
    view! {
        <Suspense>
            {move || {
                let address = address.clone();
                Suspend::new(async move {
                    match page.await {
                        Ok(page) => view! { <WrittenPage page /> }.into_any(),
                        Err(error) => view! { <PageFailed error address /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}
