//! A row's label: a bar behind it, what it says, and what can be done with it.

use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::{Page, leads};
use crate::{
    backend::TableRow,
    filter::{Filter, Op, PROPS},
    i18n::{Key, fill},
    icons::{Icon, icon},
    markup::Html,
    query::{NAMES_OF_PROPS, ViewQuery},
    share,
    text::{PATH, country, middle, page_address},
};

/// What a value is called: places by their names.
pub(super) fn named<'a>(field: &str, value: &'a str, name: Option<&'a str>) -> &'a str {
    if field == "country" { country(value) } else { name.unwrap_or(value) }
}

/// Where the rows of a field are shown in full.
pub(super) fn detail_page(domain: &str, field: &str) -> String {
    const SEGMENT: &AsciiSet = &PATH.add(b'/').remove(b':');
    format!("/{domain}/by/{}", utf8_percent_encode(field, SEGMENT))
}

/// The cell at the head of a row. `width` is that of its bar, percent.
pub(super) fn label(html: &mut Html, domain: &str, query: &ViewQuery, field: &str, row: &TableRow, width: f64) {
    html.raw(r#"<th scope="row" class="rows-label"><span class="row-bar""#)
        .attr("style", format_args!("width:{width:.1}%"))
        .raw(r#"></span><span class="row-text">"#);
    let name = named(field, &row.label, row.name.as_deref());
    if field == "country" && name != row.label {
        html.raw(r#"<span class="code" aria-hidden="true">"#).text(&row.label).raw("</span>");
    }
    if field == NAMES_OF_PROPS {
        values_of(html, domain, query, &row.label);
    } else {
        filters(html, domain, query, field, row, name);
    }
    let is_page = matches!(field, "page" | "entry_page" | "exit_page");
    if let Some(address) = page_address(&share::name(domain), &row.label).filter(|_| is_page) {
        html.raw(r#"<a class="row-action" target="_blank" rel="noopener noreferrer external""#)
            .attr("href", address)
            .attr("aria-label", fill(Key::OpenPage, &[("path", &row.label)]))
            .raw(">")
            .html(&icon(Icon::Out))
            .raw("</a>");
    }
    html.raw("</span></th>");
}

/// The name of a property leads to its values.
fn values_of(html: &mut Html, domain: &str, query: &ViewQuery, name: &str) {
    html.raw(r#"<a class="row-filter" rel="external" data-set="""#)
        .attr("href", query.href(&detail_page(domain, &format!("{PROPS}{name}"))))
        .attr("aria-label", fill(Key::PropertyValues, &[("name", name)]))
        .raw(">");
    middle(html, name);
    html.raw("</a>");
}

/// A click shows only what the row says, or leaves it out.
pub(super) fn filters(html: &mut Html, domain: &str, query: &ViewQuery, field: &str, row: &TableRow, name: &str) {
    let dashboard = Page::dashboard(domain);
    // A place that is not known has no code to compare with.
    let is_place = matches!(field, "country" | "region" | "city");
    let goes = !(is_place && row.label.starts_with('('));
    let by = |op| Filter::new(op, field, &row.label).filter(|_| goes);
    if let Some(filter) = by(Op::Is) {
        html.raw(r#"<a class="row-filter" data-noscroll"#);
        leads(html, &dashboard, query, &query.with_filter(filter))
            .attr("aria-label", fill(Key::FilterBy, &[("value", name)]))
            .attr("title", name)
            .raw(">");
        middle(html, name);
        html.raw("</a>");
    } else {
        middle(html, name);
    }
    // A goal has no opposite.
    if let Some(filter) = by(Op::IsNot).filter(|_| field != "goal") {
        let said = fill(Key::FilterNotBy, &[("value", name)]);
        html.raw(r#"<a class="row-action" data-noscroll"#);
        leads(html, &dashboard, query, &query.with_filter(filter))
            .attr("aria-label", &said)
            .attr("title", &said)
            .raw(">")
            .html(&icon(Icon::Minus))
            .raw("</a>");
    }
}
