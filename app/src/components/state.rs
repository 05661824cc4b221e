//! What the domain page knows: signals seeded from the server's first answer, loaded again in parts.
//!
//! The page is rendered from one answer. From then on each part loads alone: when the address changes, the parts that it
//! concerns; when something happens on the domain, the figures and the chart within a moment, the panels a little later.
//! A part that fails keeps the others going; a silent reload that fails keeps the last figures.

use std::{future::Future, time::Duration};

use footfall_model::{Period, report::LiveView};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use serde::de::DeserializeOwned;

use crate::{
    ask, dom,
    failed::{part_failed, sign_in},
    live::{LiveNews, listen, new_pageviews},
    query::{PanelId, ViewQuery},
    types::{AppError, Bar, ChartView, Dashboard, Face, Strip},
};

/// Reloads of figures and chart are at least this far apart, of panels twice as far.
const RELOAD_EVERY_MS: i64 = 2_000;
/// The store trails an event by up to half a second: after this long it has what the live stream told.
const STORE_FOLLOWS: Duration = Duration::from_millis(600);

/// One part of the page, loaded on its own.
pub struct Part<T: 'static> {
    /// What is shown.
    pub value: RwSignal<T>,
    /// A load that the reader asked for is under way.
    pub busy: RwSignal<bool>,
    /// Which load is the newest: answers of older ones are dropped.
    round: StoredValue<u32>,
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Part<T> {}

impl<T: PartialEq + Send + Sync + 'static> Part<T> {
    fn new(value: T) -> Self {
        Self { value: RwSignal::new(value), busy: RwSignal::new(false), round: StoredValue::new(0) }
    }

    /// Loads anew. `show` makes what is shown from an answer or a failure; a failure of a quiet load shows nothing new.
    fn load<A: 'static>(
        self,
        quiet: bool,
        answer: impl Future<Output = Result<A, AppError>> + 'static,
        show: impl FnOnce(Result<A, AppError>) -> T + 'static,
    ) {
        let round = self.round.get_value().wrapping_add(1);
        self.round.set_value(round);
        if !quiet {
            self.busy.set(true);
        }
        spawn_local(async move {
            let answer = answer.await;
            // The page may be gone by now, or a newer load be under way.
            if self.round.try_get_value() != Some(round) {
                return;
            }
            if matches!(answer, Err(AppError::NotSignedIn)) {
                dom::lead_to(&sign_in(&dom::address()));
            }
            if !(quiet && answer.is_err()) {
                let shown = show(answer);
                // What has not changed is not drawn again: nothing flickers, focus stays.
                if self.value.try_with_untracked(|before| *before != shown) == Some(true) {
                    self.value.try_set(shown);
                }
            }
            self.busy.try_set(false);
        });
    }
}

/// Spaces silent reloads: one a moment after something happened, and never two too close. What happens while one is due or under
/// way is not forgotten: another follows.
#[derive(Clone, Copy)]
struct Pace {
    every_ms: i64,
    last: StoredValue<i64>,
    due: StoredValue<Option<TimeoutHandle>>,
    again: StoredValue<bool>,
}

impl Pace {
    fn new(every_ms: i64) -> Self {
        Self { every_ms, last: StoredValue::new(0), due: StoredValue::new(None), again: StoredValue::new(false) }
    }

    fn is_quiet(self) -> bool {
        self.due.get_value().is_none() && dom::now_ms() - self.last.get_value() >= self.every_ms
    }

    fn ask(self, reload: impl Fn() + Copy + 'static) {
        if self.due.get_value().is_some() {
            self.again.set_value(true);
            return;
        }
        let rest = self.last.get_value() + self.every_ms - dom::now_ms();
        let wait = u64::try_from(rest).map_or(STORE_FOLLOWS, Duration::from_millis).max(STORE_FOLLOWS);
        let act = move || {
            if self.due.try_update_value(Option::take).is_none() {
                return;
            }
            self.last.set_value(dom::now_ms());
            reload();
            if self.again.try_update_value(std::mem::take) == Some(true) {
                self.ask(reload);
            }
        };
        self.due.set_value(set_timeout_with_handle(act, wait).ok());
    }

    fn stop(self) {
        if let Some(Some(due)) = self.due.try_update_value(Option::take) {
            due.clear();
        }
    }
}

/// The domain page's state.
#[derive(Clone, Copy)]
pub struct State {
    /// The domain.
    pub face: StoredValue<Face>,
    /// What the address says.
    pub query: Memo<ViewQuery>,
    /// The period looked at.
    pub period: Memo<Period>,
    /// The choices in the bar.
    pub bar: Part<Bar>,
    /// The strip.
    pub strip: Part<Strip>,
    /// The chart.
    pub chart: Part<ChartView>,
    /// The panels, in the order of `PanelId::ALL`.
    panels: [Part<String>; 5],
    /// The live figures.
    pub live: RwSignal<LiveView>,
    /// The live stream is away.
    pub live_away: RwSignal<bool>,
    /// Pageviews that the live stream told since the strip was loaded.
    pub extra: RwSignal<u64>,
    /// The domain has no event yet.
    waiting: StoredValue<bool>,
    /// The live stream has told something since the page stands.
    heard: StoredValue<bool>,
    figures_pace: Pace,
    panels_pace: Pace,
}

impl State {
    /// From the first answer; follows the address and the live stream from then on.
    pub fn new(first: &Dashboard, query: Memo<ViewQuery>) -> Self {
        let young = first.face.young;
        let panel = |at: usize| Part::new(first.panels.get(at).cloned().unwrap_or_default());
        let state = Self {
            query,
            period: Memo::new(move |_| query.with(|query| query.period_or_default(young))),
            panels: [panel(0), panel(1), panel(2), panel(3), panel(4)],
            bar: Part::new(first.bar.clone()),
            strip: Part::new(first.strip.clone()),
            chart: Part::new(first.chart.clone()),
            live_away: RwSignal::new(first.live.is_none()),
            live: RwSignal::new(first.live.clone().unwrap_or_default()),
            extra: RwSignal::new(0),
            waiting: StoredValue::new(first.empty.is_some()),
            face: StoredValue::new(first.face.clone()),
            heard: StoredValue::new(false),
            figures_pace: Pace::new(RELOAD_EVERY_MS),
            panels_pace: Pace::new(2 * RELOAD_EVERY_MS),
        };
        state.follow_address();
        let id = first.face.id.clone();
        Effect::new(move |_| {
            if !id.is_empty() {
                listen(&id, move |news| state.hear(news));
            }
        });
        on_cleanup(move || {
            state.figures_pace.stop();
            state.panels_pace.stop();
        });
        state
    }

    /// A panel's part.
    #[must_use]
    pub const fn panel(&self, panel: PanelId) -> Part<String> {
        self.panels[panel as usize]
    }

    /// The domain's name.
    #[must_use]
    pub fn domain(&self) -> String {
        self.face.with_value(|face| face.domain.clone())
    }

    /// The address of the domain's page.
    #[must_use]
    pub fn page(&self) -> String {
        self.face.with_value(|face| format!("/{}", face.domain))
    }

    /// Asks for a part of the page as it is by now.
    async fn ask<T: DeserializeOwned>(self, part: &'static str, panel: &'static str) -> Result<T, AppError> {
        let view = self.query.with_untracked(|query| query.saying(self.period.get_untracked()).write());
        ask::part(part, &[("domain", self.domain()), ("panel", panel.to_owned()), ("view", view)]).await
    }

    /// Loads the choices in the bar. Those that stand there go on working if that fails.
    fn load_bar(self) {
        self.bar.load(true, self.ask("bar", ""), Result::unwrap_or_default);
    }

    /// Loads the strip. Quietly, the figures of the store stay, and of when they are is said, until it has newer ones.
    fn load_strip(self, quiet: bool) {
        let answer = self.ask::<Strip>("strip", "");
        let known = self.strip.value.get_untracked();
        let answer = async move {
            let answer = answer.await;
            let fresh = matches!(&answer, Ok(strip) if strip.notice.is_empty());
            if fresh || !quiet || known.outdated.is_empty() || matches!(answer, Err(AppError::NotSignedIn)) {
                return answer;
            }
            Ok(Strip { notice: known.outdated.clone(), ..known })
        };
        self.strip.load(quiet, answer, move |answer| {
            let strip = answer.unwrap_or_else(|error| Strip { fault: part_failed(&error, "strip").into_string(), ..Strip::default() });
            if strip.notice.is_empty() || strip.outdated.is_empty() {
                self.extra.try_set(0);
            }
            if !strip.notice.is_empty() {
                self.ask_again();
            }
            strip
        });
    }

    /// Loads the chart.
    fn load_chart(self, quiet: bool) {
        self.chart.load(quiet, self.ask("chart", ""), |answer| {
            answer.unwrap_or_else(|error| ChartView { drawing: part_failed(&error, "chart").into_string(), ..ChartView::default() })
        });
    }

    /// Loads a panel.
    fn load_panel(self, panel: PanelId, quiet: bool) {
        self.panel(panel).load(quiet, self.ask("panel", panel.code()), move |answer| {
            answer.unwrap_or_else(|error| part_failed(&error, panel.code()).into_string())
        });
    }

    /// Loads a part that failed, by the name that its button carries.
    pub fn retry(self, part: &str) {
        match PanelId::ALL.into_iter().find(|panel| panel.code() == part) {
            Some(panel) => self.load_panel(panel, false),
            None if part == "chart" => self.load_chart(false),
            None => self.load_strip(false),
        }
    }

    fn load_all(self, quiet: bool) {
        self.load_strip(quiet);
        self.load_chart(quiet);
        for panel in PanelId::ALL {
            self.load_panel(panel, quiet);
        }
    }

    /// Loads what a change of the address concerns.
    fn follow_address(self) {
        Effect::new(move |before: Option<ViewQuery>| {
            let now = self.query.get();
            let Some(before) = before else { return now };
            if before != now {
                self.load_bar();
            }
            if before.period != now.period || before.filters != now.filters || before.compare != now.compare {
                self.load_all(false);
                return now;
            }
            if before.interval != now.interval || before.metric != now.metric {
                self.load_chart(false);
            }
            for panel in PanelId::ALL {
                if before.tab(panel) != now.tab(panel) {
                    self.load_panel(panel, false);
                }
            }
            now
        });
    }

    /// The live stream told something.
    fn hear(self, news: LiveNews) {
        let LiveNews::View(view) = news else {
            self.live_away.try_set(true);
            return;
        };
        let (new, changed) = self.live.with_untracked(|before| {
            let happened = before.newest != view.newest || before.pageviews != view.pageviews;
            (new_pageviews(before, &view), happened)
        });
        let lately = view.minutes.last().is_some_and(|views| *views > 0);
        let first_event = view.has_events && self.waiting.try_update_value(std::mem::take) == Some(true);
        self.live.set(view);
        // Nobody told what happened while the stream was away.
        let changed = changed || self.live_away.get_untracked();
        self.live_away.set(false);
        if first_event {
            dom::reload();
            return;
        }
        if !self.includes_now() {
            return;
        }
        if changed {
            // The stream does not tell which of them pass the filters.
            if self.query.with_untracked(|query| query.filters.is_empty()) {
                self.extra.update(|extra| *extra += new);
            }
            self.reload_soon();
        } else if self.heard.try_update_value(|heard| std::mem::replace(heard, true)) == Some(false) && (lately || self.is_amiss()) {
            self.make_sure();
        }
    }

    /// The page was made while the store was away.
    fn is_amiss(self) -> bool {
        self.strip.value.with_untracked(|strip| !strip.notice.is_empty())
    }

    /// Now lies in the range that is shown: something that happens changes its figures.
    fn includes_now(self) -> bool {
        match self.period.get_untracked() {
            Period::Custom { to, .. } => self.face.with_value(|face| to >= face.today),
            _ => true,
        }
    }

    /// Figures and chart at once if nothing was loaded lately, and once more when the store has surely followed.
    fn reload_soon(self) {
        if self.figures_pace.is_quiet() {
            self.reload_figures();
        }
        self.ask_again();
    }

    fn ask_again(self) {
        self.figures_pace.ask(move || self.reload_figures());
        self.panels_pace.ask(move || self.reload_panels());
    }

    /// The page may have been made before the store had followed: looks once more, without holding back what comes next.
    fn make_sure(self) {
        let again = move || {
            if self.heard.try_get_value().is_some() {
                self.reload_figures();
                self.reload_panels();
            }
        };
        set_timeout(again, STORE_FOLLOWS);
    }

    fn reload_figures(self) {
        self.load_strip(true);
        self.load_chart(true);
    }

    /// Rows do not change under a reader's hand: a panel that is in use waits for another turn.
    fn reload_panels(self) {
        let mut waiting = false;
        for panel in PanelId::ALL {
            if dom::is_in_use(panel.code()) {
                waiting = true;
            } else {
                self.load_panel(panel, true);
            }
        }
        if waiting {
            self.panels_pace.ask(move || self.reload_panels());
        }
    }
}
