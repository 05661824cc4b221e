//! The strip of six figures. Visitors and pageviews choose what the chart shows.

use footfall_model::{
    Period,
    report::{Changes, Figures, Kpis},
};
use leptos::prelude::*;

use super::{failed::part_failed, rolling::Rolling, state::State};
use crate::{
    format,
    i18n::{Key, fill, t},
    query::Metric,
    types::AppError,
};

/// One figure of the strip.
#[derive(Clone, Copy)]
struct Item {
    name: Key,
    /// Its text; a dash where there were no visits to say it of.
    text: fn(&Figures) -> String,
    change: fn(&Changes) -> Option<i64>,
    then: fn(&Figures) -> String,
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
        then: |figures| format::number(figures.visitors),
        metric: Some(Metric::Visitors),
        inverse: false,
    },
    Item {
        name: Key::Pageviews,
        text: |figures| format::figure(figures.pageviews),
        change: |changes| changes.pageviews,
        then: |figures| format::number(figures.pageviews),
        metric: Some(Metric::Pageviews),
        inverse: false,
    },
    Item {
        name: Key::Visits,
        text: |figures| format::figure(figures.visits),
        change: |changes| changes.visits,
        then: |figures| format::number(figures.visits),
        metric: None,
        inverse: false,
    },
    Item {
        name: Key::ViewsPerVisit,
        text: |figures| of_visits(figures, format::ratio(figures.views_per_visit)),
        change: |changes| changes.views_per_visit,
        then: |figures| of_visits(figures, format::ratio(figures.views_per_visit)),
        metric: None,
        inverse: false,
    },
    Item {
        name: Key::BounceRate,
        text: |figures| of_visits(figures, format!("{}%", figures.bounce_rate)),
        change: |changes| changes.bounce_rate,
        then: |figures| of_visits(figures, format!("{}%", figures.bounce_rate)),
        metric: None,
        inverse: true,
    },
    Item {
        name: Key::VisitDuration,
        text: |figures| of_visits(figures, format::duration(figures.visit_duration)),
        change: |changes| changes.visit_duration,
        then: |figures| of_visits(figures, format::duration(figures.visit_duration)),
        metric: None,
        inverse: false,
    },
];

fn of_visits(figures: &Figures, text: String) -> String {
    if figures.visits == 0 { "–".to_owned() } else { text }
}

/// The strip.
#[component]
pub fn KpiStrip() -> impl IntoView {
    let state = expect_context::<State>();
    // With what the live stream has told since: pageviews at once, the rest with the next answer.
    let shown = Memo::new(move |_| {
        let extra = state.extra.get();
        let half_hour = state.period.get() == Period::Last30Minutes && !state.live_away.get();
        state.kpis.value.get().map(|mut kpis: Kpis| {
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
    view! {
        <section class="strip" aria-label=t(Key::Figures) class:busy=move || state.kpis.busy.get()>
            {move || match shown.with(|shown| shown.as_ref().err().cloned()) {
                Some(error) => part_failed(&error, move || state.load_kpis(false)).into_any(),
                None => view! { <ul class="strip-items">{Vec::from(ITEMS.map(|item| view! { <KpiItem item shown /> }))}</ul> }.into_any(),
            }}
        </section>
    }
    .into_any()
}

#[component]
fn KpiItem(item: Item, shown: Memo<Result<Kpis, AppError>>) -> impl IntoView {
    let state = expect_context::<State>();
    let name = t(item.name);
    let text = Memo::new(move |_| {
        shown.with(|kpis| {
            kpis.as_ref().map_or_else(
                |_| String::new(),
                |kpis| {
                    let about = if kpis.meta.approximate && item.name == Key::Visitors { "≈ " } else { "" };
                    format!("{about}{}", (item.text)(&kpis.figures))
                },
            )
        })
    });
    let inner = view! {
        <span class="kpi-name">{name}</span>
        <span class="kpi-figure">
            <Rolling text />
        </span>
        <span class="kpi-change">{move || shown.with(|kpis| kpis.as_ref().ok().and_then(|kpis| change(item, kpis)))}</span>
    };
    let Some(metric) = item.metric else {
        return view! {
            <li>
                <div class="kpi">{inner}</div>
            </li>
        }
        .into_any();
    };
    let chosen = move || state.query.with(|query| query.metric == metric);
    view! {
        <li>
            <a
                class="kpi kpi-link"
                data-noscroll=""
                title=fill(Key::ShowInChart, &[("figure", name)])
                href=move || state.href_with(|query| query.with_metric(metric))
                aria-current=move || chosen().then_some("true")
            >
                {inner}
            </a>
        </li>
    }
    .into_any()
}

fn change(item: Item, kpis: &Kpis) -> Option<impl IntoView + use<>> {
    let comparison = kpis.comparison.as_ref()?;
    let then = (item.then)(&comparison.figures);
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
    Some(view! {
        <span class=class title=then>
            <span aria-hidden="true">{arrow}{text}</span>
            <span class="sr-only">{said}</span>
        </span>
    })
}
