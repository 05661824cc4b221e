//! The strip of six figures. Visitors and pageviews choose what the chart shows.

use footfall_model::{
    Period,
    report::{Changes, Figures, Kpis},
};
use leptos::prelude::*;

use super::state::State;
use crate::{
    failed::part_failed,
    format,
    i18n::{Key, fill, t},
    markup::Html,
    query::Metric,
};

/// One figure of the strip.
#[derive(Clone, Copy)]
struct Item {
    name: Key,
    /// Its text; a dash where there were no visits to say it of.
    text: fn(&Figures) -> String,
    change: fn(&Changes) -> Option<i64>,
    /// The chart can show it.
    metric: Option<Metric>,
    /// More is worse.
    inverse: bool,
}

const ITEMS: [Item; 6] = [
    Item {
        name: Key::Visitors,
        text: |figures| format::figure(figures.visitors),
        change: |changes| changes.visitors,
        metric: Some(Metric::Visitors),
        inverse: false,
    },
    Item {
        name: Key::Pageviews,
        text: |figures| format::figure(figures.pageviews),
        change: |changes| changes.pageviews,
        metric: Some(Metric::Pageviews),
        inverse: false,
    },
    Item {
        name: Key::Visits,
        text: |figures| format::figure(figures.visits),
        change: |changes| changes.visits,
        metric: None,
        inverse: false,
    },
    Item {
        name: Key::ViewsPerVisit,
        text: |figures| of_visits(figures, format::ratio(figures.views_per_visit)),
        change: |changes| changes.views_per_visit,
        metric: None,
        inverse: false,
    },
    Item {
        name: Key::BounceRate,
        text: |figures| of_visits(figures, format!("{}%", figures.bounce_rate)),
        change: |changes| changes.bounce_rate,
        metric: None,
        inverse: true,
    },
    Item {
        name: Key::VisitDuration,
        text: |figures| of_visits(figures, format::duration(figures.visit_duration)),
        change: |changes| changes.visit_duration,
        metric: None,
        inverse: false,
    },
];

fn of_visits(figures: &Figures, text: String) -> String {
    if figures.visits == 0 { "–".to_owned() } else { text }
}

/// The strip. Each figure is replaced only when its text changes; the style sheet rolls the new one in.
#[component]
pub fn KpiStrip() -> impl IntoView {
    let state = expect_context::<State>();
    // With what the live stream has told since: pageviews at once, the rest with the next answer.
    let shown = Memo::new(move |_| {
        let extra = state.extra.get();
        let half_hour = state.period.get() == Period::Last30Minutes && !state.live_away.get();
        state.kpis.value.with(|kpis| kpis.as_ref().ok().cloned()).map(|mut kpis| {
            if half_hour {
                state.live.with(|live| {
                    kpis.figures.pageviews = live.pageviews;
                    kpis.figures.visitors = live.visitors;
                });
            } else {
                kpis.figures.pageviews += extra;
            }
            kpis
        })
    });
    let fault = move || {
        let html = state.kpis.value.with(|kpis| kpis.as_ref().err().map(|error| part_failed(error, "kpis")));
        html.unwrap_or_default().into_string()
    };
    let items = Vec::from(ITEMS.map(|item| kpi(state, item, shown)));
    view! {
        <section class="strip" aria-label=t(Key::Figures) class:busy=move || state.kpis.busy.get()>
            <div class="strip-fault" inner_html=fault></div>
            <ul class="strip-items">{items}</ul>
        </section>
    }
    .into_any()
}

fn kpi(state: State, item: Item, shown: Memo<Option<Kpis>>) -> AnyView {
    let name = t(item.name);
    let figure = Memo::new(move |_| {
        shown.with(|kpis| {
            let mut html = Html::new();
            if let Some(kpis) = kpis {
                let about = if kpis.meta.approximate && item.name == Key::Visitors { "≈ " } else { "" };
                html.raw("<span>").raw(about).text((item.text)(&kpis.figures)).raw("</span>");
            }
            html.into_string()
        })
    });
    let changed = Memo::new(move |_| shown.with(|kpis| kpis.as_ref().map(|kpis| change(item, kpis).into_string()).unwrap_or_default()));
    // A figure that the chart cannot show is a link to nowhere: no address, no place in the order of focus.
    let href = move || item.metric.map(|metric| state.query.with(|query| query.with_metric(metric).href(&state.domain())));
    let chosen = move || item.metric.is_some_and(|metric| state.query.with(|query| query.metric == metric)).then_some("true");
    let title = item.metric.map(|_| fill(Key::ShowInChart, &[("figure", name)]));
    view! {
        <li>
            <a class="kpi" data-noscroll="" title=title href=href aria-current=chosen>
                <span class="kpi-name">{name}</span>
                <span class="kpi-figure roll" inner_html=move || figure.get()></span>
                <span class="kpi-change" inner_html=move || changed.get()></span>
            </a>
        </li>
    }
    .into_any()
}

fn change(item: Item, kpis: &Kpis) -> Html {
    let mut html = Html::new();
    let Some(comparison) = &kpis.comparison else { return html };
    let (class, arrow, text, said) = match (item.change)(&comparison.change) {
        None => ("change", "", t(Key::NoEarlierData).to_owned(), t(Key::NoEarlierData).to_owned()),
        Some(0) => ("change", "", "0%".to_owned(), t(Key::ChangeSame).to_owned()),
        Some(n) => {
            let text = format!("{}%", format::number(n.unsigned_abs()));
            let better = (n > 0) != item.inverse;
            let (arrow, key) = if n > 0 { ("↑ ", Key::ChangeUp) } else { ("↓ ", Key::ChangeDown) };
            let said = fill(key, &[("n", &text)]);
            (if better { "change change-up" } else { "change change-down" }, arrow, text, said)
        }
    };
    html.raw("<span")
        .attr("class", class)
        .attr("title", (item.text)(&comparison.figures))
        .raw(r#"><span aria-hidden="true">"#)
        .raw(arrow)
        .text(text)
        .raw(r#"</span><span class="sr-only">"#)
        .text(said)
        .raw("</span></span>");
    html
}

/// What must be known about the figures: how people are counted over days, estimates, an earlier period that is cut off.
#[component]
pub fn FigureNotes() -> impl IntoView {
    let state = expect_context::<State>();
    let notes = move || {
        state.kpis.value.with(|kpis| {
            let Ok(kpis) = kpis else { return String::new() };
            let incomplete = kpis.comparison.as_ref().is_some_and(|comparison| comparison.incomplete);
            let mut text = String::new();
            for (holds, key) in [
                (kpis.meta.crosses_days, Key::CrossesDays),
                (kpis.meta.approximate, Key::Approximate),
                (incomplete, Key::IncompleteComparison),
            ] {
                if holds {
                    text.push_str(t(key));
                    text.push(' ');
                }
            }
            text
        })
    };
    view! { <p class="note figure-notes">{notes}</p> }.into_any()
}
