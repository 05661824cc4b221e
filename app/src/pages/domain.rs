//! The page of a domain: figures, chart, panels, and what happens right now.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    api::{self, LoadDemo, RemoveDemo},
    components::{
        bar::DomainBar,
        chart::ChartPanel,
        empty::NoVisitsYet,
        failed::PageFailed,
        kpis::KpiStrip,
        live::LivePanel,
        notices::{CountingNote, Notices},
        panel::Panel,
        state::State,
    },
    query::{PanelId, ViewQuery},
    types::Dashboard,
};

/// Loads the page in one answer, then hands over to [`Report`].
#[component]
pub fn DomainPage() -> impl IntoView {
    let params = use_params_map();
    let domain = Memo::new(move |_| params.with(|params| params.get("domain")).unwrap_or_default());
    let map = use_query_map();
    let query = Memo::new(move |_| map.with(|map| ViewQuery::read(|name| map.get(name))));
    let load = ServerAction::<LoadDemo>::new();
    let remove = ServerAction::<RemoveDemo>::new();
    let page = Resource::new_blocking(
        move || (domain.get(), load.version().get(), remove.version().get()),
        move |(domain, _, _)| {
            let query = query.with_untracked(ViewQuery::write);
            api::dashboard(domain, query)
        },
    );
    view! {
        <Title text=move || domain.get() />
        <Transition fallback=Skeleton>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(first) => view! { <Report first query load remove /> }.into_any(),
                    Err(error) => view! { <PageFailed error address=format!("/{}", domain.get_untracked()) /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Report(first: Dashboard, query: Memo<ViewQuery>, load: ServerAction<LoadDemo>, remove: ServerAction<RemoveDemo>) -> impl IntoView {
    let (viewer, domains, domain) = (first.viewer.clone(), first.domains.clone(), first.site.domain.clone());
    let csrf = StoredValue::new(viewer.csrf.clone());
    let state = State::new(first, query);
    provide_context(state);
    let body = move || {
        if state.has_events.get() {
            view! {
                <KpiStrip />
                <ChartPanel />
                <CountingNote />
                <div class="panels">
                    {Vec::from(PanelId::ALL.map(|panel| view! { <Panel panel /> }))} <LivePanel />
                </div>
            }
            .into_any()
        } else {
            view! { <NoVisitsYet csrf=csrf.get_value() load /> }.into_any()
        }
    };
    view! {
        <DomainBar viewer domains />
        <main id="content" class="wide">
            <h1 class="sr-only">{domain}</h1>
            <Notices csrf=csrf.get_value() remove />
            {body}
        </main>
    }
    .into_any()
}

/// The shape of the page while it loads, so that nothing moves when it is there.
#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <div class="bar" aria-hidden="true">
            <div class="bar-inner"></div>
        </div>
        <main id="content" class="wide" aria-busy="true">
            <div class="strip skeleton skeleton-strip"></div>
            <div class="chart skeleton skeleton-chart"></div>
            <div class="panels">
                <div class="panel skeleton skeleton-panel"></div>
                <div class="panel skeleton skeleton-panel"></div>
            </div>
        </main>
    }
    .into_any()
}
