//! All rows of a breakdown. Written by the server alone: every change is another address.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::{
    api,
    components::written::{WrittenPage, own_address},
    failed::PageFailed,
};

/// The page.
#[component]
pub fn DetailPage() -> impl IntoView {
    let params = use_params_map();
    let domain = params.with_untracked(|params| params.get("domain")).unwrap_or_default();
    let address = own_address();
    let detail = Resource::new_blocking(|| (), move |()| api::detail(domain.clone()));
    view! {
        <Suspense>
            {move || {
                let address = address.clone();
                Suspend::new(async move {
                    match detail.await {
                        Ok(detail) => view! { <WrittenPage page=detail /> }.into_any(),
                        Err(error) => view! { <PageFailed error address /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}
