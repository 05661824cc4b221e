//! The strip of six figures, written out.

use footfall_model::report::{Changes, Figures, Kpis};

use super::{
    change::{Tone, change},
    why::{COUNTED, why_page},
};
use crate::{
    dom,
    failed::part_failed,
    format,
    i18n::{Key, fill, t},
    markup::Html,
    metric::Metric,
    query::ViewQuery,
    types::{AppError, Strip},
};

/// How a figure of the strip is read, in the order of [`Metric::STRIP`].
#[derive(Clone, Copy)]
struct Item {
    /// Its text; a dash where there were no visits to say it of.
    text: fn(&Figures) -> String,
    change: fn(&Changes) -> Option<i64>,
}

const ITEMS: [Item; 6] = [
    Item { text: |figures| format::figure(figures.visitors), change: |changes| changes.visitors },
    Item { text: |figures| format::figure(figures.pageviews), change: |changes| changes.pageviews },
    Item { text: |figures| format::figure(figures.visits), change: |changes| changes.visits },
    Item { text: |figures| of_visits(figures, figures.views_per_visit.map(format::ratio)), change: |changes| changes.views_per_visit },
    Item { text: |figures| of_visits(figures, figures.bounce_rate.map(format::percent)), change: |changes| changes.bounce_rate },
    Item { text: |figures| of_visits(figures, figures.visit_duration.map(format::duration)), change: |changes| changes.visit_duration },
];

/// Links that lead from a figure to how it came about and, where it changed, to why. With script they carry the page's state along, as it is by
/// then.
fn beside(domain: &str, query: &ViewQuery, metric: Metric, changed: &Html) -> Html {
    let said = fill(Key::ExplainLink, &[("figure", t(metric.name()))]);
    let mut html = Html::new();
    html.raw(r#"<a class="kpi-why" rel="external" data-set="""#).attr("href", query.href(&format!("/{domain}/explain/{}", metric.code())));
    html.attr("title", &said).attr("aria-label", &said).raw(">i</a>");
    if COUNTED.contains(&metric) && *changed != Html::new() {
        html.raw(r#"<a class="kpi-reason" rel="external""#).attr("data-set", format_args!("metric={}", metric.code()));
        html.attr("href", query.with_metric(metric).href(&why_page(domain))).raw(r#"><span class="sr-only">"#);
        html.text(fill(Key::WhyLink, &[("figure", t(metric.name()))])).raw(": </span>").html(changed).raw("</a>");
    }
    html
}

/// Keeps the room of a change that is a link beside the figure, which is a link itself.
fn held(metric: Metric, changed: &Html) -> String {
    let mut html = Html::new();
    if COUNTED.contains(&metric) && *changed != Html::new() {
        html.raw(r#"<span class="kpi-held" aria-hidden="true">"#).html(changed).raw("</span>");
        return html.into_string();
    }
    changed.clone().into_string()
}

fn of_visits(figures: &Figures, text: Option<String>) -> String {
    text.filter(|_| figures.visits > 0).unwrap_or_else(|| "–".to_owned())
}

/// The figures of an answer, or why there are none.
#[must_use]
pub fn strip(domain: &str, query: &ViewQuery, kpis: Result<Kpis, AppError>) -> Strip {
    let kpis = match kpis {
        Ok(kpis) => kpis,
        Err(error) => return Strip { fault: part_failed(&error, "strip").into_string(), ..Strip::default() },
    };
    let mut figures: Vec<_> = ITEMS.iter().map(|item| (item.text)(&kpis.figures)).collect();
    if let (true, Some(visitors)) = (kpis.meta.approximate, figures.first_mut()) {
        *visitors = format!("≈ {visitors}");
    }
    let changes: Vec<(Metric, Html)> =
        Metric::STRIP.into_iter().zip(ITEMS).map(|(metric, item)| (metric, change_of(metric, item, &kpis))).collect();
    Strip {
        figures,
        explains: changes.iter().map(|(metric, changed)| beside(domain, query, *metric, changed).into_string()).collect(),
        changes: changes.iter().map(|(metric, changed)| held(*metric, changed)).collect(),
        pageviews: kpis.figures.pageviews,
        notes: notes(&kpis),
        notice: if kpis.meta.degraded { t(Key::Degraded).to_owned() } else { String::new() },
        outdated: if kpis.meta.degraded { String::new() } else { fill(Key::Outdated, &[("time", &clock(dom::now_ms()))]) },
        fault: String::new(),
    }
}

/// The figures and their changes, where they lead nowhere.
pub(super) fn plain(kpis: &Kpis) -> Vec<(Metric, String, Html)> {
    let figure = |(metric, item): (Metric, Item)| {
        let about = if kpis.meta.approximate && metric == Metric::Visitors { "≈ " } else { "" };
        (metric, format!("{about}{}", (item.text)(&kpis.figures)), change_of(metric, item, kpis))
    };
    Metric::STRIP.into_iter().zip(ITEMS).map(figure).collect()
}

fn change_of(metric: Metric, item: Item, kpis: &Kpis) -> Html {
    let mut html = Html::new();
    if let Some(comparison) = &kpis.comparison {
        // Against a period that is cut off a change says little: it is told, but not praised.
        let tone = match (comparison.incomplete, metric.is_better_low()) {
            (true, _) => Tone::Neutral,
            (false, true) => Tone::DownIsGood,
            (false, false) => Tone::UpIsGood,
        };
        let then = (item.text)(&comparison.figures);
        // Nothing that was measured is no earlier figure.
        let is_measured = !comparison.incomplete || comparison.figures.visits > 0;
        change(&mut html, (item.change)(&comparison.change).filter(|_| is_measured), tone, t(Key::NoEarlierData), Some(then));
    }
    html
}

/// The time of day, which is the same for whoever reads it.
fn clock(ms: i64) -> String {
    let minutes = ms.div_euclid(60_000);
    format!("{:02}:{:02} UTC", minutes.div_euclid(60).rem_euclid(24), minutes.rem_euclid(60))
}

/// What must be known about the figures: how people are counted over days, estimates, an earlier period that is cut off.
pub(super) fn notes(kpis: &Kpis) -> String {
    let incomplete = kpis.comparison.as_ref().is_some_and(|comparison| comparison.incomplete);
    let notes =
        [(kpis.meta.crosses_days, Key::CrossesDays), (kpis.meta.approximate, Key::Approximate), (incomplete, Key::IncompleteComparison)];
    notes.into_iter().filter(|(holds, _)| *holds).map(|(_, key)| t(key)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use footfall_model::report::Comparison;

    use super::*;

    #[test]
    fn no_visits_are_dashes_and_no_earlier_data_is_said() {
        let comparison = Comparison { change: Changes { visitors: Some(-12), ..Changes::default() }, ..Comparison::default() };
        let strip = strip("a.org", &ViewQuery::parse("period=7d"), Ok(Kpis { comparison: Some(comparison), ..Kpis::default() }));
        assert_eq!(strip.figures, ["0", "0", "0", "–", "–", "–"]);
        assert!(strip.changes[0].contains("change-down") && strip.changes[0].contains("↓ 12%"));
        assert!(strip.changes[1].contains("no earlier data"));
        assert!(strip.explains[4].contains(r#"href="/a.org/explain/bounce_rate?period=7d""#));
        assert!(strip.explains[0].contains(r#"data-set="metric=visitors" href="/a.org/why?period=7d""#), "{}", strip.explains[0]);
        assert!(strip.explains[1].contains(r#"href="/a.org/why?period=7d&amp;metric=pageviews""#), "{}", strip.explains[1]);
        assert!(!strip.explains[4].contains("/why") && !strip.changes[4].contains("kpi-held"));
    }

    #[test]
    fn what_is_not_compared_leads_to_no_reason() {
        let strip = strip("a.org", &ViewQuery::parse("compare=off"), Ok(Kpis::default()));
        assert!(strip.changes.iter().all(String::is_empty) && strip.explains.iter().all(|links| !links.contains("/why")));
    }

    #[test]
    fn figures_that_are_not_the_stores_say_so_and_are_not_kept() {
        let page = |degraded| {
            let meta = footfall_model::report::Meta { degraded, ..Default::default() };
            strip("a.org", &ViewQuery::default(), Ok(Kpis { meta, ..Kpis::default() }))
        };
        let (fresh, degraded) = (page(false), page(true));
        assert!(fresh.notice.is_empty() && fresh.outdated.contains(" UTC"), "{}", fresh.outdated);
        assert!(!degraded.notice.is_empty() && degraded.outdated.is_empty());
        assert_eq!(clock(0), "00:00 UTC");
        assert_eq!(clock(86_400_000 + 14 * 3_600_000 + 5 * 60_000 + 59_999), "14:05 UTC");
    }
}
