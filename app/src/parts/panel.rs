//! A panel: what the visitors are broken down by, as rows with a bar behind the label.

use footfall_model::Period;

use super::{
    Page,
    behaviour::{behaviour_name, behaviour_page},
    change::{Tone, change},
    explain::beside,
    filters::field_name,
    label::{detail_page, label},
    leads,
    map::map,
};
use crate::{
    backend::{Table, TableRow},
    behaviour::Kind,
    failed::part_failed,
    filter::PROPS,
    format,
    i18n::{Key, fill, t},
    markup::Html,
    metric::Metric,
    query::{MAP, NAMES_OF_PROPS, PanelId, ViewQuery},
    settings::Section,
    share,
    types::AppError,
};

/// Rows of a panel.
pub const ROWS: u32 = 9;
/// Tabs that stand side by side; the others are in a menu.
const TABS: usize = 4;

/// The figures of a row.
#[must_use]
pub fn figures(field: &str) -> &'static [Metric] {
    match field {
        "goal" => &[Metric::Visitors, Metric::Events, Metric::ConversionRate],
        "name" | NAMES_OF_PROPS => &[Metric::Visitors, Metric::Events, Metric::Share],
        _ => &[Metric::Visitors, Metric::Share],
    }
}

/// The name of a tab.
pub(super) fn tab_name(field: &str) -> &str {
    t(match field {
        "page" => Key::TabPages,
        "entry_page" => Key::TabEntry,
        "exit_page" => Key::TabExit,
        "hostname" => Key::TabHosts,
        "source" => Key::TabSources,
        "channel" => Key::TabChannels,
        "referrer" => Key::TabReferrers,
        "utm_campaign" => Key::TabCampaigns,
        "utm_source" => Key::TabUtmSources,
        "utm_medium" => Key::TabMediums,
        "utm_content" => Key::TabContents,
        "utm_term" => Key::TabTerms,
        "country" => Key::TabCountries,
        MAP => Key::TabMap,
        "region" => Key::TabRegions,
        "city" => Key::TabCities,
        "language" => Key::TabLanguages,
        "browser" => Key::TabBrowsers,
        "browser_version" => Key::TabBrowserVersions,
        "os" => Key::TabSystems,
        "os_version" => Key::TabSystemVersions,
        "device" => Key::TabDevices,
        "screen" => Key::TabScreens,
        "goal" => Key::TabGoals,
        "name" => Key::TabEvents,
        NAMES_OF_PROPS => Key::TabProperties,
        property => return property.strip_prefix(PROPS).unwrap_or(property),
    })
}

/// What stands in a tab, where nothing around it says more.
#[must_use]
pub fn long_name(field: &str) -> &str {
    match field {
        "page" => t(Key::PanelPages),
        "entry_page" => t(Key::EntryPages),
        "exit_page" => t(Key::ExitPages),
        field => tab_name(field),
    }
}

/// The head of the column of labels.
pub(super) fn column_name(field: &str) -> &str {
    if field == NAMES_OF_PROPS { t(Key::FieldProperty) } else { field_name(field) }
}

pub(super) fn title(panel: PanelId) -> &'static str {
    t(match panel {
        PanelId::Pages => Key::PanelPages,
        PanelId::Sources => Key::PanelSources,
        PanelId::Places => Key::PanelPlaces,
        PanelId::Devices => Key::PanelDevices,
        PanelId::Goals => Key::PanelGoals,
    })
}

/// Head with tabs, then the rows, or what stands in their place.
#[must_use]
pub fn panel(domain: &str, query: &ViewQuery, panel: PanelId, answer: Result<Table, AppError>) -> Html {
    let field = query.tab(panel);
    let mut html = Html::new();
    html.raw(r#"<header class="panel-head"><h2 class="panel-title""#)
        .attr("id", format_args!("{}-title", panel.code()))
        .raw(">")
        .text(title(panel))
        .raw("</h2>");
    tabs(&mut html, domain, query, panel);
    html.raw("</header>");
    match answer {
        Err(error) => {
            html.html(&part_failed(&error, panel.code()));
        }
        Ok(table) if table.rows.is_empty() => {
            html.html(&nothing(&Page::dashboard(domain), domain, query, field));
        }
        Ok(table) if field == MAP => {
            let dashboard = Page::dashboard(domain);
            html.html(&map(&table, |html, filter| {
                leads(html, &dashboard, query, &query.with_filter(filter)).raw(" data-noscroll");
            }));
            foot(&mut html, domain, query, "country", &table);
        }
        Ok(table) => {
            rows(&mut html, domain, query, field, &table);
            foot(&mut html, domain, query, field, &table);
        }
    }
    html
}

fn tabs(html: &mut Html, domain: &str, query: &ViewQuery, panel: PanelId) {
    let (page, chosen) = (Page::dashboard(domain), query.tab(panel));
    let tab = |html: &mut Html, class: &'static str, at: usize, field: &str| {
        html.raw("<a").attr("class", class).raw(" data-noscroll");
        leads(html, &page, query, &query.with_tab(panel, at)).attr_if(field == chosen, "aria-current", "true");
        html.raw(">").text(tab_name(field)).raw("</a>");
    };
    let mut fields = panel.tabs().iter().enumerate();
    html.raw(r#"<nav class="tabs""#).attr("aria-label", title(panel)).raw(">");
    for (at, field) in fields.by_ref().take(TABS) {
        tab(html, "tab", at, field);
    }
    if fields.len() > 0 {
        let hidden = panel.tabs().iter().skip(TABS).find(|field| **field == chosen);
        html.raw(r#"<details class="menu tabs-more"><summary class="tab""#)
            .attr_if(hidden.is_some(), "aria-current", "true")
            .raw(">")
            .text(hidden.map_or(t(Key::TabsMore), |field| tab_name(field)))
            .raw(r#" <span aria-hidden="true">▾</span></summary><div class="menu-layer"><ul class="menu-list">"#);
        for (at, field) in fields {
            html.raw("<li>");
            tab(html, "menu-item", at, field);
            html.raw("</li>");
        }
        html.raw("</ul></div></details>");
    }
    if panel == PanelId::Goals {
        for kind in Kind::ALL {
            html.raw(r#"<a class="tab" rel="external" data-set="""#).attr("href", query.href(&behaviour_page(domain, kind))).raw(">");
            html.text(behaviour_name(kind)).raw("</a>");
        }
    }
    html.raw("</nav>");
}

/// Stands in place of rows.
pub(super) fn nothing(page: &Page, domain: &str, query: &ViewQuery, field: &str) -> Html {
    let key = match field {
        "utm_campaign" => Key::NoCampaigns,
        "goal" => Key::NoGoals,
        NAMES_OF_PROPS => Key::NoProperties,
        _ => Key::NoVisitsInPeriod,
    };
    let mut html = Html::new();
    html.raw(r#"<div class="nothing"><p>"#).text(t(key)).raw("</p>");
    if query.period != Some(Period::All) && key == Key::NoVisitsInPeriod {
        html.raw(r#"<a class="button" data-noscroll"#);
        leads(&mut html, page, query, &query.with_period(Period::All)).raw(">").text(t(Key::LookAtAll)).raw("</a>");
    }
    if field == "goal" && share::of_request().is_none() {
        html.raw(r#"<a class="button" rel="external""#)
            .attr("href", Section::Goals.address(domain))
            .raw(">")
            .text(t(Key::GoToGoals))
            .raw("</a>");
    }
    html.raw("</div>");
    html
}

fn rows(html: &mut Html, domain: &str, query: &ViewQuery, field: &str, table: &Table) {
    let figures = figures(field);
    html.raw(r#"<table class="rows"><caption class="sr-only">"#)
        .text(long_name(field))
        .raw(r#"</caption><thead><tr><th scope="col">"#)
        .text(column_name(field))
        .raw("</th>");
    for metric in figures {
        html.raw(r#"<th scope="col""#).attr("class", class(*metric)).raw(">");
        beside(html, domain, query, *metric, field);
        html.text(t(metric.name())).raw("</th>");
    }
    if table.is_compared {
        html.raw(r#"<th scope="col" class="rows-change">"#).text(t(Key::Change)).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    let width = widths(table, 0);
    for row in &table.rows {
        html.raw("<tr>");
        label(html, domain, query, field, row, width(row));
        cells(html, figures, table, row);
        html.raw("</tr>");
    }
    html.raw("</tbody></table>");
}

/// The figures of a row, and its change.
pub(super) fn cells(html: &mut Html, figures: &[Metric], table: &Table, row: &TableRow) {
    for (metric, figure) in figures.iter().zip(&row.figures) {
        html.raw("<td").attr("class", class(*metric)).raw(">");
        if table.approximate && *metric == Metric::Visitors {
            html.raw("≈ ");
        }
        figure_text(html, *metric, *figure, row);
        html.raw("</td>");
    }
    if table.is_compared {
        html.raw(r#"<td class="rows-change">"#);
        change(html, row.change, Tone::UpIsGood, "–", None);
        html.raw("</td>");
    }
}

/// How long the bar behind a row is, in percent of the longest.
pub(super) fn widths(table: &Table, column: usize) -> impl Fn(&TableRow) -> f64 {
    let figure = move |row: &TableRow| row.figures.get(column).copied().flatten().unwrap_or(0.0).max(0.0);
    let greatest = table.rows.iter().map(figure).fold(0.0, f64::max);
    move |row| if greatest > 0.0 { 100.0 * figure(row) / greatest } else { 0.0 }
}

/// The class of a column.
pub(super) const fn class(metric: Metric) -> &'static str {
    match metric {
        Metric::Share | Metric::ConversionRate => "rows-share",
        _ => "rows-figure",
    }
}

/// A figure of a row.
fn figure_text(html: &mut Html, metric: Metric, figure: Option<f64>, row: &TableRow) {
    money_or(html, metric, figure, row.currency.as_ref());
}

/// A figure that may be an amount of a currency.
pub(super) fn money_or(html: &mut Html, metric: Metric, figure: Option<f64>, currency: Option<&String>) {
    match (figure, currency) {
        (None, _) => html.text("–"),
        // Goals without a currency have no revenue.
        (Some(_), None) if metric == Metric::Revenue => html.text("–"),
        (Some(figure), Some(currency)) if metric == Metric::Revenue => html.text(metric.text(figure)).text(" ").text(currency),
        (Some(figure), _) => html.text(metric.text(figure)),
    };
}

/// The way to all rows.
fn foot(html: &mut Html, domain: &str, query: &ViewQuery, field: &str, table: &Table) {
    let more = table.total > table.rows.len() as u64;
    let text = if more { fill(Key::ShowAll, &[("n", &format::number(table.total))]) } else { t(Key::Details).to_owned() };
    html.raw(r#"<p class="panel-foot"><a class="more" rel="external" data-set="""#)
        .attr("href", query.href(&detail_page(domain, field)))
        .raw(">")
        .text(text)
        .raw(r#"<span class="sr-only">: "#)
        .text(long_name(field))
        .raw("</span></a></p>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(label: &str) -> Table {
        let row = TableRow { label: label.to_owned(), figures: vec![Some(3.0), Some(100.0)], ..TableRow::default() };
        Table { rows: vec![row], total: 12, ..Table::default() }
    }

    #[test]
    fn a_path_is_text_and_its_link_leads_to_the_domain() {
        let html = panel("a.org", &ViewQuery::default(), PanelId::Pages, Ok(answer("/<img src=x onerror=alert(1)>"))).into_string();
        assert!(!html.contains("<img"));
        assert!(html.contains(r#"href="https://a.org/%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E""#));
    }

    #[test]
    fn tabs_and_details_are_addresses() {
        let query = ViewQuery::parse("period=7d");
        let html = panel("a.org", &query, PanelId::Pages, Ok(answer("/"))).into_string();
        assert!(html.contains(r#"href="/a.org?period=7d&amp;pages=entry_page""#), "{html}");
        assert!(html.contains(r#"href="/a.org/by/page?period=7d""#), "{html}");
        let query = ViewQuery::parse("goals=props");
        let html = panel("a.org", &query, PanelId::Goals, Ok(answer("a/b c"))).into_string();
        assert!(html.contains(r#"href="/a.org/by/props:a%2Fb%20c?goals=props""#), "{html}");
    }

    #[test]
    fn a_row_filters_by_what_it_says() {
        let html = panel("a.org", &ViewQuery::parse("period=7d"), PanelId::Pages, Ok(answer("/a,b c"))).into_string();
        assert!(html.contains(r#"href="/a.org?period=7d&amp;f=is,page,/a%5C,b%20c""#), "{html}");
        assert!(html.contains(r#"href="/a.org?period=7d&amp;f=is_not,page,/a%5C,b%20c""#), "{html}");
        let of_country = |label: &str| panel("a.org", &ViewQuery::default(), PanelId::Places, Ok(answer(label))).into_string();
        let html = of_country("DE");
        assert!(html.contains("f=is,country,DE") && html.contains("Show only Germany"), "{html}");
        assert!(!of_country("(unknown)").contains("f=is"));
    }

    #[test]
    fn a_change_is_told_in_words_too() {
        let mut table = answer("/");
        table.is_compared = true;
        table.rows[0].change = Some(-12);
        let html = panel("a.org", &ViewQuery::default(), PanelId::Pages, Ok(table)).into_string();
        assert!(html.contains("change-down") && html.contains("down 12%"), "{html}");
    }

    #[test]
    fn estimates_are_marked() {
        let text = |approximate| {
            let table = Table { approximate, ..answer("/") };
            panel("a.org", &ViewQuery::default(), PanelId::Pages, Ok(table)).into_string()
        };
        assert!(text(true).contains(">≈ 3</td>") && text(true).contains(">100%</td>") && !text(false).contains('≈'));
    }

    #[test]
    fn a_failure_offers_the_next_step() {
        let html = panel("a.org", &ViewQuery::default(), PanelId::Sources, Err(AppError::Unreachable)).into_string();
        assert!(html.contains("data-retry=\"sources\""));
    }
}
