//! What happens right now: the pill in the bar, the minute bars and the newest events.

use std::time::Duration;

use footfall_model::report::LiveEvent;
use leptos::prelude::*;

use super::{
    rolling::Rolling,
    state::State,
    text::{country, middle},
};
use crate::{
    dom, format,
    i18n::{Key, fill, t},
};

/// Newest events on the page.
const EVENTS: usize = 8;

/// "● 12 now".
#[component]
pub fn LivePill() -> impl IntoView {
    let state = expect_context::<State>();
    let now = Memo::new(move |_| format::number(state.live.with(|live| live.current_visitors)));
    let title = move || {
        if state.live_away.get() { t(Key::LiveAway).to_owned() } else { fill(Key::NowOnlineLong, &[("n", &now.get())]) }
    };
    let text = Signal::derive(move || fill(Key::NowOnline, &[("n", &now.get())]));
    view! {
        <a class="pill" class:pill-away=move || state.live_away.get() href="#live" title=title data-noscroll="" rel="external">
            <span class="pill-dot" aria-hidden="true"></span>
            <span aria-live="polite">
                <Rolling text />
            </span>
        </a>
    }
    .into_any()
}

/// The half hour as bars, and what happened last.
#[component]
pub fn LivePanel() -> impl IntoView {
    let state = expect_context::<State>();
    let summary = move || {
        state.live.with(|live| {
            let (views, visitors) = (format::number(live.pageviews), format::number(live.visitors));
            fill(Key::LiveBarsSummary, &[("n", &views), ("visitors", &visitors)])
        })
    };
    view! {
        <section id="live" class="panel live" aria-labelledby="live-title">
            <header class="panel-head">
                <h2 id="live-title" class="panel-title">
                    <span class="pill-dot" class:pill-dot-away=move || state.live_away.get() aria-hidden="true"></span>
                    {t(Key::RightNow)}
                </h2>
            </header>
            <div class="live-columns">
                <div class="live-half-hour">
                    <h3 class="label">{t(Key::LiveBars)}</h3>
                    <div class="minutes" role="img" aria-label=summary>
                        {move || minutes(state)}
                    </div>
                    <p class="minutes-axis" aria-hidden="true">
                        <span>{t(Key::Minus30)}</span>
                        <span>{t(Key::NowLabel)}</span>
                    </p>
                    <p class="note">{summary}</p>
                </div>
                <div>
                    <h3 class="label">{t(Key::NewestEvents)}</h3>
                    <Newest />
                </div>
            </div>
        </section>
    }
    .into_any()
}

fn minutes(state: State) -> Vec<impl IntoView + use<>> {
    state.live.with(|live| {
        let greatest = live.minutes.iter().copied().max().unwrap_or(0).max(1);
        let missing = 30_usize.saturating_sub(live.minutes.len());
        std::iter::repeat_n(0, missing)
            .chain(live.minutes.iter().copied())
            .map(|views| {
                #[expect(clippy::cast_precision_loss, reason = "the height of a bar")]
                let height = 100.0 * views as f64 / greatest as f64;
                view! { <span class="minute" title=format::number(views) style=format!("height:{height:.0}%")></span> }
            })
            .collect()
    })
}

#[component]
fn Newest() -> impl IntoView {
    let state = expect_context::<State>();
    let now = RwSignal::new(dom::now_ms());
    Effect::new(move |_| {
        now.set(dom::now_ms());
        let clock = set_interval_with_handle(
            move || {
                now.try_set(dom::now_ms());
            },
            Duration::from_secs(1),
        );
        on_cleanup(move || {
            if let Ok(clock) = clock {
                clock.clear();
            }
        });
    });
    let events = Memo::new(move |_| {
        // Equal events at one instant would share a key: each carries how many like it come before.
        state.live.with(|live| {
            let newest: Vec<LiveEvent> = live.newest.iter().take(EVENTS).cloned().collect();
            newest
                .iter()
                .enumerate()
                .map(|(at, event)| (newest[at + 1..].iter().filter(|other| *other == event).count(), event.clone()))
                .collect::<Vec<_>>()
        })
    });
    let none = move || events.with(Vec::is_empty);
    view! {
        <ol class="feed">
            <For
                each=move || events.get()
                key=|(nth, event)| format!("{nth} {} {} {} {}", event.ts, event.path, event.name, event.country)
                children=move |(_, event)| view! { <FeedRow event now /> }
            />
        </ol>
        <Show when=none>
            <p class="nothing">{t(Key::NothingYet)}</p>
        </Show>
    }
    .into_any()
}

#[component]
fn FeedRow(event: LiveEvent, now: RwSignal<i64>) -> impl IntoView {
    let LiveEvent { ts, name, path, country: code, source, .. } = event;
    let place = (!code.is_empty()).then(|| {
        let name = country(&code).to_owned();
        view! { <abbr class="code" title=name>{code.clone()}</abbr> }
    });
    let custom = (name != "pageview").then(|| view! { <span class="tag">{name}</span> });
    let source = if source.is_empty() { t(Key::DirectSource).to_owned() } else { source };
    let ago = move || {
        let seconds = ((now.get() - ts) / 1_000).max(0);
        let (key, n) = match seconds {
            0..60 => (Key::SecondsAgo, seconds),
            60..3_600 => (Key::MinutesAgo, seconds / 60),
            _ => (Key::HoursAgo, seconds / 3_600),
        };
        fill(key, &[("n", &n.to_string())])
    };
    view! {
        <li class="feed-row">
            <span class="feed-place">{place}</span>
            <span class="feed-path">{custom} {middle(path)}</span>
            <span class="feed-source">{source}</span>
            <span class="feed-ago">{ago}</span>
        </li>
    }
    .into_any()
}
