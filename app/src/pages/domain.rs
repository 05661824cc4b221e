//! The page of a domain: figures, chart, panels, and what happens right now.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::{
    address,
    components::{
        bar::{DomainBar, FilterChips},
        chart::ChartPanel,
        kpis::{FigureNotes, KpiStrip},
        live::LivePanel,
        panel::Panel,
        state::State,
    },
    query::{PanelId, ViewQuery},
    types::Dashboard,
};

/// The page, from the server's first answer.
#[component]
pub fn DomainPage(
    /// What the server knew when it wrote the page.
    first: Dashboard,
) -> impl IntoView {
    let search = address::search();
    let query = Memo::new(move |_| search.with(|search| ViewQuery::parse(search)));
    let state = State::new(&first, query);
    provide_context(state);
    let notice = Memo::new(move |_| state.strip.value.with(|strip| strip.notice.clone()));
    let Dashboard { switcher, account, notices, empty, .. } = first;
    let body = match empty {
        Some(html) => view! { <div inner_html=html></div> }.into_any(),
        None => view! {
            <KpiStrip />
            <ChartPanel />
            <FigureNotes />
            <div class="panels">
                {Vec::from(PanelId::ALL.map(|panel| view! { <Panel panel /> }.into_any()))} <LivePanel />
            </div>
        }
        .into_any(),
    };
    view! {
        <DomainBar switcher account />
        <main id="content" class="wide" on:click=move |event| retry(state, &event)>
            <p class="notice notice-warn" role="status" hidden=move || notice.with(String::is_empty)>
                {move || notice.get()}
            </p>
            <div inner_html=notices></div>
            <FilterChips />
            {body}
        </main>
    }
    .into_any()
}

/// Buttons of failed parts are HTML without a handler of their own.
fn retry(state: State, event: &leptos::ev::MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let button = target.and_then(|target| target.closest("[data-retry]").ok().flatten());
    if let Some(part) = button.and_then(|button| button.get_attribute("data-retry")) {
        event.prevent_default();
        state.retry(&part);
    }
}
