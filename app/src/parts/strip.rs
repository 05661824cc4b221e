//! The strip of six figures, written out.

use footfall_model::report::{Changes, Figures, Kpis};

use super::change::{Tone, change};
use crate::{
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

/// Links that lead from each figure to how it came about. With script they carry the page's state along, as it is by then.
fn explains(domain: &str, query: &ViewQuery) -> Vec<String> {
    let link = |metric: Metric| {
        let said = fill(Key::ExplainLink, &[("figure", t(metric.name()))]);
        let mut html = Html::new();
        html.raw(r#"<a class="kpi-why" rel="external" data-set="""#)
            .attr("href", query.href(&format!("/{domain}/explain/{}", metric.code())));
        html.attr("title", &said).attr("aria-label", &said).raw(">i</a>");
        html.into_string()
    };
    Metric::STRIP.map(link).into()
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
    Strip {
        figures,
        explains: explains(domain, query),
        changes: Metric::STRIP.iter().zip(&ITEMS).map(|(metric, item)| change_of(*metric, *item, &kpis).into_string()).collect(),
        pageviews: kpis.figures.pageviews,
        notes: notes(&kpis),
        degraded: kpis.meta.degraded,
        fault: String::new(),
    }
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
        change(&mut html, (item.change)(&comparison.change), tone, t(Key::NoEarlierData), Some(then));
    }
    html
}

/// What must be known about the figures: how people are counted over days, estimates, an earlier period that is cut off.
fn notes(kpis: &Kpis) -> String {
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
    }
}
