//! `/share/SLUG`: leads to the dashboard of a shared link, or asks for its password first. Plausible's `/share/DOMAIN?auth=SLUG` leads there as well.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    api,
    components::{forms::PlainBar, sheet::own_address},
    dom,
    failed::PageFailed,
    i18n::{Key, t},
};

/// The entrance.
#[component]
pub fn SharePage() -> impl IntoView {
    let named = use_params_map().get_untracked().get("slug").unwrap_or_default();
    let search = use_location().search.get_untracked();
    let address = own_address();
    let entrance = Resource::new_blocking(|| (), move |()| api::share::entrance(named.clone(), search.clone()));
    view! {
        <Title text=t(Key::SharedTitle) />
        <Suspense>
            {move || {
                let address = address.clone();
                Suspend::new(async move {
                    match entrance.await {
                        Ok(api::share::Entrance { to: Some(to), .. }) => {
                            dom::lead_to(&to);
                            ().into_any()
                        }
                        Ok(api::share::Entrance { viewer, form, .. }) => view! {
                            <PlainBar viewer />
                            <main id="content" class="column" inner_html=form></main>
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
