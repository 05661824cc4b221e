//! The strip of six figures. Visitors and pageviews choose what the chart shows. The server writes the figures out
//! (`parts/strip.rs`); the browser adds what the live stream tells in between.

use footfall_model::Period;
use leptos::prelude::*;

use super::state::State;
use crate::{
    format,
    i18n::{Key, fill, t},
    markup::Html,
    query::Metric,
};

/// The figures in order; those that the chart can show with what it is asked for.
const FIGURES: [(Key, Option<Metric>); 6] = [
    (Key::Visitors, Some(Metric::Visitors)),
    (Key::Pageviews, Some(Metric::Pageviews)),
    (Key::Visits, None),
    (Key::ViewsPerVisit, None),
    (Key::BounceRate, None),
    (Key::VisitDuration, None),
];

/// The strip. Each figure is replaced only when its text changes; the style sheet rolls the new one in.
#[component]
pub fn KpiStrip() -> impl IntoView {
    let state = expect_context::<State>();
    let items: Vec<_> = FIGURES.iter().enumerate().map(|(at, (name, metric))| kpi(state, at, *name, *metric)).collect();
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
fn current(state: State, at: usize, metric: Option<Metric>) -> String {
    let is_all = state.query.with(|query| query.filters.is_empty());
    let half_hour = is_all && state.period.get() == Period::Last30Minutes && !state.live_away.get();
    match metric {
        Some(Metric::Visitors) if half_hour => format::figure(state.live.with(|live| live.visitors)),
        Some(Metric::Pageviews) if half_hour => format::figure(state.live.with(|live| live.pageviews)),
        Some(Metric::Pageviews) if state.extra.get() > 0 => {
            format::figure(state.strip.value.with(|strip| strip.pageviews) + state.extra.get())
        }
        _ => state.strip.value.with(|strip| strip.figures.get(at).cloned()).unwrap_or_default(),
    }
}

fn kpi(state: State, at: usize, name: Key, metric: Option<Metric>) -> AnyView {
    let name = t(name);
    let figure = Memo::new(move |_| {
        let mut html = Html::new();
        html.raw("<span>").text(current(state, at, metric)).raw("</span>");
        html.into_string()
    });
    let change = Memo::new(move |_| state.strip.value.with(|strip| strip.changes.get(at).cloned()).unwrap_or_default());
    let explain = Memo::new(move |_| state.strip.value.with(|strip| strip.explains.get(at).cloned()).unwrap_or_default());
    // A figure that the chart cannot show is a link to nowhere: no address, no place in the order of focus.
    let href = move || metric.map(|metric| state.query.with(|query| query.with_metric(metric).href(&state.domain())));
    let chosen = move || metric.is_some_and(|metric| state.query.with(|query| query.metric == metric)).then_some("true");
    let title = metric.map(|_| fill(Key::ShowInChart, &[("figure", name)]));
    view! {
        <li>
            <a class="kpi" data-noscroll="" title=title href=href aria-current=chosen>
                <span class="kpi-name">{name}</span>
                <span class="kpi-figure roll" inner_html=move || figure.get()></span>
                <span class="kpi-change" inner_html=move || change.get()></span>
            </a>
            <span inner_html=move || explain.get()></span>
        </li>
    }
    .into_any()
}
