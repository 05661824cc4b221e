//! The strip of six figures. Each chooses what the chart shows. The server writes the figures out
//! (`parts/strip.rs`); the browser adds what the live stream tells in between.

use footfall_model::Period;
use leptos::prelude::*;

use super::state::State;
use crate::{
    format,
    i18n::{Key, fill, t},
    markup::Html,
    metric::Metric,
};

/// The strip. Each figure is replaced only when its text changes; the style sheet rolls the new one in.
#[component]
pub fn KpiStrip() -> impl IntoView {
    let state = expect_context::<State>();
    let items: Vec<_> = Metric::STRIP.into_iter().enumerate().map(|(at, metric)| kpi(state, at, metric)).collect();
    view! {
        <section class="strip" aria-label=t(Key::Figures) class:busy=move || state.strip.busy.get()>
            <div class="strip-fault" inner_html=move || state.strip.value.with(|strip| strip.fault.clone())></div>
            <ul class="strip-items">{items}</ul>
        </section>
    }
    .into_any()
}

/// What must be known about the figures.
#[component]
pub fn FigureNotes() -> impl IntoView {
    let state = expect_context::<State>();
    view! { <p class="note figure-notes">{move || state.strip.value.with(|strip| strip.notes.clone())}</p> }.into_any()
}

/// The figure as it is now: with what the live stream has told since the strip was loaded.
fn current(state: State, at: usize, metric: Metric) -> String {
    let is_all = state.query.with(|query| query.filters.is_empty());
    let half_hour = is_all && state.period.get() == Period::Last30Minutes && !state.live_away.get();
    match metric {
        Metric::Visitors if half_hour => format::figure(state.live.with(|live| live.visitors)),
        Metric::Pageviews if half_hour => format::figure(state.live.with(|live| live.pageviews)),
        Metric::Pageviews if state.extra.get() > 0 => format::figure(state.strip.value.with(|strip| strip.pageviews) + state.extra.get()),
        _ => state.strip.value.with(|strip| strip.figures.get(at).cloned()).unwrap_or_default(),
    }
}

fn kpi(state: State, at: usize, metric: Metric) -> AnyView {
    let name = t(metric.name());
    let figure = Memo::new(move |_| {
        let mut html = Html::new();
        html.raw("<span>").text(current(state, at, metric)).raw("</span>");
        html.into_string()
    });
    let change = Memo::new(move |_| state.strip.value.with(|strip| strip.changes.get(at).cloned()).unwrap_or_default());
    let explain = Memo::new(move |_| state.strip.value.with(|strip| strip.explains.get(at).cloned()).unwrap_or_default());
    let spark = Memo::new(move |_| state.chart.value.with(|chart| chart.sparks.get(at).cloned()).unwrap_or_default());
    let href = move || state.query.with(|query| query.with_metric(metric).href(&state.page()));
    let chosen = move || state.query.with(|query| query.metric == metric).then_some("true");
    view! {
        <li>
            <a class="kpi" data-noscroll="" title=fill(Key::ShowInChart, &[("figure", name)]) href=href aria-current=chosen>
                <span class="kpi-name">{name}</span>
                <span class="kpi-figure roll" inner_html=move || figure.get()></span>
                <span class="kpi-foot">
                    <span class="kpi-change" inner_html=move || change.get()></span>
                    <span class="kpi-spark" inner_html=move || spark.get()></span>
                </span>
            </a>
            <span inner_html=move || explain.get()></span>
        </li>
    }
    .into_any()
}
