//! Filters that were saved under a name: applied, shown, and made from the page's.

use super::{Page, filters::sentence, hidden, leads};
use crate::{
    backend::{Offered, Segment},
    filter::{AnyOf, Filter, Op, SEGMENT},
    i18n::{Key, fill, t},
    markup::Html,
    query::ViewQuery,
    settings::Section,
};

/// Letters of a name.
const NAME_LETTERS: &str = "120";

/// What a segment consists of, where an address can say it.
fn parts(segment: &Segment) -> Option<Vec<AnyOf>> {
    segment.filters.iter().map(AnyOf::of_language).collect()
}

/// The filters that say the same as a filter by one segment.
pub(super) fn instead(filter: &Filter, offered: &Offered) -> Option<Vec<AnyOf>> {
    let [id] = filter.values.as_slice() else { return None };
    parts(offered.segment(id)?)
}

/// What the segments of a filter consist of.
pub(super) fn shown(html: &mut Html, filter: &Filter, offered: &Offered) {
    for id in &filter.values {
        html.raw(r#"<div class="segment"><p class="label">"#);
        match offered.segment(id) {
            Some(segment) => {
                html.text(&segment.name).raw("</p><ul>");
                for filter in &segment.filters {
                    // What no address can say was made by a program, which wrote it so.
                    let said = AnyOf::of_language(filter).map_or_else(|| filter.to_string(), |any| sentence(&any, offered));
                    html.raw("<li>").text(said).raw("</li>");
                }
                html.raw("</ul>");
            }
            None => {
                html.text(t(Key::Segment)).raw("</p><p>").text(fill(Key::SegmentGone, &[("id", id)])).raw("</p>");
            }
        }
        html.raw("</div>");
    }
}

/// The segments to choose from.
pub(super) fn list(html: &mut Html, page: &Page, query: &ViewQuery, offered: &Offered) {
    if offered.segments.is_empty() {
        return;
    }
    html.raw(r#"<div class="menu-rule"><p class="menu-head" id="segments">"#).text(t(Key::Segments));
    html.raw(r#"</p><ul class="menu-list segments" aria-labelledby="segments">"#);
    for segment in &offered.segments {
        let Some(filter) = Filter::new(Op::Is, SEGMENT, &segment.id.to_string()) else { continue };
        let applied =
            query.filters.iter().any(|any| any.filters().iter().any(|known| known.field == SEGMENT && known.values == filter.values));
        html.raw(r#"<li><a class="menu-item" data-noscroll"#);
        leads(html, page, query, &query.with_filter(filter)).attr_if(applied, "aria-current", "true").raw(">").text(&segment.name);
        if segment.personal {
            html.raw(r#" <span class="note">"#).text(t(Key::SegmentYours)).raw("</span>");
        }
        html.raw("</a></li>");
    }
    html.raw(r#"</ul><a class="menu-item" rel="external""#).attr("href", Section::Segments.address(page.domain())).raw(">");
    html.text(t(Key::SegmentsManage)).raw("</a></div>");
}

/// The form that saves what the page is filtered by.
pub(super) fn save(html: &mut Html, page: &Page, query: &ViewQuery, csrf: &str) {
    if query.filters.is_empty() {
        return;
    }
    html.raw(r#"<details class="further menu-rule"><summary class="further-head">"#).text(t(Key::SegmentSave));
    html.raw(r#"</summary><form class="filter-form" method="post" action="/api/app/save-segment">"#);
    hidden(html, "csrf", csrf.to_owned());
    hidden(html, "domain", page.domain().to_owned());
    hidden(html, "view", query.write());
    html.raw(r#"<label class="range-field filter-value"><span>"#).text(t(Key::SegmentName));
    html.raw(r#"</span><input class="input" name="name" required autocomplete="off""#).attr("maxlength", NAME_LETTERS);
    html.raw(r#"></label><label class="choice filter-value"><input type="checkbox" name="personal" value="true"><span>"#);
    html.text(t(Key::SegmentPersonal))
        .raw(r#"</span></label><button class="button">"#)
        .text(t(Key::SetSave))
        .raw("</button></form></details>");
}
