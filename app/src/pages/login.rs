//! Sign in with e-mail and password. A plain form; the server sends back what went wrong in the address.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::{
    api,
    components::forms::{CredentialFields, PlainBar},
    failed::PageFailed,
    i18n::{Key, t},
    query::decoded_pairs,
    types::Viewer,
};

/// The sign-in page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let viewer = Resource::new_blocking(|| (), |()| api::viewer());
    view! {
        <Title text=t(Key::SignInTitle) />
        <Suspense>
            {move || Suspend::new(async move {
                match viewer.await {
                    Ok(viewer) => view! { <Login viewer /> }.into_any(),
                    Err(error) => view! { <PageFailed error address="/login".to_owned() /> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn Login(viewer: Viewer) -> impl IntoView {
    // Decoded once: an address of ours has encoded values in it.
    let search = use_location().search.get_untracked();
    let callback = decoded_pairs(&search).into_iter().find_map(|(name, value)| (name == "callbackUrl").then_some(value));
    let callback = callback.filter(|address| is_own(address)).unwrap_or_else(|| "/".to_owned());
    let (csrf, needs_setup) = (viewer.csrf.clone(), viewer.needs_setup);
    view! {
        <PlainBar viewer />
        <main id="content" class="column">
            <h1 class="title">{t(Key::SignInTitle)}</h1>
            {needs_setup.then(|| view! { <p class="notice">{t(Key::NeedsSetupText)}</p> })}
            <form class="form" method="post" action="/api/auth/callback/credentials">
                <input type="hidden" name="csrfToken" value=csrf />
                <input type="hidden" name="callbackUrl" value=callback />
                <CredentialFields />
                <button class="button button-main">{t(Key::SignInButton)}</button>
            </form>
            <p class="note">{t(Key::SignInForgot)}</p>
        </main>
    }
    .into_any()
}

/// Only addresses of this server are carried along; the server checks again.
fn is_own(address: &str) -> bool {
    address.starts_with('/') && !address.starts_with("//") && !address.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_nowhere_else() {
        assert!(is_own("/example.org?period=7d"));
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
            assert!(!is_own(elsewhere));
        }
    }
}
