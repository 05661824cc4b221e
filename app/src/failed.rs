//! What stands in place of something that could not be loaded: the reason, and the next step as a button.

#[cfg(feature = "ssr")]
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{
    dom,
    icons::{Icon, icon},
};
use crate::{
    i18n::{Key, t},
    markup::Html,
    query::written,
    text::sentence,
    types::AppError,
};

/// A part of a page failed. The page listens for clicks on `data-retry` and loads that part again; without script the
/// button loads the page again.
#[must_use]
pub fn part_failed(error: &AppError, part: &'static str) -> Html {
    let mut html = Html::new();
    html.raw(r#"<div class="failed" role="alert"><p class="failed-title">"#)
        .text(t(Key::PanelFailed))
        .raw(r#"</p><p class="failed-reason">"#)
        .text(sentence(&error.to_string()))
        .raw(r#"</p><a class="button" rel="external""#);
    // What is asked wrongly fails again: only another question helps.
    if matches!(error, AppError::Invalid { .. }) {
        html.attr("href", "?").raw(">").text(t(Key::FiltersClear));
    } else {
        html.attr("href", "").attr("data-retry", part).raw(">").text(t(Key::Retry));
    }
    html.raw("</a></div>");
    html
}

/// The sign-in form, with the way back.
#[must_use]
pub fn sign_in(back: &str) -> String {
    format!("/login?{}", written(&[("callbackUrl", back.to_owned())]))
}

/// A whole page failed. Nobody signed in leads to the sign-in form, with the way back.
#[cfg(feature = "ssr")]
#[component]
pub fn PageFailed(
    /// Why.
    error: AppError,
    /// The page's own address.
    address: String,
) -> impl IntoView {
    let (title, text, label, href) = match &error {
        AppError::NotSignedIn => {
            dom::lead_to(&sign_in(&address));
            (Key::SignInTitle, String::new(), Key::SignIn, "/login".to_owned())
        }
        AppError::NotFound => {
            dom::answer_with(404);
            (Key::NotFoundTitle, t(Key::NotFoundText).to_owned(), Key::NotFoundLink, "/sites".to_owned())
        }
        other => {
            dom::answer_with(if matches!(other, AppError::StoreAway { .. }) { 503 } else { 500 });
            (Key::FailedTitle, sentence(&other.to_string()), Key::Retry, address)
        }
    };
    let mut html = Html::new();
    html.raw(r#"<p class="failed-mark mark">"#)
        .html(&icon(Icon::Mark))
        .raw(r#"</p><h1 class="title">"#)
        .text(t(title))
        .raw(r#"</h1><p class="lead">"#)
        .text(text)
        .raw(r#"</p><p><a class="button button-main" rel="external""#)
        .attr("href", href)
        .raw(">")
        .text(t(label))
        .raw("</a></p>");
    view! { <main id="content" class="column" inner_html=html.into_string()></main> }.into_any()
}
