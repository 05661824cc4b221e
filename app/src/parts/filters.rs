//! What the page is filtered by: the menu that adds a filter, and a chip for each one that is there.

use super::{Page, bar::menu, carried, label::named, leads};
use crate::{
    backend::PlaceNames,
    filter::{FIELDS, Filter, Op, PROPS, known_as},
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    query::ViewQuery,
    text::middle,
};

/// What pages call a field.
pub(super) fn field_name(field: &str) -> &str {
    match known_as(field) {
        Some(name) => t(name),
        None => field.strip_prefix(PROPS).unwrap_or(field),
    }
}

pub(super) fn chips(page: &Page, query: &ViewQuery, names: &PlaceNames) -> Html {
    let mut html = Html::new();
    if query.filters.is_empty() {
        return html;
    }
    html.raw(r#"<ul class="chips""#).attr("aria-label", t(Key::Filters)).raw(">");
    for (at, filter) in query.filters.iter().enumerate() {
        chip(&mut html, page, query, (at, filter), names);
    }
    html.raw(r#"<li><a class="chip-clear" data-noscroll"#);
    leads(&mut html, page, query, &query.with_filters(Vec::new())).raw(">");
    html.text(t(Key::FiltersClear)).raw("</a></li></ul>");
    html
}

fn chip(html: &mut Html, page: &Page, query: &ViewQuery, (at, filter): (usize, &Filter), names: &PlaceNames) {
    let name = field_name(&filter.field);
    let name_of = |value: &String| named(&filter.field, value, names.get(value).map(String::as_str)).to_owned();
    let values: Vec<String> = filter.values.iter().map(name_of).collect();
    let values = values.join(&format!(" {} ", t(Key::FilterOr)));
    let whole = format!("{name} {} {values}", t(filter.op.text()));
    html.raw(r#"<li class="chip"><span class="chip-text"><span class="chip-field">"#).text(name).raw("</span> ");
    match filter.negated() {
        Some(negated) => {
            let mut filters = query.filters.clone();
            filters[at] = negated.clone();
            html.raw(r#"<a class="chip-op" data-noscroll"#);
            leads(html, page, query, &query.with_filters(filters))
                .attr("title", fill(Key::FilterTurn, &[("op", t(negated.op.text()))]))
                .attr("aria-label", format_args!("{whole}: {}", fill(Key::FilterTurn, &[("op", t(negated.op.text()))])))
                .raw(">")
                .text(t(filter.op.text()))
                .raw("</a> ");
        }
        None => {
            html.raw("<span>").text(t(filter.op.text())).raw("</span> ");
        }
    }
    middle(html, &values);
    let mut others = query.filters.clone();
    others.remove(at);
    html.raw(r#"</span><a class="chip-remove" data-noscroll"#);
    leads(html, page, query, &query.with_filters(others))
        .attr("aria-label", fill(Key::FilterRemove, &[("filter", &whole)]))
        .raw(">")
        .html(&icon(Icon::Cross))
        .raw("</a></li>");
}

/// The menu with the form that adds a filter. A GET form: it works without script. With script the address becomes what the page would say.
#[must_use]
pub fn filter_menu(page: &Page, query: &ViewQuery) -> Html {
    let mut html = Html::new();
    menu(&mut html, Key::FilterAdd);
    html.html(&icon(Icon::Funnel)).raw(r#"<span class="menu-text">"#).text(t(Key::Filter));
    html.raw(r#"</span></summary><div class="menu-layer"><form class="filter-form" method="get""#)
        .attr("action", &page.path)
        .attr("data-address", page.href(query))
        .raw(">");
    carried(&mut html, page, query, &[]);
    html.raw(r#"<label class="range-field"><span>"#).text(t(Key::FilterField)).raw(r#"</span><select class="input" name="field">"#);
    for field in FIELDS {
        html.raw("<option").attr("value", field).raw(">").text(field_name(field)).raw("</option>");
    }
    html.raw(r#"</select></label><label class="range-field"><span>"#)
        .text(t(Key::FilterHow))
        .raw(r#"</span><select class="input" name="op">"#);
    for op in Op::ALL {
        html.raw("<option").attr("value", op.code()).raw(">").text(t(op.text())).raw("</option>");
    }
    html.raw(r#"</select></label><label class="range-field filter-value"><span>"#).text(t(Key::FilterValue));
    html.raw(r#"</span><input class="input" name="value" required autocomplete="off" spellcheck="false"></label><button class="button">"#);
    html.text(t(Key::Apply)).raw("</button></form></div></details>");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_says_what_it_does_and_how_to_undo_it() {
        let query = ViewQuery::parse("period=7d&f=is,source,Google&f=contains_not,page,%3Cb%3E");
        let html = chips(&Page::dashboard("a.org"), &query, &PlaceNames::new()).into_string();
        assert!(html.contains(r#"href="/a.org?period=7d&amp;f=contains_not,page,%3Cb%3E""#), "without the first: {html}");
        assert!(html.contains(r#"href="/a.org?period=7d&amp;f=is_not,source,Google&amp;f=contains_not,page,%3Cb%3E""#), "turned: {html}");
        assert!(html.contains(r#"href="/a.org?period=7d""#) && !html.contains("<b>"), "{html}");
        assert_eq!(chips(&Page::dashboard("a.org"), &ViewQuery::default(), &PlaceNames::new()), Html::new());
    }
}
