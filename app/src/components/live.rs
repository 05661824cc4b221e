//! What happens right now: the pill in the bar, the minute bars and the newest events.

use std::time::Duration;

use footfall_model::report::{LiveEvent, LiveView};
use leptos::prelude::*;

use super::state::State;
use crate::{
    dom, format,
    i18n::{Key, fill, t},
    markup::Html,
    text::middle,
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
    let text = move || {
        let mut html = Html::new();
        html.raw("<span>").text(fill(Key::NowOnline, &[("n", &now.get())])).raw("</span>");
        html.into_string()
    };
    view! {
        <a class="pill" class:pill-away=move || state.live_away.get() href=format!("/{}/realtime", state.domain()) title=title rel="external">
            <span class="pill-dot" aria-hidden="true"></span>
            <span class="roll" aria-live="polite" inner_html=text></span>
        </a>
    }
    .into_any()
}

/// The half hour as bars, and what happened last.
#[component]
pub fn LivePanel() -> impl IntoView {
    let state = expect_context::<State>();
    let bars = Memo::new(move |_| state.live.with(|live| minutes(live).into_string()));
    let summary = Memo::new(move |_| {
        state.live.with(|live| {
            let (views, visitors) = (format::number(live.pageviews), format::number(live.visitors));
            fill(Key::LiveBarsSummary, &[("n", &views), ("visitors", &visitors)])
        })
    });
    // Rows newer than those before slide in.
    let feed = Memo::new(move |before: Option<&(i64, String)>| {
        let shown = before.map_or(i64::MAX, |(newest, _)| *newest);
        state.live.with(|live| {
            let newest = live.newest.first().map_or(0, |event| event.ts);
            (newest, newest_events(live, shown).into_string())
        })
    });
    Effect::new(move |_| tell_the_time());
    view! {
        <section id="live" class="panel live" aria-labelledby="live-title">
            <header class="panel-head">
                <h2 id="live-title" class="panel-title">
                    {t(Key::RightNow)}
                </h2>
                <p class="note">{move || summary.get()}</p>
            </header>
            <div class="live-columns">
                <div>
                    <h3 class="label">{t(Key::LiveBars)}</h3>
                    <div class="minutes" role="img" aria-label=move || summary.get() inner_html=move || bars.get()></div>
                    <p class="minutes-axis" aria-hidden="true">
                        <span>{t(Key::Minus30)}</span>
                        <span>{t(Key::NowLabel)}</span>
                    </p>
                </div>
                <div>
                    <h3 class="label">{t(Key::NewestEvents)}</h3>
                    <ol class="feed" inner_html=move || feed.with(|(_, html)| html.clone())></ol>
                </div>
            </div>
        </section>
    }
    .into_any()
}

/// The bars of the half hour.
pub fn minutes(live: &LiveView) -> Html {
    let greatest = live.minutes.iter().copied().max().unwrap_or(0).max(1);
    let missing = 30_usize.saturating_sub(live.minutes.len());
    let mut html = Html::new();
    for views in std::iter::repeat_n(0, missing).chain(live.minutes.iter().copied()) {
        html.raw(r#"<span class="minute""#)
            .attr("title", format::number(views))
            .attr("style", format_args!("height:{}%", 100 * views / greatest))
            .raw("></span>");
    }
    html
}

fn newest_events(live: &LiveView, shown: i64) -> Html {
    let mut html = Html::new();
    if live.newest.is_empty() {
        html.raw(r#"<li class="nothing">"#).text(t(Key::NothingYet)).raw("</li>");
    }
    let now = dom::now_ms();
    for event in live.newest.iter().take(EVENTS) {
        let LiveEvent { ts, name, path, country, source, .. } = event;
        html.raw(if *ts > shown {
            r#"<li class="feed-row feed-new"><span class="feed-place">"#
        } else {
            r#"<li class="feed-row"><span class="feed-place">"#
        });
        if !country.is_empty() {
            html.raw(r#"<span class="code">"#).text(country).raw("</span>");
        }
        html.raw(r#"</span><span class="feed-path">"#);
        if name != "pageview" {
            html.raw(r#"<span class="tag">"#).text(name).raw("</span>");
        }
        middle(&mut html, path);
        html.raw(r#"</span><span class="feed-source">"#)
            .text(if source.is_empty() { t(Key::DirectSource) } else { source })
            .raw(r#"</span><span class="feed-ago""#)
            .attr("data-ts", ts)
            .raw(">")
            .text(ago(now - ts))
            .raw("</span></li>");
    }
    html
}

/// How long ago something was.
pub fn ago(ms: i64) -> String {
    let seconds = (ms / 1_000).max(0);
    let (key, n) = match seconds {
        0..60 => (Key::SecondsAgo, seconds),
        60..3_600 => (Key::MinutesAgo, seconds / 60),
        _ => (Key::HoursAgo, seconds / 3_600),
    };
    fill(key, &[("n", &n.to_string())])
}

/// Keeps "12 s ago" true, once a second.
fn tell_the_time() {
    let tick = || {
        let now = dom::now_ms();
        dom::for_each(".feed-ago", |element| {
            if let Some(ts) = element.get_attribute("data-ts").and_then(|ts| ts.parse::<i64>().ok()) {
                element.set_text_content(Some(&ago(now - ts)));
            }
        });
    };
    let clock = set_interval_with_handle(tick, Duration::from_secs(1));
    on_cleanup(move || {
        if let Ok(clock) = clock {
            clock.clear();
        }
    });
}
