//! The strip of six figures, written out.

use footfall_model::report::{Changes, Figures, Kpis};

use crate::{
    failed::part_failed,
    format,
    i18n::{Key, fill, t},
    markup::Html,
    query::ViewQuery,
    types::{AppError, Strip},
};

/// One figure of the strip, in the order of `FIGURES`.
#[derive(Clone, Copy)]
struct Item {
    /// Its text; a dash where there were no visits to say it of.
    text: fn(&Figures) -> String,
    change: fn(&Changes) -> Option<i64>,
    /// More is worse.
    inverse: bool,
}

const ITEMS: [Item; 6] = [
    Item { text: |figures| format::figure(figures.visitors), change: |changes| changes.visitors, inverse: false },
    Item { text: |figures| format::figure(figures.pageviews), change: |changes| changes.pageviews, inverse: false },
    Item { text: |figures| format::figure(figures.visits), change: |changes| changes.visits, inverse: false },
    Item {
        text: |figures| of_visits(figures, figures.views_per_visit.map(format::ratio)),
        change: |changes| changes.views_per_visit,
        inverse: false,
    },
    Item {
        text: |figures| of_visits(figures, figures.bounce_rate.map(|rate| format!("{rate}%"))),
        change: |changes| changes.bounce_rate,
        inverse: true,
    },
    Item {
        text: |figures| of_visits(figures, figures.visit_duration.map(format::duration)),
        change: |changes| changes.visit_duration,
        inverse: false,
    },
];

/// The figures of the strip in its order: name in the API, name on the page.
pub(super) const NAMES: [(&str, Key); 6] = [
    ("visitors", Key::Visitors),
    ("pageviews", Key::Pageviews),
    ("visits", Key::Visits),
    ("views_per_visit", Key::ViewsPerVisit),
    ("bounce_rate", Key::BounceRate),
    ("visit_duration", Key::VisitDuration),
];

/// What a figure is called on the page. None for one that the strip does not have.
#[must_use]
pub fn name_of(metric: &str) -> Option<Key> {
    NAMES.iter().find_map(|(code, name)| (*code == metric).then_some(*name))
}

/// A figure of an answer in full.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts and rates are not negative and below 2^53")]
pub(super) fn written(metric: &str, figure: f64) -> String {
    let whole = figure.round() as u64;
    match metric {
        "views_per_visit" => format::ratio(figure),
        "bounce_rate" => format!("{whole}%"),
        "visit_duration" => format::duration(whole),
        _ => format::number(whole),
    }
}

/// Links that lead from each figure to how it came about. With script they carry the page's state along, as it is by then.
fn explains(domain: &str, query: &ViewQuery) -> Vec<String> {
    let link = |(code, name): (&str, Key)| {
        let said = fill(Key::ExplainLink, &[("figure", t(name))]);
        let mut html = Html::new();
        html.raw(r#"<a class="kpi-why" rel="external" data-set="""#).attr("href", query.href(&format!("{domain}/explain/{code}")));
        html.attr("title", &said).attr("aria-label", &said).raw(">i</a>");
        html.into_string()
    };
    NAMES.map(link).into()
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
        changes: ITEMS.iter().map(|item| change(item, &kpis).into_string()).collect(),
        pageviews: kpis.figures.pageviews,
        notes: notes(&kpis),
        degraded: kpis.meta.degraded,
        fault: String::new(),
    }
}

fn change(item: &Item, kpis: &Kpis) -> Html {
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
    // Against a period that is cut off a change says little: it is told, but not praised.
    let class = if comparison.incomplete { "change" } else { class };
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
