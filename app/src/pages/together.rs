//! Several domains as one.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::{
    api,
    components::{forms::PlainBar, sheet::own_address},
    failed::PageFailed,
    i18n::{Key, t},
};

/// The page.
#[component]
pub fn TogetherPage() -> impl IntoView {
    let view = use_location().search.get_untracked();
    let page = Resource::new_blocking(|| (), move |()| api::together(view.clone()));
    let address = own_address();
    view! {
        <Title text=t(Key::TogetherName) />
        <Suspense>
            {move || {
                let address = address.clone();
                Suspend::new(async move {
                    match page.await {
                        Ok(page) => view! {
                            <PlainBar viewer=page.viewer />
                            <main id="content" class="wide" inner_html=page.body></main>
                        }
                        .into_any(),
                        Err(error) => view! { <PageFailed error address /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}
