//! What stands in place of something that could not be loaded: the reason, and the next step as a button.

use leptos::prelude::*;

use crate::{
    dom,
    i18n::{Key, t},
    types::AppError,
};

/// A part of a page failed. `retry` loads it again; without script the button loads the page again.
#[must_use]
pub fn part_failed<F: Fn() + 'static>(error: &AppError, retry: F) -> impl IntoView + use<F> {
    let reason = error.to_string();
    let retry = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        retry();
    };
    view! {
        <div class="failed" role="alert">
            <p class="failed-title">{t(Key::PanelFailed)}</p>
            <p class="failed-reason">{sentence(&reason)}</p>
            <a class="button" href="" rel="external" on:click=retry>
                {t(Key::Retry)}
            </a>
        </div>
    }
}

/// A whole page failed. Nobody signed in leads to the sign-in form, with the way back.
#[component]
pub fn PageFailed(
    /// Why.
    error: AppError,
    /// The page's own address.
    address: String,
) -> impl IntoView {
    let (title, text) = match &error {
        AppError::NotSignedIn => {
            dom::lead_to(&format!("/login?callbackUrl={address}"));
            (t(Key::SignInTitle), String::new())
        }
        AppError::NotFound => {
            dom::answer_with(404);
            (t(Key::NotFoundTitle), t(Key::NotFoundText).to_owned())
        }
        other => {
            dom::answer_with(if matches!(other, AppError::StoreAway { .. }) { 503 } else { 500 });
            (t(Key::FailedTitle), sentence(&other.to_string()))
        }
    };
    let (label, href) = match error {
        AppError::NotSignedIn => (t(Key::SignIn), "/login".to_owned()),
        AppError::NotFound => (t(Key::NotFoundLink), "/sites".to_owned()),
        _ => (t(Key::Retry), address),
    };
    view! {
        <main id="content" class="column">
            <h1 class="title">{title}</h1>
            <p class="lead">{text}</p>
            <p>
                <a class="button button-main" href=href rel="external">
                    {label}
                </a>
            </p>
        </main>
    }
    .into_any()
}

/// Error texts are lower case without a full stop; on a page they are sentences.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.')))
}
