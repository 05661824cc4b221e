//! A panel's place on the page; what stands in it is written by the server (`parts/panel.rs`).

use leptos::prelude::*;

use super::state::State;
use crate::query::PanelId;

/// A panel.
#[component]
pub fn Panel(
    /// Which one.
    panel: PanelId,
) -> impl IntoView {
    let state = expect_context::<State>();
    let part = state.panel(panel);
    view! {
        <section
            id=panel.code()
            class="panel"
            class:busy=move || part.busy.get()
            aria-labelledby=format!("{}-title", panel.code())
            inner_html=move || part.value.get()
        ></section>
    }
    .into_any()
}
