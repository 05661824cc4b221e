//! What the page is filtered by: the menu that adds a filter, and a chip for each one that is there, which opens where it is changed.

use super::{Page, bar::menu, carried, label::named, leads, segments};
use crate::{
    backend::{Offered, Table, TableRow},
    filter::{ALONE, AnyOf, FIELDS, Filter, Op, PROPS, Place, SEGMENT, known_as},
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    query::{ViewQuery, encoded},
    share,
    text::middle,
};

/// What pages call a field.
pub(super) fn field_name(field: &str) -> &str {
    match known_as(field) {
        Some(name) => t(name),
        None => field.strip_prefix(PROPS).unwrap_or(field),
    }
}

/// A filter as chips say it: what, how, and the values.
pub(super) fn words<'a>(filter: &'a Filter, offered: &'a Offered) -> (&'a str, &'static str, String) {
    let name_of = |value: &'a String| match offered.segment(value) {
        Some(segment) if filter.field == SEGMENT => segment.name.as_str(),
        _ => named(&filter.field, value, offered.places.get(value).map(String::as_str)),
    };
    let values: Vec<&str> = filter.values.iter().map(name_of).collect();
    (field_name(&filter.field), t(filter.op.text()), values.join(&or()))
}

/// Alternatives as a sentence.
pub(super) fn sentence(any: &AnyOf, offered: &Offered) -> String {
    let said = any.filters().iter().map(|filter| {
        let (name, op, values) = words(filter, offered);
        format!("{name} {op} {values}")
    });
    said.collect::<Vec<_>>().join(&or())
}

fn or() -> String {
    format!(" {} ", t(Key::FilterOr))
}

pub(super) fn chips(page: &Page, query: &ViewQuery, offered: &Offered) -> Html {
    let mut html = Html::new();
    if query.filters.is_empty() {
        return html;
    }
    html.raw(r#"<ul class="chips""#).attr("aria-label", t(Key::Filters)).raw(">");
    for at in 0..query.filters.len() {
        Chip { page, query, offered, at }.write(&mut html);
    }
    html.raw(r#"<li><a class="chip-clear" data-noscroll"#);
    leads(&mut html, page, query, &query.with_filters(Vec::new())).raw(">");
    html.text(t(Key::FiltersClear)).raw("</a></li></ul>");
    html
}

/// One of the filters.
#[derive(Clone, Copy)]
struct Chip<'a> {
    page: &'a Page,
    query: &'a ViewQuery,
    offered: &'a Offered,
    at: usize,
}

impl<'a> Chip<'a> {
    fn any(self) -> &'a AnyOf {
        &self.query.filters[self.at]
    }

    /// A link to the page with something else in its place.
    fn leads(self, html: &mut Html, instead: impl IntoIterator<Item = AnyOf>) -> &mut Html {
        let mut filters = self.query.filters.clone();
        filters.splice(self.at..=self.at, instead);
        leads(html, self.page, self.query, &self.query.with_filters(filters))
    }

    fn write(self, html: &mut Html) {
        let whole = sentence(self.any(), self.offered);
        html.raw(r#"<li class="chip"><details class="menu menu-left chip-menu"><summary class="chip-text""#)
            .attr("title", t(Key::FilterEdit))
            .raw(r#"><span class="sr-only">"#)
            .text(t(Key::FilterEdit))
            .raw(": </span>");
        for (at, filter) in self.any().filters().iter().enumerate() {
            let (name, op, values) = words(filter, self.offered);
            if at > 0 {
                html.raw(r#"<span class="chip-or">"#).text(t(Key::FilterOr)).raw("</span> ");
            }
            html.raw(r#"<span class="chip-field">"#).text(name).raw(r#"</span> <span class="chip-op">"#).text(op).raw("</span> ");
            middle(html, &values);
            html.raw(" ");
        }
        html.raw(r#"</summary><div class="menu-layer chip-layer">"#);
        for of in 0..self.any().filters().len() {
            self.alternative(html, of, &whole);
        }
        self.one_more(html);
        html.raw(r#"</div></details><a class="chip-remove" data-noscroll"#);
        self.leads(html, None)
            .attr("aria-label", fill(Key::FilterRemove, &[("filter", &whole)]))
            .raw(">")
            .html(&icon(Icon::Cross))
            .raw("</a></li>");
    }

    /// What can be done with one of the alternatives.
    fn alternative(self, html: &mut Html, of: usize, whole: &str) {
        let filter = &self.any().filters()[of];
        if of > 0 {
            html.raw(r#"<p class="chip-between">"#).text(t(Key::FilterOr)).raw("</p>");
        }
        if filter.field == SEGMENT {
            segments::shown(html, filter, self.offered);
            if let Some(instead) = segments::instead(filter, self.offered).filter(|_| self.any().alone().is_some()) {
                html.raw(r#"<a class="menu-item" data-noscroll"#);
                self.leads(html, instead).raw(">").text(t(Key::SegmentOpen)).raw("</a>");
            }
        } else {
            Form { page: self.page, query: self.query, offered: self.offered, place: Place::Instead(self.at, of), filter: Some(filter) }
                .write(html);
        }
        if self.any().alone().is_none() {
            let (name, op, values) = words(filter, self.offered);
            html.raw(r#"<a class="menu-item" data-noscroll"#);
            self.leads(html, self.any().with(of, None)).raw(">");
            html.text(fill(Key::FilterRemove, &[("filter", &format!("{name} {op} {values}"))])).raw("</a>");
        } else if let Some(negated) = filter.negated() {
            let turn = fill(Key::FilterTurn, &[("op", t(negated.op.text()))]);
            html.raw(r#"<a class="menu-item" data-noscroll"#);
            self.leads(html, Some(negated.into())).attr("aria-label", format_args!("{whole}: {turn}")).raw(">").text(&turn).raw("</a>");
        }
    }

    /// The form that adds an alternative, where there can be one.
    fn one_more(self, html: &mut Html) {
        if self.any().filters().iter().any(|filter| ALONE.contains(&filter.field.as_str())) {
            return;
        }
        html.raw(r#"<details class="further chip-more"><summary class="further-head">"#).text(t(Key::FilterOrMore)).raw("</summary>");
        let form = Form { page: self.page, query: self.query, offered: self.offered, place: Place::Or(self.at), filter: None };
        form.write(html);
        html.raw("</details>");
    }
}

/// A form that says one filter. A GET form: it works without script. With script the address becomes what the page would say, and values are
/// offered.
struct Form<'a> {
    page: &'a Page,
    query: &'a ViewQuery,
    offered: &'a Offered,
    place: Place,
    /// What stands there already.
    filter: Option<&'a Filter>,
}

impl Form<'_> {
    fn write(&self, html: &mut Html) {
        let (field, op) = self.filter.map_or(("", Op::Is), |filter| (filter.field.as_str(), filter.op));
        html.raw(r#"<form class="filter-form" method="get""#)
            .attr("action", &self.page.path)
            .attr("data-address", self.page.href(self.query))
            .attr("data-values", self.values_of())
            .raw(">");
        carried(html, self.page, self.query, &[]);
        if self.place != Place::New {
            super::hidden(html, "at", self.place.write());
        }
        html.raw(r#"<label class="range-field"><span>"#).text(t(Key::FilterField)).raw(r#"</span><select class="input" name="field""#);
        // The letter leads to the first input of the menu that adds.
        if self.place == Place::New {
            html.attr("data-key", "f").attr("aria-keyshortcuts", "f");
        }
        html.raw(">");
        self.fields(html, field);
        html.raw(r#"</select></label><label class="range-field"><span>"#)
            .text(t(Key::FilterHow))
            .raw(r#"</span><select class="input" name="op">"#);
        for choice in Op::ALL {
            html.raw("<option").attr("value", choice.code()).attr_if(choice == op, "selected", "").raw(">");
            html.text(t(choice.text())).raw("</option>");
        }
        html.raw("</select></label>");
        let known = self.filter.map_or(&[][..], |filter| filter.values.as_slice());
        for (at, value) in known.iter().enumerate() {
            let name = named(field, value, self.offered.places.get(value).map(String::as_str));
            Self::value(html, at, value, (name != value).then_some(name));
        }
        Self::value(html, known.len(), "", None);
        html.raw("<datalist").attr("id", format_args!("values-{}", self.place.write())).raw("></datalist>");
        html.raw(r#"<button class="button">"#).text(t(Key::Apply)).raw("</button></form>");
    }

    /// What can be chosen: what everybody can, and the properties of the domain. What is chosen already stays so.
    fn fields(&self, html: &mut Html, chosen: &str) {
        let is_alternative = matches!(self.place, Place::Or(_)) || self.others() > 0;
        let props: Vec<String> = self.offered.props.iter().map(|name| format!("{PROPS}{name}")).collect();
        let offered = FIELDS.into_iter().filter(|field| !(is_alternative && ALONE.contains(field)));
        let offered: Vec<&str> = offered.chain(props.iter().map(String::as_str)).collect();
        // A place that is known by its name is chosen as a place.
        let chosen = chosen.strip_suffix("_name").filter(|field| FIELDS.contains(field)).unwrap_or(chosen);
        let other = (!chosen.is_empty() && !offered.contains(&chosen)).then_some(chosen);
        for field in other.into_iter().chain(offered.iter().copied()) {
            html.raw("<option")
                .attr("value", field)
                .attr_if(field == chosen, "selected", "")
                .raw(">")
                .text(field_name(field))
                .raw("</option>");
        }
    }

    /// Alternatives beside this one.
    fn others(&self) -> usize {
        match self.place {
            Place::Instead(at, _) => self.query.filters.get(at).map_or(0, |any| any.filters().len() - 1),
            _ => 0,
        }
    }

    /// An input for a value. The first one must be filled in.
    fn value(html: &mut Html, at: usize, value: &str, name: Option<&str>) {
        html.raw(r#"<label class="range-field filter-value"><span>"#).text(t(if at == 0 { Key::FilterValue } else { Key::FilterOr }));
        if let Some(name) = name {
            html.raw(" · ").text(name);
        }
        html.raw(r#"</span><input class="input" name="value" autocomplete="off" autocapitalize="none" spellcheck="false""#)
            .attr("value", value)
            .attr_if(at == 0, "required", "")
            .raw("></label>");
    }

    /// Where the values are that the period has of a field: whatever else the page is filtered by.
    fn values_of(&self) -> String {
        let view = self.query.with_filters(Vec::new()).write();
        format!("/api/app/values?domain={}&view={}", encoded(self.page.domain()), encoded(&view))
    }
}

/// The menu that adds a filter, or applies a segment, or makes one.
#[must_use]
pub fn filter_menu(page: &Page, query: &ViewQuery, offered: &Offered, csrf: &str) -> Html {
    let mut html = Html::new();
    menu(&mut html, Key::FilterAdd);
    html.html(&icon(Icon::Funnel)).raw(r#"<span class="menu-text">"#).text(t(Key::Filter));
    html.raw(r#"</span></summary><div class="menu-layer filter-layer">"#);
    Form { page, query, offered, place: Place::New, filter: None }.write(&mut html);
    segments::list(&mut html, page, query, offered);
    if share::of_request().is_none() {
        segments::save(&mut html, page, query, csrf);
    }
    html.raw("</div></details>");
    html
}

/// Values to choose from, as options of a list: what an input takes for a value, and what it is called.
#[must_use]
pub fn suggestions(field: &str, table: &Table) -> Html {
    let mut html = Html::new();
    // Of what is not known there is nothing to compare with.
    let known = |row: &&TableRow| !row.label.is_empty() && (!row.label.starts_with('(') || field == "source");
    for row in table.rows.iter().filter(known) {
        let name = named(field, &row.label, row.name.as_deref());
        let value = if field == "country" { name } else { &row.label };
        html.raw("<option").attr("value", value).raw(">").text(name).raw("</option>");
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Segment;

    fn written(text: &str, offered: &Offered) -> String {
        chips(&Page::dashboard("a.org"), &ViewQuery::parse(text), offered).into_string()
    }

    #[test]
    fn a_chip_says_what_it_does_and_how_to_undo_it() {
        let html = written("period=7d&f=is,source,Google&f=contains_not,page,%3Cb%3E", &Offered::default());
        assert!(html.contains(r#"href="/a.org?period=7d&amp;f=contains_not,page,%3Cb%3E""#), "without the first: {html}");
        assert!(html.contains(r#"href="/a.org?period=7d&amp;f=is_not,source,Google&amp;f=contains_not,page,%3Cb%3E""#), "turned: {html}");
        assert!(html.contains(r#"href="/a.org?period=7d""#) && !html.contains("<b>"), "{html}");
        assert_eq!(written("", &Offered::default()), "");
    }

    #[test]
    fn a_chip_opens_a_form_with_what_it_says() {
        let html = written("f=is,country,DE,FR&f=is_not,props:plan,%3Cpro%3E,b", &Offered::default());
        for part in [
            r#"<input type="hidden" name="at" value="1.0">"#,
            r#"<option value="country" selected="">"#,
            r#"<option value="props:plan" selected="">plan</option>"#,
            r#"<option value="is_not" selected="">"#,
            r#"value="&lt;pro&gt;" required="">"#,
            "<span>Value · Germany</span>",
            r#"<span>or · France</span>"#,
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert_eq!(html.matches(r#"name="value""#).count(), 3 + 1 + 3 + 1, "one empty one each, and one for an alternative");
    }

    #[test]
    fn alternatives_are_taken_away_one_by_one() {
        let html = written("f=any,is,country,DE,,is,source,Google", &Offered::default());
        assert!(html.contains(r#"data-set="drop=any,is,country,DE,,is,source,Google&amp;add=is,source,Google&amp;page=""#), "{html}");
        assert!(html.contains("Remove the filter “Country is Germany or Source is Google”"), "{html}");
        assert!(html.contains(r#"<option value="page">"#) && !html.contains(r#"<option value="goal">"#), "{html}");
        assert!(!written("f=is,goal,Signup", &Offered::default()).contains(r#"name="at" value="0""#), "a goal has no alternative");
    }

    #[test]
    fn a_segment_is_called_by_its_name_and_shows_what_it_is() {
        let filters = vec![serde_json::json!(["is", "visit:country", ["DE"]])];
        let segment = Segment { id: 7, name: "<Home>".to_owned(), personal: false, filters };
        let offered = Offered { segments: vec![segment], ..Offered::default() };
        let html = written("f=is,segment,7", &offered);
        assert!(html.contains("&lt;Home&gt;") && html.contains("Country is Germany") && !html.contains("<Home>"), "{html}");
        assert!(html.contains(r#"data-set="drop=is,segment,&amp;add=is,country,DE&amp;page=""#), "{html}");
        assert!(written("f=is,segment,8", &offered).contains("There is no segment 8"));
    }
}
