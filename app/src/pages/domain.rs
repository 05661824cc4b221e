//! The page of a domain: figures, chart, panels, and what happens right now.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_query_map};
use wasm_bindgen::JsCast;

use crate::{
    api,
    components::{
        bar::{DomainBar, FilterChips},
        chart::ChartPanel,
        kpis::{FigureNotes, KpiStrip},
        live::LivePanel,
        panel::Panel,
        state::State,
    },
    failed::PageFailed,
    i18n::{Key, t},
    query::{PanelId, ViewQuery},
    types::Dashboard,
    wire::JsonText,
};

/// Loads the page in one answer, then hands over to [`Report`].
#[component]
pub fn DomainPage() -> impl IntoView {
    let params = use_params_map();
    let domain = Memo::new(move |_| params.with(|params| params.get("domain")).unwrap_or_default());
    let map = use_query_map();
    let search = use_location().search;
    let query = Memo::new(move |_| search.with(|search| ViewQuery::parse(search)));
    let page = Resource::<_, JsonText>::new_with_options(
        move || domain.get(),
        move |domain| {
            let get = |name: &str| map.with_untracked(|map| map.get(name));
            api::dashboard(domain, query.with_untracked(ViewQuery::write), get("said"), get("__err"))
        },
        true,
    );
    let begin = Callback::new(move |()| page.refetch());
    view! {
        <Transition fallback=Skeleton>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(first) => view! { <Report first query begin /> }.into_any(),
                    Err(error) => {
                        let page = format!("/{}", domain.get_untracked());
                        view! { <PageFailed error address=query.with_untracked(|query| query.href(&page)) /> }
                    }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Report(first: Dashboard, query: Memo<ViewQuery>, begin: Callback<()>) -> impl IntoView {
    let state = State::new(&first, query, begin);
    provide_context(state);
    let degraded = Memo::new(move |_| state.strip.value.with(|strip| strip.degraded));
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
            <p class="notice notice-warn" role="status" hidden=move || !degraded.get()>
                {move || degraded.get().then(|| t(Key::Degraded))}
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

/// The shape of the page while it loads, so that nothing moves when it is there.
#[component]
fn Skeleton() -> impl IntoView {
    const SHAPE: &str = r#"<div class="bar"><div class="bar-inner"></div></div><div class="wide" aria-busy="true"><div class="strip skeleton skeleton-strip"></div><div class="chart skeleton skeleton-chart"></div><div class="panels"><div class="panel skeleton skeleton-panel"></div><div class="panel skeleton skeleton-panel"></div></div></div>"#;
    view! { <div inner_html=SHAPE></div> }.into_any()
}
