//! A domain without any event yet: the line to paste, the wait for it, and demo data to look around with.

use leptos::prelude::*;

use super::{
    forms::DemoForm,
    snippet::{Snippet, snippet},
    state::State,
};
use crate::{
    api::LoadDemo,
    i18n::{Key, fill, t},
};

/// Stands where the figures will be.
#[component]
pub fn NoVisitsYet(
    /// The viewer's token.
    csrf: String,
    /// Loads the demo data; owned by the page.
    load: ServerAction<LoadDemo>,
) -> impl IntoView {
    let state = expect_context::<State>();
    let (line, domain) = state.site.with_value(|site| (snippet(site), site.domain.clone()));
    view! {
        <section class="empty" aria-labelledby="empty-title">
            <h2 id="empty-title" class="title">
                {t(Key::EmptyTitle)}
            </h2>
            <p class="lead">{fill(Key::EmptyText, &[("domain", &domain)])}</p>
            <Snippet line />
            <div class="waiting" aria-live="polite">
                <span class="waiting-sign" aria-hidden="true"></span>
                <div>
                    <p class="waiting-title">{t(Key::WaitingTitle)}</p>
                    <p class="note">{t(Key::WaitingText)}</p>
                </div>
            </div>
            <DemoForm csrf domain load />
        </section>
    }
    .into_any()
}
