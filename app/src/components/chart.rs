//! The chart's place on the page: the server's drawing first, ECharts when its bundle has arrived, and the table as a twin.

use leptos::{html, prelude::*};

use super::state::State;
use crate::{
    chart::engine,
    i18n::{Key, t},
};

/// The chart of the chosen figure.
#[component]
pub fn ChartPanel() -> impl IntoView {
    let state = expect_context::<State>();
    let view = state.chart.value;
    let drawn = RwSignal::new(false);
    let host = NodeRef::<html::Div>::new();
    take_over(state, host, drawn);
    view! {
        <section class="chart" aria-label=move || view.with(|view| view.summary.clone()) class:busy=move || state.chart.busy.get()>
            <header class="chart-head" inner_html=move || view.with(|view| view.head.clone())></header>
            <div class="chart-frame">
                <div
                    class="chart-drawing"
                    class:chart-behind=move || drawn.get()
                    inner_html=move || view.with(|view| view.drawing.clone())
                ></div>
                <div class="chart-host" aria-hidden="true" node_ref=host></div>
            </div>
            <details class="twin">
                <summary>{t(Key::ChartTable)}</summary>
                <div
                    class="twin-scroll"
                    tabindex="0"
                    role="region"
                    aria-label=t(Key::ChartTable)
                    inner_html=move || view.with(|view| view.table.clone())
                ></div>
            </details>
        </section>
    }
    .into_any()
}

/// Loads the bundle after the page stands, then draws every change.
fn take_over(state: State, host: NodeRef<html::Div>, drawn: RwSignal<bool>) {
    let loaded = RwSignal::new(false);
    Effect::new(move |_| {
        engine::load(move || {
            loaded.try_set(true);
        });
    });
    Effect::new(move |_| {
        let (true, Some(element)) = (loaded.get(), host.get()) else { return };
        let shown = state.chart.value.with(|view| {
            if view.option.is_empty() {
                engine::hide(&element);
                return false;
            }
            engine::show(&element, &view.option, &view.words)
        });
        drawn.set(shown);
    });
    on_cleanup(move || {
        if let Some(element) = host.try_get_untracked().flatten() {
            engine::hide(&element);
        }
    });
}
