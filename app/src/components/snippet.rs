//! The line that a page needs, with a button to copy it, and the wait for its first event.

use std::time::Duration;

use leptos::prelude::*;

use super::icons::{Icon, icon};
use crate::{
    dom,
    i18n::{Key, t},
    live::{LiveNews, listen},
    types::Site,
};

/// The line of a domain.
#[must_use]
pub fn snippet(site: &Site) -> String {
    format!(r#"<script defer data-domain="{}" src="{}"></script>"#, site.domain, site.tracker_url)
}

/// The line, with a button to copy it.
#[component]
pub fn Snippet(
    /// The line.
    line: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let text = line.clone();
    let copy = move |_| {
        dom::copy_text(&text);
        copied.set(true);
        set_timeout(
            move || {
                copied.try_set(false);
            },
            Duration::from_secs(2),
        );
    };
    view! {
        <div class="snippet">
            <pre class="snippet-line" tabindex="0" role="region" aria-label=t(Key::SnippetLabel)>
                <code>{line}</code>
            </pre>
            <button class="button script-only" type="button" on:click=copy>
                {move || icon(if copied.get() { Icon::Tick } else { Icon::Copy })}
                <span aria-live="polite">{move || t(if copied.get() { Key::Copied } else { Key::Copy })}</span>
            </button>
        </div>
    }
    .into_any()
}

/// "Waiting for the first event", which turns into "it works" by itself.
#[component]
pub fn Waiting(
    /// The domain.
    site: Site,
) -> impl IntoView {
    let arrived = RwSignal::new(site.has_events);
    let id = site.id;
    Effect::new(move |_| {
        listen(id, move |news| {
            if let LiveNews::View(view) = news {
                if view.has_events && !arrived.get_untracked() {
                    arrived.set(true);
                }
            }
        });
    });
    let domain = site.domain;
    view! {
        <div class="waiting" class:waiting-done=move || arrived.get() aria-live="polite">
            <span class="waiting-sign" aria-hidden="true"></span>
            <div>
                <p class="waiting-title">{move || t(if arrived.get() { Key::WorksTitle } else { Key::WaitingTitle })}</p>
                <p class="note">{move || t(if arrived.get() { Key::WorksText } else { Key::WaitingText })}</p>
                <noscript>
                    <p class="note">{t(Key::WaitingReload)}</p>
                </noscript>
            </div>
        </div>
        <p>
            <a class="button" class:button-main=move || arrived.get() href=format!("/{domain}")>
                {t(Key::GoToDashboard)}
            </a>
        </p>
    }
    .into_any()
}
