//! The world with the countries that visitors came from: shapes of one file that is loaded once (`tools/map.mjs`), coloured in steps
//! that the legend names. What it says stands in each country's name too, and in the table of countries, its twin.

use leptos::prelude::use_context;

use crate::{
    assets::Assets,
    backend::{Table, TableRow},
    filter::{Filter, Op},
    format,
    i18n::{Key, fill, t},
    markup::Html,
    metric::Metric,
    text::country,
};

/// Rows that a map asks for: more than there are countries.
pub const MOST_COUNTRIES: u32 = 300;
/// Steps of colour at most. `style/map.css` has as many.
const STEPS: usize = 5;

/// The map of a table of countries by visitors. Each country is a link, of which `lead` writes where it leads to.
pub(super) fn map(table: &Table, lead: impl Fn(&mut Html, Filter)) -> Html {
    let assets = use_context::<Assets>().unwrap_or_default();
    let goes = |row: &&TableRow| visitors(row) > 0 && is_among(&row.label, &assets.countries);
    let (mut shown, elsewhere): (Vec<_>, Vec<_>) = table.rows.iter().partition(goes);
    // A dot lies within its neighbour, or on it.
    shown.sort_by_key(|row| is_among(&row.label, &assets.dots));
    let ends = ends_of_steps(shown.iter().map(|row| visitors(row)).max().unwrap_or(0));
    let mut html = Html::new();
    html.raw(r#"<div class="map-frame"><svg class="map" viewBox="0 0 1000 434" role="group""#)
        .attr("aria-label", t(Key::MapLabel))
        .raw(r#"><use class="map-land""#)
        .attr("href", format_args!("{}#land", assets.world))
        .raw("/>");
    for row in shown {
        let said = said(table, row);
        html.raw(r#"<a class="map-country""#).attr("data-key", &row.label);
        if let Some(filter) = Filter::new(Op::Is, "country", &row.label) {
            lead(&mut html, filter);
        }
        html.attr("aria-label", format_args!("{said}. {}", fill(Key::FilterBy, &[("value", country(&row.label))])))
            .raw("><title>")
            .text(&said)
            .raw("</title><use")
            .attr("class", format_args!("map-{}", step(&ends, visitors(row))))
            .attr("href", format_args!("{}#{}", assets.world, row.label))
            .raw("/></a>");
    }
    html.raw("</svg>");
    legend(&mut html, &ends, table.approximate, elsewhere.into_iter().map(visitors).sum());
    html.raw("</div>");
    html
}

fn is_among(code: &str, codes: &str) -> bool {
    codes.split(' ').any(|known| known == code)
}

fn visitors(row: &TableRow) -> u64 {
    row.figures.first().copied().flatten().unwrap_or(0.0).max(0.0) as u64
}

/// Name and figures of a country.
fn said(table: &Table, row: &TableRow) -> String {
    let count = format::number(visitors(row));
    let count = if table.approximate { format!("≈ {count}") } else { count };
    let share = row.figures.get(1).copied().flatten().map_or_else(|| "–".to_owned(), |share| Metric::Share.text(share));
    fill(Key::MapCountry, &[("country", country(&row.label)), ("n", &count), ("share", &share)])
}

/// What the colours mean, and how many are not to be seen.
fn legend(html: &mut Html, ends: &[u64], approximate: bool, elsewhere: u64) {
    html.raw(r#"<p class="map-legend"><span class="map-what">"#);
    html.text(t(Key::Visitors)).text(if approximate { " ≈" } else { "" }).raw("</span>");
    let mut from = 1;
    for end in ends {
        html.raw(r#"<span class="map-step"><svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">"#)
            .raw(r#"<rect width="12" height="12" rx="3""#)
            .attr("class", format_args!("map-{}", step(ends, *end)))
            .raw("/></svg>")
            .text(format::number(from));
        if *end > from {
            html.text("–").text(format::number(*end));
        }
        html.raw("</span>");
        from = end + 1;
    }
    if elsewhere > 0 {
        html.raw(r#"<span class="map-elsewhere">"#).text(fill(Key::MapElsewhere, &[("n", &format::number(elsewhere))])).raw("</span>");
    }
    html.raw("</p>");
}

/// Where the steps of colour end, for figures from 1 to `most`: each is about as many times the one before, so that a few large countries
/// leave the others their differences. All but the last are round.
fn ends_of_steps(most: u64) -> Vec<u64> {
    if most == 0 {
        return Vec::new();
    }
    let round = |end: f64| {
        let unit = 10_f64.powf(end.log10().floor());
        ((end / unit).round() * unit) as u64
    };
    let inner = (1..STEPS).map(|step| round((most as f64).powf(step as f64 / STEPS as f64)));
    let mut ends: Vec<u64> = inner.filter(|end| *end < most).chain([most]).collect();
    ends.dedup();
    ends
}

/// The colour of a figure: where there are fewer steps than colours, the strongest ones are taken.
fn step(ends: &[u64], figure: u64) -> usize {
    let at = ends.iter().position(|end| figure <= *end).unwrap_or(ends.len().saturating_sub(1));
    (STEPS + at + 1).saturating_sub(ends.len())
}

#[cfg(test)]
mod tests {
    use leptos::prelude::{Owner, provide_context};

    use super::*;

    fn row(code: &str, visitors: f64) -> TableRow {
        TableRow { label: code.to_owned(), figures: vec![Some(visitors), Some(12.5)], ..TableRow::default() }
    }

    fn drawn(rows: Vec<TableRow>) -> String {
        let owner = Owner::new();
        owner.with(|| {
            let (world, countries, dots) = ("/pkg/world-1.svg".to_owned(), "DE FR LU".to_owned(), "LU".to_owned());
            provide_context(Assets { world, countries, dots, ..Assets::default() });
            let table = Table { total: rows.len() as u64, rows, ..Table::default() };
            let lead = |html: &mut Html, filter: Filter| {
                html.attr("href", format_args!("?f={}", filter.write()));
            };
            map(&table, lead).into_string()
        })
    }

    #[test]
    fn a_country_is_coloured_named_and_leads_to_its_visitors() {
        let html = drawn(vec![row("LU", 500.0), row("DE", 1_000.0), row("FR", 1.0)]);
        assert!(html.contains(r#"href="?f=is,country,DE""#), "{html}");
        assert!(html.contains(r#"<title>Germany: visitors 1,000, 12%</title><use class="map-5" href="/pkg/world-1.svg#DE"/>"#), "{html}");
        assert!(html.contains(r#"<use class="map-1" href="/pkg/world-1.svg#FR"/>"#), "{html}");
        assert!(html.find("#LU").unwrap() > html.find("#FR").unwrap(), "a dot lies on top: {html}");
    }

    #[test]
    fn what_is_not_on_the_map_is_said_and_stays_text() {
        let html = drawn(vec![row("FR", 0.0), row("(unknown)", 3.0), row("\"><b>", 2.0), row("", 1.0)]);
        assert!(html.contains("Not on the map: 6") && !html.contains("<b>") && !html.contains("map-country"), "{html}");
    }

    #[test]
    fn steps_are_round_and_without_holes() {
        assert!(ends_of_steps(0).is_empty());
        assert_eq!(ends_of_steps(1), [1]);
        assert_eq!(ends_of_steps(2), [1, 2]);
        assert_eq!(ends_of_steps(1_000), [4, 20, 60, 300, 1_000]);
        for most in 1..5_000 {
            let ends = ends_of_steps(most);
            assert!(ends.is_sorted_by(|one, next| one < next) && ends.last() == Some(&most) && ends.len() <= STEPS, "{most}: {ends:?}");
            assert_eq!((step(&ends, most), step(&ends, 1)), (STEPS, STEPS + 1 - ends.len()), "{most}: {ends:?}");
        }
        assert_eq!(ends_of_steps(u64::MAX).len(), STEPS);
    }
}
