//! A panel: what the visitors are broken down by, as rows with a bar behind the label.

use footfall_model::{
    Period,
    report::{Breakdown, BreakdownRow, Dimension},
};

use super::leads;
use crate::{
    failed::part_failed,
    filter::{Filter, Op},
    format,
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    query::{PanelId, ViewQuery},
    text::{country, middle, page_address},
    types::AppError,
};

/// Name of a tab, and of its first column.
fn names(dimension: Dimension) -> (&'static str, &'static str) {
    let (tab, column) = match dimension {
        Dimension::Page => (Key::TabPages, Key::ColumnPage),
        Dimension::EntryPage => (Key::TabEntry, Key::ColumnPage),
        Dimension::ExitPage => (Key::TabExit, Key::ColumnPage),
        Dimension::Source => (Key::TabSources, Key::ColumnSource),
        Dimension::Channel => (Key::TabChannels, Key::ColumnChannel),
        Dimension::Referrer => (Key::TabReferrers, Key::ColumnReferrer),
        Dimension::Campaign => (Key::TabCampaigns, Key::ColumnCampaign),
        Dimension::Country => (Key::TabCountries, Key::ColumnCountry),
        Dimension::Browser => (Key::TabBrowsers, Key::ColumnBrowser),
        Dimension::Os => (Key::TabSystems, Key::ColumnSystem),
        Dimension::Device => (Key::TabDevices, Key::ColumnDevice),
    };
    (t(tab), t(column))
}

/// What a row of it is filtered by.
const fn field(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Page => "page",
        Dimension::EntryPage => "entry_page",
        Dimension::ExitPage => "exit_page",
        Dimension::Source => "source",
        Dimension::Channel => "channel",
        Dimension::Referrer => "referrer",
        Dimension::Campaign => "utm_campaign",
        Dimension::Country => "country",
        Dimension::Browser => "browser",
        Dimension::Os => "os",
        Dimension::Device => "device",
    }
}

fn title(panel: PanelId) -> &'static str {
    t(match panel {
        PanelId::Pages => Key::PanelPages,
        PanelId::Sources => Key::PanelSources,
        PanelId::Countries => Key::PanelCountries,
        PanelId::Devices => Key::PanelDevices,
    })
}

/// Head with tabs, then the rows, or what stands in their place.
#[must_use]
pub fn panel(domain: &str, query: &ViewQuery, panel: PanelId, answer: Result<Breakdown, AppError>) -> Html {
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
        Ok(answer) if answer.rows.is_empty() => nothing(&mut html, domain, query, answer.dimension),
        Ok(answer) => {
            rows(&mut html, domain, query, panel, &answer);
            pager(&mut html, domain, query, panel, &answer);
        }
    }
    html
}

fn tabs(html: &mut Html, domain: &str, query: &ViewQuery, panel: PanelId) {
    if panel.tabs().len() < 2 {
        return;
    }
    let chosen = query.panel(panel).dimension;
    html.raw(r#"<nav class="tabs""#).attr("aria-label", title(panel)).raw(">");
    for (at, tab) in panel.tabs().iter().enumerate() {
        html.raw(r#"<a class="tab" data-noscroll"#);
        leads(html, domain, query, &query.with_tab(panel, at))
            .attr_if(*tab == chosen, "aria-current", "true")
            .raw(">")
            .text(names(*tab).0)
            .raw("</a>");
    }
    html.raw("</nav>");
}

fn nothing(html: &mut Html, domain: &str, query: &ViewQuery, dimension: Dimension) {
    let key = if dimension == Dimension::Campaign { Key::NoCampaigns } else { Key::NoVisitsInPeriod };
    html.raw(r#"<div class="nothing"><p>"#).text(t(key)).raw("</p>");
    if query.period != Some(Period::All) && dimension != Dimension::Campaign {
        html.raw(r#"<a class="button" data-noscroll"#);
        leads(html, domain, query, &query.with_period(Period::All)).raw(">").text(t(Key::LookAtAll)).raw("</a>");
    }
    html.raw("</div>");
}

fn rows(html: &mut Html, domain: &str, query: &ViewQuery, panel: PanelId, answer: &Breakdown) {
    let greatest = answer.rows.iter().map(|row| row.visitors).max().unwrap_or(1).max(1);
    html.raw(r#"<table class="rows"><caption class="sr-only">"#)
        .text(title(panel))
        .raw(r#"</caption><thead><tr><th scope="col">"#)
        .text(names(answer.dimension).1)
        .raw(r#"</th><th scope="col" class="rows-figure">"#)
        .text(t(Key::Visitors))
        .raw(r#"</th><th scope="col" class="rows-share">"#)
        .text(t(Key::Share))
        .raw("</th></tr></thead><tbody>");
    for row in &answer.rows {
        one_row(html, domain, query, answer.dimension, row, greatest);
    }
    html.raw("</tbody></table>");
}

fn one_row(html: &mut Html, domain: &str, query: &ViewQuery, dimension: Dimension, row: &BreakdownRow, greatest: u64) {
    #[expect(clippy::cast_precision_loss, reason = "the width of a bar")]
    let width = 100.0 * row.visitors as f64 / greatest as f64;
    html.raw(r#"<tr><th scope="row" class="rows-label"><span class="row-bar""#)
        .attr("style", format_args!("width:{width:.1}%"))
        .raw(r#"></span><span class="row-text">"#);
    let name = if dimension == Dimension::Country { country(&row.label) } else { &row.label };
    if name != row.label {
        html.raw(r#"<span class="code" aria-hidden="true">"#).text(&row.label).raw("</span>");
    }
    // A country that is not known has no code to compare with.
    let goes = dimension != Dimension::Country || row.label.chars().count() == 2;
    let by = |op| Filter::new(op, field(dimension), &row.label).filter(|_| goes);
    if let Some(filter) = by(Op::Is) {
        html.raw(r#"<a class="row-filter" data-noscroll"#);
        leads(html, domain, query, &query.with_filter(filter))
            .attr("aria-label", fill(Key::FilterBy, &[("value", name)]))
            .attr("title", name)
            .raw(">");
        middle(html, name);
        html.raw("</a>");
    } else {
        middle(html, name);
    }
    if let Some(filter) = by(Op::IsNot) {
        let said = fill(Key::FilterNotBy, &[("value", name)]);
        html.raw(r#"<a class="row-action" data-noscroll"#);
        leads(html, domain, query, &query.with_filter(filter))
            .attr("aria-label", &said)
            .attr("title", &said)
            .raw(">")
            .html(&icon(Icon::Minus))
            .raw("</a>");
    }
    let is_page = matches!(dimension, Dimension::Page | Dimension::EntryPage | Dimension::ExitPage);
    if let Some(address) = page_address(domain, &row.label).filter(|_| is_page) {
        html.raw(r#"<a class="row-action" target="_blank" rel="noopener noreferrer external""#)
            .attr("href", address)
            .attr("aria-label", fill(Key::OpenPage, &[("path", &row.label)]))
            .raw(">")
            .html(&icon(Icon::Out))
            .raw("</a>");
    }
    html.raw(r#"</span></th><td class="rows-figure""#)
        .attr("title", format_args!("{} {}", format::number(row.pageviews), t(Key::Pageviews)))
        .raw(">")
        .text(format::number(row.visitors))
        .raw(r#"</td><td class="rows-share">"#)
        .text(format::share(row.share))
        .raw("</td></tr>");
}

/// "Show all", and when opened up the way through the pages and back.
fn pager(html: &mut Html, domain: &str, query: &ViewQuery, panel: PanelId, answer: &Breakdown) {
    let link = |html: &mut Html, more: Option<(PanelId, u32)>, label: &str| {
        html.raw(r#"<a class="more" data-noscroll"#);
        leads(html, domain, query, &query.with_more(more)).raw(">").text(label).raw("</a>");
    };
    let (view, shown, total) = (query.panel(panel), answer.rows.len() as u64, answer.total);
    let total_text = format::number(total);
    if !query.is_open(panel) {
        if total > shown {
            html.raw(r#"<p class="panel-foot">"#);
            link(html, Some((panel, 1)), &fill(Key::ShowAll, &[("n", &total_text)]));
            html.raw("</p>");
        }
        return;
    }
    let first = u64::from(view.page - 1) * u64::from(view.limit);
    let last = first + shown;
    html.raw(r#"<p class="panel-foot">"#);
    link(html, None, t(Key::ShowFewer));
    if total > u64::from(view.limit) {
        let (from, to) = (format::number(first + 1), format::number(last));
        html.raw(r#"<span class="pager-at">"#).text(fill(Key::PagerAt, &[("from", &from), ("to", &to), ("n", &total_text)])).raw("</span>");
    }
    if view.page > 1 {
        link(html, Some((panel, view.page - 1)), t(Key::PagerPrevious));
    }
    if last < total {
        link(html, Some((panel, view.page + 1)), t(Key::PagerNext));
    }
    html.raw("</p>");
}

#[cfg(test)]
mod tests {
    use footfall_model::report::Meta;

    use super::*;

    fn answer(label: &str) -> Breakdown {
        let row = BreakdownRow { label: label.to_owned(), visitors: 3, pageviews: 4, share: 100.0 };
        Breakdown { dimension: Dimension::Page, rows: vec![row], total: 12, meta: Meta::default() }
    }

    #[test]
    fn a_path_is_text_and_its_link_leads_to_the_domain() {
        let html = panel("a.org", &ViewQuery::default(), PanelId::Pages, Ok(answer("/<img src=x onerror=alert(1)>"))).into_string();
        assert!(!html.contains("<img"));
        assert!(html.contains(r#"href="https://a.org/%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E""#));
    }

    #[test]
    fn tabs_and_pages_are_addresses() {
        let query = ViewQuery::parse("period=7d");
        let html = panel("a.org", &query, PanelId::Pages, Ok(answer("/"))).into_string();
        assert!(html.contains(r#"href="/a.org?period=7d&amp;pages=entry""#));
        assert!(html.contains(r#"href="/a.org?period=7d&amp;more=pages""#));
    }

    #[test]
    fn a_row_filters_by_what_it_says() {
        let html = panel("a.org", &ViewQuery::parse("period=7d"), PanelId::Pages, Ok(answer("/a,b c"))).into_string();
        assert!(html.contains(r#"href="/a.org?period=7d&amp;f=is,page,/a%5C,b%20c""#), "{html}");
        assert!(html.contains(r#"href="/a.org?period=7d&amp;f=is_not,page,/a%5C,b%20c""#), "{html}");
        let of_country = |label: &str| Breakdown { dimension: Dimension::Country, ..answer(label) };
        let html = panel("a.org", &ViewQuery::default(), PanelId::Countries, Ok(of_country("DE"))).into_string();
        assert!(html.contains("f=is,country,DE") && html.contains("Show only Germany"), "{html}");
        let html = panel("a.org", &ViewQuery::default(), PanelId::Countries, Ok(of_country("(unknown)"))).into_string();
        assert!(!html.contains("f=is"), "{html}");
    }

    #[test]
    fn a_failure_offers_the_next_step() {
        let html = panel("a.org", &ViewQuery::default(), PanelId::Sources, Err(AppError::Unreachable)).into_string();
        assert!(html.contains("data-retry=\"sources\""));
    }
}
