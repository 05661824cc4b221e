//! A figure that rolls over when it changes. The new text is a new element, so the style sheet alone animates it.

use leptos::prelude::*;

/// The text, replaced with a short roll.
#[component]
pub fn Rolling(
    /// What to show.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    view! {
        <span class="roll">
            <For each=move || [text.get()] key=String::clone children=|text| view! { <span>{text}</span> } />
        </span>
    }
    .into_any()
}
