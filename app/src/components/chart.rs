//! The main chart on the page: drawn by the server, taken over by ECharts when its bundle has arrived, with a table as its twin.

use footfall_model::Interval;
use leptos::{html, prelude::*};

use super::{failed::part_failed, state::State};
use crate::{
    chart::{
        engine,
        model::{ChartModel, metric_name},
        option::{DARK, LIGHT},
        svg,
    },
    i18n::{Key, fill, t},
    query::intervals,
    theme::ThemeState,
    types::Compare,
};

/// The chart of the chosen figure.
#[component]
pub fn ChartPanel() -> impl IntoView {
    let state = expect_context::<State>();
    let model = Memo::new(move |_| {
        let (metric, extra) = (state.query.with(|query| query.metric), state.chart_extra.get());
        state.series.value.with(|series| series.as_ref().ok().map(|series| ChartModel::new(series, metric, extra)))
    });
    let drawn = RwSignal::new(false);
    let host = NodeRef::<html::Div>::new();
    take_over(host, model, drawn);
    let name = move || metric_name(state.query.with(|query| query.metric));
    let summary = move || model.with(|model| model.as_ref().map(ChartModel::summary).unwrap_or_default());
    view! {
        <section class="chart" aria-labelledby="chart-title">
            <header class="chart-head">
                <h2 id="chart-title" class="sr-only">
                    {move || fill(Key::ChartTitle, &[("figure", name())])}
                </h2>
                <Legend />
                <Intervals />
            </header>
            <div class="chart-frame" class:busy=move || state.series.busy.get()>
                <div class="chart-drawing" role="img" aria-label=summary>
                    {move || {
                        (!drawn.get()).then(|| model.with(|model| model.as_ref().map(|model| svg::draw(model).into_any())))
                    }}
                    <div class="chart-host" node_ref=host></div>
                </div>
                {move || {
                    let error = state.series.value.with(|series| series.as_ref().err().cloned())?;
                    Some(view! { <div class="chart-failed">{part_failed(&error, move || state.load_series(false))}</div> })
                }}
            </div>
            <Twin model />
        </section>
    }
    .into_any()
}

/// Loads the bundle after the page stands, then draws every change.
fn take_over(host: NodeRef<html::Div>, model: Memo<Option<ChartModel>>, drawn: RwSignal<bool>) {
    let theme = expect_context::<ThemeState>();
    let loaded = RwSignal::new(false);
    Effect::new(move |_| {
        engine::load(move || {
            loaded.try_set(true);
        });
    });
    Effect::new(move |_| {
        let colours = if theme.is_dark() { DARK } else { LIGHT };
        let (true, Some(element)) = (loaded.get(), host.get()) else { return };
        model.with(|model| match model {
            Some(model) => drawn.set(engine::show(&element, model, colours)),
            None => {
                engine::hide(&element);
                drawn.set(false);
            }
        });
    });
    on_cleanup(move || {
        if let Some(element) = host.try_get_untracked().flatten() {
            engine::hide(&element);
        }
    });
}

#[component]
fn Legend() -> impl IntoView {
    let state = expect_context::<State>();
    let compared = move || state.series.value.with(|series| series.as_ref().is_ok_and(|series| series.then.is_some()));
    let then = move || {
        t(match state.query.with(|query| query.compare) {
            Compare::Year => Key::CompareYear,
            _ => Key::ComparePrevious,
        })
    };
    view! {
        <ul class="legend">
            <li class="legend-now">{move || metric_name(state.query.with(|query| query.metric))}</li>
            {move || compared().then(|| view! { <li class="legend-then">{then()}</li> })}
        </ul>
    }
    .into_any()
}

#[component]
fn Intervals() -> impl IntoView {
    let state = expect_context::<State>();
    let current = Memo::new(move |_| state.series.value.with(|series| series.as_ref().ok().map(|series| series.now.interval)));
    move || {
        let choices = intervals(&state.period.get());
        (choices.len() > 1).then(|| {
            view! {
                <nav class="tabs" aria-label=t(Key::IntervalLabel)>
                    {choices
                        .iter()
                        .map(|choice| {
                            let choice = *choice;
                            view! {
                                <a
                                    class="tab"
                                    data-noscroll=""
                                    href=move || state.href_with(|query| query.with_interval(choice))
                                    aria-current=move || (current.get() == Some(choice)).then_some("true")
                                >
                                    {interval_name(choice)}
                                </a>
                            }
                        })
                        .collect::<Vec<_>>()}
                </nav>
            }
        })
    }
}

fn interval_name(interval: Interval) -> &'static str {
    t(match interval {
        Interval::Minute => Key::IntervalMinute,
        Interval::Hour => Key::IntervalHour,
        Interval::Day => Key::IntervalDay,
        Interval::Week => Key::IntervalWeek,
        Interval::Month => Key::IntervalMonth,
    })
}

/// The same figures as a table, for those who cannot or would not look at a drawing.
#[component]
fn Twin(model: Memo<Option<ChartModel>>) -> impl IntoView {
    let rows = move || {
        model.with(|model| {
            let Some(model) = model else { return Vec::new() };
            (0..model.values.len())
                .map(|at| {
                    let tip = model.tip(at);
                    let then = tip.then.map(|then| view! { <td>{then}</td> <td>{tip.change.unwrap_or_default()}</td> });
                    view! {
                        <tr>
                            <th scope="row">{tip.when}</th>
                            <td>{tip.now}</td>
                            {then}
                        </tr>
                    }
                })
                .collect()
        })
    };
    let compared = move || model.with(|model| model.as_ref().is_some_and(|model| model.then.is_some()));
    let name = move || model.with(|model| model.as_ref().map(|model| model.name));
    view! {
        <details class="twin">
            <summary>{t(Key::ChartTable)}</summary>
            <div class="twin-scroll" tabindex="0" role="region" aria-label=t(Key::ChartTable)>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{t(Key::ChartTime)}</th>
                            <th scope="col">{name}</th>
                            {move || compared().then(|| view! { <th scope="col">{t(Key::ChartThen)}</th> <th scope="col">"±"</th> })}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
