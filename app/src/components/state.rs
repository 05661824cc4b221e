//! What the domain page knows: signals seeded from the server's first answer, loaded again in parts.
//!
//! The page is rendered from one answer. From then on each part loads alone: when the address changes, the parts that it
//! concerns; when something happens on the domain, the figures and the chart within a moment, the panels a little later.
//! A part that fails keeps the others going; a silent reload that fails keeps the last figures.

use std::{future::Future, time::Duration};

use footfall_model::{
    Period,
    report::{Breakdown, Kpis, LiveView},
};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};

use crate::{
    api, dom,
    live::{LiveNews, listen, new_pageviews},
    query::{PanelId, ViewQuery},
    types::{AppError, Dashboard, Series, Site},
};

/// Reloads of figures and chart are at least this far apart, of panels three times as far.
const RELOAD_EVERY_MS: i64 = 2_000;
/// The store trails an event by up to half a second: after this long it has what the live stream told.
const STORE_FOLLOWS: Duration = Duration::from_millis(600);

/// One part of the page, loaded on its own.
pub struct Part<T: 'static> {
    /// What is shown.
    pub value: RwSignal<Result<T, AppError>>,
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

impl<T: Send + Sync + 'static> Part<T> {
    fn new(value: Result<T, AppError>) -> Self {
        Self { value: RwSignal::new(value), busy: RwSignal::new(false), round: StoredValue::new(0) }
    }

    fn load(self, quiet: bool, answer: impl Future<Output = Result<T, AppError>> + 'static, then: impl FnOnce() + 'static) {
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
                dom::lead_to("/login");
            }
            if !(quiet && answer.is_err()) {
                self.value.try_set(answer);
                then();
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
    pub site: StoredValue<Site>,
    /// What the address says.
    pub query: Memo<ViewQuery>,
    /// The period looked at.
    pub period: Memo<Period>,
    /// The strip.
    pub kpis: Part<Kpis>,
    /// The chart.
    pub series: Part<Series>,
    /// The panels, in the order of `PanelId::ALL`.
    panels: [Part<Breakdown>; 4],
    /// The live figures.
    pub live: RwSignal<LiveView>,
    /// The live stream is away.
    pub live_away: RwSignal<bool>,
    /// Pageviews that the live stream told since the strip was loaded.
    pub extra: RwSignal<u64>,
    /// The same since the chart was loaded.
    pub chart_extra: RwSignal<u64>,
    /// The domain has ever had an event.
    pub has_events: RwSignal<bool>,
    figures_pace: Pace,
    panels_pace: Pace,
}

impl State {
    /// From the first answer; follows the address and the live stream from then on.
    pub fn new(first: Dashboard, query: Memo<ViewQuery>) -> Self {
        let young = first.site.young;
        let panel = |at: usize| Part::new(first.panels.get(at).cloned().unwrap_or(Err(AppError::NotFound)));
        let live_away = first.live.is_err();
        let live = first.live.clone().unwrap_or_default();
        let state = Self {
            query,
            period: Memo::new(move |_| query.with(|query| query.period_or_default(young))),
            panels: [panel(0), panel(1), panel(2), panel(3)],
            kpis: Part::new(first.kpis),
            series: Part::new(first.series),
            has_events: RwSignal::new(first.site.has_events || live.has_events),
            live: RwSignal::new(live),
            live_away: RwSignal::new(live_away),
            extra: RwSignal::new(0),
            chart_extra: RwSignal::new(0),
            site: StoredValue::new(first.site),
            figures_pace: Pace::new(RELOAD_EVERY_MS),
            panels_pace: Pace::new(3 * RELOAD_EVERY_MS),
        };
        state.follow_address();
        let id = state.site.with_value(|site| site.id);
        Effect::new(move |_| listen(id, move |news| state.hear(news)));
        on_cleanup(move || {
            state.figures_pace.stop();
            state.panels_pace.stop();
        });
        state
    }

    /// A panel's part.
    #[must_use]
    pub const fn panel(&self, panel: PanelId) -> Part<Breakdown> {
        self.panels[panel as usize]
    }

    /// The domain's name.
    #[must_use]
    pub fn domain(&self) -> String {
        self.site.with_value(|site| site.domain.clone())
    }

    /// The address of another state of this page.
    #[must_use]
    pub fn href(&self, query: &ViewQuery) -> String {
        let text = query.write();
        let mark = if text.is_empty() { "" } else { "?" };
        self.site.with_value(|site| format!("/{}{mark}{text}", site.domain))
    }

    /// The address after a change to the current state.
    #[must_use]
    pub fn href_with(&self, change: impl FnOnce(&ViewQuery) -> ViewQuery) -> String {
        self.query.with(|query| self.href(&change(query)))
    }

    /// Loads the strip.
    pub fn load_kpis(self, quiet: bool) {
        let (domain, period, compare) = (self.domain(), self.period.get_untracked(), self.query.with_untracked(|query| query.compare));
        self.kpis.load(quiet, api::kpis(domain, period, compare), move || {
            self.extra.try_set(0);
        });
    }

    /// Loads the chart.
    pub fn load_series(self, quiet: bool) {
        let (domain, period, view) = (self.domain(), self.period.get_untracked(), self.query.with_untracked(ViewQuery::write));
        self.series.load(quiet, api::series(domain, period, view), move || {
            self.chart_extra.try_set(0);
        });
    }

    /// Loads a panel.
    pub fn load_panel(self, panel: PanelId, quiet: bool) {
        let (domain, period, view) = (self.domain(), self.period.get_untracked(), self.query.with_untracked(ViewQuery::write));
        self.panel(panel).load(quiet, api::panel(domain, period, panel as usize, view), || {});
    }

    fn load_all(self, quiet: bool) {
        self.load_kpis(quiet);
        self.load_series(quiet);
        for panel in PanelId::ALL {
            self.load_panel(panel, quiet);
        }
    }

    /// Loads what a change of the address concerns.
    fn follow_address(self) {
        Effect::new(move |before: Option<ViewQuery>| {
            let now = self.query.get();
            let Some(before) = before else { return now };
            if before.period != now.period {
                self.load_all(false);
                return now;
            }
            if before.compare != now.compare {
                self.load_kpis(false);
            }
            if before.compare != now.compare || before.interval != now.interval {
                self.load_series(false);
            }
            for panel in PanelId::ALL {
                if before.panel(panel) != now.panel(panel) {
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
        let first_event = view.has_events && !self.has_events.get_untracked();
        self.live.set(view);
        self.live_away.set(false);
        if first_event {
            self.has_events.set(true);
            self.load_all(true);
        }
        if changed && self.includes_now() {
            self.extra.update(|extra| *extra += new);
            self.chart_extra.update(|extra| *extra += new);
            self.reload_soon();
        }
    }

    /// Now lies in the range that is shown: something that happens changes its figures.
    fn includes_now(self) -> bool {
        match self.period.get_untracked() {
            Period::Custom { to, .. } => self.site.with_value(|site| to >= site.today),
            _ => true,
        }
    }

    /// Figures and chart at once if nothing was loaded lately, and once more when the store has surely followed.
    fn reload_soon(self) {
        let figures = move || {
            self.load_kpis(true);
            self.load_series(true);
        };
        if self.figures_pace.is_quiet() {
            figures();
        }
        self.figures_pace.ask(figures);
        self.panels_pace.ask(move || {
            for panel in PanelId::ALL {
                self.load_panel(panel, true);
            }
        });
    }
}
